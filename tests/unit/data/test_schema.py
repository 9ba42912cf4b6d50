"""The schema is complete in both languages, consistent in itself, and true of the real sample."""

from __future__ import annotations

import io
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data import schema
from data.errors import UnknownColumn
from data.schema import CLIENT_ID, LANGUAGES, TARGET, Column, Language, group_label, table, tables

COUNTS = {
    "application": 122,
    "bureau": 17,
    "bureau_balance": 3,
    "previous_application": 37,
    "POS_CASH_balance": 8,
    "installments_payments": 8,
    "credit_card_balance": 23,
}
PROTECTED = {"CODE_GENDER", "NAME_FAMILY_STATUS", "DAYS_BIRTH", "CNT_CHILDREN", "CNT_FAM_MEMBERS"}
COLUMNS = [column for each in tables().values() for column in each.columns]
CATEGORIES = [column for column in COLUMNS if column.kind == "category"]
NUMBERS = [column for column in COLUMNS if column.kind in {"integer", "real", "flag"}]
NOT_IN_THE_SAMPLE = "installments_payments"
PUBLISHED = [(each.name, file) for each in tables().values() for file in each.files if file != NOT_IN_THE_SAMPLE]


def _name(value: object) -> str:
    return f"{value.table}.{value.name}" if isinstance(value, Column) else str(value)


def _catalogue(language: Language) -> dict[str, Any]:
    path = Path(schema.__file__).parent / "messages" / f"{language}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_the_tables_have_the_published_number_of_columns_and_application_is_first() -> None:
    assert {name: len(each.columns) for name, each in tables().items()} == COUNTS
    assert next(iter(tables())) == "application"


def test_a_column_is_named_once_in_its_table() -> None:
    for each in tables().values():
        assert len(set(each.column_names)) == len(each.columns), each.name


def test_the_relations_between_tables_name_columns_they_have() -> None:
    for each in tables().values():
        assert each.key is None or table(each.name).column(each.key).kind == "identifier"
        assert (each.parent is None) == (each.name == "application")
        if each.parent is not None:
            assert each.parent_key is not None
            assert each.column(each.parent_key).kind == table(each.parent).column(each.parent_key).kind == "identifier"


