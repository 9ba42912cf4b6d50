"""Segments kept for all visitors: whole or not at all, whoever writes at once, and damaged ones told and left alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from data import files
from data.errors import InvalidOption, PretscopeError, SegmentExists, StoreError, UnknownSegment
from explain.crossfilter.axes import AxisKey
from explain.crossfilter.filters import Box, Categories, Lasso, Range
from explain.crossfilter.segments import Segment, SegmentStore, checked_name

if TYPE_CHECKING:
    from pathlib import Path

FILTERS = (
    ("AMT_CREDIT", Range("AMT_CREDIT", 1e5, np.inf, missing=True)),
    ("raw.OCCUPATION_TYPE", Categories("raw.OCCUPATION_TYPE", ("Waiters/barmen staff", "Spouse, partner"))),
    ("pair", Box(Range("score", 0.1, 0.3), Categories("level", (), missing=True))),
    (
        "EXT_SOURCE_1",
        Lasso(AxisKey("EXT_SOURCE_1"), AxisKey("AMT_CREDIT", "log"), ((0.1, 0.2), (1 / 3, 5.0), (2.0, 0.0))),
    ),
)
YOUNG = Segment("Young and in debt", FILTERS, "2026-01-02T03:04:05+00:00")


@pytest.fixture
def store(tmp_path: Path) -> SegmentStore:
    return SegmentStore(tmp_path / "segments" / "small", portfolio="small", data_hash="abc")


def named(name: str) -> Segment:
    return replace(YOUNG, name=name)


def only_file(store: SegmentStore) -> Path:
    (path,) = store.folder.glob("*.json")
    return path


def test_what_is_kept_is_found_by_every_other_store(store: SegmentStore) -> None:
    assert store.all() == ()
    assert store.problems() == ()
    assert store.keep(YOUNG) == YOUNG
    store.keep(named("Étudiants"))
    store.keep(named("Abroad"))
    other = SegmentStore(store.folder, portfolio="small", data_hash="abc")
    assert [segment.name for segment in other.all()] == ["Abroad", "Étudiants", "Young and in debt"]
    assert other.get("Young and in debt") == YOUNG
    assert other.problems() == ()


def test_a_file_says_what_it_is(store: SegmentStore) -> None:
    store.keep(YOUNG)
    path = only_file(store)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert path.name.startswith("young-and-in-debt-")
    assert content.pop("filters").startswith("AMT_CREDIT:")
    assert content == {
        "kind": "segment",
        "format": 1,
        "name": "Young and in debt",
        "created": "2026-01-02T03:04:05+00:00",
        "portfolio": {"name": "small", "data_hash": "abc"},
    }


@pytest.mark.parametrize("same", ["young AND in debt", "  Young  and in\u00a0debt ", "Ｙoung and in debt"])
def test_names_that_look_alike_are_one(store: SegmentStore, same: str) -> None:
    store.keep(YOUNG)
    with pytest.raises(SegmentExists, match="There is a segment 'Young and in debt' already"):
        store.keep(Segment(same, (), "2026"))
    assert store.all() == (YOUNG,)
    kept = store.keep(Segment(same, (), "2026"), replace=True)
    assert store.all() == (kept,)
    assert kept.name == checked_name(same)
    assert store.get("YOUNG and in debt") == kept
    store.forget("young and in DEBT")
    assert store.all() == ()


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x00b", "a\nb", "a\u202eb", "a\u200bb", "\ud800"])
def test_a_name_that_cant_be_is_refused(store: SegmentStore, name: str) -> None:
    with pytest.raises(InvalidOption, match="name of a segment"):
        store.keep(named(name))
    assert not store.folder.exists()


@pytest.mark.parametrize(
    "name", ["x" * 60, "../../etc/passwd", "CON", "a/b\\c:d*?", ".hidden", "年収が高い", "🙂", "…"]
)
def test_any_other_name_is_one_file_in_the_folder(store: SegmentStore, name: str) -> None:
    store.keep(named(name))
    assert store.get(name).name == name
    path = only_file(store)
    assert path.name.isascii()
    assert len(path.name) < 60
    assert [one.name for one in store.folder.parent.rglob("*") if one.is_file()] == [path.name]


def test_an_unknown_name_is_told_with_the_nearest(store: SegmentStore) -> None:
    with pytest.raises(UnknownSegment, match="There is none yet"):
        store.get("Young")
    store.keep(YOUNG)
    for ask in (store.get, store.forget):
        with pytest.raises(UnknownSegment, match="Did you mean Young and in debt"):
            ask("Young and in dept")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "not valid JSON"),
        ('{"kind": "segment", "format": 1, "na', "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "is no segment"),
        ("{}", "is no segment"),
        ('{"kind": "segment", "format": 2}', "of format 2, 1 is read here"),
        ('{"kind": "segment", "format": 1, "name": 3}', "lacks the name"),
        ({"name": ""}, "can't be used"),
        ({"filters": "nonsense;"}, "can't be used"),
        ({"filters": "AMT_CREDIT:5..1"}, "can't be used"),
        ({"portfolio": None}, "which portfolio"),
        ({"portfolio": {"name": "other", "data_hash": "xyz"}}, "of portfolio 'other', not of 'small'"),
    ],
)
def test_a_file_that_cant_be_read_is_told_and_left_alone(
    store: SegmentStore, content: str | bytes | dict[str, object], told: str
) -> None:
    store.keep(YOUNG)
    store.keep(named("Other"))
    if isinstance(content, dict):
        content = json.dumps(json.loads(next(store.folder.glob("other-*")).read_text()) | content)
    bad = store.folder / "bad.json"
    bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert [segment.name for segment in store.all()] == ["Other", "Young and in debt"]
    (problem,) = store.problems()
    assert told in problem
    assert str(bad) in problem
    store.forget("Other")
    store.keep(named("Third"))
    assert bad.exists()
    assert len(store.problems()) == 1


def test_a_folder_in_a_files_place_is_told(store: SegmentStore) -> None:
    store.keep(YOUNG)
    (store.folder / "odd.json").mkdir()
    assert store.all() == (YOUNG,)
    assert "odd.json can't be read: Is a directory" in store.problems()[0]


def test_a_truncated_segment_keeps_its_name_and_is_never_lost(store: SegmentStore) -> None:
    store.keep(YOUNG)
    path = only_file(store)
    cut = path.read_text()[:40]
    path.write_text(cut)
    assert store.all() == ()
    with pytest.raises(UnknownSegment):
        store.forget(YOUNG.name)
    with pytest.raises(SegmentExists, match="which can't be read"):
        store.keep(YOUNG)
    assert path.read_text() == cut
    store.keep(YOUNG, replace=True)
    assert store.all() == (YOUNG,)
    assert store.problems() == ()
    assert (store.folder / f"{path.name}.unread").read_text() == cut


def test_a_copied_file_is_told_and_the_right_one_counts(store: SegmentStore) -> None:
    store.keep(YOUNG)
    path = only_file(store)
    for copy in ("a-copy.json", "z-copy.json"):
        content = json.loads(path.read_text()) | {"created": "2020"}
        (store.folder / copy).write_text(json.dumps(content))
    assert store.all() == (YOUNG,)
    assert sorted(problem.split(" is called")[0].rpartition("/")[2] for problem in store.problems()) == [
        "a-copy.json",
        "z-copy.json",
    ]


def test_segments_of_earlier_data_are_still_there_and_say_so(store: SegmentStore) -> None:
    store.keep(YOUNG)
    later = SegmentStore(store.folder, portfolio="small", data_hash="def")
    assert later.all() == (replace(YOUNG, earlier=True),)
    assert later.problems() == ()
    renamed = SegmentStore(store.folder, portfolio="renamed", data_hash="abc")
    assert renamed.all() == (YOUNG,)
    assert SegmentStore(store.folder).all() == (YOUNG,)


def test_a_folder_that_cant_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "small"):
        store = SegmentStore(folder)
        assert store.all() == ()
        assert "can't be read" in store.problems()[0]
        with pytest.raises(StoreError, match=r"'Young and in debt' was not kept: .* can't be written to"):
            store.keep(YOUNG)
    assert (tmp_path / "file").read_text() == "x"


def test_a_disk_that_refuses_leaves_the_old_one(store: SegmentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.keep(YOUNG)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StoreError, match=r"No space left on device.*What was there before is kept"):
        store.keep(Segment(YOUNG.name, (), "2027"), replace=True)
    monkeypatch.undo()
    assert store.all() == (YOUNG,)
    assert len(list(store.folder.iterdir())) == 1


def test_of_many_who_take_one_name_at_once_one_has_it(store: SegmentStore) -> None:
    def keep(number: int) -> bool:
        try:
            SegmentStore(store.folder, portfolio="small", data_hash="abc").keep(
                Segment("Taken", (("a", Range("a", 0, number)),), str(number))
            )
        except SegmentExists:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        took = list(pool.map(keep, range(32)))
    assert sum(took) == 1
    assert store.get("Taken").created == str(took.index(True))
    assert len(list(store.folder.iterdir())) == 1


def test_reading_while_others_write_finds_whole_segments(store: SegmentStore) -> None:
    store.keep(YOUNG)

    def write(number: int) -> None:
        store.keep(Segment("Coming", FILTERS, str(number)), replace=True)
        store.forget("Coming")

    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(lambda: [write(number) for number in range(150)])]
        while not writing[0].done():
            assert YOUNG in store.all()
            assert store.problems() == ()
        writing[0].result()


_WRITER = """
import sys
from pathlib import Path
from explain.crossfilter.filters import Range
from explain.crossfilter.segments import Segment, SegmentStore
store = SegmentStore(Path(sys.argv[1]), portfolio="small", data_hash="abc")
number = 0
while True:
    filters = tuple((f"c{place}", Range(f"c{place}", 0, number)) for place in range(200))
    store.keep(Segment("Killed", filters, str(number)), replace=True)
    if number == 0:
        print("ready", flush=True)
    number += 1
"""


@pytest.mark.slow
def test_a_process_killed_while_it_writes_leaves_a_whole_segment(store: SegmentStore) -> None:
    store.keep(YOUNG)
    for attempt in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, store.folder], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.011 * attempt)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert store.problems() == ()
        killed, young = store.all()
        assert young == YOUNG
        assert len(killed.filters) == 200
        assert {kept.high for _, kept in killed.filters} == {float(killed.created)}
        assert store.keep(Segment("Killed", (), "0"), replace=True).filters == ()
        assert len(list(store.folder.iterdir())) == 2


def test_every_refusal_is_an_error_of_ours() -> None:
    assert issubclass(SegmentExists, InvalidOption)
    assert issubclass(UnknownSegment, PretscopeError)
