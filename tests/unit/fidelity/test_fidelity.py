"""The comparison with published statistics: a copy that is right, a spoilt column that is found, clear refusals."""

from __future__ import annotations

import json
import math
import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest

from data.__main__ import main
from data.errors import MissingTable, SourceError, TruncatedTable
from data.fidelity import Comparison, Statistic, compare, published, published_in
from data.fidelity.published import condense
from data.fidelity.table import NO_REASON, reason, summary
from data.synthesis import generate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@pytest.fixture(scope="module")
def tables() -> Mapping[str, pl.DataFrame]:
    return generate(2000, 4)


@pytest.fixture(scope="module")
def folder(tables: Mapping[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("raw")
    for name, frame in tables.items():
        frame.write_parquet(made / f"{name}.parquet")
    return made


@pytest.fixture(scope="module")
def compared(folder: Path) -> dict[tuple[str, str], Comparison]:
    return {(one.statistic.kind, one.statistic.name): one for one in compare(folder, published())}


def test_the_copy_is_what_was_published(shared_data: Path) -> None:
    original = condense(shared_data / "home_credit_stats")
    kept = [one for one in published() if (one.kind, one.name) in {(other.kind, other.name) for other in original}]
    assert sorted(kept, key=str) == sorted(original, key=str)
    assert set(published()) == set(published_in(shared_data / "home_credit_stats"))


def test_every_table_and_every_kind_is_compared() -> None:
    assert len(published()) > 1500
    assert len(set(published())) == len(published())
    assert {one.table for one in published()} == {
        "application", "bureau", "bureau_balance", "previous_application", "POS_CASH_balance", "installments_payments",
        "credit_card_balance",
    }  # fmt: skip


def test_statistics_are_those_of_the_rows_they_are_about(
    tables: Mapping[str, pl.DataFrame], compared: dict[tuple[str, str], Comparison]
) -> None:
    train, test = tables["application_train"], tables["application_test"]
    assert compared["mean", "application.AMT_CREDIT (train)"].found == pytest.approx(train["AMT_CREDIT"].mean())
    assert compared["standard deviation", "application.AMT_CREDIT (test)"].found == pytest.approx(
        test["AMT_CREDIT"].std()
    )
    missing = train["OWN_CAR_AGE"].is_null().mean()
    assert compared["missing share", "application.OWN_CAR_AGE (train)"].found == pytest.approx(missing)
    men = train.filter(pl.col("CODE_GENDER") == "M")
    assert compared["default rate", "application.CODE_GENDER = M (train)"].found == pytest.approx(men["TARGET"].mean())
    labelled = tables["previous_application"].join(train.select("SK_ID_CURR", "TARGET"), on="SK_ID_CURR")
    assert compared["mean", "previous_application.AMT_CREDIT (train)"].found == pytest.approx(
        labelled["AMT_CREDIT"].mean()
    )
    refused = labelled.filter(pl.col("NAME_CONTRACT_STATUS") == "Refused")
    assert compared["default rate", "previous_application.NAME_CONTRACT_STATUS = Refused (train)"].found == (
        pytest.approx(refused["TARGET"].mean())
    )
    assert compared["rows per client", "bureau"].found == tables["bureau"].height / 2000
    young = train.filter(pl.col("DAYS_BIRTH").is_between(-25 * 365.25, -20 * 365.25, closed="right"))
    assert compared["default rate", "application.AGE = 20-25 (train)"].found == pytest.approx(young["TARGET"].mean())
    numbers = train.select(pl.corr("EXT_SOURCE_3", "TARGET")).item()
    assert -1 < numbers < 0
    known = train.drop_nulls("EXT_SOURCE_3").select(pl.corr("EXT_SOURCE_3", "TARGET")).item()
    assert compared["correlation", "application.EXT_SOURCE_3 (train)"].found == pytest.approx(known)


def test_a_spoilt_column_is_found(folder: Path, tmp_path: Path, compared: dict[tuple[str, str], Comparison]) -> None:
    spoilt = tmp_path / "spoilt"
    shutil.copytree(folder, spoilt)
    file = spoilt / "POS_CASH_balance.parquet"
    frame = pl.read_parquet(file)
    frame.with_columns(pl.col("MONTHS_BALANCE") * 2, pl.lit("Active").alias("NAME_CONTRACT_STATUS")).write_parquet(file)
    again = {(one.statistic.kind, one.statistic.name): one for one in compare(spoilt, published())}
    for key in (
        ("mean", "POS_CASH_balance.MONTHS_BALANCE (train)"),
        ("standard deviation", "POS_CASH_balance.MONTHS_BALANCE (train)"),
        ("category share", "POS_CASH_balance.NAME_CONTRACT_STATUS = Completed"),
    ):
        assert compared[key].within
        assert not again[key].within
    # sums of many rows may differ in the last digits from run to run
    changed = [key for key in again if again[key].found != pytest.approx(compared[key].found, nan_ok=True)]
    assert {again[key].statistic.table for key in changed} == {"POS_CASH_balance"}


@pytest.mark.parametrize(
    ("statistic", "found", "within"),
    [
        (Statistic("mean", "bureau", "X", "all", None, -200.0), -209.0, True),
        (Statistic("mean", "bureau", "X", "all", None, -200.0), -211.0, False),
        (Statistic("standard deviation", "bureau", "X", "all", None, 10.0), 9.1, True),
        (Statistic("missing share", "bureau", "X", "all", None, 0.5), 0.509, True),
        (Statistic("missing share", "bureau", "X", "all", None, 0.5), 0.511, False),
        (Statistic("correlation", "bureau", "X", "all", None, -0.1), -0.131, False),
        (Statistic("mean", "bureau", "X", "all", None, 1.0), math.nan, False),
    ],
)
def test_tolerances(statistic: Statistic, found: float, within: bool) -> None:
    assert Comparison(statistic, found).within is within


def test_only_what_chance_moves_is_left_out() -> None:
    rate = Statistic("default rate", "bureau", "X", "train", "a", 0.08, 10_000)
    assert Comparison(rate, 0.5, 0.0051).too_uncertain
    assert not Comparison(rate, 0.5, 0.0049).too_uncertain
    assert Comparison(rate, math.nan, math.inf).too_uncertain
    assert not Comparison(Statistic("mean", "bureau", "X", "all", None, 1.0), math.nan).too_uncertain
    told = summary([Comparison(rate, 0.08, 0.001), Comparison(rate, 0.1, 0.001), Comparison(rate, 0.1, 0.1)])
    assert told == {"within_tolerance_share": 0.5, "statistics": 2, "outside": 1, "left_out_by_chance": 1}


def test_an_absent_table_is_no_value(folder: Path, tmp_path: Path) -> None:
    without = tmp_path / "without"
    shutil.copytree(folder, without)
    (without / "bureau_balance.parquet").unlink()
    balance = [one for one in compare(without, published()) if one.statistic.table == "bureau_balance"]
    assert all(math.isnan(one.found) and not one.within for one in balance)
    assert {reason(one) for one in balance} == {"there are no such rows"}


def test_a_miss_has_its_reason() -> None:
    income = Statistic("standard deviation", "application", "AMT_INCOME_TOTAL", "train", None, 2e5)
    assert "a few huge amounts" in reason(Comparison(income, 1e5))
    assert reason(Comparison(Statistic("mean", "nowhere", "X", "all", None, 1.0), 2.0)) == NO_REASON


def test_the_command_ends_with_its_summary(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fidelity", str(folder)]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["statistics"] + last["left_out_by_chance"] == len(published())
    assert 0.5 < last["within_tolerance_share"] < 1
    assert round(1 - last["outside"] / last["statistics"], 4) == last["within_tolerance_share"]


def test_a_cut_file_is_refused(folder: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(folder, cut)
    file = cut / "bureau.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(TruncatedTable, match=r"bureau\.parquet .* cut or damaged"):
        compare(cut, published())


def test_too_few_clients_are_refused(tmp_path: Path) -> None:
    for name, frame in generate(20, 1).items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
    with pytest.raises(SourceError, match=r"20 clients, .* at least 1000 are needed"):
        compare(tmp_path, published())


def test_a_wrong_table_is_refused(folder: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    shutil.copytree(folder, wrong)
    pl.read_parquet(wrong / "bureau.parquet").drop("DAYS_CREDIT").write_parquet(wrong / "bureau.parquet")
    with pytest.raises(MissingTable, match=r"bureau\.parquet has no column DAYS_CREDIT"):
        compare(wrong, published())


@pytest.mark.parametrize("command", [["fidelity", "nowhere"], ["fidelity", ".", "--against", "nowhere"]])
def test_a_folder_that_is_not_there(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 2
    assert "nowhere" in capsys.readouterr().err


def test_published_files_that_are_others(tmp_path: Path) -> None:
    (tmp_path / "column_stats.csv").write_text("a,b\n1,2\n")
    (tmp_path / "categories.json").write_text("{}")
    (tmp_path / "default_rates.csv").write_text("column,value,bad_rate\n")
    with pytest.raises(SourceError, match=r"doesn't hold the published statistics"):
        published_in(tmp_path)
