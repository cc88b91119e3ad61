"""Where media, exports and models live: one file per kind of storage."""
