"""Files cut in the middle or damaged, of every form, are refused with the place."""

from __future__ import annotations

import csv
import io
import itertools
import zipfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import csv_table
from data.csv_table import CsvBlock, csv_blocks
from data.errors import (
    SourceError,
    TruncatedTable,
)
from data.sources import RawTables, read_raw

if TYPE_CHECKING:
    from pathlib import Path

    from data.validation import Note

Edit = Callable[[str, int, str, str], None]
Frames = dict[str, pl.DataFrame]
Rewrite = Callable[[str, str, pl.DataFrame], None]


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def notes(found: RawTables, kind: str) -> list[Note]:
    return [note for note in found.notes if note.kind == kind]


def test_a_csv_cut_inside_a_row(raw: Path) -> None:
    path = raw / "bureau.csv"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(lines[:20]) + b"\n" + lines[20][: len(lines[20]) // 2])
    with pytest.raises(
        TruncatedTable, match=r"bureau.csv is cut in the middle: its last line, 21, has \d+ of 17 fields"
    ):
        read_raw(raw)


def test_a_csv_cut_anywhere_is_never_taken_for_whole(raw: Path) -> None:
    """Whatever the byte, a cut is refused, or noted where it leaves a value, or is at the end of a row."""
    path = raw / "bureau_balance.csv"
    whole = path.read_bytes()
    start = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    for size in range(start + 1, start + 60):
        path.write_bytes(whole[:size])
        if whole[size - 1 : size] == b"\n":
            continue
        try:
            *_, text = csv_blocks("bureau_balance.csv", lambda: [path.read_bytes()])
        except TruncatedTable:
            continue
        assert text.last
        assert not text.ended
        last = text.content.split(b"\n")[-1].split(b",")
        assert len(last) == 3
        assert last[-1]


def test_a_row_cut_in_its_last_value_is_noted(raw: Path) -> None:
    path = raw / "bureau.csv"
    cut(path, path.stat().st_size - 1)
    assert [note.file for note in notes(read_raw(raw), "no_final_line_break")] == ["bureau.csv"]


def test_a_row_cut_before_its_last_value(raw: Path, edit: Edit) -> None:
    edit("bureau", 35, "AMT_ANNUITY", "")
    path = raw / "bureau.csv"
    assert path.read_bytes().endswith(b",\n")
    read_raw(raw)
    cut(path, path.stat().st_size - 1)
    with pytest.raises(TruncatedTable, match=r"line 37, its last, ends before its last value"):
        read_raw(raw)


def test_a_short_row_in_the_middle(raw: Path) -> None:
    path = raw / "bureau_balance.csv"
    lines = path.read_bytes().split(b"\n")
    lines[5] = lines[5].rsplit(b",", 1)[0]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(TruncatedTable, match=r"bureau_balance.csv is damaged: line 6 has 2 of 3 fields"):
        read_raw(raw)


def test_a_short_row_and_a_long_one_do_not_make_up_for_each_other(raw: Path) -> None:
    path = raw / "bureau_balance.csv"
    lines = path.read_bytes().split(b"\n")
    lines[5] = lines[5].rsplit(b",", 1)[0]
    lines[9] += b",0"
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(TruncatedTable, match=r"line 6 has 2 of 3 fields"):
        read_raw(raw)


def test_a_long_row(raw: Path) -> None:
    path = raw / "bureau_balance.csv"
    lines = path.read_bytes().split(b"\n")
    lines[7] += b",0"
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(TruncatedTable, match=r"line 8 has 4 fields, 3 were expected"):
        read_raw(raw)


def test_an_empty_line_in_the_middle(raw: Path) -> None:
    path = raw / "bureau_balance.csv"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:4], b"", *lines[4:]]))
    with pytest.raises(TruncatedTable, match=r"line 5 is empty"):
        read_raw(raw)


def test_a_cut_inside_quotes(raw: Path, edit: Edit) -> None:
    edit("application_train", 3, "NAME_TYPE_SUITE", "Somebody, else")
    path = raw / "application_train.csv"
    cut(path, path.read_bytes().index(b"Somebody, else") + 8)
    with pytest.raises(TruncatedTable, match=r"a quote on line 5 is never closed"):
        read_raw(raw)


def test_a_cut_inside_the_header(raw: Path) -> None:
    cut(raw / "bureau.csv", 30)
    with pytest.raises(SourceError, match=r"bureau.csv has no column"):
        read_raw(raw)


def test_an_empty_file(raw: Path) -> None:
    (raw / "bureau.csv").write_bytes(b"")
    with pytest.raises(TruncatedTable, match=r"bureau.csv is empty"):
        read_raw(raw)


def test_a_file_ending_in_zero_bytes(raw: Path) -> None:
    path = raw / "bureau.csv"
    path.write_bytes(path.read_bytes() + bytes(100))
    with pytest.raises(TruncatedTable, match=r"from line 38 on it holds zero bytes"):
        read_raw(raw)


