"""Tests of the store: migrations and the unit of work."""
