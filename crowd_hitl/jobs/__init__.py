"""Background work: what is done while nobody asks. Each pass calls services."""
