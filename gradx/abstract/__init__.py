"""Abstract runs: what shapes and dtypes come out of a function, without a number."""
