"""Which partition a client belongs to: every partition holds its clients with all that is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data.errors import InvalidOption

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 4096
ROWS = 4_000_000
"""Raw rows that one partition holds at most, by default: some 25,000 clients, a gigabyte while their features grow."""


def partition_of(ids: NDArray[np.int64], partitions: int) -> NDArray[np.int64]:
    """Return the partition of each id, in 0..partitions-1.

    The ids are mixed first (the finaliser of splitmix64), so that no pattern among them fills one partition; the mix is
    fixed for ever, since imports on disk depend on it.

    Parameters
    ----------
    ids : int64 (n,).
    partitions : how many there are, from 1 to `MOST`.

    Raises
    ------
    InvalidOption
        `partitions` is out of range.
    """
    check_partitions(partitions)
    mixed = ids.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed % np.uint64(partitions)).astype(np.int64)


def check_partitions(partitions: int) -> None:
    """Raise InvalidOption unless `partitions` is from 1 to `MOST`."""
    if not 1 <= partitions <= MOST:
        raise InvalidOption(f"{partitions} partitions can't be made: from 1 to {MOST} are allowed.")
