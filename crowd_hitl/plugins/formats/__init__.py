"""How items come in: one file per format."""