@pytest.mark.parametrize("column", COLUMNS, ids=_name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_has_a_short_label_and_a_sentence(column: Column, language: Language) -> None:
    label, description = column.label(language), column.description(language)
    assert 0 < len(label) <= 45
    assert label == label.strip()
    assert not label.endswith(".")
    assert column.name not in label
    assert label[0].isupper()
    assert len(description) > len("A sentence.")
    assert description[0].isupper() or description[0].isdigit()
    assert description.endswith(".")
    assert ". " not in description
    assert not {"'", "TODO", "  "} & {part for part in ("'", "TODO", "  ") if part in label + description}


@pytest.mark.parametrize("column", COLUMNS, ids=_name)
def test_the_french_words_are_not_the_english_ones(column: Column) -> None:
    assert column.label("fr") != column.label("en")
    assert column.description("fr") != column.description("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_are_unique_within_a_table(language: Language) -> None:
    for each in tables().values():
        labels = [column.label(language) for column in each.columns]
        assert sorted(set(labels)) == sorted(labels), each.name


@pytest.mark.parametrize("column", CATEGORIES, ids=_name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_category_has_words_of_its_own(column: Column, language: Language) -> None:
    written = _catalogue(language)["columns"][column.table][column.name]["categories"]
    assert set(written) == set(column.categories)
    words = [column.category_label(value, language) for value in column.categories]
    assert all(word and word == word.strip() for word in words)
    assert len(set(words)) == len(words), "two categories read the same"
    assert not [word for word in words if word in {"XNA", "XAP"} or "'" in word]


def test_a_category_without_words_reads_as_it_is() -> None:
    assert table("application").column("CODE_GENDER").category_label("Z", "fr") == "Z"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_has_no_stale_entry(language: Language) -> None:
    catalogue = _catalogue(language)
    assert set(catalogue) == {"tables", "groups", "columns"}
    assert list(catalogue["tables"]) == list(COUNTS)
    assert set(catalogue["groups"]) == {column.group for column in table("application").columns}
    assert {name: set(words) for name, words in catalogue["columns"].items()} == {
        name: set(each.column_names) for name, each in tables().items()
    }
    for column in COLUMNS:
        words = catalogue["columns"][column.table][column.name]
        assert set(words) == {"label", "description"} | ({"categories"} if column.kind == "category" else set())


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_and_groups_have_headings(language: Language) -> None:
    headings = [each.label(language) for each in tables().values()]
    assert all(headings)
    assert len(set(headings)) == len(headings)
    groups = {column.group: group_label(column.group, language) for column in table("application").columns}
    assert all(groups.values())
    assert len(set(groups.values())) == len(groups)


def test_only_application_columns_have_a_group() -> None:
    assert [column.name for column in COLUMNS if bool(column.group) != (column.table == "application")] == []


@pytest.mark.parametrize("column", NUMBERS, ids=_name)
def test_bounds_are_ordered_and_missing_codes_outside_them(column: Column) -> None:
    assert column.minimum is not None
    assert column.maximum is not None
    assert column.minimum <= column.maximum
    for code in column.missing_codes:
        assert isinstance(code, float)
        assert not column.minimum <= code <= column.maximum
    assert column.categories == ()


@pytest.mark.parametrize("column", CATEGORIES, ids=_name)
def test_categories_are_unique_and_hold_the_missing_codes(column: Column) -> None:
    assert column.categories
    assert len(set(column.categories)) == len(column.categories)
    assert set(column.missing_codes) <= set(column.categories)
    assert {"XNA", "XAP"} & set(column.categories) <= set(column.missing_codes)
    assert column.minimum is column.maximum is None


def test_flags_are_zero_or_one() -> None:
    flags = [column for column in COLUMNS if column.kind == "flag"]
    assert len(flags) > 20
    assert {(column.minimum, column.maximum) for column in flags} == {(0, 1)}


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("identifier", pl.Int64()),
        ("integer", pl.Int64()),
        ("flag", pl.Int64()),
        ("real", pl.Float64()),
        ("category", pl.String()),
    ],
)
def test_the_dtype_follows_the_kind(kind: str, dtype: pl.DataType) -> None:
    assert {column.dtype for column in COLUMNS if column.kind == kind} == {dtype}


def test_identifiers_and_the_target_are_never_changed_in_a_what_if() -> None:
    assert [column.name for column in COLUMNS if column.changeable and column.kind == "identifier"] == []
    application = table("application")
    assert not application.column(TARGET).changeable
    assert application.column(TARGET).nullable, "the unlabelled clients have no target"
    assert not application.column(CLIENT_ID).nullable
    assert {column.table for column in COLUMNS if column.changeable} == {"application"}


def test_the_protected_columns_are_those_of_sex_age_and_family() -> None:
    assert {column.name for column in COLUMNS if column.protected} == PROTECTED
    unchangeable = {column.name for column in COLUMNS if column.protected and not column.changeable}
    assert unchangeable == {"CODE_GENDER", "DAYS_BIRTH"}


@pytest.mark.parametrize(
    ("name", "changeable"),
    [("AMT_CREDIT", True), ("AMT_INCOME_TOTAL", True), ("FLAG_DOCUMENT_3", True), ("EXT_SOURCE_3", False)],
)
def test_what_a_person_can_change(name: str, changeable: bool) -> None:
    assert table("application").column(name).changeable is changeable


def test_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(UnknownColumn, match=r"Table bureau has no column 'AMT_CREDIT_SOM'.*AMT_CREDIT_SUM"):
        table("bureau").column("AMT_CREDIT_SOM")


def test_an_unknown_table_names_the_nearest_and_the_known() -> None:
    with pytest.raises(
        UnknownColumn, match=r"No table 'bureaux' in the schema\. Did you mean bureau.*Known: application"
    ):
        table("bureaux")


def test_a_column_of_another_table_is_unknown_here() -> None:
    with pytest.raises(UnknownColumn, match="Table bureau_balance has no column 'EXT_SOURCE_3'"):
        table("bureau_balance").column("EXT_SOURCE_3")


def _read_sample(folder: Path, file: str) -> pl.DataFrame:
    with zipfile.ZipFile(folder / f"{file}.zip") as archive:
        (name,) = (member for member in archive.namelist() if member == f"{file}.csv")
        return pl.read_csv(io.BytesIO(archive.read(name)), infer_schema=False)


def _violations(column: Column, raw: pl.Series) -> list[str]:
    """Return what the values (text, as published) of a real column do that the schema doesn't allow."""
    found = []
    if raw.null_count() and not column.nullable:
        found.append(f"{raw.null_count()} absent values")
    present = raw.drop_nulls()
    if column.kind == "category":
        unknown = set(present.unique()) - set(column.categories)
        return [*found, f"unknown categories {sorted(unknown)}"] if unknown else found
    numbers = present.cast(pl.Float64).unique()
    if column.kind != "real" and (numbers != numbers.floor()).any():
        found.append("fractions")
    if column.minimum is not None and column.maximum is not None:
        codes = pl.Series(column.missing_codes, dtype=pl.Float64)
        plausible = numbers.filter(~numbers.is_in(codes.implode()))
        outside = plausible.filter(~plausible.is_between(column.minimum, column.maximum))
        if outside.len():
            found.append(f"outside [{column.minimum}, {column.maximum}]: {outside.sort().head(5).to_list()}")
    return found


@pytest.mark.parametrize(("name", "file"), PUBLISHED, ids=[file for _, file in PUBLISHED])
def test_the_real_sample_is_within_the_schema(home_credit: Path, name: str, file: str) -> None:
    frame = _read_sample(home_credit, file)
    expected = [column for column in table(name).columns if (file, column.name) != ("application_test", TARGET)]
    assert frame.columns == [column.name for column in expected]
    found = {column.name: _violations(column, frame[column.name]) for column in expected}
    assert {column: wrong for column, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("CODE_GENDER", "Z", "unknown categories"),
        ("CODE_GENDER", None, "absent"),
        ("DAYS_BIRTH", "12", "outside"),
        ("DAYS_BIRTH", "-9000.5", "fractions"),
        ("EXT_SOURCE_1", "1.01", "outside"),
    ],
)
def test_the_check_of_the_sample_sees_what_is_wrong(column: str, value: str | None, words: str) -> None:
    (wrong,) = _violations(table("application").column(column), pl.Series([value], dtype=pl.String))
    assert words in wrong


def test_the_check_of_the_sample_lets_missing_codes_in() -> None:
    assert _violations(table("application").column("DAYS_EMPLOYED"), pl.Series(["365243", "-100"])) == []
