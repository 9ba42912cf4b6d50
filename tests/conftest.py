"""What every test has: the real sample where it is there, one thread, and a switch that makes a skip an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "2")

ROOT = Path(__file__).resolve().parent.parent


def _test_data() -> Path:
    return Path(os.environ.get("PRETSCOPE_TEST_DATA") or ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data to test on; skips, saying so, where it is not there."""
    folder = _test_data()
    if not folder.is_dir():
        pytest.skip(f"the real test data are not at {folder}; PRETSCOPE_TEST_DATA names another folder")
    return folder


@pytest.fixture(scope="session")
def home_credit(shared_data: Path) -> Path:
    """The real Home Credit sample: zipped CSV of 10,000 clients, without installments_payments."""
    return shared_data / "home_credit_multitable"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    """Make every skip a failure where PRETSCOPE_NO_SKIP is set, so that a skip can't hide a gap."""
    report = yield
    if os.environ.get("PRETSCOPE_NO_SKIP") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of artefacts that holds one prepared synthetic portfolio, called "small"."""
    from dashboard.prepare import prepare_synthetic

    folder = tmp_path_factory.mktemp("artifacts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRETSCOPE_ARTIFACTS", str(folder))
        prepare_synthetic("small", clients=1_500, seed=7)
    return folder


@pytest.fixture
def prepared(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The prepared artefacts, in use for the time of one test."""
    monkeypatch.setenv("PRETSCOPE_ARTIFACTS", str(artifacts))
    return artifacts
