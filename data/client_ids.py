"""Client ids as people type them, and their search among sorted ids without looking at each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data.errors import UnknownClient

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONGEST = 18  # digits of an int64


def parse_client(text: str) -> int:
    """Return the client id that a person typed; spaces between digits are let pass.

    Raises
    ------
    UnknownClient
        It is no whole number, or has more digits than any id.
    """
    digits = "".join(text.split())
    if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST:
        return int(digits)
    shown = text.strip()
    error = UnknownClient(shown if len(shown) <= 40 else shown[:40] + "…")
    hint = "Type a client's number" if not shown else "A client's number is made of digits only"
    error.args = (f"{error} {hint}, such as 100001.",)
    raise error


def nearest_ids(ids: NDArray[np.int64], client: int, count: int = 5) -> tuple[int, ...]:
    """Return the `count` ids nearest to `client`, ascending; `ids` are ascending."""
    if not len(ids):
        return ()
    bounded = min(max(client, int(ids[0])), int(ids[-1]))
    at = int(np.searchsorted(ids, bounded))
    around = [int(found) for found in ids[max(0, at - count) : at + count]]
    return tuple(sorted(sorted(around, key=lambda found: (abs(found - bounded), found))[:count]))


def prefix_ranges(ids: NDArray[np.int64], prefix: str) -> list[tuple[int, int]]:
    """Return the ranges of positions of the ids whose decimal writing begins with `prefix`, ascending, half open.

    An empty prefix gives them all; one that begins no number gives none. Spaces are let pass. `ids` are ascending and
    not negative.
    """
    digits = "".join(prefix.split())
    if not digits:
        return [(0, len(ids))] if len(ids) else []
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _LONGEST or not len(ids):
        return []
    if digits[0] == "0" and len(digits) > 1:
        return []
    low, high = int(digits), int(digits) + 1
    last = int(ids[-1])
    ranges: list[tuple[int, int]] = []
    while low <= last:
        start, stop = np.searchsorted(ids, [low, min(high, last + 1)])
        if start < stop:
            ranges.append((int(start), int(stop)))
        if low == 0:
            break
        low, high = low * 10, high * 10
    return ranges
