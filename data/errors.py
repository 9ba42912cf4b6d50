"""Every error a person can act on.

    PretscopeError
    ├── InvalidOption            a command-line or configuration value that is not allowed
    │   └── SegmentExists        a name that a segment has already
    ├── SourceError              the raw tables can't be read as they are
    │   ├── MissingTable         a folder or a table that isn't there
    │   ├── TruncatedTable       a file cut in the middle, or damaged
    │   └── WrongColumn          a column missing, renamed, or of an impossible type or value
    ├── StoreError               an artefact on disk can't be used
    │   ├── UnknownPortfolio     no portfolio, feature set or model of that name
    │   ├── IncompleteArtefact   an artefact that was never finished
    │   └── HashMismatch         a file that is not the one its manifest describes
    ├── UnknownClient            an id that is not in the portfolio
    ├── UnknownColumn            a table or column the schema doesn't have
    ├── UnknownSegment           no segment of that name
    ├── ModelError               a model can't be trained, exported or applied
    │   ├── NotExportable        a tree that ONNX can't express exactly
    │   └── FeatureMismatch      features other than those the model was trained on
    ├── ClusterError             a Dask cluster that can't be reached, or can't do the work
    └── ServingError             the dashboard can't be served (a port in use, a bad address)

A message says what is wrong, what was got, what is allowed and what to do next. Command-line programs print it without
a traceback and end with status 2 (`data.console.run_command`).
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class PretscopeError(Exception):
    """An error whose message tells a person what is wrong and what to do next."""


class InvalidOption(PretscopeError):
    """A command-line or configuration value that is not allowed."""


class SegmentExists(InvalidOption):
    """A name that a segment has already."""


class SourceError(PretscopeError):
    """The raw tables can't be read as they are."""


class MissingTable(SourceError):
    """A folder or a table that isn't there."""


class TruncatedTable(SourceError):
    """A file cut in the middle, or damaged."""


class WrongColumn(SourceError):
    """A column missing, renamed, or of an impossible type or value."""


class StoreError(PretscopeError):
    """An artefact on disk can't be used."""


class UnknownPortfolio(StoreError):
    """No portfolio, feature set or model of that name."""


class IncompleteArtefact(StoreError):
    """An artefact that was never finished."""


class HashMismatch(StoreError):
    """A file that is not the one its manifest describes."""


class UnknownClient(PretscopeError):
    """An id that is not in the portfolio.

    Attributes
    ----------
    client : the id as given.
    nearest : tuple of int, the ids of the portfolio nearest to it, at most five, ascending.
    """

    def __init__(self, client: object, nearest: Iterable[int] = ()) -> None:
        self.client = client
        self.nearest = tuple(nearest)
        hint = f" The nearest are {', '.join(map(str, self.nearest))}." if self.nearest else ""
        super().__init__(f"No client {client!r} in this portfolio.{hint}")

    def __reduce__(self) -> tuple[type[UnknownClient], tuple[object, tuple[int, ...]]]:
        return UnknownClient, (self.client, self.nearest)


class UnknownColumn(PretscopeError):
    """A table or column the schema doesn't have."""


class UnknownSegment(PretscopeError):
    """No segment of that name."""


class ModelError(PretscopeError):
    """A model can't be trained, exported or applied."""


class NotExportable(ModelError):
    """A tree that ONNX can't express exactly."""


class FeatureMismatch(ModelError):
    """Features other than those the model was trained on."""


class ClusterError(PretscopeError):
    """A Dask cluster that can't be reached, or can't do the work."""


class ServingError(PretscopeError):
    """The dashboard can't be served."""


def did_you_mean(got: str, allowed: Iterable[str]) -> str:
    """Return ' Did you mean X?' for the allowed names nearest to `got`, or an empty string."""
    matches = get_close_matches(got, list(allowed), n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(matches)}?" if matches else ""
