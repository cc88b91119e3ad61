"""What the tests start for themselves: a PostgreSQL, a Chromium, our own server."""
