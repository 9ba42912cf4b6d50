"""Tables read and written some rows at a time: the same import, the same notes, the same errors as all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data import parquet_table, partition_files, reading, source_files
from data.errors import SourceError, StoreError, TruncatedTable, WrongColumn
from data.parquet_table import parquet_batches, parquet_shape
from data.partition_files import PartitionFiles, partition_file
from data.schema import table
from data.sources import import_raw, read_import, read_raw, survey_raw

if TYPE_CHECKING:
    from pathlib import Path

Edit = Callable[[str, int, str, str], None]
Frames = dict[str, pl.DataFrame]
Rewrite = Callable[[str, str, pl.DataFrame], None]
Shrink = Callable[[], None]


@pytest.fixture
def shrink(monkeypatch: pytest.MonkeyPatch) -> Shrink:
    """Have everything read and written in the smallest of chunks from now on."""

    def small() -> None:
        monkeypatch.setattr(reading, "CSV_BYTES", 3_000)
        monkeypatch.setattr(parquet_table, "VALUES", 100)
        monkeypatch.setattr(partition_files, "BYTES_AT_ONCE", 2_000)

    return small


def files(folder: Path) -> dict[str, str]:
    return {name: facts["sha256"] for name, facts in read_import(folder)["files"].items()}


@pytest.mark.parametrize("form", [".csv", ".zip", ".csv.gz", ".parquet"])
def test_the_import_does_not_depend_on_the_chunks(
    raw: Path, frames: Frames, rewrite: Rewrite, shrink: Shrink, tmp_path: Path, form: str
) -> None:
    import_raw(raw, tmp_path / "whole", partitions=3)
    if form != ".csv":
        for stem, frame in frames.items():
            rewrite(stem, form, frame)
    shrink()
    import_raw(raw, tmp_path / "chunks", partitions=3)
    assert files(tmp_path / "chunks") == files(tmp_path / "whole")
    assert not list((tmp_path / "chunks").rglob("*.arrow"))


def test_chunks_are_as_small_as_asked_for(raw: Path, shrink: Shrink) -> None:
    """Else the other tests here would compare a thing with itself."""
    shrink()
    found = dict.fromkeys(read_raw(raw).tables, 0)
    for name, chunks in reading.Reading(raw, lambda step, fraction: None).tables():
        found[name.name] = sum(1 for _ in chunks)
    assert found["bureau"] > 1
    assert found["application"] > 3


def test_rows_beyond_the_memory_are_set_aside(
    raw: Path, shrink: Shrink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside: list[Path] = []
    made = partition_files._SetAside.__init__

    def noted(self: object, held: object, partitions: int, path: Path) -> None:
        made(self, held, partitions, path)  # type: ignore[arg-type]
        aside.append(path)

    monkeypatch.setattr(partition_files._SetAside, "__init__", noted)
    shrink()
    import_raw(raw, tmp_path / "imported", partitions=2)
    assert len(aside) > 5
    assert not any(path.exists() for path in aside)


def test_what_is_odd_is_counted_over_all_chunks(raw: Path, edit: Edit, shrink: Shrink) -> None:
    for row, value in ((1, "Mixed"), (5, "Other"), (20, "Mixed"), (33, "Third")):
        edit("bureau", row, "CREDIT_ACTIVE", value)
    for row in (0, 35):
        edit("bureau", row, "CNT_CREDIT_PROLONG", "5000")
        edit("bureau", row, "SK_ID_CURR", "7")
    for row in (2, 30):
        edit("bureau_balance", row, "SK_ID_BUREAU", "3")
    whole = survey_raw(raw)
    shrink()
    assert survey_raw(raw) == whole
    texts = [note.text for note in whole.notes]
    assert any("none of the known categories in 4 rows: 'Mixed', " in text for text in texts)
    assert {note.count for note in whole.notes if note.kind == "orphan"} == {2}


def test_a_wrong_value_in_a_later_chunk_has_its_line(raw: Path, edit: Edit, shrink: Shrink) -> None:
    shrink()
    edit("bureau", 30, "AMT_ANNUITY", "much")
    with pytest.raises(WrongColumn, match=r"bureau.csv: line 32, column AMT_ANNUITY: 'much' is not a number"):
        read_raw(raw)


def test_wrong_values_are_counted_as_far_as_the_file_is_read(raw: Path, edit: Edit, shrink: Shrink) -> None:
    shrink()
    edit("bureau", 0, "AMT_ANNUITY", "much")
    edit("bureau", 1, "AMT_ANNUITY", "more")
    edit("bureau", 35, "AMT_ANNUITY", "most")
    with pytest.raises(WrongColumn, match=r"line 2, .*'much' is not a number \(2 such values up to line \d+\)"):
        read_raw(raw)


def test_a_key_twice_in_two_chunks(raw: Path, edit: Edit, shrink: Shrink) -> None:
    shrink()
    edit("bureau", 33, "SK_ID_BUREAU", "5000001")
    with pytest.raises(WrongColumn, match=r"SK_ID_BUREAU 5000001 is there 2 times, on line 3 and line 35"):
        read_raw(raw)


@pytest.mark.parametrize("form", ["bureau.parquet", "bureau", "BUREAU.parquet"])
def test_a_folder_of_parts_is_a_table(raw: Path, frames: Frames, form: str) -> None:
    (raw / "bureau.csv").unlink()
    folder = raw / form
    folder.mkdir()
    for number, start in enumerate(range(0, 36, 10)):
        frames["bureau"][start : start + 10].write_parquet(folder / f"part-{number:05d}-c000.snappy.parquet")
    for name in ("_SUCCESS", "_metadata", ".part-00000.crc"):
        (folder / name).touch()
    (folder / "notes.txt").touch()
    found = read_raw(raw)
    assert_frame_equal(found.tables["bureau"].collect(), frames["bureau"])
    assert [(note.file, note.text) for note in found.notes if note.kind == "left_aside"] == [
        (f"{form}/notes.txt", "not read: it is no Parquet file")
    ]


def test_the_same_key_in_two_parts_names_both(raw: Path, frames: Frames) -> None:
    (raw / "bureau.csv").unlink()
    folder = raw / "bureau"
    folder.mkdir()
    frames["bureau"].write_parquet(folder / "one.parquet")
    frames["bureau"].tail(2).write_parquet(folder / "two.parquet")
    with pytest.raises(WrongColumn, match=r"2 SK_ID_BUREAU are in both bureau/one.parquet and bureau/two.parquet"):
        read_raw(raw)


def test_a_damaged_part_is_named(raw: Path, frames: Frames) -> None:
    (raw / "bureau.csv").unlink()
    folder = raw / "bureau"
    folder.mkdir()
    frames["bureau"].write_parquet(folder / "one.parquet")
    (folder / "two.parquet").write_bytes((folder / "one.parquet").read_bytes()[:-9])
    with pytest.raises(TruncatedTable, match=r"bureau/two.parquet is cut or damaged"):
        read_raw(raw)


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ([], r"bureau.parquet has no part: files \*\.parquet were expected in it; it holds nothing"),
        (["part.orc"], r"has no part: .* it holds part.orc"),
        (["_temporary/"], r"holds _temporary, as a job leaves that is not finished"),
        (["year=2018/", "a.parquet"], r"has folders in it \(year=2018\)"),
    ],
)
def test_a_folder_that_is_no_whole_table_is_refused(raw: Path, inside: list[str], told: str) -> None:
    (raw / "bureau.csv").unlink()
    folder = raw / "bureau.parquet"
    folder.mkdir()
    for name in inside:
        if name.endswith("/"):
            (folder / name).mkdir()
        else:
            (folder / name).touch()
    with pytest.raises(TruncatedTable, match=told):
        read_raw(raw)


def test_a_folder_that_only_bears_the_name_is_passed_over(raw: Path) -> None:
    (raw / "bureau").mkdir()
    (raw / "bureau" / "readme.txt").touch()
    assert read_raw(raw).rows["bureau"] == 36


def test_batches_of_a_parquet_file(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": range(10), "b": [f"x{number}" for number in range(10)], "c": [None] * 10})
    path = tmp_path / "some.parquet"
    frame.write_parquet(path)
    assert parquet_shape(path) == (("a", "b", "c"), 10)
    batches = list(parquet_batches(path, ["b", "a"], rows=4))
    assert [batch.height for batch in batches] == [4, 4, 2]
    assert_frame_equal(pl.concat(batches), frame.select("b", "a"))
    frame.clear().write_parquet(path)
    assert list(parquet_batches(path, ["a"])) == []


def test_a_parquet_file_damaged_in_its_middle(tmp_path: Path) -> None:
    path = tmp_path / "some.parquet"
    pl.DataFrame({"a": range(1000)}).write_parquet(path, compression="zstd", use_pyarrow=False)
    content = bytearray(path.read_bytes())
    content[20:400] = bytes(380)
    path.write_bytes(content)
    with pytest.raises(TruncatedTable, match=r"some.parquet is cut or damaged"):
        list(parquet_batches(path, ["a"]))


def test_a_parquet_file_that_can_not_be_opened(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent.parquet can't be read: No such file"):
        parquet_shape(tmp_path / "absent.parquet")


def test_a_disk_that_fills_while_rows_are_set_aside(
    raw: Path, shrink: Shrink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    shrink()
    monkeypatch.setattr(partition_files.pa.ipc, "new_file", full)
    with pytest.raises(StoreError, match=r"imported can't be written: No space left on device"):
        import_raw(raw, tmp_path / "imported", partitions=2)
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_a_partition_file_is_the_same_however_the_rows_come(tmp_path: Path, frames: Frames) -> None:
    rows = frames["bureau"]

    def written(name: str, sizes: Iterator[int], at_once: int) -> list[bytes]:
        folder = tmp_path / name
        start = 0
        chunks = []
        for size in sizes:
            chunks.append(rows[start : start + size])
            start += size
        with PartitionFiles(folder, 4, at_once) as writer:
            writer.write(table("bureau"), chunks)
            writer.finish()
        assert writer.names == [partition_file("bureau", number) for number in range(4)]
        assert [path.name for path in folder.iterdir()] == ["bureau"]
        return [(folder / file).read_bytes() for file in writer.names]

    whole = written("whole", iter([36]), 2**29)
    assert written("chunks", iter([5] * 8), 2**29) == whole
    assert written("aside", iter([5] * 8), 1) == whole
    assert written("empty", iter([0, 36, 0]), 1) == whole


def test_a_source_part_tells_its_size(raw: Path) -> None:
    (source,) = source_files.find_tables(raw).files["bureau"]
    assert [part.size for part in source.parts] == [(raw / "bureau.csv").stat().st_size]
