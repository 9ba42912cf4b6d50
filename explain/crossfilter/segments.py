"""Segments: filters with a name, kept on the disk for every visitor of a portfolio.

A folder with one JSON file a segment: `kind`, `format`, `name`, `created`, `filters` (a text of
`explain.crossfilter.filter_text`) and `portfolio` (its name and the hash of its data). Files are written whole or not
at all. What can't be read is told, and left where it is: it never hides the others.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data.errors import InvalidOption, PretscopeError, SegmentExists, StoreError, UnknownSegment, did_you_mean
from data.files import TEMPORARY, write_json
from data.locking import held
from explain.crossfilter.filter_text import filters_from, filters_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from explain.crossfilter.filters import Filter

KIND = "segment"
FORMAT = 1
LONGEST_NAME = 60
_SET_ASIDE = ".unread"
_LEFT = "It is left as it is. Remove it, or put back the file that it was."
_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn")


@dataclass(frozen=True, slots=True)
class Segment:
    """Some clients, by what they have in common.

    Attributes
    ----------
    name : as people gave it.
    filters : by the chart that made them, as an `Exploration` has them.
    created : when it was kept, UTC, ISO 8601.
    earlier : whether it was kept when the portfolio of this name had other data: the same filters then kept other
        clients than they keep now. Never written.
    """

    name: str
    filters: tuple[tuple[str, Filter], ...]
    created: str
    earlier: bool = False


class SegmentStore:
    """The segments of one portfolio. Safe for several sessions, and for several processes where the system has locks.

    Parameters
    ----------
    folder : where they are; made when the first one is kept.
    portfolio, data_hash : name of the portfolio, and the hash of its data; a segment of which neither is this one is of
        another portfolio. Left empty, any portfolio's segments are read.
    """

    def __init__(self, folder: Path, *, portfolio: str = "", data_hash: str = "") -> None:
        self.folder = folder
        self._portfolio, self._data_hash = portfolio, data_hash

    def all(self) -> tuple[Segment, ...]:
        """Return the segments that can be read, by name; accents count only between names that are else the same."""
        found, _ = self._scan()
        return tuple(found[key][0] for key in sorted(found, key=lambda key: (_without_accents(key), key)))

    def problems(self) -> tuple[str, ...]:
        """Return a sentence about each file that can't be read: what is wrong with it, and what to do."""
        return self._scan()[1]

    def get(self, name: str) -> Segment:
        """Return a segment; raise UnknownSegment, with the nearest names, where there is none of that name."""
        return self._find(name)[0]

    def keep(self, segment: Segment, *, replace: bool = False) -> Segment:
        """Write a segment, whole or not at all, and return it as everybody now reads it.

        Names that differ in case or in spaces alone are the same. Where the name is that of a file that can't be read,
        replacing it sets that file aside, under the same name with ".unread" at its end.

        Raises
        ------
        InvalidOption
            A name that is empty, longer than LONGEST_NAME characters, or has characters that can't be seen.
        SegmentExists
            The name is taken, and `replace` doesn't say to put the new one in its place.
        StoreError
            It can't be written; what was there before is kept.
        """
        name = checked_name(segment.name)
        text = filters_text(segment.filters)
        kept = Segment(name, filters_from(text), segment.created)
        content = {
            "kind": KIND,
            "format": FORMAT,
            "name": name,
            "created": segment.created,
            "filters": text,
            "portfolio": {"name": self._portfolio, "data_hash": self._data_hash},
        }
        with self._written(f"Segment {name!r} was not kept"):
            there = self._scan()[0].get(_key(name))
            path = there[1] if there else self.folder / _file_name(name)
            if path.exists() and not replace:
                if there:
                    raise SegmentExists(
                        f"There is a segment {there[0].name!r} already. Choose another name, or replace it."
                    )
                raise SegmentExists(
                    f"The name {name!r} is taken by {path}, which can't be read. Choose another name, or replace it."
                )
            if path.exists() and not there:
                _set_aside(path)
            write_json(path, content)
        return kept

    def forget(self, name: str) -> None:
        """Remove a segment; raise UnknownSegment, as `get` does, or StoreError where it can't be removed."""
        self._find(name)
        with self._written(f"Segment {name!r} was not removed"):
            self._find(name)[1].unlink(missing_ok=True)

    def _find(self, name: str) -> tuple[Segment, Path]:
        found, _ = self._scan()
        key = _key(name)
        if key not in found:
            names = [segment.name for segment, _ in found.values()]
            listed = f"There are {', '.join(map(repr, sorted(names)))}." if names else "There is none yet."
            raise UnknownSegment(f"No segment {name!r}.{did_you_mean(name, names)} {listed}")
        return found[key]

    def _scan(self) -> tuple[dict[str, tuple[Segment, Path]], tuple[str, ...]]:
        """Return the segments and their files, by what all spellings of a name share, and what is wrong with others."""
        found: dict[str, tuple[Segment, Path]] = {}
        problems: list[str] = []
        for path in self._files(problems):
            try:
                segment = self._read(path)
            except PretscopeError as error:
                problems.append(str(error))
                continue
            if segment is None:
                continue
            key, one = _key(segment.name), (segment, path)
            first = found.setdefault(key, one)
            if first is not one:
                kept, left = (one, first) if path.name == _file_name(segment.name) else (first, one)
                found[key] = kept
                problems.append(f"{left[1]} is called {left[0].name!r}, as {kept[1].name} is. {_LEFT}")
        return found, tuple(problems)

    def _files(self, problems: list[str]) -> list[Path]:
        try:
            files = [path for path in self.folder.iterdir() if path.suffix == ".json"]
        except FileNotFoundError:
            return []
        except OSError as error:
            problems.append(f"{self.folder} can't be read: {error.strerror}. Let this user read it.")
            return []
        return sorted(path for path in files if not path.name.startswith(TEMPORARY))

    def _read(self, path: Path) -> Segment | None:
        """Return the segment in a file, None where somebody has just removed it; raise StoreError where it is none."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path} can't be read: {error.strerror}. {_LEFT}") from None
        except ValueError as error:
            raise StoreError(f"{path} is not valid JSON ({error}). {_LEFT}") from None
        except RecursionError:
            raise StoreError(f"{path} is no segment: it is nested too deeply. {_LEFT}") from None
        if not isinstance(content, dict) or content.get("kind") != KIND:
            raise StoreError(f"{path} is no segment. {_LEFT}")
        if content.get("format") != FORMAT:
            raise StoreError(f"{path} is of format {content.get('format')!r}, {FORMAT} is read here. {_LEFT}")
        name, created, text, portfolio = (content.get(key) for key in ("name", "created", "filters", "portfolio"))
        if not (isinstance(name, str) and isinstance(created, str) and isinstance(text, str)):
            raise StoreError(f"{path} lacks the name, the date or the filters of a segment. {_LEFT}")
        earlier = self._is_earlier(path, portfolio)
        try:
            return Segment(checked_name(name), filters_from(text), created, earlier)
        except PretscopeError as error:
            raise StoreError(f"{path} can't be used: {error} {_LEFT}") from None

    def _is_earlier(self, path: Path, portfolio: Any) -> bool:
        if not isinstance(portfolio, dict):
            raise StoreError(f"{path} doesn't say which portfolio it is of. {_LEFT}")
        if not (self._portfolio or self._data_hash) or portfolio.get("data_hash") == self._data_hash:
            return False
        if portfolio.get("name") != self._portfolio:
            raise StoreError(
                f"{path} is of portfolio {portfolio.get('name')!r}, not of {self._portfolio!r}. "
                "Move it to that one's folder."
            )
        return True

    @contextlib.contextmanager
    def _written(self, what: str) -> Iterator[None]:
        """Let nobody else write meanwhile, clear what a killed process left, and tell what the disk refuses."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with held(self.folder):
                for path in self.folder.glob(f"{TEMPORARY}*"):
                    path.unlink(missing_ok=True)
                yield
        except OSError as error:
            raise StoreError(
                f"{what}: {self.folder} can't be written to ({error.strerror or error}). What was there before is "
                "kept. Free the disk, or let this user write there."
            ) from error


