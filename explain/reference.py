"""The reference population that a decision's reasons compare a client with: accepted clients, drawn once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data.errors import InvalidOption

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 1_000
SEED = 0


def reference_population(accepted: NDArray[np.bool_], size: int = SIZE, seed: int = SEED) -> NDArray[np.intp]:
    """Return the rows of accepted clients drawn at random, without repetition; all of them where there are fewer.

    The same decisions, size and seed give the same clients.

    Parameters
    ----------
    accepted : (n,) bool, which clients are accepted.
    size : how many are drawn, at least 1.
    seed : of the draw, at least 0.

    Returns
    -------
    (min(size, accepted.sum()),) intp, rows, ascending.

    Raises
    ------
    InvalidOption
        For a `size` below 1, a `seed` below 0, or where no client is accepted.
    """
    if size < 1 or seed < 0:
        raise InvalidOption(f"{size} clients drawn with seed {seed}: at least 1 client and a seed of at least 0.")
    rows = np.flatnonzero(accepted)
    if not rows.size:
        raise InvalidOption(
            f"None of the {accepted.size} clients is accepted: there is nobody to compare with. Lower the threshold, "
            "or take a portfolio that has accepted clients."
        )
    drawn = np.random.default_rng(seed).choice(rows, size=min(size, rows.size), replace=False)
    drawn.sort()
    return np.asarray(drawn, dtype=np.intp)
