"""Tests of the REST API and of the edge it stands on, through the real application."""