def checked_name(name: str) -> str:
    """Return a name as it is kept, its spaces single and its accents composed.

    Raises
    ------
    InvalidOption
        It is empty, longer than LONGEST_NAME characters, or has characters that can't be seen.
    """
    clean = " ".join(unicodedata.normalize("NFC", name).split())
    hidden = [character for character in name if unicodedata.category(character) in _INVISIBLE]
    if hidden:
        raise InvalidOption(
            f"The name of a segment is made of characters that can be seen, got U+{ord(hidden[0]):04X}. Type it again."
        )
    if not 1 <= len(clean) <= LONGEST_NAME:
        raise InvalidOption(f"The name of a segment has from 1 to {LONGEST_NAME} characters, got {len(clean)}.")
    return clean


def _key(name: str) -> str:
    """Return what all spellings of a name have in common."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _without_accents(key: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", key) if not unicodedata.combining(letter))


def _file_name(name: str) -> str:
    """Return a file name that any system allows: some of the name, for people, and a hash that tells it from others."""
    key = _key(name)
    slug = re.sub(r"[^a-z0-9]+", "-", _without_accents(key))[:32].strip("-")
    return f"{slug or KIND}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _set_aside(path: Path) -> None:
    number = 0
    while (aside := path.with_name(f"{path.name}{number or ''}{_SET_ASIDE}")).exists():
        number += 1
    path.rename(aside)
