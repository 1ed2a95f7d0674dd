"""Reverse mode: the tape, its variables, the backward sweep, gradients, and the runners."""
