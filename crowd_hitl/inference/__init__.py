"""Numerics: arrays in, arrays out. Knows no row and no request."""
