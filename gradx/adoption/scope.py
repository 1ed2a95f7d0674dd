"""The scope of an adoption: which modules are the program, and which are libraries that it uses."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

__all__ = ["FOREIGN", "Scope"]

FOREIGN = frozenset({"numpy", "gradx", "gradx_cuda", "builtins", "math", "cmath"})
"""Packages of which there is nothing to copy: gradx has their functions, or is built upon them."""


class Scope:
    """The modules of a program: those of the package that the adopted thing is in.

    Args:
        globals_: the globals of a function, of a module or of the module of a class.
    """

    def __init__(self, globals_: dict[str, Any]) -> None:
        self._own = globals_
        self._package = _package_of(str(globals_.get("__name__", "")))

    @property
    def key(self) -> Hashable:
        """What is the same for all modules of the program, and for no other."""
        alone = not self._package or self._package in FOREIGN
        return id(self._own) if alone else self._package

    def covers(self, globals_: dict[str, Any]) -> bool:
        """Whether these are the globals of a module of the program."""
        return globals_ is self._own or self.covers_name(str(globals_.get("__name__", "")))

    def covers_name(self, name: str) -> bool:
        """Whether a module of this name is one of the program."""
        package = _package_of(name)
        return bool(package) and package == self._package and package not in FOREIGN


def _package_of(name: str) -> str:
    return name.partition(".")[0]
