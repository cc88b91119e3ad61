"""How a file is got from an address outside."""
