"""Control and memory: loops, branches, recomputation, and derivatives of the user's own."""
