"""What the API and the pages share at the edge: who is asking, how errors are told, headers, limits, media."""
