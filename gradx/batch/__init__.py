"""The batch run: operations on values with a batch axis, and `gx.vmap`, which maps a function."""
