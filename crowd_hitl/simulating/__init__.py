"""Simulated workers, for the demo: always called simulated, and known to the rest only through the HTTP API."""
