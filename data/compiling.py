"""Functions compiled with Numba for one signature, kept on the disk so that nobody waits for the compiler twice."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable


def compiled(function: Callable[..., None], *arguments: Any) -> Callable[..., None]:
    """Return a function compiled for some arguments; it lets go of Python's lock while it runs.

    Where neither the project nor the user has a folder that can be written to, it is compiled anew in every process.

    Parameters
    ----------
    function : of a module; returns nothing.
    arguments : their Numba types, such as those of `column`.
    """
    import numba

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
