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

    __slots__ = ("_gradx_adoption", "_gradx_module", "_gradx_outside")

    def __init__(self, adoption: Any, module: types.ModuleType, outside: bool = False) -> None:
        super().__init__(module.__name__, module.__doc__)
        put = super().__setattr__
        put("_gradx_adoption", adoption)
        put("_gradx_module", module)
        put("_gradx_outside", outside)

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        """The names of the module, as they are in adopted code."""
        return self._gradx_adoption.globals_of(vars(self._gradx_module))

    def __getattr__(self, name: str) -> Any:
        adoption, module = self._gradx_adoption, self._gradx_module
        if self._gradx_outside and name in vars(module):
            given = self._given(adoption, vars(module)[name])
            if given is not None:
                return given
        try:
            return vars(self)[name]
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
        vars(self)[name] = value

    def __dir__(self) -> list[str]:
        return dir(self._gradx_module)

    def __repr__(self) -> str:
        return f"<the adopted form of {self._gradx_module!r}>"


def module_of(x: Any, adoptions: Any) -> Any:
    """The module that a view in adopted code is of; one of the caller, or of others, as it is."""
    is_inner = x._gradx_adoption in adoptions and not x._gradx_outside
    return x._gradx_module if is_inner else x
