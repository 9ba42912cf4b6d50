"""Clients counted into pixels and coloured, and what is kept of it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dashboard.figures.dependence import frame_of
from dashboard.figures.shading import FAINTEST, picture, shade
from dashboard.figures.zooming import log_odds_ticks
from dashboard.i18n import Translator
from data.kept import Kept
from explain.dependence import dependence
from explain.pixels import Grid, Window, aggregate

NAN = np.nan
AROUND = Window(0.0, 10.0, 0.0, 10.0)


def single(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def grid_of(clients: list[list[int]], known: list[list[int]], ranks: list[list[float]]) -> Grid:
    return Grid(AROUND, np.array(clients), np.array(known), np.array(ranks))


def test_every_client_is_in_one_pixel() -> None:
    rng = np.random.default_rng(1)
    across, up, rank = rng.uniform(0, 10, (3, 5000)).astype(np.float32)
    rank[::3] = NAN
    found = aggregate(across, up, rank, AROUND, 7, 5)
    assert found.clients.shape == (5, 7)
    assert found.clients.sum() == 5000
    assert found.known.sum() == np.count_nonzero(~np.isnan(rank))
    np.testing.assert_allclose(found.ranks.sum(), np.nansum(rank.astype(np.float64)), rtol=1e-6)
    expected, _, _ = np.histogram2d(up, across, (5, 7), ((0, 10), (0, 10)))
    assert np.abs(found.clients - expected).sum() <= 4  # of those right on an edge


def test_outside_the_window_and_without_a_place_nobody_is_counted() -> None:
    found = aggregate(single(5, 11, NAN, np.inf, 5), single(5, 5, 5, 5, -1), single(1, 1, 1, 1, 1), AROUND, 4, 4)
    assert found.clients.sum() == 1
    assert aggregate(single(), single(), single(), AROUND, 4, 4).clients.sum() == 0


def test_arrays_that_may_not_be_written_to_are_read() -> None:
    column = single(1, 2, 3)
    column.setflags(write=False)
    assert aggregate(column, column, column, AROUND, 4, 4).clients.sum() == 3


def test_pixels_are_coloured_by_rank_and_more_opaque_where_there_are_more() -> None:
    image = shade([grid_of([[1, 100, 0], [1, 1, 2]], [[1, 100, 0], [1, 0, 1]], [[0.0, 100.0, 0], [1.0, 0.0, 1.0]])])
    top, bottom = image  # the lowest line of pixels comes last
    assert tuple(bottom[0, :3]) == (0x5A, 0x55, 0xCF)
    assert tuple(bottom[1, :3]) == tuple(top[0, :3]) == (0xCB, 0x7D, 0x10)
    assert tuple(top[1, :3]) == (0x8A, 0x8F, 0x96)
    assert bottom[2].tolist() == [0, 0, 0, 0]
    assert bottom[0, 3] == round(255 * FAINTEST)
    assert bottom[1, 3] > bottom[0, 3]


def test_bands_are_laid_one_above_the_other() -> None:
    one, two = grid_of([[1]], [[1]], [[0.0]]), grid_of([[1]], [[1]], [[1.0]])
    image = shade([one, two])
    assert image.shape == (2, 1, 4)
    assert tuple(image[0, 0, :3]) == (0x5A, 0x55, 0xCF)
    assert shade([grid_of([[0]], [[0]], [[0.0]])]).max() == 0


def test_an_image_is_where_its_window_is() -> None:
    drawn = picture(np.zeros((3, 2, 4), np.uint8), Window(-1, 1, 2, 5))
    assert drawn.bounds.lbrt() == (-1, 2, 1, 5)


@pytest.mark.parametrize(
    ("low", "high", "language", "said"),
    [
        (-0.42, 0.41, "fr", ["−0,4", "−0,2", "0", "+0,2", "+0,4"]),
        (-0.42, 0.41, "en", ["−0.4", "−0.2", "0", "+0.2", "+0.4"]),
        (0.101, 0.119, "en", ["+0.105", "+0.110", "+0.115"]),
    ],
)
def test_log_odds_are_written_as_the_language_does(low: float, high: float, language: str, said: list[str]) -> None:
    assert [words for _, words in log_odds_ticks(low, high, Translator(language))] == said


def test_a_client_far_out_is_in_the_frame_and_those_without_a_value_are_beside_it() -> None:
    values = np.linspace(0, 100, 5000).astype(np.float32)
    values[:40] = NAN
    found = dependence("x", values, (values > 50).astype(np.float32))
    usual = frame_of(found, everything=False, backwards=False, own=None)
    assert usual.side is not None
    assert usual.window.left < usual.side[0] < usual.side[1] < found.usual[0]
    other_way = frame_of(found, everything=False, backwards=True, own=None)
    assert other_way.side is not None
    assert found.usual[1] < other_way.side[0] < other_way.side[1] < other_way.window.right
    own = frame_of(found, everything=False, backwards=False, own=(500.0, 9.0))
    assert own.window.right > 500
    assert own.window.top > 9
    nowhere = frame_of(found, everything=False, backwards=False, own=(NAN, 0.5))
    assert nowhere == usual
    whole = frame_of(found, everything=True, backwards=False, own=None).window
    assert whole.left < usual.window.left or whole.right > usual.window.right


def test_what_is_kept_is_made_once_and_within_bounds() -> None:
    kept: Kept[int] = Kept(2)
    made: list[int] = []
    started = threading.Barrier(4)

    def ask(key: int) -> int:
        def make() -> int:
            made.append(key)
            return key * 10

        return kept.get(key, make)

    def at_once(_: int) -> int:
        started.wait(5)
        return ask(1)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(at_once, range(4))) == [10] * 4
    assert made == [1]
    ask(2)
    ask(1)
    ask(3)
    assert len(kept) == 2
    assert (kept.peek(1), kept.peek(2), kept.peek(3)) == (10, None, 30)


def test_what_could_not_be_made_is_tried_again() -> None:
    kept: Kept[int] = Kept(2)

    def fail() -> int:
        raise ValueError("not yet")

    with pytest.raises(ValueError, match="not yet"):
        kept.get("a", fail)
    assert kept.get("a", lambda: 5) == 5