@pytest.mark.parametrize("form", [".zip", ".csv.gz", ".parquet"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_a_cut_archive_or_parquet(raw: Path, frames: Frames, rewrite: Rewrite, form: str, share: float) -> None:
    rewrite("bureau", form, frames["bureau"])
    path = raw / f"bureau{form}"
    cut(path, int((path.stat().st_size - 1) * share))
    with pytest.raises(TruncatedTable, match=rf"bureau{form}"):
        read_raw(raw)


def test_a_damaged_zip(raw: Path, frames: Frames, rewrite: Rewrite) -> None:
    rewrite("bureau", ".zip", frames["bureau"])
    path = raw / "bureau.zip"
    content = bytearray(path.read_bytes())
    content[120] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(TruncatedTable, match=r"bureau.zip is cut or damaged"):
        read_raw(raw)


def test_a_zip_of_several_files(raw: Path) -> None:
    (raw / "bureau.csv").unlink()
    with zipfile.ZipFile(raw / "bureau.zip", "w") as archive:
        archive.writestr("one.csv", "x")
        archive.writestr("two.csv", "x")
    with pytest.raises(TruncatedTable, match=r"should hold one CSV file; it holds one.csv, two.csv"):
        read_raw(raw)


def test_neither_utf8_nor_cp1252(raw: Path) -> None:
    path = raw / "bureau.csv"
    path.write_bytes(path.read_bytes().replace(b"currency 1", b"currency \x81", 1))
    with pytest.raises(TruncatedTable, match=r"neither in UTF-8 nor in cp1252: byte 0x81 on line \d+"):
        read_raw(raw)


def test_utf16(raw: Path) -> None:
    path = raw / "bureau.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    with pytest.raises(TruncatedTable, match=r"UTF-16"):
        read_raw(raw)


def in_pieces(content: bytes, size: int) -> Callable[[], list[bytes]]:
    first = max(size, 9)  # it has to hold the end of the first line, which tells what ends the others
    starts = [0, *range(first, len(content), size)]
    return lambda: [content[start:stop] for start, stop in itertools.pairwise([*starts, len(content)])]


def blocks_of(content: bytes, size: int) -> list[CsvBlock]:
    return list(csv_blocks("some.csv", in_pieces(content, size)))


def rows_of(blocks: list[CsvBlock]) -> list[tuple[str | None, ...]]:
    return [row for block in blocks for row in block.read([], ["a", "b"]).iter_rows()]


FIELDS = st.text(st.sampled_from('xé"\n\r, '), max_size=5)


@given(
    rows=st.lists(st.tuples(FIELDS, FIELDS), max_size=8),
    size=st.integers(1, 40),
    end=st.sampled_from(["\n", "\r\n"]),
    closed=st.booleans(),
)
def test_the_rows_do_not_depend_on_the_pieces(rows: list[tuple[str, str]], size: int, end: str, closed: bool) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    content = text.getvalue().encode()
    whole = content if closed else content.removesuffix(end.encode())
    blocks = blocks_of(whole, size)
    assert rows_of(blocks) == rows
    assert [block.first for block in blocks] == [sum(one.rows for one in blocks[:at]) for at in range(len(blocks))]
    assert blocks[-1].ended == closed


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_every_encoding_and_line_break_is_read_in_pieces(size: int, end: str, encoding: str) -> None:
    content = end.join(["a,b", "1,2", "é,à", "3,4", "ç,œ", ""]).encode(encoding)
    blocks = blocks_of(content, size)
    assert rows_of(blocks) == [("1", "2"), ("é", "à"), ("3", "4"), ("ç", "œ")]
    assert blocks[-1].ended
    assert blocks[-1].encoding == ("cp1252" if encoding == "cp1252" else "utf-8")


@pytest.mark.parametrize("size", [1, 7, 20, 64, 1000])
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (b"1\n", r"line 6 has 1 of 3 fields"),
        (b"1,2,3,4\n", r"line 6 has 4 fields, 3 were expected"),
        (b"\n", r"line 6 is empty"),
        (b'1,"2,3\n', r"a quote on line 6 is never closed"),
        (b"1,\x00,3\n", r"from line 6 on it holds zero bytes"),
        (b"1,\x81,3\n", r"byte 0x81 on line 6"),
    ],
)
def test_a_wrong_row_is_told_with_its_line_whatever_the_pieces(size: int, wrong: bytes, told: str) -> None:
    content = b"a,b,c\n" + b"1,2,3\n" * 4 + wrong + b"1,2,3\n" * 4
    with pytest.raises(TruncatedTable, match=told):
        blocks_of(content, size)


def test_the_line_of_a_row_is_known_while_rows_are_lines() -> None:
    plain = blocks_of(b"a,b\n" + b"1,2\n" * 9, 12)
    assert [block.place(block.first) for block in plain] == [f"line {2 + block.first}" for block in plain]
    assert len(plain) > 2
    broken = blocks_of(b"a,b\n" + b'1,"2\n3"\n' * 9, 12)
    assert broken[-1].place(8) == "row 9"


def test_a_quote_that_is_never_closed_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "LONGEST", 1000)
    read = 0

    def pieces() -> Iterator[bytes]:
        nonlocal read
        yield b'a,b\n1,2\n3,"4\n'
        for read in range(10_000):  # noqa: B007
            yield b"5,6\n"

    with pytest.raises(TruncatedTable, match=r"a quote on line 3 is never closed within 0 MiB"):
        list(csv_blocks("some.csv", pieces))
    assert read < 300
    with pytest.raises(TruncatedTable, match=r"line 2 has no end within 0 MiB"):
        list(csv_blocks("some.csv", lambda: [b"a,b\n", *[b"1" * 100] * 100]))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_nothing_to_read_is_told(content: bytes) -> None:
    with pytest.raises(TruncatedTable, match=r"some.csv is empty"):
        blocks_of(content, 2)


def test_a_letter_cut_at_the_end_is_told() -> None:
    with pytest.raises(TruncatedTable, match=r"cut in the middle of a letter"):
        blocks_of("a,b\n1,é".encode()[:-1], 4)
