"""Data sets: the catalogue, splits, windows and scalers."""
