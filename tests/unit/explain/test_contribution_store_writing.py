"""The store holds the exact contributions of every client, however often its writing was broken off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from data.errors import FeatureMismatch, HashMismatch, ModelError, StoreError
from data.features.catalog import features as catalog_of
from data.files import sha256_of, write_json
from explain import contribution_parts
from explain.contribution_parts import write_contributions
from explain.contribution_store import ARRAYS, FILES, IMPORTANCE, STRONGEST, ContributionStore
from explain.contributions import TOLERANCE, Explainer
from explain.grouping import grouping
from explain.importance import LEVELS, importance
from models.folder import model_hash, read_manifest
from models.scorer import Scorer

ROOT = Path(__file__).resolve().parents[3]
CATALOG = catalog_of(())
SLOWLY = """
import sys, time
from pathlib import Path
from data.feature_set import FeatureSet
from data.features.catalog import features as catalog_of
from explain import contribution_parts as parts

features, model, out, slow = (Path(text) for text in sys.argv[1:])
parts.CLIENTS = 40
write, mark = parts._write, parts.write_json
if slow.name == "writing":
    parts._write = lambda *given: (write(*given), time.sleep(0.02))
if slow.name == "marking":
    parts.write_json = lambda *given: (time.sleep(0.1), mark(*given))
if slow.name == "finishing":
    finish = parts._finish
    parts._finish = lambda *given: (finish(*given), print("finished", flush=True), time.sleep(60))
parts.write_contributions(FeatureSet.open(features), model, out, catalog=catalog_of(()))
"""


@pytest.fixture
def small_ranges(monkeypatch):
    monkeypatch.setattr(contribution_parts, "CLIENTS", 40)


@pytest.fixture(scope="session")
def few_used(tmp_path_factory, training_rows, make_booster, make_model):
    """The folder of a model that doesn't use all features."""
    booster = make_booster(training_rows, trees=4, num_leaves=4)
    return make_model(tmp_path_factory.mktemp("few") / "model", booster)


def hashes(folder):
    return {name: sha256_of(folder / name) for name in FILES}


def write(features, model, out, **chosen):
    return write_contributions(features, model, out, catalog=CATALOG, **chosen)


def test_it_holds_the_contributions_of_every_client(store, features, scoring_model, rows):
    exact = Explainer.load(scoring_model).explain_many(rows)
    places = [features.names.index(name) for name in store.used]
    np.testing.assert_array_equal(store.contributions, exact.values.T[places].astype(np.float32))
    sums = grouping(store.used, CATALOG).sums(exact.values[:, places])
    np.testing.assert_allclose(store.by_group, sums, rtol=1e-6, atol=1e-12)
    scores = Scorer.load(scoring_model).score(rows)
    np.testing.assert_allclose(store.logits, np.log(scores.score / (1 - scores.score)), atol=1e-9)
    assert store.base == exact.base
    assert 0 < store.largest_residual < 1e-12 < TOLERANCE
    assert store.groups == grouping(store.used, CATALOG).groups
    assert store.tables == tuple(dict.fromkeys(group.partition(".")[0] for group in store.groups))
    assert len(store.groups) < len(store.used)
    store.check_belongs(model_hash(read_manifest(scoring_model)), features.data_hash)


def test_the_strongest_are_those_of_a_whole_sort(store, features, scoring_model, rows):
    exact = Explainer.load(scoring_model).explain_many(rows).values
    used = np.array([features.names.index(name) for name in store.used])
    order = used[np.argsort(-np.abs(exact[:, used]), axis=1, kind="stable")[:, :STRONGEST]]
    assert store.strongest.shape == (400, STRONGEST) != (400, len(used))
    np.testing.assert_array_equal(store.strongest, order)
    np.testing.assert_array_equal(store.strongest_values, np.take_along_axis(exact, order, axis=1).astype(np.float32))


def test_only_features_that_some_tree_reads_are_stored(features, few_used, rows, tmp_path):
    found = write(features, few_used, tmp_path / "out")
    exact = Explainer.load(few_used).explain_many(rows).values
    read = [name for name, values in zip(features.names, exact.T, strict=True) if values.any()]
    assert list(found.used) == read
    assert 0 < len(read) < STRONGEST
    assert found.strongest.shape == (400, len(read))
    assert found.names == features.names


