"""Tests of background jobs: how they run, and what outlives a killed process."""
