"""Marked passages by counting votes: what others are compared with."""

from crowd_hitl.plugins.fusers.spans import SpansFuser, by_majority

plugin = SpansFuser("spans_majority", by_majority)
