"""On the real sample: the quality that was promised, and parity on every client."""

from __future__ import annotations

import json

import pytest

from data.feature_set import features_from
from models.__main__ import main
from models.card import read_card

pytestmark = pytest.mark.slow


def test_out_of_fold_auc_and_parity_on_the_real_sample(home_credit, tmp_path, capsys):
    features = features_from(home_credit, tmp_path / "features")
    model = str(tmp_path / "model")
    assert main(["train", "--features", str(features.folder), "--out", model]) == 0
    assert main(["evaluate", "--model", model, "--features", str(features.folder)]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["auc"] >= 0.735
    assert found["auc_low"] < found["auc"] < found["auc_high"]
    assert (found["clients"], found["labelled_clients"], found["bit_equal_share"]) == (10_000, 5_000, 1.0)
    assert read_card(tmp_path / "model").absent_tables == ("installments_payments",)
