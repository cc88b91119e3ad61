"""Tests of the system under load and violence."""
