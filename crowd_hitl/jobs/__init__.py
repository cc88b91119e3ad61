"""Background work: what is done while nobody asks. Each job calls services."""
