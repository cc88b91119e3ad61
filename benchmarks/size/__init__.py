"""Import, publish and export at a million items, on an empty database of its own."""
