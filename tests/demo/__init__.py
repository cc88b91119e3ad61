"""Tests of the demo, as a user starts it."""
