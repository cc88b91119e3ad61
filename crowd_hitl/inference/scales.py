"""The units that places on an image are given in: how far each goes, and with how many digits it is kept."""

# By unit: the most a coordinate can be. Pixels are bounded by the largest image anybody has.
EXTENTS = {"fraction": 1.0, "percent": 100.0, "pixel": 100_000.0}
DIGITS = {"fraction": 6, "percent": 4, "pixel": 2}
