"""How labels go out: one file per format."""
