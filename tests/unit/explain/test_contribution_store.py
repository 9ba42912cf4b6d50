"""The store gives lines, groups and importance, and refuses whatever is not what its manifest says."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from data.errors import HashMismatch, IncompleteArtefact, InvalidOption, StoreError, UnknownColumn, UnknownPortfolio
from data.features.catalog import features as catalog_of
from data.files import describe_files, write_json
from explain.contribution_parts import write_contributions
from explain.contribution_store import FILES, ContributionStore


@pytest.fixture
def copy(store, tmp_path):
    return shutil.copytree(store.folder, tmp_path / "copy")


def describe_again(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    write_json(folder / "manifest.json", {**manifest, "files": describe_files(folder, manifest["files"])})


def test_a_feature_by_its_name(store):
    for place, name in enumerate(store.used):
        np.testing.assert_array_equal(store.contribution(name), store.contributions[place])
    with pytest.raises(UnknownColumn, match=r"no feature 'EXT_SOURCE'\. Did you mean EXT_SOURCE_2\?"):
        store.contribution("EXT_SOURCE")


def test_a_feature_that_no_tree_reads_contributes_nothing(features, training_rows, make_booster, make_model, tmp_path):
    model = make_model(tmp_path / "model", make_booster(training_rows, trees=2, num_leaves=3))
    store = write_contributions(features, model, tmp_path / "out", catalog=catalog_of(()))
    unused = next(name for name in store.names if name not in store.used)
    assert store.contribution(unused).tolist() == [0.0] * 400
    assert store.contribution(unused).dtype == np.float32


def test_a_group_by_its_name(store):
    group = "bureau.DAYS_CREDIT"
    members = [f"BURO_DAYS_CREDIT_{how}" for how in ("MIN", "MAX", "MEAN")]
    sums = sum(store.contribution(name).astype(np.float64) for name in members)
    np.testing.assert_allclose(store.group_contribution(group), sums, atol=1e-6)
    with pytest.raises(UnknownColumn, match=r"no source column 'bureau\.DAYS_CREDI'\. Did you mean bureau\.DAYS"):
        store.group_contribution("bureau.DAYS_CREDI")


def test_everything_is_read_only(store):
    for array in (store.contributions, store.by_group, store.strongest, store.strongest_values, store.logits):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert len(store) == 400


def test_of_another_model_or_other_features(store):
    store.check_belongs(store.model_hash, store.data_hash)
    with pytest.raises(HashMismatch, match=rf"are of model {store.model_hash[:12]}…, this is 111111111111…"):
        store.check_belongs("1" * 64, store.data_hash)
    with pytest.raises(HashMismatch, match=rf"are of features {store.data_hash[:12]}…, this is 222222222222…"):
        store.check_belongs(store.model_hash, "2" * 64)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("verify", [True, False])
def test_a_missing_file(copy, name, verify):
    (copy / name).unlink()
    with pytest.raises(IncompleteArtefact, match=rf"{name} is not there.*python -m explain portfolio"):
        ContributionStore.open(copy, verify=verify)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("verify", [True, False])
def test_a_truncated_file(copy, name, verify):
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[:-1])
    with pytest.raises(HashMismatch, match=rf"{name} has {len(content) - 1} bytes, its manifest says {len(content)}"):
        ContributionStore.open(copy, verify=verify)


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[-1] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(HashMismatch, match=f"{name} is not the file its manifest describes"):
        ContributionStore.open(copy, verify=True)


@pytest.mark.parametrize(
    ("name", "dtype", "words"),
    [
        ("contributions.npy", np.float64, "holds float64, float32 was expected"),
        ("groups.npy", np.float16, "holds float16, float32 was expected"),
        ("strongest.npy", np.int16, "holds int16, uint16 was expected"),
        ("strongest_values.npy", np.float64, "holds float64, float32 was expected"),
        ("logits.npy", np.float32, "holds float32, float64 was expected"),
    ],
)
def test_a_wrong_dtype(copy, name, dtype, words):
    np.save(copy / name, np.load(copy / name).astype(dtype))
    describe_again(copy)
    with pytest.raises(StoreError, match=words):
        ContributionStore.open(copy)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".npy")])
def test_a_wrong_shape(copy, name):
    np.save(copy / name, np.load(copy / name)[:-1])
    describe_again(copy)
    with pytest.raises(StoreError, match=rf"{name} is \(.*, expected \("):
        ContributionStore.open(copy)


def test_a_folder_that_is_none(copy, features, tmp_path):
    with pytest.raises(UnknownPortfolio, match="No such folder"):
        ContributionStore.open(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="is no contributions: its manifest says 'feature set'"):
        ContributionStore.open(features.folder)
    (copy / "manifest.json").unlink()
    with pytest.raises(IncompleteArtefact, match=r"manifest\.json is not there"):
        ContributionStore.open(copy)


def test_a_manifest_that_lacks_something(copy):
    manifest = json.loads((copy / "manifest.json").read_text())
    write_json(copy / "manifest.json", {key: value for key, value in manifest.items() if key != "base"})
    with pytest.raises(IncompleteArtefact, match="lacks base"):
        ContributionStore.open(copy)
    del manifest["files"]["logits.npy"]
    write_json(copy / "manifest.json", manifest)
    with pytest.raises(IncompleteArtefact, match=r"lists no logits\.npy"):
        ContributionStore.open(copy)


def test_importance_that_cannot_be_read(copy, store):
    with pytest.raises(InvalidOption, match=r"'groups' is none of feature, group, table\. Did you mean group\?"):
        store.importance("groups")
    for content in ({}, [], {"group": {"names": 3}}, {"group": {"names": ["a"], "mean_absolute": "b"}}):
        write_json(copy / "importance.json", content)
        describe_again(copy)
        with pytest.raises(IncompleteArtefact, match=r"importance\.json can't be read"):
            ContributionStore.open(copy).importance("group")
