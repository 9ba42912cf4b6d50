"""CSV as a stream of blocks of whole rows: the encoding, the header, a file cut in the middle, where a value stands.

Polars fills the missing fields of a short row with nulls without a word, so a file cut in the middle is found here, by
counting separators: outside quotes there are exactly `rows * (columns - 1)` of them in every block of whole rows.

What can't be told from a file: a cut exactly after the end of a row, and a cut inside the last value of a row that
leaves a value (`1234` cut to `12`); the latter leaves a file without a final line break, which is noted as a warning.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from data.errors import TruncatedTable, WrongColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What other programs write for an absent value; the published files leave it empty.
ABSENT = ("NA", "N/A", "NaN", "nan", "NULL", "null", "None")
LONGEST = 2**26  # bytes; where a row seems longer, a quote was never closed
_AGAIN = "Download or export it again."

Bytes = Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class CsvBlock:
    """Some rows of a CSV file, each known to be as long as the header.

    Attributes
    ----------
    name : of the file, for messages.
    header : the names of the columns.
    content : the rows in UTF-8, without the header and without a last line break.
    rows : how many.
    first : rank in the file of its first row, from 0.
    line : line of the file that its first row is on, from 1.
    plain : whether every row up to here is one line.
    last : whether the file ends here.
    ended : whether the file ends with a line break, as far as is known.
    encoding : the one the file is in, "utf-8" or "cp1252", as far as is known.
    """

    name: str
    header: tuple[str, ...]
    content: bytes
    rows: int
    first: int
    line: int
    plain: bool
    last: bool
    ended: bool
    encoding: str

    def read(self, numbers: Iterable[str], texts: Iterable[str]) -> pl.DataFrame:
        """Return the named columns, the numbers as Float64, the texts as String.

        Where a number can't be parsed, every column is returned as String: the caller finds out which value it is.
        """
        floats = dict.fromkeys(numbers, pl.Float64())
        strings = dict.fromkeys(texts, pl.String())
        try:
            return self._parse({**floats, **strings})
        except pl.exceptions.PolarsError:
            pass
        try:
            return self._parse({**dict.fromkeys(floats, pl.String()), **strings})
        except pl.exceptions.PolarsError as error:
            wrong = _first_uneven_row(self.name, self.content, self.line, len(self.header), self.last)
            raise TruncatedTable(wrong) from error

    def _parse(self, dtypes: dict[str, pl.DataType]) -> pl.DataFrame:
        # By position: a header may hold unnamed columns, and then Polars invents names of its own.
        found = [index for index, name in enumerate(self.header) if name in dtypes]
        names = [name if name in dtypes else f"left out {index}" for index, name in enumerate(self.header)]
        schema = {name: dtypes.get(name, pl.String()) for name in names}
        if not self.rows:
            return pl.DataFrame(schema={names[index]: schema[names[index]] for index in found})
        return pl.read_csv(self.content, has_header=False, columns=found, schema=schema, null_values=list(ABSENT))

    def place(self, row: int) -> str:
        """Return where the file's row of that rank stands, in words: its line, or its rank if rows span lines."""
        return f"line {row + 2}" if self.plain else f"row {row + 1}"


def csv_blocks(name: str, read: Bytes) -> Iterator[CsvBlock]:
    """Give the rows of a CSV file, block by block, once each block's encoding and its rows' length are known right.

    Parameters
    ----------
    name : of the file, for messages.
    read : gives the bytes of the file, piece by piece, from the start each time it is called: once, and again where
        they are not all ASCII, to tell the encoding. The first piece holds the end of the first line, if there is one.

    Yields
    ------
    CsvBlock
        At least one; a block holds about as many bytes as a piece.

    Raises
    ------
    TruncatedTable
        The file is empty, cut in the middle or damaged.
    WrongColumn
        The file isn't separated by commas, or two columns have the same name.
    """
    header: tuple[str, ...] = ()
    encoding = "utf-8"
    lines = rows = 0
    plain = known = False
    for piece, last, ended in _whole_rows(name, read()):
        content = piece
        if not content.isascii():
            if not known:
                encoding, known = _encoding(name, read), True
            content = _in_utf8(content, encoding)
        if not header:
            header, content, any_row = _header(name, content)
            plain, lines = True, 1
            if not any_row:
                yield CsvBlock(name, header, b"", 0, 0, 2, plain, last, ended, encoding)
                continue
        breaks = content.count(b"\n")
        here = _check_shape(name, content, lines + 1, len(header), last, ended)
        plain = plain and here == breaks + 1
        yield CsvBlock(name, header, content, here, rows, lines + 1, plain, last, ended, encoding)
        rows += here
        lines += breaks + 1
    if not header:
        raise TruncatedTable(f"{name} is empty. {_AGAIN}")


def _whole_rows(name: str, pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool, bool]]:
    """Cut the bytes at line breaks outside quotes: the rows, whether they are the last, whether a line break ends them.

    Line breaks at the end of the file are no rows.
    """
    rest = b""
    lines = 0
    for piece, last in _with_last(_checked(name, pieces)):
        content = rest + piece
        if last:
            body = content.rstrip(b"\r\n")
            if body:
                yield body, True, len(body) < len(content)
            return
        end = _last_break(content) + 1
        body = content[:end].rstrip(b"\r\n")
        if not body:
            _check_length(name, content, lines)
            rest = content
            continue
        after = content[len(body) :]
        # One line break ends the row; further ones are empty lines, should anything follow them.
        rest = after[2:] if after.startswith(b"\r\n") else after[1:]
        lines += body.count(b"\n") + 1
        yield body, False, True


