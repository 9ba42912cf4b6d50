"""The clients of one block: ids, split, and the correlated normal scores that everything else is drawn from."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data.synthesis.marginals import statistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.marginals import Floats

BLOCK = 1_000
FIRST_CLIENT = 100_001
TEST_SHARE = 48_744 / 356_255
STREAMS = ("clients", "building", "bureau", "bureau_balance", "previous", "monthly", "instalments", "cards", "default")


@dataclass(frozen=True)
class Block:
    """A thousand clients that need no other block.

    Attributes
    ----------
    number : the position of the block, from 0.
    ids : (BLOCK,) SK_ID_CURR, ascending.
    unlabelled : (BLOCK,) bool, whether the client belongs to application_test.
    scores : latent factor -> (BLOCK,) standard normal scores; `statistics/latent.toml` says what a high one means.
    """

    number: int
    ids: NDArray[np.int64]
    unlabelled: NDArray[np.bool_]
    scores: dict[str, Floats]
    streams: dict[str, np.random.Generator]

    @property
    def trouble(self) -> Floats:
        """How far appetite, discipline and refusals together point to trouble, (n,): mean 0, deviation about 1."""
        scores = self.scores
        return 0.6 * scores["hunger"] - 0.6 * scores["discipline"] + 0.5 * scores["refusal"]

    def ids_from(self, first: int, stride: int, length: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return `length` distinct ids, in random order, of the `stride` that belong to this block after `first`."""
        return first + self.number * stride + generator.permutation(stride)[:length].astype(np.int64)


def block(number: int, seed: int) -> Block:
    """Return block `number` of the portfolio of `seed`: always the same, whatever else is generated."""
    generators = np.random.SeedSequence([seed, number]).spawn(len(STREAMS))
    streams = {name: np.random.default_rng(sequence) for name, sequence in zip(STREAMS, generators, strict=True)}
    generator = streams["clients"]
    names, factor = _factor()
    normals = generator.standard_normal((BLOCK, len(names)))
    # einsum, and not the matrix product, whose last bits depend on the threads of the BLAS library
    scores = np.einsum("nk,jk->jn", normals, factor, optimize=False)
    return Block(
        number=number,
        ids=FIRST_CLIENT + number * BLOCK + np.arange(BLOCK, dtype=np.int64),
        unlabelled=generator.random(BLOCK) < TEST_SHARE,
        scores=dict(zip(names, scores, strict=True)),
        streams=streams,
    )


@functools.cache
def _factor() -> tuple[tuple[str, ...], Floats]:
    content = statistics("latent")
    names = tuple(content["factors"])
    matrix = np.eye(len(names))
    for pair, value in content["correlations"].items():
        first, second = (names.index(name) for name in pair.split(":"))
        matrix[first, second] = matrix[second, first] = value
    # A lower-triangular factor written out, for the same reason as the einsum above.
    factor = np.zeros_like(matrix)
    for row in range(len(names)):
        for column in range(row + 1):
            rest = matrix[row, column] - sum(factor[row, k] * factor[column, k] for k in range(column))
            factor[row, column] = np.sqrt(rest) if row == column else rest / factor[column, column]
    return names, factor
