"""Columns and values: what is refused, with its place, and what is noted and kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data.errors import (
    MissingTable,
    WrongColumn,
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


def test_a_renamed_column(raw: Path) -> None:
    path = raw / "application_train.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("AMT_CREDIT,", "AMT_CREDITS,", 1), encoding="utf-8")
    with pytest.raises(
        WrongColumn, match=r"application_train.csv has no column AMT_CREDIT: it has AMT_CREDITS.*did you mean"
    ):
        read_raw(raw)


def test_a_column_in_lower_case_is_pointed_at(raw: Path, frames: Frames, rewrite: Rewrite) -> None:
    rewrite("bureau_balance", ".parquet", frames["bureau_balance"].rename(str.lower))
    with pytest.raises(WrongColumn, match=r"no column SK_ID_BUREAU: it has sk_id_bureau"):
        read_raw(raw)


def test_the_wrong_file(raw: Path) -> None:
    shutil.copy(raw / "bureau_balance.csv", raw / "bureau.csv")
    with pytest.raises(WrongColumn, match=r"Is this the right file"):
        read_raw(raw)


def test_train_without_target(raw: Path, frames: Frames) -> None:
    frames["application_train"].drop(TARGET).write_csv(raw / "application_train.csv")
    with pytest.raises(WrongColumn, match=r"application_train.csv has no column TARGET"):
        read_raw(raw)


def test_extra_columns_are_left_out_and_noted(raw: Path, frames: Frames) -> None:
    extra = frames["bureau"].with_columns(pl.lit("x").alias("COMMENT")).with_row_index("")
    extra.write_csv(raw / "bureau.csv")
    found = read_raw(raw)
    assert_frame_equal(found.tables["bureau"].collect(), frames["bureau"])
    assert [note.column for note in notes(found, "extra_column")] == ["", "COMMENT"]


def test_target_in_the_test_file_is_left_out_and_noted(raw: Path, frames: Frames) -> None:
    frames["application_test"].with_columns(pl.lit(1).alias(TARGET)).write_csv(raw / "application_test.csv")
    found = read_raw(raw)
    assert found.labelled == 8
    assert [note.column for note in notes(found, "extra_column")] == [TARGET]


def test_two_columns_of_the_same_name(raw: Path) -> None:
    path = raw / "bureau_balance.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("STATUS", "MONTHS_BALANCE", 1), encoding="utf-8")
    with pytest.raises(WrongColumn, match=r"bureau_balance.csv has 2 columns called MONTHS_BALANCE"):
        read_raw(raw)


def test_semicolons(raw: Path) -> None:
    path = raw / "bureau.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",", ";"), encoding="utf-8")
    with pytest.raises(WrongColumn, match=r"separated by semicolons; commas were expected"):
        read_raw(raw)


@pytest.mark.parametrize(
    ("column", "value"), [("AMT_CREDIT", "abc"), ("CNT_CHILDREN", "two"), ("AMT_CREDIT", "1 000,5")]
)
def test_a_word_where_a_number_is_expected(raw: Path, edit: Edit, column: str, value: str) -> None:
    edit("application_train", 4, column, value)
    with pytest.raises(
        WrongColumn, match=rf"application_train.csv: line 6, column {column}: '{value}' is not a number"
    ):
        read_raw(raw)


def test_a_word_in_a_parquet_of_texts(raw: Path, frames: Frames, rewrite: Rewrite) -> None:
    texts = frames["bureau"].with_columns(pl.col("AMT_ANNUITY").cast(pl.String).fill_null("none"))
    rewrite("bureau", ".parquet", texts)
    with pytest.raises(WrongColumn, match=r"bureau.parquet: row 1, column AMT_ANNUITY: 'none' is not a number"):
        read_raw(raw)


def test_dates_where_numbers_are_expected(raw: Path, frames: Frames, rewrite: Rewrite) -> None:
    dates = frames["bureau"].with_columns(pl.lit("2018-01-01").str.to_date().alias("DAYS_CREDIT"))
    rewrite("bureau", ".parquet", dates)
    with pytest.raises(WrongColumn, match=r"column DAYS_CREDIT holds Date, numbers were expected"):
        read_raw(raw)


def test_a_fraction_where_a_whole_number_is_expected(raw: Path, edit: Edit) -> None:
    edit("application_train", 2, "CNT_CHILDREN", "1.5")
    with pytest.raises(WrongColumn, match=r"line 4, column CNT_CHILDREN: 1.5 is not a whole number"):
        read_raw(raw)


@pytest.mark.parametrize("value", ["", "NaN"])
def test_an_absent_identifier(raw: Path, edit: Edit, value: str) -> None:
    edit("application_train", 5, "SK_ID_CURR", value)
    with pytest.raises(WrongColumn, match=r"1 row without SK_ID_CURR, the first on line 7"):
        read_raw(raw)


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e999"])
@pytest.mark.parametrize("column", ["AMT_CREDIT", "SK_ID_CURR", "CNT_CHILDREN"])
def test_infinities_are_refused_with_their_count(raw: Path, edit: Edit, column: str, value: str) -> None:
    edit("application_train", 5, column, value)
    with pytest.raises(WrongColumn, match=rf"1 row with an infinite {column}, the first on line 7"):
        read_raw(raw)


@pytest.mark.parametrize("value", ["-5", "1e17"])
def test_an_impossible_identifier(raw: Path, edit: Edit, value: str) -> None:
    edit("application_train", 5, "SK_ID_CURR", value)
    with pytest.raises(WrongColumn, match=r"line 7, column SK_ID_CURR: .* is not a whole number from 0 to"):
        read_raw(raw)


def test_a_target_that_is_neither_0_nor_1(raw: Path, edit: Edit) -> None:
    edit("application_train", 0, TARGET, "2")
    with pytest.raises(WrongColumn, match=r"line 2, column TARGET: 2 is not 0 \(repaid\), 1 \(default\) or nothing"):
        read_raw(raw)


def test_a_client_twice_in_a_file(raw: Path, edit: Edit) -> None:
    edit("application_train", 5, "SK_ID_CURR", "100001")
    with pytest.raises(WrongColumn, match=r"SK_ID_CURR 100001 is there 2 times, on line 2 and line 7"):
        read_raw(raw)


def test_a_client_in_train_and_in_test(raw: Path, edit: Edit) -> None:
    edit("application_test", 1, "SK_ID_CURR", "100001")
    with pytest.raises(
        WrongColumn, match=r"1 SK_ID_CURR are in both application_train.csv and application_test.csv: 100001"
    ):
        read_raw(raw)


def test_a_credit_twice(raw: Path, edit: Edit) -> None:
    edit("bureau", 1, "SK_ID_BUREAU", "5000000")
    with pytest.raises(WrongColumn, match=r"SK_ID_BUREAU 5000000 is there 2 times"):
        read_raw(raw)


def test_no_client_at_all(raw: Path, frames: Frames) -> None:
    for stem in ("application_train", "application_test"):
        frames[stem].clear().write_csv(raw / f"{stem}.csv")
    with pytest.raises(MissingTable, match=r"no client in it"):
        read_raw(raw)


def test_a_child_table_without_rows_is_noted(raw: Path, frames: Frames) -> None:
    frames["bureau"].clear().write_csv(raw / "bureau.csv")
    found = read_raw(raw)
    assert found.rows["bureau"] == 0
    assert [note.file for note in notes(found, "no_rows")] == ["bureau.csv"]


def test_values_outside_the_bounds_are_kept_and_counted(raw: Path, edit: Edit) -> None:
    most = tables()["application"].column("CNT_CHILDREN").maximum
    edit("application_train", 0, "CNT_CHILDREN", "50")
    edit("application_train", 1, "CNT_CHILDREN", "-3")
    found = read_raw(raw)
    assert found.tables["application"].collect()["CNT_CHILDREN"].head(2).to_list() == [50, -3]
    (note,) = [note for note in notes(found, "outside") if note.column == "CNT_CHILDREN"]
    assert note.count == 2
    assert f"outside [0, {most:g}] in 2 rows, from -3 to 50" in note.text


def test_missing_codes_are_not_outside(raw: Path, edit: Edit) -> None:
    edit("application_train", 0, "DAYS_EMPLOYED", "365243")
    assert not [note for note in notes(read_raw(raw), "outside") if note.column == "DAYS_EMPLOYED"]


def test_unknown_categories_are_kept_and_counted(raw: Path, edit: Edit) -> None:
    edit("application_train", 0, "NAME_CONTRACT_TYPE", "Barter")
    found = read_raw(raw)
    assert found.tables["application"].collect()["NAME_CONTRACT_TYPE"][0] == "Barter"
    (note,) = notes(found, "unknown_category")
    assert (note.column, note.count) == ("NAME_CONTRACT_TYPE", 1)
    assert "'Barter'" in note.text


def test_an_absent_value_where_one_is_expected_is_counted(raw: Path, edit: Edit) -> None:
    edit("application_train", 0, "DAYS_BIRTH", "")
    (note,) = notes(read_raw(raw), "absent_value")
    assert (note.column, note.count) == ("DAYS_BIRTH", 1)


def test_rows_of_unknown_clients_are_counted(raw: Path, edit: Edit) -> None:
    edit("bureau", 0, "SK_ID_CURR", "999999")
    (note,) = notes(read_raw(raw), "orphan")
    assert (note.file, note.count) == ("bureau.csv", 1)
