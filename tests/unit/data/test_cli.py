"""The command `python -m data`: what it prints, where, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.__main__ import main
from data.paths import portfolio_folder
from data.schema import tables
from data.store import FeatureSet, write_features, write_importance, write_portfolio_manifest, write_scores

Captured = pytest.CaptureFixture[str]
Build = Callable[..., pl.DataFrame]
STEMS = [stem for table in tables().values() for stem in table.files]


@pytest.fixture
def fake_synthesis(monkeypatch: pytest.MonkeyPatch, frames: dict[str, pl.DataFrame]) -> list[tuple[int, int]]:
    """Twelve clients instead of a real synthesis; the list gets what was asked for."""
    import data.synthesis

    asked: list[tuple[int, int]] = []

    def synthesise(clients: int, seed: int, out: Path, report: Callable[[str, float], None], workers: int) -> None:
        asked.append((clients, seed))
        report("making clients", 0.5)
        for stem, frame in frames.items():
            frame.write_parquet(out / f"{stem}.parquet")

    monkeypatch.setattr(data.synthesis, "synthesise", synthesise)
    return asked


def fails(capsys: Captured, *arguments: str | Path) -> str:
    """Run the command, which must end with status 2, one message and nothing on standard output; return the message."""
    assert main([str(argument) for argument in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    (message,) = [line for line in printed.err.splitlines() if line.startswith("Error: ")]
    return message


def test_import_confirms_in_one_line(raw: Path, tmp_path: Path, capsys: Captured) -> None:
    (raw / "installments_payments.csv").unlink()
    assert main(["import", "--raw", str(raw), "--out", str(tmp_path / "imported")]) == 0
    printed = capsys.readouterr()
    out = tmp_path / "imported"
    assert printed.out == (f"Imported 6 tables, 192 rows, 12 clients (8 labelled, default rate 37.50 %) into {out}.\n")
    assert "installments_payments is absent: 26 of the 795 features go with it." in printed.err
    assert "import: 100% imported" in printed.err


def test_import_tells_what_is_odd(raw: Path, edit: Callable[..., None], tmp_path: Path, capsys: Captured) -> None:
    edit("application_train", 0, "CNT_CHILDREN", "50")
    edit("application_train", 1, "NAME_CONTRACT_TYPE", "Barter")
    for _ in range(2):
        assert main(["import", "--raw", str(raw), "--out", str(tmp_path / "imported")]) == 0
        told = capsys.readouterr().err
        assert "application_train.csv: CNT_CHILDREN is outside" in told
        assert "none of the known categories in 1 row: 'Barter'; kept as they are." in told


@pytest.mark.parametrize("imported", [False, True])
def test_features_confirms_in_one_line(
    raw: Path, tmp_path: Path, fake_features: Build, capsys: Captured, imported: bool
) -> None:
    source = raw
    if imported:
        source = tmp_path / "imported"
        main(["import", "--raw", str(raw), "--out", str(source)])
        capsys.readouterr()
    out = tmp_path / "features"
    assert main(["features", "--raw", str(source), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"3 features of 12 clients are in {out}.\n"
    assert len(FeatureSet.open(out)) == 12


def test_synthesise_confirms_and_keeps_what_is_there(
    fake_synthesis: list[tuple[int, int]], tmp_path: Path, capsys: Captured
) -> None:
    out = tmp_path / "synthetic"
    command = ["synthesise", "--clients", "12", "--seed", "3", "--out", str(out)]
    assert main(command) == 0
    assert capsys.readouterr().out == f"Made 8 tables of 12 synthetic clients (seed 3) in {out}.\n"
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*(f"{stem}.parquet" for stem in STEMS), "manifest.json"]
    )
    assert main(command) == 0
    assert fake_synthesis == [(12, 3)]
    assert main([*command[:4], "4", *command[5:]]) == 0
    assert fake_synthesis == [(12, 3), (12, 4)]


def test_synthetic_tables_go_all_the_way(
    fake_synthesis: list[tuple[int, int]], fake_features: Build, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["synthesise", "--clients", "12", "--out", str(tmp_path / "made")]) == 0
    assert main(["features", "--raw", str(tmp_path / "made"), "--out", str(tmp_path / "features")]) == 0
    assert main(["describe", str(tmp_path / "made")]) == 0
    assert f"{tmp_path / 'made'}: synthetic raw tables" in capsys.readouterr().out


# Describe


def test_describe_raw_tables(raw: Path, edit: Callable[..., None], capsys: Captured) -> None:
    (raw / "credit_card_balance.csv").unlink()
    edit("application_train", 0, "CNT_CHILDREN", "50")
    assert main(["describe", str(raw)]) == 0
    printed = capsys.readouterr().out
    assert f"{raw}: raw tables" in printed
    rows = [[cell.strip() for cell in line.strip("│ ").split("│")] for line in printed.splitlines() if "│" in line]
    assert ["bureau", "36", "17"] in rows
    assert ["application", "12", "122"] in rows
    assert ["credit_card_balance", "absent"] in [row[:2] for row in rows]
    assert ["defaults", "3 (37.50 % of the labelled)"] in rows
    assert "- credit_card_balance is absent: 141 of the 795 features go with it." in printed
    assert "- application_train.csv: CNT_CHILDREN is outside" in printed


def test_describe_an_import(raw: Path, tmp_path: Path, capsys: Captured) -> None:
    main(["import", "--raw", str(raw), "--out", str(tmp_path / "imported")])
    capsys.readouterr()
    assert main(["describe", str(tmp_path / "imported")]) == 0
    printed = capsys.readouterr().out
    assert "imported: an import of raw tables" in printed
    assert "POS_CASH_balance" in printed


def test_describe_features(made: FeatureSet, capsys: Captured) -> None:
    assert main(["describe", str(made.folder)]) == 0
    printed = capsys.readouterr().out
    assert "features: a feature set" in printed
    assert made.data_hash[:12] in printed


def test_describe_a_portfolio(
    tables: dict[str, pl.LazyFrame], home: Path, fake_features: Build, capsys: Captured
) -> None:
    folder = portfolio_folder("tiny")
    write_features(tables, folder / "features")
    write_scores(folder, np.zeros(12), np.full(12, 0.25), np.full(12, 0.75), "first", "abc123")
    write_importance(folder, {"bureau.DAYS_CREDIT": 0.3})
    write_portfolio_manifest(folder)
    assert main(["describe", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "tiny: a portfolio" in printed
    assert "first (abc123)" in printed
    assert "0.7500 to 0.7500" in printed
    assert "bureau.DAYS_CREDIT" in printed


def test_describe_something_else_of_ours(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"kind": "model"}))
    assert "holds model; raw tables, an import, a feature set or a portfolio was expected" in fails(
        capsys, "describe", tmp_path
    )


def test_describe_a_damaged_feature_set(made: FeatureSet, capsys: Captured) -> None:
    (made.folder / "ids.npy").write_bytes(b"x")
    assert "ids.npy has 1 bytes, its manifest says" in fails(capsys, "describe", made.folder)


# What goes wrong


def test_no_such_folder(raw: Path, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "out"
    for command in (
        ["import", "--raw", tmp_path / "rax", "--out", out],
        ["features", "--raw", tmp_path / "rax", "--out", out],
        ["describe", tmp_path / "rax"],
    ):
        assert "Did you mean raw?" in fails(capsys, *command)
    assert not out.exists()


def test_no_application_table(raw: Path, tmp_path: Path, capsys: Captured) -> None:
    for stem in ("application_train", "application_test"):
        (raw / f"{stem}.csv").unlink()
    message = fails(capsys, "features", "--raw", raw, "--out", tmp_path / "out")
    assert "application_train or application_test was expected" in message


def test_a_csv_cut_in_the_middle(raw: Path, tmp_path: Path, capsys: Captured) -> None:
    path = raw / "previous_application.csv"
    path.write_bytes(path.read_bytes()[:-40])
    for command in ("import", "features"):
        message = fails(capsys, command, "--raw", raw, "--out", tmp_path / "out")
        assert "previous_application.csv is cut in the middle: its last line, 37" in message
    assert sorted(found.name for found in tmp_path.iterdir()) == ["raw"]


def test_a_renamed_column(raw: Path, tmp_path: Path, capsys: Captured) -> None:
    path = raw / "bureau.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("AMT_ANNUITY", "AMT_ANUITY", 1), encoding="utf-8")
    message = fails(capsys, "import", "--raw", raw, "--out", tmp_path / "out")
    assert "bureau.csv has no column AMT_ANNUITY: it has AMT_ANUITY" in message


@pytest.mark.parametrize("command", ["import", "features", "synthesise"])
def test_a_folder_that_is_not_ours_is_never_overwritten(
    raw: Path, tmp_path: Path, capsys: Captured, fake_synthesis: object, fake_features: Build, command: str
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_text("x")
    source = [] if command == "synthesise" else ["--raw", raw]
    assert "it holds holiday.jpg. It is left as it is" in fails(capsys, command, *source, "--out", tmp_path / "photos")
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["holiday.jpg"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["imports"], "invalid choice: 'imports'"),
        (["import", "--out", "x"], "required: --raw"),
        (["synthesise", "--clients", "0", "--out", "x"], "a whole number from 1 on was expected, got '0'"),
        (["synthesise", "--clients", "many", "--out", "x"], "a whole number from 1 on was expected, got 'many'"),
        (["synthesise", "--seed", "-1", "--out", "x"], "a whole number from 0 on was expected, got '-1'"),
        (["describe", ""], "the name of a folder was expected, got an empty text"),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["synthesise", "import", "features", "describe"])
def test_help_gives_an_example(command: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"example:\n  python -m data {command} " in capsys.readouterr().out


# The real command


@pytest.mark.slow
def test_from_nothing_to_features_in_real_processes(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "data", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    made, imported, computed = (str(tmp_path / name) for name in ("made", "imported", "features"))
    assert "8 tables of 50 synthetic clients" in run("synthesise", "--clients", "50", "--seed", "1", "--out", made)
    assert "Imported 7 tables" in run("import", "--raw", made, "--out", imported)
    assert run("features", "--raw", imported, "--out", computed) == f"795 features of 50 clients are in {computed}.\n"
    assert "a feature set" in run("describe", computed)
    assert len(FeatureSet.open(Path(computed))) == 50


def test_a_real_process_ends_with_status_2_and_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "data", "describe", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: No application table in")
