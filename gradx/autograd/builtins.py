"""`autograd.builtins`: Python's own, since containers need no wrappers in gradx."""

import builtins

__all__ = ["dict", "isinstance", "list", "tuple", "type"]

dict, list, tuple = builtins.dict, builtins.list, builtins.tuple
isinstance, type = builtins.isinstance, builtins.type
