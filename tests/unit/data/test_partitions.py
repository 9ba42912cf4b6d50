"""Partitions: which client goes where, what an import of several holds, and features that don't depend on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from data import feature_parts, feature_set, scheduling
from data.errors import HashMismatch, IncompleteArtefact, InvalidOption, StoreError
from data.feature_set import features_from, write_features
from data.partitions import MOST, partition_of
from data.schema import CLIENT_ID
from data.sources import import_raw, load_imported, read_import, read_raw
from data.synthesis import generate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw tables of 60 clients, with monthly balances of listed that no bureau knows."""
    folder = tmp_path_factory.mktemp("raw")
    tables = generate(60, 3)
    orphans = tables["bureau_balance"].head(5).with_columns(pl.lit(999_999_999, pl.Int64).alias("SK_ID_BUREAU"))
    tables["bureau_balance"] = pl.concat([tables["bureau_balance"], orphans])
    for name, frame in tables.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return folder


def _splitmix64(number: int) -> int:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        number = (number ^ (number >> shift)) * factor % 2**64
    return number


def test_the_mix_is_fixed() -> None:
    ids = np.array([0, 1, 100_001, 456_255, 2**53 - 1], np.int64)
    assert partition_of(ids, 64).tolist() == [0, 37, 28, 12, 3] == [_splitmix64(int(number)) % 64 for number in ids]
    assert partition_of(ids, 1).tolist() == [0] * 5


@pytest.mark.parametrize("step", [1, 2, 7, 16, 1000])
def test_patterns_among_the_ids_fill_no_partition(step: int) -> None:
    counts = np.bincount(partition_of(np.arange(100_000, 100_000 + 16_000 * step, step), 16), minlength=16)
    assert counts.min() > 850
    assert counts.max() < 1150


@pytest.mark.parametrize("partitions", [0, -1, MOST + 1])
def test_a_number_of_partitions_out_of_range_is_refused(raw: Path, tmp_path: Path, partitions: int) -> None:
    with pytest.raises(InvalidOption, match=rf"{partitions} partitions .* from 1 to 4096"):
        import_raw(raw, tmp_path / "imported", partitions=partitions)
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize("partitions", [1, 7, 64])
def test_a_client_is_whole_in_one_partition_and_no_row_is_lost(raw: Path, tmp_path: Path, partitions: int) -> None:
    out = tmp_path / "imported"
    manifest = import_raw(raw, out, partitions=partitions)
    assert manifest["partitions"] == partitions
    whole = read_raw(raw).tables
    parts = [load_imported(out, number) for number in range(partitions)]
    for name, table in whole.items():
        frames = [part[name].collect() for part in parts]
        source = table.collect()
        assert sum(frame.height for frame in frames) == source.height
        if CLIENT_ID not in source.columns:
            continue
        for number, frame in enumerate(frames):
            homes = partition_of(frame[CLIENT_ID].to_numpy(), partitions)
            assert (homes == number).all()
            # in the order of the source
            assert frame.equals(
                source.filter(pl.Series(partition_of(source[CLIENT_ID].to_numpy(), partitions)) == number)
            )
    for part in parts:
        listed = part["bureau"].collect()["SK_ID_BUREAU"].implode()
        known = whole["bureau"].collect()["SK_ID_BUREAU"].implode()
        balances = part["bureau_balance"].collect()["SK_ID_BUREAU"]
        strangers = balances.filter(~balances.is_in(listed))
        assert not strangers.is_in(known).any()


def test_a_partition_that_is_not_there_is_refused(raw: Path, tmp_path: Path) -> None:
    import_raw(raw, tmp_path / "imported", partitions=3)
    with pytest.raises(InvalidOption, match=r"no partition 3: its partitions are 0 to 2"):
        load_imported(tmp_path / "imported", 3)


@pytest.mark.slow
def test_features_do_not_depend_on_the_partitions(raw: Path, tmp_path: Path) -> None:
    whole = write_features(read_raw(raw).tables, tmp_path / "whole")
    for partitions in (1, 7, 64):
        made = features_from(raw, tmp_path / f"features{partitions}", partitions=partitions)
        assert made.data_hash == whole.data_hash
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features1", "features64", "features7", "whole"]


