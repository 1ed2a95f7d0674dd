"""`autograd.builtins`: Python's own, since containers need no wrappers in gradx."""

from builtins import dict, isinstance, list, tuple, type

__all__ = ["dict", "isinstance", "list", "tuple", "type"]
