"""Client ids as people type them, and their search."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import (
    UnknownClient,
)
from data.store import (
    FeatureSet,
    nearest_ids,
    parse_client,
    prefix_ranges,
)


def test_every_client_has_its_position(made: FeatureSet) -> None:
    assert [made.position(int(client)) for client in made.ids] == list(range(12))


@pytest.mark.parametrize(
    ("client", "nearest"),
    [
        (99_999, (100_001, 100_002, 100_003, 100_004, 100_005)),
        (100_013, (100_008, 100_009, 100_010, 100_011, 100_012)),
        (-1, (100_001, 100_002, 100_003, 100_004, 100_005)),
        (10**30, (100_008, 100_009, 100_010, 100_011, 100_012)),
    ],
)
def test_an_unknown_client_names_the_nearest(made: FeatureSet, client: int, nearest: tuple[int, ...]) -> None:
    with pytest.raises(UnknownClient, match="The nearest are") as caught:
        made.position(client)
    assert caught.value.nearest == nearest


def test_nearest_ids_by_distance() -> None:
    ids = np.array([10, 20, 21, 30, 40, 90], dtype=np.int64)
    assert nearest_ids(ids, 22) == (10, 20, 21, 30, 40)
    assert nearest_ids(ids, 22, count=2) == (20, 21)
    assert nearest_ids(ids, 60, count=2) == (30, 40)
    assert nearest_ids(ids[:0], 22) == ()


@pytest.mark.parametrize("text", ["100001", " 100001\n", "100 001", "100\u202f001", "0100001"])
def test_what_a_person_types_for_a_client(text: str) -> None:
    assert parse_client(text) == 100_001


@pytest.mark.parametrize("text", ["abc", "-1", "100001.5", "1e5", "", "  ", "١٢٣", "²", "9" * 19, "9" * 5000, "1;drop"])
def test_what_is_no_client(text: str) -> None:
    with pytest.raises(UnknownClient, match="such as 100001") as caught:
        parse_client(text)
    assert len(str(caught.value)) < 160


def test_prefixes_match_a_search_of_every_id() -> None:
    generator = np.random.default_rng(1)
    ids = np.unique(generator.integers(0, 200_000, size=2_000))
    for prefix in ["", "1", "10", "199", "0", "00", "9", "123456", "7 7", "abc", "-1", "١", "9" * 30]:
        digits = prefix.replace(" ", "")
        expected = [client for client in ids.tolist() if str(client).startswith(digits)]
        found = [client for start, stop in prefix_ranges(ids, prefix) for client in ids[start:stop].tolist()]
        assert sorted(found) == expected
    assert prefix_ranges(ids[:0], "1") == []