def test_a_model_without_a_split_has_no_contribution(features, training_rows, make_booster, make_model, tmp_path):
    model = make_model(tmp_path / "model", make_booster(training_rows, trees=1, min_data_in_leaf=5000))
    found = write(features, model, tmp_path / "out")
    assert found.used == found.groups == found.tables == ()
    assert found.contributions.shape == (0, 400)
    np.testing.assert_allclose(found.logits, found.base, atol=1e-12)
    assert [found.importance(level).names for level in LEVELS] == [(), (), ()]


def test_the_bytes_do_not_depend_on_ranges_or_threads(store, features, scoring_model, tmp_path, monkeypatch):
    for number, (clients, threads) in enumerate(((37, 1), (400, 2), (111, 4))):
        monkeypatch.setattr(contribution_parts, "CLIENTS", clients)
        monkeypatch.setattr(contribution_parts, "_AT_ONCE", 10 * number + 7)
        monkeypatch.setattr("data.scheduling.threads", lambda threads=threads: threads)
        found = write(features, scoring_model, tmp_path / str(number))
        assert hashes(found.folder) == hashes(store.folder)
        assert found.manifest | {"created": ""} == store.manifest | {"created": ""}


def test_nothing_is_left_beside(features, scoring_model, tmp_path, small_ranges):
    found = write(features, scoring_model, tmp_path / "out")
    assert sorted(path.name for path in found.folder.iterdir()) == sorted((*FILES, "manifest.json"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_importance_of_everyone_is_kept(store):
    for level in LEVELS:
        kept, found = store.importance(level), importance(store, None, level)
        assert kept.frame().equals(found.frame())
        assert (kept.clients, kept.population) == (400, 400)


def test_what_is_there_is_kept_unless_it_is_damaged_or_of_another_model(
    features, scoring_model, few_used, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    first = hashes(write(features, scoring_model, out).folder)
    with monkeypatch.context() as patch:
        patch.setattr(contribution_parts, "explain_part", None)
        told = []
        write(features, scoring_model, out, report=lambda step, fraction: told.append((step, fraction)))
    assert told == [("contributions already there", 1.0)]
    with open(out / "groups.npy", "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x55")
    assert hashes(write(features, scoring_model, out).folder) == first
    assert hashes(write(features, few_used, out).folder) != first


def test_progress_counts_the_ranges(features, scoring_model, tmp_path, small_ranges):
    told = []
    write(features, scoring_model, tmp_path / "out", report=lambda step, fraction: told.append((step, fraction)))
    assert told[0] == ("explaining clients, range 1 of 10", 0.0)
    assert told[-1] == ("contributions written", 1.0)
    assert [fraction for _, fraction in told] == sorted(fraction for _, fraction in told)


@pytest.mark.parametrize("wrong", [2e-9, np.nan])
def test_a_sum_that_is_not_the_score_stops_the_work_and_names_the_client(
    wrong, features, scoring_model, tmp_path, small_ranges, monkeypatch
):
    exact = Explainer.explain_used

    def off(self, columns):
        values = exact(self, columns)
        values[3, columns[0] == features.columns[0, 217]] += wrong
        return values

    monkeypatch.setattr(Explainer, "explain_used", off)
    assert np.count_nonzero(features.columns[0] == features.columns[0, 217]) == 1
    with pytest.raises(ModelError, match=r"Client 100218: .* log-odds are .*python -m models export --model"):
        write(features, scoring_model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_sum_within_the_tolerance_is_let_through_and_told(features, scoring_model, tmp_path, monkeypatch):
    exact = Explainer.explain_used
    monkeypatch.setattr(Explainer, "explain_used", lambda self, columns: exact(self, columns) + 5e-10 / len(self.used))
    found = write(features, scoring_model, tmp_path / "out")
    assert found.largest_residual == pytest.approx(5e-10, rel=1e-3)


def test_a_graph_of_other_trees_is_found_out(features, scoring_model, few_used, make_booster, training_rows, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    for path in scoring_model.iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    (model / "model.onnx").write_bytes((few_used / "model.onnx").read_bytes())
    manifest = read_manifest(model)
    manifest["files"]["model.onnx"] = read_manifest(few_used)["files"]["model.onnx"]
    write_json(model / "manifest.json", manifest)
    with pytest.raises(ModelError, match=r"Client 100001: .*The graph and the text of the model disagree"):
        write(features, model, tmp_path / "out")


def test_features_of_another_model_are_refused(scoring_model, rows, make_feature_set, tmp_path):
    other = make_feature_set(tmp_path / "other", rows[:, :23], tuple(f"F{place}" for place in range(23)))
    with pytest.raises(FeatureMismatch, match="This model reads 24 features, these are 23"):
        write(other, scoring_model, tmp_path / "out")


def test_a_catalogue_without_a_feature_is_refused(features, scoring_model, tmp_path):
    without = [feature for feature in CATALOG if feature.name != "EXT_SOURCE_2"]
    with pytest.raises(FeatureMismatch, match="EXT_SOURCE_2"):
        write_contributions(features, scoring_model, tmp_path / "out", catalog=without)


def test_a_folder_of_something_else_is_left_alone(features, scoring_model, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"holds mine\.txt"):
        write(features, scoring_model, tmp_path)
    with pytest.raises(StoreError, match="feature set"):
        write(features, scoring_model, features.folder)


def test_features_changed_meanwhile_are_found_out(features, scoring_model, make_feature_set, rows, tmp_path):
    other = make_feature_set(tmp_path / "features", rows[::-1])
    begun = contribution_parts.write_contributions

    class Changed:
        names, folder, absent_tables = other.names, other.folder, ()
        data_hash = features.data_hash

        def __len__(self):
            return len(other)

    with pytest.raises(HashMismatch, match=r"holds features .* it was changed meanwhile"):
        begun(Changed(), scoring_model, tmp_path / "out", catalog=CATALOG)


def test_finished_ranges_are_kept_when_the_disk_is_full(
    store, features, scoring_model, tmp_path, small_ranges, monkeypatch
):
    done = []
    explain = contribution_parts.explain_part

    def run(work, staged, number):
        done.append(number)
        explain(work, staged, number)

    def full(*given):
        if given[-1] == 6 * 40 and given[0].name == "groups.npy":
            raise OSError(28, "No space left on device")
        write_whole(*given)

    write_whole = contribution_parts._write
    monkeypatch.setattr("data.scheduling.threads", lambda: 1)
    monkeypatch.setattr(contribution_parts, "explain_part", run)
    with monkeypatch.context() as patch:
        patch.setattr(contribution_parts, "_write", full)
        with pytest.raises(StoreError, match=r"No space left on device\. What is finished is kept"):
            write(features, scoring_model, tmp_path / "out")
    assert done == [0, 1, 2, 3, 4, 5, 6]
    assert not (tmp_path / "out").exists()
    found = write(features, scoring_model, tmp_path / "out")
    assert done[7:] == [6, 7, 8, 9]
    assert hashes(found.folder) == hashes(store.folder)


def test_a_disk_that_is_really_full_is_told(features, scoring_model, tmp_path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(StoreError, match="can't be written: File too large"):
            write(features, scoring_model, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)


def test_ranges_of_a_file_that_was_cut_are_made_again(store, features, scoring_model, tmp_path, monkeypatch):
    monkeypatch.setattr(contribution_parts, "CLIENTS", 40)
    with monkeypatch.context() as patch:
        patch.setattr(contribution_parts, "_finish", _stop)
        with pytest.raises(KeyboardInterrupt):
            write(features, scoring_model, tmp_path / "out")
    staged = tmp_path / ".tmp-out" / "parts"
    assert len(list((staged / "ranges").iterdir())) == 10
    os.truncate(staged / "strongest.npy", 300)
    assert hashes(write(features, scoring_model, tmp_path / "out").folder) == hashes(store.folder)


def test_ranges_of_another_length_are_thrown_away(store, features, scoring_model, tmp_path, monkeypatch):
    explain = contribution_parts.explain_part

    def three(work, staged, number):
        if number == 3:
            raise KeyboardInterrupt
        explain(work, staged, number)

    monkeypatch.setattr("data.scheduling.threads", lambda: 1)
    with monkeypatch.context() as patch:
        patch.setattr(contribution_parts, "CLIENTS", 40)
        patch.setattr(contribution_parts, "explain_part", three)
        with pytest.raises(KeyboardInterrupt):
            write(features, scoring_model, tmp_path / "out")
    monkeypatch.setattr(contribution_parts, "CLIENTS", 150)
    assert hashes(write(features, scoring_model, tmp_path / "out").folder) == hashes(store.folder)


def test_ranges_of_another_model_are_thrown_away(store, features, scoring_model, few_used, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(contribution_parts, "_finish", _stop)
        with pytest.raises(KeyboardInterrupt):
            write(features, few_used, tmp_path / "out")
    assert hashes(write(features, scoring_model, tmp_path / "out").folder) == hashes(store.folder)


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "seen"), [("writing", 1), ("writing", 7), ("marking", 4)])
def test_a_process_killed_while_it_writes_is_followed_by_the_same_bytes(
    moment, seen, store, features, scoring_model, tmp_path
):
    out = tmp_path / "out"
    ranges = tmp_path / ".tmp-out" / "parts" / "ranges"
    with _process(features, scoring_model, out, moment) as process:
        _wait(lambda: ranges.is_dir() and len(list(ranges.glob("[0-9]*.json"))) >= seen, process)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not out.exists()
    assert seen <= len(list(ranges.glob("[0-9]*.json"))) < 10
    with _process(features, scoring_model, out, "quickly") as again:
        pass
    assert again.returncode == 0
    assert hashes(out) == hashes(store.folder)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_a_process_killed_before_the_last_step_has_nothing_to_compute_again(
    store, features, scoring_model, tmp_path, small_ranges, monkeypatch
):
    with _process(features, scoring_model, tmp_path / "out", "finishing") as process:
        assert process.stdout.readline() == "finished\n"
        process.kill()
    monkeypatch.setattr(contribution_parts, "explain_part", None)
    found = write(features, scoring_model, tmp_path / "out")
    assert hashes(found.folder) == hashes(store.folder)
    assert sorted(path.name for path in found.folder.iterdir()) == sorted((*FILES, "manifest.json"))


@pytest.mark.slow
def test_two_processes_are_kept_apart(features, scoring_model, tmp_path):
    with _process(features, scoring_model, tmp_path / "out", "finishing") as process:
        try:
            assert process.stdout.readline() == "finished\n"
            with pytest.raises(StoreError, match="Another process is writing"):
                write(features, scoring_model, tmp_path / "out")
        finally:
            process.kill()


def test_the_old_store_stays_until_the_new_one_is_complete(features, scoring_model, few_used, tmp_path, monkeypatch):
    before = hashes(write(features, scoring_model, tmp_path / "out").folder)
    with monkeypatch.context() as patch:
        patch.setattr(contribution_parts, "_finish", _stop)
        with pytest.raises(KeyboardInterrupt):
            write(features, few_used, tmp_path / "out")
    assert hashes(tmp_path / "out") == before
    ContributionStore.open(tmp_path / "out", verify=True)


def test_the_manifest_tells_what_it_was_made_of(store, scoring_model):
    manifest = json.loads((store.folder / "manifest.json").read_text())
    assert manifest["made_of"]["text"] == sha256_of(scoring_model / "model.txt")
    assert set(manifest["files"]) == {*ARRAYS, IMPORTANCE}
    assert manifest["files"]["groups.npy"]["sha256"] == sha256_of(store.folder / "groups.npy")


def _stop(*_given):
    raise KeyboardInterrupt


def _process(features, model, out, slow):
    command = [sys.executable, "-c", SLOWLY, str(features.folder), str(model), str(out), slow]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _wait(until, process):
    end = time.monotonic() + 60
    while not until():
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.005)
