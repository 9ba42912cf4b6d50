"""Feature sets on disk: what they give back, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from data import feature_set
from data.errors import (
    HashMismatch,
    IncompleteArtefact,
    SourceError,
    StoreError,
    UnknownColumn,
    UnknownPortfolio,
)
from data.features.build import Features
from data.schema import CLIENT_ID, TARGET
from data.sources import import_raw, read_raw
from data.store import (
    FeatureSet,
    write_features,
)

if TYPE_CHECKING:
    from pathlib import Path

Tables = dict[str, pl.LazyFrame]
Build = Callable[..., Features]


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def test_a_feature_set_gives_back_what_was_computed(made: FeatureSet, tables: Tables, fake_features: Build) -> None:
    built = fake_features(tables).frame()
    assert made.ids.tolist() == built[CLIENT_ID].to_list() == sorted(built[CLIENT_ID].to_list())
    assert made.ids.dtype == np.int64
    assert made.target.dtype == np.int8
    assert made.names == ("AMT_CREDIT", "PAYMENT_RATE", "ORGANIZATION_TYPE_Trade: type 7")
    assert made.columns.shape == (3, 12)
    assert made.columns.dtype == np.float32
    assert made.absent_tables == ()
    for name in made.names:
        np.testing.assert_array_equal(made.column(name), built[name].to_numpy())


def test_target_is_minus_one_where_unlabelled(made: FeatureSet) -> None:
    assert made.target.tolist() == [1, 0, 0, 1, 0, 0, 1, 0, -1, -1, -1, -1]
    assert (made.manifest["labelled"], made.manifest["defaults"]) == (8, 3)
    assert made.manifest["base_rate"] == pytest.approx(3 / 8)


def test_rows_are_the_float32_values_widened(made: FeatureSet) -> None:
    everyone = made.rows(slice(None))
    assert everyone.shape == (12, 3)
    assert everyone.dtype == np.float64
    assert everyone.flags.c_contiguous
    np.testing.assert_array_equal(everyone, np.asarray(made.columns).T.astype(np.float64))
    np.testing.assert_array_equal(made.row(4), everyone[4])
    np.testing.assert_array_equal(made.rows(np.array([7, 2, 2])), everyone[[7, 2, 2]])
    assert made.rows(slice(3, 3)).shape == (0, 3)
    assert made.row(0).dtype == np.float64


def test_what_is_mapped_cannot_be_written(made: FeatureSet) -> None:
    for array in (made.ids, made.target, made.columns, made.column("AMT_CREDIT")):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_clients_are_sorted_whatever_the_order_of_the_files(
    raw: Path, frames: dict[str, pl.DataFrame], tmp_path: Path, fake_features: Build
) -> None:
    frames["application_train"].reverse().write_csv(raw / "application_train.csv")
    made = write_features(read_raw(raw).tables, tmp_path / "features")
    assert made.ids.tolist() == list(range(100_001, 100_013))
    assert made.target.tolist() == [1, 0, 0, 1, 0, 0, 1, 0, -1, -1, -1, -1]
    assert [made.facts(position)[CLIENT_ID] for position in range(12)] == made.ids.tolist()
    assert made.facts_column(TARGET).to_list() == [1, 0, 0, 1, 0, 0, 1, 0, None, None, None, None]


def test_facts_are_the_raw_application_columns(made: FeatureSet, tables: Tables) -> None:
    application = tables["application"].collect()
    assert made.facts(5) == application.row(5, named=True)
    assert made.facts(11)[TARGET] is None
    assert made.facts_column("NAME_CONTRACT_TYPE").to_list() == application["NAME_CONTRACT_TYPE"].to_list()


def test_absent_tables_are_remembered(tables: Tables, tmp_path: Path, fake_features: Build) -> None:
    del tables["bureau_balance"]
    made = write_features(tables, tmp_path / "features")
    assert FeatureSet.open(made.folder).absent_tables == ("bureau_balance",)


def test_features_of_other_clients_than_the_applications_are_refused(
    tables: Tables, tmp_path: Path, fake_features: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    import data.features

    def every_other(given: Tables) -> Features:
        built = fake_features(given)
        return Features(built.ids[::2], built.names, built.columns[:, ::2])

    monkeypatch.setattr(data.features, "build_features", every_other)
    with pytest.raises(SourceError, match=r"are not of the 12 clients that have an application"):
        write_features(tables, tmp_path / "features")
    assert not (tmp_path / "features").exists()


def test_the_hash_follows_the_data(made: FeatureSet, tables: Tables, tmp_path: Path) -> None:
    again = write_features(tables, tmp_path / "again")
    assert again.data_hash == made.data_hash
    other = {**tables, "application": tables["application"].with_columns(pl.col("AMT_CREDIT") + 1)}
    assert write_features(other, tmp_path / "other").data_hash != made.data_hash


def test_an_unknown_column_names_the_nearest(made: FeatureSet) -> None:
    with pytest.raises(UnknownColumn, match=r"no feature 'PAYMENT_RATES'. Did you mean PAYMENT_RATE"):
        made.column("PAYMENT_RATES")
    with pytest.raises(UnknownColumn, match=r"no application column 'AMT_CREDITS'. Did you mean AMT_CREDIT"):
        made.facts_column("AMT_CREDITS")


def test_a_file_instead_of_a_folder(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UnknownPortfolio, match="is a file; the folder of a feature set was expected"):
        FeatureSet.open(tmp_path / "file")


def test_no_manifest(made: FeatureSet) -> None:
    (made.folder / "manifest.json").unlink()
    with pytest.raises(IncompleteArtefact, match="Make it again: python -m data features"):
        FeatureSet.open(made.folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"kind": "feature set", "format": 1}'])
def test_a_damaged_manifest(made: FeatureSet, content: str) -> None:
    (made.folder / "manifest.json").write_text(content)
    with pytest.raises(StoreError, match="Make it again"):
        FeatureSet.open(made.folder)


def test_another_format(made: FeatureSet) -> None:
    (made.folder / "manifest.json").write_text(json.dumps({**made.manifest, "format": 7}))
    with pytest.raises(StoreError, match="has format 7; this version reads format 1"):
        FeatureSet.open(made.folder)


def test_another_kind(raw: Path, tmp_path: Path, home: Path) -> None:
    import_raw(raw, tmp_path / "imported")
    with pytest.raises(StoreError, match="is no feature set: its manifest says 'import of raw tables'"):
        FeatureSet.open(tmp_path / "imported")


@pytest.mark.parametrize("name", feature_set.FILES)
def test_a_changed_file(made: FeatureSet, name: str) -> None:
    damage(made.folder / name)
    with pytest.raises(HashMismatch, match=f"{name} is not the file its manifest describes"):
        FeatureSet.open(made.folder)


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("name", feature_set.FILES)
def test_a_cut_or_missing_file(made: FeatureSet, name: str, verify: bool) -> None:
    path = made.folder / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(HashMismatch, match=rf"{name} has \d+ bytes, its manifest says"):
        FeatureSet.open(made.folder, verify=verify)
    path.unlink()
    with pytest.raises(IncompleteArtefact, match=f"{name} is not there"):
        FeatureSet.open(made.folder, verify=verify)


def test_a_manifest_that_leaves_out_a_file(made: FeatureSet) -> None:
    files = {name: facts for name, facts in made.manifest["files"].items() if name != "ids.npy"}
    (made.folder / "manifest.json").write_text(json.dumps({**made.manifest, "files": files}))
    with pytest.raises(IncompleteArtefact, match=r"lists no ids.npy"):
        FeatureSet.open(made.folder)


def test_a_manifest_that_is_not_of_these_arrays(made: FeatureSet) -> None:
    manifest = {**made.manifest, "names": [*made.names, "ONE_MORE"]}
    (made.folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match=r"features.npy is \(3, 12\), expected \(4, 12\)"):
        FeatureSet.open(made.folder)
