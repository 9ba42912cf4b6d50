"""One portfolio of ten thousand clients for all tests of the generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data.synthesis import generate

if TYPE_CHECKING:
    import polars as pl

CLIENTS = 10_000
SEED = 7


@pytest.fixture(scope="session")
def portfolio() -> dict[str, pl.DataFrame]:
    return generate(CLIENTS, SEED)


@pytest.fixture(scope="session")
def train(portfolio: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return portfolio["application_train"]
