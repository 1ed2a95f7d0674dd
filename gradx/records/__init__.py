"""Records: whole dataclasses as vectors, and ways to change a record."""
