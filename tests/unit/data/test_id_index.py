"""Where ids stand among known ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.id_index import IdIndex

CLOSE = st.integers(100, 130)
APART = st.integers(0, 2**53 - 1)


@given(known=st.sets(CLOSE) | st.sets(APART), asked=st.lists(CLOSE | APART))
def test_every_id_is_found_where_it_is(known: set[int], asked: list[int]) -> None:
    ids = np.array(list(known), np.int64)
    wanted = np.array([*asked, *known], np.int64)
    places = {int(one): place for place, one in enumerate(ids)}
    assert IdIndex(ids).find(wanted).tolist() == [places.get(int(one), -1) for one in wanted]


@pytest.mark.parametrize("ids", [[], [5], [7, 5, 6], [2**53 - 1, 0]])
def test_none_is_asked_for(ids: list[int]) -> None:
    assert IdIndex(np.array(ids, np.int64)).find(np.empty(0, np.int64)).tolist() == []
