"""CSV bytes as a table: the encoding, the header, a file cut in the middle, and where a wrong value stands.

Polars fills the missing fields of a short row with nulls without a word, so a file cut in the middle is found here, by
counting separators: outside quotes there are exactly `rows * (columns - 1)` of them in a whole file.

What can't be told from a file: a cut exactly after the end of a row, and a cut inside the last value of a row that
leaves a value (`1234` cut to `12`); the latter leaves a file without a final line break, which is noted as a warning.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from data.errors import TruncatedTable, WrongColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What other programs write for an absent value; the published files leave it empty.
ABSENT = ("NA", "N/A", "NaN", "nan", "NULL", "null", "None")
_AGAIN = "Download or export it again."


@dataclass(frozen=True)
class CsvContent:
    """The text of one CSV file, known to be whole.

    Attributes
    ----------
    name : of the file, for messages.
    content : the text in UTF-8, without trailing line breaks.
    header : the names of the columns.
    encoding : the one the file was in, "utf-8" or "cp1252".
    ended : whether the file ended with a line break.
    rows : data rows.
    """

    name: str
    content: bytes
    header: tuple[str, ...]
    encoding: str
    ended: bool
    rows: int

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
            raise TruncatedTable(_first_uneven_row(self.name, self.content, self.header)) from error

    def _parse(self, dtypes: dict[str, pl.DataType]) -> pl.DataFrame:
        # By position: a header may hold unnamed columns, and then Polars invents names of its own.
        found = [index for index, name in enumerate(self.header) if name in dtypes]
        names = [name if name in dtypes else f"left out {index}" for index, name in enumerate(self.header)]
        schema = {name: dtypes.get(name, pl.String()) for name in names}
        if not self.rows:
            return pl.DataFrame(schema={names[index]: schema[names[index]] for index in found})
        return pl.read_csv(
            self.content,
            has_header=False,
            skip_rows=1,
            columns=found,
            schema=schema,
            null_values=list(ABSENT),
        )

    def place(self, row: int) -> str:
        """Return where a row of the table stands in the file, in words: its line, or its rank if rows span lines."""
        if self.content.count(b"\n") == self.rows:
            return f"line {row + 2}"
        return f"row {row + 1}"


def open_csv(name: str, raw: bytes) -> CsvContent:
    """Return the text of a CSV file, once its encoding, header and every row's length are known to be right.

    Raises
    ------
    TruncatedTable
        The file is empty, cut in the middle or damaged.
    WrongColumn
        The file isn't separated by commas, or two columns have the same name.
    """
    text, encoding = _as_utf8(name, raw)
    ended = text.endswith((b"\n", b"\r"))
    content = text.rstrip(b"\r\n")
    if b"\n" not in content and b"\r" in content:
        content = content.replace(b"\r", b"\n")
    header = _header(name, content)
    rows = _check_shape(name, content, header, ended)
    return CsvContent(name, content, header, encoding, ended, rows)


def _as_utf8(name: str, raw: bytes) -> tuple[bytes, str]:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TruncatedTable(f"{name} is in UTF-16; UTF-8 or cp1252 was expected. Save it as UTF-8.")
    content = raw.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        raise TruncatedTable(f"{name} is empty. {_AGAIN}")
    if (at := content.find(b"\0")) >= 0:
        raise TruncatedTable(
            f"{name} is damaged: from line {_line_at(content, at)} on it holds zero bytes, as an interrupted write "
            f"leaves. {_AGAIN}"
        )
    if content.isascii():
        return content, "utf-8"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise TruncatedTable(f"{name} is cut in the middle of a letter, at its end. {_AGAIN}") from None
    else:
        return content, "utf-8"
    try:
        return content.decode("cp1252").encode("utf-8"), "cp1252"
    except UnicodeDecodeError as error:
        line = _line_at(content, error.start)
        byte = content[error.start]
        raise TruncatedTable(
            f"{name} is neither in UTF-8 nor in cp1252: byte 0x{byte:02x} on line {line}. Save it as UTF-8."
        ) from None


def _line_at(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _header(name: str, content: bytes) -> tuple[str, ...]:
    first = content.split(b"\n", 1)[0].decode("utf-8").rstrip("\r")
    header = tuple(field.strip() for field in next(csv.reader([first])))
    if len(header) == 1:
        for separator, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if separator in first:
                raise WrongColumn(f"{name} is separated by {word}; commas were expected. Export it with commas.")
    repeated = sorted({column for column in header if header.count(column) > 1 and column})
    if repeated:
        raise WrongColumn(f"{name} has {header.count(repeated[0])} columns called {repeated[0]}. Keep one of them.")
    return header


def _check_shape(name: str, content: bytes, header: Sequence[str], ended: bool) -> int:
    """Return the number of data rows; raise TruncatedTable where a row is short or a quote is never closed."""
    if content.count(b'"') % 2:
        line = _line_at(content, content.rfind(b'"'))
        raise TruncatedTable(
            f"{name} is cut in the middle, or damaged: a quote on line {line} is never closed. {_AGAIN}"
        )
    rows, separators = _count_outside_quotes(content)
    if separators != (rows + 1) * (len(header) - 1):
        raise TruncatedTable(_first_uneven_row(name, content, header))
    if not ended and rows and content.endswith(b","):
        raise TruncatedTable(
            f"{name} is cut in the middle: line {_line_at(content, len(content))}, its last, ends before its last "
            f"value and has no line break. {_AGAIN} If the file is whole, add a line break at its end."
        )
    return rows


def _count_outside_quotes(content: bytes, block: int = 1 << 24) -> tuple[int, int]:
    """Return how many line breaks and how many commas stand outside quotes, block by block to spare memory."""
    breaks = commas = 0
    inside = 0
    for start in range(0, len(content), block):
        parts = content[start : start + block].split(b'"')
        for part in parts[inside::2]:
            breaks += part.count(b"\n")
            commas += part.count(b",")
        inside = (inside + len(parts) - 1) % 2
    return breaks, commas


def _first_uneven_row(name: str, content: bytes, header: Sequence[str]) -> str:
    """Return what is wrong with the first row that hasn't as many fields as the header."""
    expected = len(header)
    last = _line_at(content, len(content))
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline=""))
    try:
        for row in reader:
            if len(row) != expected:
                return _uneven(name, row, reader.line_num, last, expected)
    except csv.Error as error:
        return f"{name} is damaged: line {reader.line_num}: {error}. {_AGAIN}"
    return f"{name} is damaged: a quote stands where none should. {_AGAIN}"


def _uneven(name: str, row: list[str], line: int, last: int, expected: int) -> str:
    if not row:
        return f"{name} is damaged: line {line} is empty. Remove the line, or download the file again."
    if len(row) > expected:
        wrong = f"{name}: line {line} has {len(row)} fields, {expected} were expected."
        return f"{wrong} A comma inside a value needs quotes."
    if line == last:
        return f"{name} is cut in the middle: its last line, {line}, has {len(row)} of {expected} fields. {_AGAIN}"
    return f"{name} is damaged: line {line} has {len(row)} of {expected} fields. {_AGAIN}"
