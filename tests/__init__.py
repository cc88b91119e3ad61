"""Tests: unit, services, api, browser, contracts; what they start lives in tests/running."""
