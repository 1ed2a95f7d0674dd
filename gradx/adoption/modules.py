"""A module of the program as the copy sees it: its functions, classes and submodules are copies."""

from __future__ import annotations

import types
from typing import Any

from gradx.adoption.functions import original_of

__all__ = ["ModuleView"]


class ModuleView(types.ModuleType):
    """The adopted form of a module.

    What is read is looked up in the module when it is read, so the module's own data is shared.
    What is assigned stays in the copy.

    Args:
        adoption: the adoption.
        module: the module of the program.
        outside: whether it is for the caller of `gx.adopt`, whose functions are called from
            outside of the program.
    """

    def __init__(self, adoption: Any, module: types.ModuleType, outside: bool = False) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__.update(_adoption=adoption, _module=module, _outside=outside)

    def __getattr__(self, name: str) -> Any:
        adoption, module = self.__dict__["_adoption"], self.__dict__["_module"]
        if self.__dict__["_outside"] and name in vars(module):
            given = self._given(adoption, vars(module)[name])
            if given is not None:
                return given
        try:
            return adoption.globals_of(vars(module))[name]
        except KeyError:
            return adoption.of(getattr(module, name))  # or the module's own error

    def _given(self, adoption: Any, x: Any) -> Any:
        """What the caller of `gx.adopt` gets for code of the program; None for all else."""
        if isinstance(x, types.FunctionType) and adoption.of(x) is not x:
            return adoption.given(original_of(x))
        if isinstance(x, types.ModuleType) and adoption.scope.covers(vars(x)):
            return ModuleView(adoption, x, outside=True)
        return None

    def __setattr__(self, name: str, value: Any) -> None:
        module = self.__dict__["_module"]
        self.__dict__["_adoption"].globals_of(vars(module))[name] = value

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_module"])

    def __repr__(self) -> str:
        return f"<the adopted form of {self.__dict__['_module']!r}>"
