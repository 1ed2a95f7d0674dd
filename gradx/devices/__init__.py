"""Devices: where arrays are, and what an array library runs in place of a NumPy function."""