def test_an_import_keeps_its_number_of_partitions(raw: Path, tmp_path: Path) -> None:
    import_raw(raw, tmp_path / "imported", partitions=2)
    with pytest.raises(InvalidOption, match=r"an import of 2 partitions, 3 were asked for"):
        features_from(tmp_path / "imported", tmp_path / "features", partitions=3)


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have partitions worked on in their order, so that a test knows which are finished."""
    monkeypatch.setattr(scheduling, "threads", lambda: 1)


@pytest.mark.usefixtures("one_by_one")
def test_finished_parts_outlive_a_full_disk(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported, out = tmp_path / "imported", tmp_path / "features"
    import_raw(raw, imported, partitions=4)
    compute = feature_set.compute_part
    computed: list[int] = []

    def until_full(folder: Path, parts: Path, number: int) -> None:
        if number == 2:
            raise OSError(28, "No space left on device")
        compute(folder, parts, number)

    def counted(folder: Path, parts: Path, number: int) -> None:
        computed.append(number)
        compute(folder, parts, number)

    monkeypatch.setattr(feature_set, "compute_part", until_full)
    with pytest.raises(
        StoreError, match=r"features can't be written: No space left on device\. What is finished is kept"
    ):
        features_from(imported, out)
    assert not out.exists()
    monkeypatch.setattr(feature_set, "compute_part", counted)
    resumed = features_from(imported, out)
    assert computed == [2, 3]
    assert resumed.data_hash == write_features(read_raw(raw).tables, tmp_path / "whole").data_hash
    assert not list(tmp_path.glob(".*"))


@pytest.mark.usefixtures("one_by_one")
def test_a_damaged_partition_stops_and_its_repair_resumes(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported, out = tmp_path / "imported", tmp_path / "features"
    import_raw(raw, imported, partitions=3)
    file = imported / "bureau" / "0001.parquet"
    content = file.read_bytes()
    file.write_bytes(content[:-20])
    with pytest.raises(HashMismatch, match=r"bureau/0001\.parquet has .* bytes"):
        features_from(imported, out)
    file.unlink()
    with pytest.raises(IncompleteArtefact, match=r"bureau/0001\.parquet is not there"):
        features_from(imported, out)
    file.write_bytes(content)
    computed: list[int] = []
    compute = feature_set.compute_part
    monkeypatch.setattr(feature_set, "compute_part", lambda *given: (computed.append(given[2]), compute(*given)))
    assert len(features_from(imported, out)) == 60
    assert computed == [1, 2]


@pytest.mark.usefixtures("one_by_one")
def test_a_damaged_part_is_made_anew(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported, out = tmp_path / "imported", tmp_path / "features"
    import_raw(raw, imported, partitions=3)
    assemble = feature_set.assemble

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(feature_set, "assemble", interrupted)
    with pytest.raises(KeyboardInterrupt):
        features_from(imported, out)
    (parts,) = tmp_path.glob(".parts-features/parts")
    columns = parts / "0002.npy"
    columns.write_bytes(columns.read_bytes()[:-4])
    monkeypatch.setattr(feature_set, "assemble", assemble)
    computed: list[int] = []
    compute = feature_set.compute_part
    monkeypatch.setattr(feature_set, "compute_part", lambda *given: (computed.append(given[2]), compute(*given)))
    features_from(imported, out)
    assert computed == [2]


@pytest.mark.usefixtures("one_by_one")
def test_parts_of_other_data_are_not_used(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported, out = tmp_path / "imported", tmp_path / "features"
    import_raw(raw, imported, partitions=3)
    compute = feature_set.compute_part

    def until_full(folder: Path, parts: Path, number: int) -> None:
        if number == 2:
            raise OSError(28, "No space left on device")
        compute(folder, parts, number)

    monkeypatch.setattr(feature_set, "compute_part", until_full)
    with pytest.raises(StoreError):
        features_from(imported, out)
    import_raw(raw, imported, partitions=2)
    assert read_import(imported)["partitions"] == 2
    computed: list[int] = []
    monkeypatch.setattr(feature_set, "compute_part", lambda *given: (computed.append(given[2]), compute(*given)))
    features_from(imported, out)
    assert computed == [0, 1]


def test_the_features_do_not_depend_on_how_many_are_written_at_once(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = features_from(raw, tmp_path / "whole", partitions=3)
    monkeypatch.setattr(feature_parts, "_BYTES_AT_ONCE", 60 * 4 * 2 * 7)
    monkeypatch.setattr(feature_parts, "threads", lambda: 2)
    told: list[float] = []
    blocks = features_from(raw, tmp_path / "blocks", lambda _, fraction: told.append(fraction), partitions=3)
    assert blocks.data_hash == whole.data_hash
    assert told == sorted(told)
    assert len(set(told)) > 100


def test_a_disk_that_fills_in_the_middle_of_the_features_keeps_the_parts(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported, out = tmp_path / "imported", tmp_path / "features"
    import_raw(raw, imported, partitions=2)
    monkeypatch.setattr(feature_parts, "_BYTES_AT_ONCE", 60 * 4 * 2 * 7)
    read = feature_parts._read_columns

    def full(path: Path, start: int, found: object) -> None:
        if start >= 70:
            raise OSError(28, "No space left on device")
        read(path, start, found)  # type: ignore[arg-type]

    monkeypatch.setattr(feature_parts, "_read_columns", full)
    with pytest.raises(StoreError, match=r"No space left on device"):
        features_from(imported, out)
    assert not out.exists()
    assert len(list(tmp_path.glob(".parts-features/parts/*.json"))) == 2
    monkeypatch.setattr(feature_parts, "_read_columns", read)
    assert len(features_from(imported, out)) == 60


def test_a_part_that_ends_too_soon_is_told(tmp_path: Path) -> None:
    whole = np.arange(20, dtype=np.float32).reshape(4, 5)
    np.save(tmp_path / "part.npy", whole)
    found = np.empty((2, 5), np.float32)
    feature_parts._read_columns(tmp_path / "part.npy", 2, found)
    np.testing.assert_array_equal(found, whole[2:])
    (tmp_path / "part.npy").write_bytes((tmp_path / "part.npy").read_bytes()[:-4])
    with pytest.raises(IncompleteArtefact, match=r"part.npy ends before its last value\. Run the same command again"):
        feature_parts._read_columns(tmp_path / "part.npy", 2, found)


def test_clients_go_by_in_blocks_where_they_are_many(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = features_from(raw, tmp_path / "whole", partitions=3)
    monkeypatch.setattr(feature_parts, "_CLIENTS_AT_ONCE", 7)
    blocks = features_from(raw, tmp_path / "blocks", partitions=3)
    assert [blocks.facts(position) for position in range(60)] == [whole.facts(position) for position in range(60)]
    np.testing.assert_array_equal(blocks.target, whole.target)