def _with_last(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    held: bytes | None = None
    for piece in pieces:
        if held is not None:
            yield held, False
        held = piece
    if held is not None:
        yield held, True


def _checked(name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Give the bytes without a byte order mark, every line break with a line feed; refuse UTF-16 and zero bytes."""
    returns_only = False
    lines = 0
    for number, raw in enumerate(pieces):
        piece = raw
        if not number:
            if piece.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise TruncatedTable(f"{name} is in UTF-16; UTF-8 or cp1252 was expected. Save it as UTF-8.")
            piece = piece.removeprefix(codecs.BOM_UTF8)
            returns_only = b"\r" in piece.rstrip(b"\r") and b"\n" not in piece
        if returns_only:
            piece = piece.replace(b"\r", b"\n")
        if (at := piece.find(b"\0")) >= 0:
            raise TruncatedTable(
                f"{name} is damaged: from line {lines + _line_at(piece, at)} on it holds zero bytes, as an "
                f"interrupted write leaves. {_AGAIN}"
            )
        lines += piece.count(b"\n")
        yield piece


def _last_break(content: bytes) -> int:
    """Return where the last line break outside quotes is, -1 where there is none."""
    at = content.rfind(b"\n")
    while at >= 0 and content.count(b'"', 0, at) % 2:
        at = content.rfind(b"\n", 0, content.rfind(b'"', 0, at))
    return at


def _check_length(name: str, content: bytes, lines: int) -> None:
    if len(content) <= LONGEST:
        return
    start = content.find(b'"')
    why = "a quote on line {} is never closed" if start >= 0 else "line {} has no end"
    line = lines + _line_at(content, max(start, 0))
    raise TruncatedTable(f"{name} is damaged: {why.format(line)} within {LONGEST >> 20} MiB. {_AGAIN}")


def _encoding(name: str, read: Bytes) -> str:
    """Return "utf-8" where the whole file is, else "cp1252"; raise TruncatedTable where it is neither."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in itertools.chain(read(), [b""]):
            decoder.decode(piece, final=not piece)
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise TruncatedTable(f"{name} is cut in the middle of a letter, at its end. {_AGAIN}") from None
    else:
        return "utf-8"
    lines = 0
    for piece in read():
        try:
            piece.decode("cp1252")
        except UnicodeDecodeError as error:
            raise TruncatedTable(
                f"{name} is neither in UTF-8 nor in cp1252: byte 0x{piece[error.start]:02x} on line "
                f"{lines + _line_at(piece, error.start)}. Save it as UTF-8."
            ) from None
        lines += piece.count(b"\n")
    return "cp1252"


def _in_utf8(content: bytes, encoding: str) -> bytes:
    return content if encoding == "utf-8" else content.decode(encoding).encode("utf-8")


def _line_at(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _header(name: str, content: bytes) -> tuple[tuple[str, ...], bytes, bool]:
    """Return the names of the columns, what follows the first line, and whether anything does."""
    line, any_row, rest = content.partition(b"\n")
    first = line.decode("utf-8").rstrip("\r")
    header = tuple(field.strip() for field in next(csv.reader([first])))
    if len(header) == 1:
        for separator, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if separator in first:
                raise WrongColumn(f"{name} is separated by {word}; commas were expected. Export it with commas.")
    repeated = sorted({column for column in header if header.count(column) > 1 and column})
    if repeated:
        raise WrongColumn(f"{name} has {header.count(repeated[0])} columns called {repeated[0]}. Keep one of them.")
    return header, rest, bool(any_row)


def _check_shape(name: str, content: bytes, line: int, columns: int, last: bool, ended: bool) -> int:
    """Return the number of rows; raise TruncatedTable where a row is short or a quote is never closed."""
    if content.count(b'"') % 2:
        at = line - 1 + _line_at(content, content.rfind(b'"'))
        raise TruncatedTable(f"{name} is cut in the middle, or damaged: a quote on line {at} is never closed. {_AGAIN}")
    breaks, separators = _count_outside_quotes(content)
    if separators != (breaks + 1) * (columns - 1):
        raise TruncatedTable(_first_uneven_row(name, content, line, columns, last))
    if last and not ended and content.endswith(b","):
        at = line - 1 + _line_at(content, len(content))
        raise TruncatedTable(
            f"{name} is cut in the middle: line {at}, its last, ends before its last value and has no line break. "
            f"{_AGAIN} If the file is whole, add a line break at its end."
        )
    return breaks + 1


def _count_outside_quotes(content: bytes) -> tuple[int, int]:
    """Return how many line breaks and how many commas stand outside quotes."""
    parts = content.split(b'"')[::2]
    return sum(part.count(b"\n") for part in parts), sum(part.count(b",") for part in parts)


def _first_uneven_row(name: str, content: bytes, line: int, columns: int, last: bool) -> str:
    """Return what is wrong with the first row that hasn't as many fields as the header."""
    before = line - 1
    end = before + _line_at(content, len(content)) if last else 0
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline=""))
    try:
        for row in reader:
            if len(row) != columns:
                return _uneven(name, row, before + reader.line_num, end, columns)
    except csv.Error as error:
        return f"{name} is damaged: line {before + reader.line_num}: {error}. {_AGAIN}"
    return f"{name} is damaged: a quote stands where none should. {_AGAIN}"


def _uneven(name: str, row: Sequence[str], line: int, last: int, expected: int) -> str:
    if not row:
        return f"{name} is damaged: line {line} is empty. Remove the line, or download the file again."
    if len(row) > expected:
        wrong = f"{name}: line {line} has {len(row)} fields, {expected} were expected."
        return f"{wrong} A comma inside a value needs quotes."
    if line == last:
        return f"{name} is cut in the middle: its last line, {line}, has {len(row)} of {expected} fields. {_AGAIN}"
    return f"{name} is damaged: line {line} has {len(row)} of {expected} fields. {_AGAIN}"
