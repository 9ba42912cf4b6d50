"""Which features are monotone, and the names LightGBM gets."""

from __future__ import annotations

import re

import pytest

from data.features import features as catalogue
from models.constraints import direction, model_names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EXT_SOURCE_1", -1),
        ("EXT_SOURCE_3", -1),
        ("INSTAL_DPD_MAX", 1),
        ("INSTAL_DBD_MAX", 0),
        ("POS_SK_DPD_DEF_MEAN", 1),
        ("CC_SK_DPD_SUM", 1),
        ("CC_SK_DPD_VAR", 0),
        ("CC_SK_DPD_DEF_VAR", 0),
        ("BURO_CREDIT_DAY_OVERDUE_MAX", 1),
        ("ACTIVE_AMT_CREDIT_SUM_OVERDUE_MEAN", 1),
        ("CLOSED_AMT_CREDIT_MAX_OVERDUE_MEAN", 1),
        ("BURO_AMT_CREDIT_SUM_MEAN", 0),
        ("PREV_NAME_CONTRACT_STATUS_Refused_MEAN", 1),
        ("PREV_NAME_CONTRACT_STATUS_Approved_MEAN", 0),
        ("AMT_CREDIT", 0),
    ],
)
def test_only_known_signs_are_constrained(name, expected):
    assert direction(name) == expected


def test_every_constrained_feature_of_the_catalogue_is_meant():
    signs = {feature.name: direction(feature.name) for feature in catalogue()}
    assert sorted(name for name, sign in signs.items() if sign < 0) == ["EXT_SOURCE_1", "EXT_SOURCE_2", "EXT_SOURCE_3"]
    rising = [name for name, sign in signs.items() if sign > 0]
    assert all("DPD" in name or "OVERDUE" in name or "Refused" in name for name in rising)
    assert not any(name.endswith("_VAR") for name in rising)
    assert {name.split("_")[0] for name in rising} == {"INSTAL", "POS", "CC", "BURO", "ACTIVE", "CLOSED", "PREV"}


def test_names_are_plain_and_stay_apart():
    given = ("A: b", "A_ b", "A b", "A_b", "A_b_2", "été", "ok")
    made = model_names(given)
    assert len(set(made)) == len(given)
    assert all(re.fullmatch(r"[0-9A-Za-z_]+", name) for name in made)
    assert made[-1] == "ok"


def test_names_of_the_catalogue_stay_apart():
    names = [feature.name for feature in catalogue()]
    assert len(set(model_names(names))) == len(names)
