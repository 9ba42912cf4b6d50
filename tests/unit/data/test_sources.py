"""Raw tables: every form they come in, and what is said where they are not there."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data.errors import (
    MissingTable,
)
from data.schema import TARGET, tables
from data.sources import RawTables, read_raw

if TYPE_CHECKING:
    from pathlib import Path

    from data.validation import Note

Edit = Callable[[str, int, str, str], None]
Frames = dict[str, pl.DataFrame]
Rewrite = Callable[[str, str, pl.DataFrame], None]


def notes(found: RawTables, kind: str) -> list[Note]:
    return [note for note in found.notes if note.kind == kind]


def test_tables_are_read_with_the_types_and_order_of_the_schema(raw: Path, frames: Frames) -> None:
    found = read_raw(raw)
    assert tuple(found.tables) == tuple(tables())
    assert found.absent == ()
    for name, table in tables().items():
        frame = found.tables[name].collect()
        assert frame.schema == pl.Schema({column.name: column.dtype for column in table.columns})
    assert_frame_equal(found.tables["bureau"].collect(), frames["bureau"])
    assert found.rows["bureau"] == 36


def test_train_and_test_are_one_table_without_target_for_test(raw: Path, frames: Frames) -> None:
    found = read_raw(raw)
    application = found.tables["application"].collect()
    assert application[TARGET].to_list() == [1, 0, 0, 1, 0, 0, 1, 0, None, None, None, None]
    assert (found.clients, found.labelled, found.defaults) == (12, 8, 3)
    assert_frame_equal(application.tail(4).drop(TARGET), frames["application_test"])


@pytest.mark.parametrize("only", ["application_train", "application_test"])
def test_either_application_file_is_enough(raw: Path, only: str) -> None:
    for stem in {"application_train", "application_test"} - {only}:
        (raw / f"{stem}.csv").unlink()
    found = read_raw(raw)
    assert found.labelled == (8 if only == "application_train" else 0)
    assert found.clients == (8 if only == "application_train" else 4)


@pytest.mark.parametrize("form", [".zip", ".csv.zip", ".csv.gz", ".parquet"])
def test_every_form_gives_the_same_tables(raw: Path, frames: Frames, rewrite: Rewrite, form: str) -> None:
    expected = {name: frame.collect() for name, frame in read_raw(raw).tables.items()}
    for stem, frame in frames.items():
        rewrite(stem, form, frame)
    for name, frame in read_raw(raw).tables.items():
        assert_frame_equal(frame.collect(), expected[name])


def test_names_match_whatever_their_case(raw: Path) -> None:
    (raw / "POS_CASH_balance.csv").rename(raw / "pos_cash_BALANCE.CSV")
    assert read_raw(raw).absent == ()


def test_a_missing_child_table_is_absent(raw: Path) -> None:
    (raw / "installments_payments.csv").unlink()
    found = read_raw(raw)
    assert found.absent == ("installments_payments",)
    assert "installments_payments" not in found.tables


def test_the_same_table_in_two_forms_is_read_once_and_said(raw: Path, frames: Frames) -> None:
    frames["bureau"].head(3).write_parquet(raw / "bureau.parquet")
    found = read_raw(raw)
    assert found.rows["bureau"] == 3
    assert [note.file for note in notes(found, "left_aside")] == ["bureau.csv"]


def test_whole_numbers_may_be_written_as_decimals(raw: Path, edit: Edit) -> None:
    edit("application_train", 0, "CNT_CHILDREN", "2.0")
    edit("application_train", 0, "SK_ID_CURR", "100001.0")
    application = read_raw(raw).tables["application"].collect()
    assert application["CNT_CHILDREN"][0] == 2
    assert application["SK_ID_CURR"][0] == 100_001


@pytest.mark.parametrize("absent", ["", "NA", "NaN", "nan", "NULL"])
def test_what_stands_for_absent_is_null(raw: Path, edit: Edit, absent: str) -> None:
    edit("bureau", 1, "AMT_ANNUITY", absent)
    edit("application_train", 1, "OCCUPATION_TYPE", absent)
    found = read_raw(raw)
    assert found.tables["bureau"].collect()["AMT_ANNUITY"][1] is None
    assert found.tables["application"].collect()["OCCUPATION_TYPE"][1] is None


def test_nan_in_parquet_is_null(raw: Path, frames: Frames, rewrite: Rewrite) -> None:
    column = pl.when(pl.row_index() == 2).then(float("nan")).otherwise(pl.col("AMT_ANNUITY")).alias("AMT_ANNUITY")
    rewrite("bureau", ".parquet", frames["bureau"].with_columns(column))
    assert read_raw(raw).tables["bureau"].collect()["AMT_ANNUITY"][2] is None


def test_parquet_of_narrow_types_and_categoricals_is_widened(raw: Path, frames: Frames, rewrite: Rewrite) -> None:
    expected = frames["bureau_balance"]
    narrow = expected.with_columns(
        pl.col("MONTHS_BALANCE").cast(pl.Int16),
        pl.col("STATUS").cast(pl.Categorical),
        pl.col("SK_ID_BUREAU").cast(pl.UInt32),
    )
    rewrite("bureau_balance", ".parquet", narrow)
    assert_frame_equal(read_raw(raw).tables["bureau_balance"].collect(), expected)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_encodings(raw: Path, encoding: str) -> None:
    path = raw / "application_train.csv"
    french = pl.read_csv(path, infer_schema_length=0).with_columns(pl.lit("Société").alias("CODE_GENDER"))
    path.write_bytes(french.write_csv().encode(encoding))
    found = read_raw(raw)
    assert found.tables["application"].collect()["CODE_GENDER"][0] == "Société"
    assert bool(notes(found, "cp1252")) == (encoding == "cp1252")


def test_windows_line_breaks_and_quotes(raw: Path, frames: Frames) -> None:
    path = raw / "application_train.csv"
    quoted = frames["application_train"].with_columns(
        pl.lit("Spouse, partner").alias("NAME_TYPE_SUITE"), pl.lit('the "best"').alias("ORGANIZATION_TYPE")
    )
    path.write_bytes(quoted.write_csv().replace("\n", "\r\n").encode())
    application = read_raw(raw).tables["application"].collect()
    assert application["NAME_TYPE_SUITE"][0] == "Spouse, partner"
    assert application["ORGANIZATION_TYPE"][0] == 'the "best"'


def test_blank_lines_at_the_end_are_no_rows(raw: Path, frames: Frames) -> None:
    path = raw / "bureau.csv"
    path.write_bytes(path.read_bytes() + b"\r\n\n\n")
    assert_frame_equal(read_raw(raw).tables["bureau"].collect(), frames["bureau"])


def test_no_such_folder_names_the_nearest(raw: Path) -> None:
    with pytest.raises(MissingTable, match=r"No such folder: .*rax.*Did you mean raw"):
        read_raw(raw.parent / "rax")


def test_no_such_folder_nor_parent(tmp_path: Path) -> None:
    with pytest.raises(MissingTable, match=r"No such folder"):
        read_raw(tmp_path / "nowhere" / "at" / "all")


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "home-credit.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "x")
    with pytest.raises(MissingTable, match=r"is a file; the folder .* was expected. Unzip it"):
        read_raw(path)


def test_no_application_table_names_what_is_there_and_what_is_expected(raw: Path) -> None:
    (raw / "application_train.csv").rename(raw / "application_trian.csv")
    (raw / "application_test.csv").unlink()
    with pytest.raises(MissingTable) as caught:
        read_raw(raw)
    message = str(caught.value)
    assert "application_train or application_test was expected" in message
    assert "The folder holds POS_CASH_balance.csv, application_trian.csv" in message
    assert "Did you mean application_trian.csv" in message


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingTable, match=r"The folder holds nothing"):
        read_raw(tmp_path)


def test_tables_one_folder_deeper_are_pointed_at(raw: Path) -> None:
    with pytest.raises(MissingTable, match=r"Its folder raw holds one"):
        read_raw(raw.parent)
