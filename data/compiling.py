"""Functions compiled with Numba for one signature, kept on the disk so that nobody waits for the compiler twice."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from data.artefact import hash_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

Function = TypeVar("Function", bound="Callable[..., Any]")


def compiled(function: Callable[..., None], *arguments: Any, uses: Iterable[ModuleType] = ()) -> Callable[..., None]:
    """Return a function compiled for some arguments; it lets go of Python's lock while it runs.

    Where neither the project nor the user has a folder that can be written to, it is compiled anew in every process.

    Parameters
    ----------
    function : of a module; returns nothing.
    arguments : their Numba types, such as those of `column`.
    uses : other modules that it has functions or constants from. Numba compiles anew only where the function's own file
        has changed; where one of these has, the function gets another name, and so another place to be kept.
    """
    import numba

    others = [Path(str(module.__file__)) for module in uses]
    if others:
        function.__qualname__ = f"{function.__name__}_{hash_of(others)[:12]}"
    settle = functools.partial(numba.njit, numba.types.void(*arguments), nogil=True)
    try:
        return cast("Callable[..., None]", settle(cache=True)(function))
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return cast("Callable[..., None]", settle(cache=False)(function))


def column(of: str, dimensions: int = 1, *, written: bool = False) -> Any:
    """Return the Numba type of a C-contiguous array, of "float64" for one, which is only read unless `written`.

    Without dimensions it is that of a single value.
    """
    from numba import types

    value = getattr(types, of)
    return types.Array(value, dimensions, "C", readonly=not written) if dimensions else value


def strided(of: str, dimensions: int = 2) -> Any:
    """Return the Numba type of an array that is only read, whatever lies between its values in memory."""
    from numba import types

    return types.Array(getattr(types, of), dimensions, "A", readonly=True)


def inlined(function: Function) -> Function:
    """Return a function that compiled ones can call; called from Python, it runs as it is."""
    from numba.extending import register_jitable

    register_jitable(function)
    return function
