"""Clients by pixel as images: nobody unseen, nobody's colour taken for another's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dashboard.figures import density
from dashboard.figures.density import (
    CATEGORIES,
    RISK,
    WORTH,
    category_colours,
    local_mean,
    risk_ends,
    shade_categories,
    shade_density,
    shade_ghost,
    shade_risk,
    shade_share,
    shade_values,
    spread,
)
from dashboard.figures.palette import MISSING
from explain.pixels import Grid, Window


def grid_of(clients: object, known: object = None, ranks: object = None, window: Window | None = None) -> Grid:
    many = np.asarray(clients, dtype=np.int64)
    there = many if known is None else np.asarray(known, dtype=np.int64)
    sums = np.zeros(many.shape) if ranks is None else np.asarray(ranks, dtype=np.float64)
    return Grid(window or Window(0.0, float(many.shape[1]), 0.0, float(many.shape[0])), many, there, sums)


def rgba(image: np.ndarray) -> np.ndarray:
    return image.view(np.uint8).reshape(*image.shape, 4)


def hexed(pixel: np.ndarray) -> str:
    return "#" + "".join(f"{int(band):02x}" for band in pixel[:3])


def shades(grid: Grid) -> dict[str, np.ndarray]:
    by = np.stack([grid.clients, np.zeros_like(grid.clients)], axis=2)
    return {
        "density": shade_density(grid),
        "risk": shade_risk(grid, risk_ends(0.1)),
        "share": shade_share(grid),
        "values": shade_values(grid),
        "categories": shade_categories(grid, by, ("yes", "no")),
        "ghost": shade_ghost(grid),
    }


def test_nobody_is_nothing_and_one_client_is_seen() -> None:
    for name, image in shades(grid_of(np.zeros((4, 5)))).items():
        assert image.shape == (4, 5), name
        assert not image.any(), name
    crowd = np.zeros((9, 9))
    crowd[2, 3], crowd[5, 5] = 1, 5000
    for name, image in shades(grid_of(crowd)).items():
        alpha = rgba(image)[..., 3]
        assert (np.flatnonzero(alpha) == np.flatnonzero(crowd)).all(), name
        assert alpha[2, 3] >= (26 if name == "ghost" else 0.3 * 255 - 1), name
        assert alpha[5, 5] > alpha[2, 3] or name in ("risk", "share"), name


def test_the_lowest_line_comes_first() -> None:
    image = shade_density(grid_of([[1, 0], [0, 0], [0, 0]]))
    assert image[0, 0]
    assert not image[1:].any()


@given(arrays(np.int64, (6, 7), elements=st.integers(0, 3000)))
def test_more_clients_are_never_fainter(clients: np.ndarray) -> None:
    alpha = rgba(shade_density(grid_of(clients)))[..., 3].astype(int)
    order = np.argsort(clients.ravel(), kind="stable")
    assert (np.diff(alpha.ravel()[order]) >= 0).all()


def blurred(blocks: np.ndarray, reach: float) -> np.ndarray:
    """Return what a Gaussian leaves, each client here counted as one, written out."""
    size = int(3 * reach + 0.5)
    weights = np.exp(-0.5 * (np.arange(-size, size + 1) / reach) ** 2)
    weights *= np.sqrt(2 * np.pi) * reach / weights.sum()
    out = np.zeros_like(blocks)
    for row, column in np.ndindex(blocks.shape):
        for down, right in np.ndindex(2 * size + 1, 2 * size + 1):
            y, x = row + down - size, column + right - size
            if 0 <= y < blocks.shape[0] and 0 <= x < blocks.shape[1]:
                out[row, column] += weights[down] * weights[right] * blocks[y, x]
    return out


def test_the_local_mean_is_that_of_nadaraya_and_watson_drawn_towards_wider_surroundings() -> None:
    random = np.random.default_rng(3)
    clients = random.poisson(2.0, (24, 32))
    known = random.binomial(clients, 0.8)
    ranks = random.binomial(known, np.linspace(0.02, 0.6, 32)[None, :])
    found = local_mean(grid_of(clients, known, ranks))
    counted, summed = (values.reshape(6, 4, 8, 4).sum(axis=(1, 3)).astype(float) for values in (known, ranks))
    mean = ranks.sum() / known.sum()
    for reach in (4.0, 1.0):
        mean = (blurred(summed, reach) + WORTH * mean) / (blurred(counted, reach) + WORTH)
    # a pixel lies three eighths of a block from its block's middle, or one
    expected = 0.875 * (0.875 * mean[2, 3] + 0.125 * mean[2, 4]) + 0.125 * (0.875 * mean[3, 3] + 0.125 * mean[3, 4])
    assert found[10, 14] == pytest.approx(expected, rel=1e-4)
    assert found[:, 28:].mean() > 3 * found[:, :4].mean()


@given(arrays(np.int64, (10, 13), elements=st.integers(0, 5)), st.floats(0, 1))
def test_a_local_mean_lies_between_the_ranks_there_are(clients: np.ndarray, share: float) -> None:
    ranks = np.round(clients * share)
    mean = local_mean(grid_of(clients, clients, ranks))
    assert mean.shape == clients.shape
    if clients.any():
        each = ranks[clients > 0] / clients[clients > 0]
        assert each.min() - 1e-5 <= mean.min() <= mean.max() <= each.max() + 1e-5


def test_a_band_takes_nothing_from_the_next_one() -> None:
    clients = np.full((40, 30), 4)
    ranks = np.zeros((40, 30))
    ranks[:, 10:20] = 4  # the second of three bands across
    window = Window(-0.5, 2.5, 0.0, 1.0)
    mean = local_mean(grid_of(clients, clients, ranks, window), (True, False))
    assert (np.ptp(mean[:, 10:20], axis=1) == 0).all()
    assert mean[20, 15] > 0.9
    assert mean[20, 9] < 0.1 > mean[20, 20]
    leaking = local_mean(grid_of(clients, clients, ranks, window))
    assert leaking[20, 9] > 0.2


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (41, 67), (400, 640)])
def test_any_number_of_pixels_will_do(shape: tuple[int, int]) -> None:
    clients = np.ones(shape)
    for banded in ((False, False), (True, True), (True, False)):
        mean = local_mean(grid_of(clients, clients, clients), banded)
        assert mean.shape == shape
        assert np.allclose(mean, 1.0, atol=1e-5)


def test_risk_is_orange_and_its_absence_blue_around_the_rate_of_everyone() -> None:
    clients = np.full((8, 30), 1000)
    low, middle, high = risk_ends(0.08)
    ranks = np.repeat([0.0, 80.0, 1000.0], 10)[None, :] * np.ones((8, 1))
    image = rgba(
        shade_risk(grid_of(clients, clients, ranks, Window(-0.5, 2.5, -0.5, 0.5)), (low, middle, high), (True, True))
    )
    assert [hexed(image[4, at]) for at in (5, 25)] == [RISK[0], RISK[-1]]
    between = [int(band) for band in image[4, 15, :3]]
    assert np.allclose(between, [int(RISK[2][at : at + 2], 16) for at in (1, 3, 5)], atol=6)
    assert low < middle < high
    assert high / (1 - high) == pytest.approx(density.TIMES * 0.08 / 0.92)
    other_way = rgba(
        shade_risk(grid_of(clients, clients, ranks, Window(-0.5, 2.5, -0.5, 0.5)), (high, middle, low), (True, True))
    )
    assert [hexed(other_way[4, at]) for at in (5, 25)] == [RISK[-1], RISK[0]]


@pytest.mark.parametrize("overall", [np.nan, 0.0, 1.0, 1e-9])
def test_the_ends_are_apart_whatever_the_rate_of_everyone(overall: float) -> None:
    low, middle, high = risk_ends(overall)
    assert 0 < low < middle < high < 1


def test_clients_whose_outcome_is_unknown_are_grey() -> None:
    clients = np.ones((3, 3))
    known = np.ones((3, 3))
    known[1, 1] = 0
    image = rgba(shade_risk(grid_of(clients, known, np.zeros((3, 3))), risk_ends(0.1)))
    assert hexed(image[1, 1]) == MISSING
    assert hexed(image[0, 0]) != MISSING


def test_a_pixel_has_the_colour_of_the_category_that_dominates_or_grey() -> None:
    names = ("a", "b", "")
    by = np.array([[[9, 0, 0], [5, 5, 5], [0, 7, 1], [0, 0, 4], [1, 0, 0]]])
    image = rgba(shade_categories(grid_of([[9, 15, 8, 4, 10]]), by, names))
    colours = [hexed(pixel) for pixel in image[0]]
    assert colours[0] == CATEGORIES[0]
    assert colours[1] == colours[3] == colours[4] == MISSING
    assert abs(int(colours[2][1:3], 16) - int(CATEGORIES[1][1:3], 16)) < 25
    assert category_colours(names) == [*CATEGORIES[:2], MISSING]
    assert len(set(CATEGORIES)) == 10


def test_few_pixels_are_enlarged_and_many_are_not() -> None:
    image = np.zeros((20, 20), dtype=np.uint32)
    image[3, 3], image[19, 19] = 5, 7
    wider = spread(image)
    assert (wider[3:5, 3:5] == 5).all()
    assert wider[19, 19] == 7
    assert np.count_nonzero(wider) == 5
    assert image[3, 4] == 0
    full = np.full((20, 20), 9, dtype=np.uint32)
    assert spread(full) is full
