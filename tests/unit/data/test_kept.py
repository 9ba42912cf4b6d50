"""Results kept for whoever asks again."""

from __future__ import annotations

import pytest

from data.errors import UnknownColumn
from data.kept import Kept


def test_what_cannot_be_made_leaves_nothing_behind_and_is_tried_again() -> None:
    kept: Kept[int] = Kept(2)

    def fail() -> int:
        raise UnknownColumn("no such column")

    for key in range(100):
        with pytest.raises(UnknownColumn):
            kept.get(key, fail)
    assert len(kept) == 0
    assert not kept._making  # else anyone could fill the memory with keys that there are not
    assert kept.get(1, lambda: 10) == 10
    assert kept.get(1, fail) == 10


def test_the_one_asked_for_longest_ago_makes_room() -> None:
    kept: Kept[int] = Kept(2)
    for key in (1, 2, 1, 3):
        kept.get(key, lambda key=key: 10 * key)  # type: ignore[misc]
    assert (kept.peek(1), kept.peek(2), kept.peek(3)) == (10, None, 30)
