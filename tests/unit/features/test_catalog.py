"""The catalogue: its names, order, groups, units and words."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from data import schema
from data.errors import MissingTable, UnknownColumn
from data.features import Feature, feature, features, group_description, group_label
from data.features.feature import DERIVED, messages


def test_there_are_795_distinct_names_in_six_blocks() -> None:
    catalogue = features()
    assert len(catalogue) == 795
    assert len({feature.name for feature in catalogue}) == 795
    assert Counter(feature.block for feature in catalogue) == {
        "application": 245,
        "bureau": 116,
        "previous": 249,
        "pos": 18,
        "instalments": 26,
        "card": 141,
    }


def test_the_application_block_is_numbers_binaries_indicators_and_ratios() -> None:
    block = [feature for feature in features() if feature.block == "application"]
    assert sum(feature.aggregation == "is" for feature in block) == 133
    assert [feature.name for feature in block[-5:]] == [
        "DAYS_EMPLOYED_PERC",
        "INCOME_CREDIT_PERC",
        "INCOME_PER_PERSON",
        "ANNUITY_INCOME_PERC",
        "PAYMENT_RATE",
    ]
    assert len(block) - 133 - 5 == 104 + 3


def test_names_stay_distinct_once_they_are_made_identifiers() -> None:
    assert len({re.sub(r"\W", "_", feature.name) for feature in features()}) == 795


@pytest.mark.parametrize(
    ("prefix", "count"),
    [("BURO_", 62), ("ACTIVE_", 27), ("CLOSED_", 27), ("PREV_", 189), ("APPROVED_", 30), ("REFUSED_", 30), ("POS_", 18),
     ("INSTAL_", 26), ("CC_", 141)],
)  # fmt: skip
def test_each_prefix_has_its_number_of_features(prefix: str, count: int) -> None:
    assert sum(feature.name.startswith(prefix) for feature in features()) == count


@pytest.mark.parametrize(
    "name",
    [
        "EXT_SOURCE_2",
        "ORGANIZATION_TYPE_Trade: type 7",
        "NAME_TYPE_SUITE_Spouse, partner",
        "BURO_CREDIT_ACTIVE_nan_MEAN",
        "BURO_CREDIT_TYPE_Loan for purchase of shares (margin lending)_MEAN",
        "BURO_STATUS_0_MEAN_MEAN",
        "BURO_STATUS_nan_MEAN_MEAN",
        "BURO_MONTHS_BALANCE_SIZE_SUM",
        "ACTIVE_DAYS_CREDIT_MIN",
        "CLOSED_MONTHS_BALANCE_MAX_MAX",
        "PREV_NAME_CONTRACT_STATUS_Refused_MEAN",
        "APPROVED_CNT_PAYMENT_MEAN",
        "REFUSED_APP_CREDIT_PERC_VAR",
        "POS_MONTHS_BALANCE_SIZE",
        "POS_COUNT",
        "INSTAL_NUM_INSTALMENT_VERSION_NUNIQUE",
        "INSTAL_DPD_MEAN",
        "CC_NAME_CONTRACT_STATUS_Active_MIN",
        "CC_NAME_CONTRACT_STATUS_nan_VAR",
        "CC_COUNT",
    ],
)
def test_well_known_names_are_there(name: str) -> None:
    assert feature(name).name == name


def test_absent_tables_take_their_features_away_and_leave_the_order() -> None:
    everything = features()
    assert len(features(("installments_payments",))) == 769
    assert len(features(("bureau",))) == 795 - 116
    assert features(("bureau", "bureau_balance")) == features(("bureau",))
    without = features(("bureau_balance",))
    gone = [feature for feature in everything if feature not in without]
    assert len(gone) == 9 + 3 * 4
    assert all("_STATUS_" in feature.name or "_MONTHS_BALANCE_" in feature.name for feature in gone)
    assert without == tuple(feature for feature in everything if feature not in gone)


def test_the_application_cannot_be_absent() -> None:
    with pytest.raises(MissingTable, match="application"):
        features(("application",))


def test_an_unknown_table_or_feature_gets_the_nearest_names() -> None:
    with pytest.raises(UnknownColumn, match="Did you mean bureau"):
        features(("bureaux",))
    with pytest.raises(UnknownColumn, match="Did you mean PAYMENT_RATE"):
        feature("PAYMENT_RATES")


@pytest.mark.parametrize(
    ("name", "group", "unit"),
    [
        ("DAYS_BIRTH", "application.DAYS_BIRTH", "days"),
        ("CODE_GENDER", "application.CODE_GENDER", "none"),
        ("NAME_HOUSING_TYPE_With parents", "application.NAME_HOUSING_TYPE", "none"),
        ("PAYMENT_RATE", "application.PAYMENT_RATE", "ratio"),
        ("ACTIVE_AMT_CREDIT_SUM_SUM", "bureau.AMT_CREDIT_SUM", "currency"),
        ("BURO_DAYS_CREDIT_VAR", "bureau.DAYS_CREDIT", "none"),
        ("BURO_STATUS_C_MEAN_MEAN", "bureau_balance.STATUS", "ratio"),
        ("CLOSED_MONTHS_BALANCE_SIZE_SUM", "bureau_balance.MONTHS_BALANCE", "count"),
        ("BURO_MONTHS_BALANCE_MIN_MIN", "bureau_balance.MONTHS_BALANCE", "months"),
        ("REFUSED_APP_CREDIT_PERC_MEAN", "previous_application.APP_CREDIT_PERC", "ratio"),
        ("POS_MONTHS_BALANCE_SIZE", "POS_CASH_balance.MONTHS_BALANCE", "count"),
        ("POS_COUNT", "POS_CASH_balance.COUNT", "count"),
        ("INSTAL_DPD_MAX", "installments_payments.DPD", "days"),
        ("INSTAL_NUM_INSTALMENT_VERSION_NUNIQUE", "installments_payments.NUM_INSTALMENT_VERSION", "count"),
        ("CC_NAME_CONTRACT_STATUS_Active_SUM", "credit_card_balance.NAME_CONTRACT_STATUS", "count"),
    ],
)
def test_group_and_unit(name: str, group: str, unit: str) -> None:
    assert feature(name).group == group
    assert feature(name).unit == unit


@pytest.mark.parametrize("language", schema.LANGUAGES)
def test_every_feature_and_group_has_words(language: schema.Language) -> None:
    labels = [feature.label(language) for feature in features()]
    assert all(label and "{" not in label and not label.endswith((".", ", ", "— ")) for label in labels)
    groups = {feature.group for feature in features()}
    assert all(group_label(group, language) and group_description(group, language).endswith(".") for group in groups)
    repeated = {label: count for label, count in Counter(labels).items() if count > 1}
    assert not repeated
    repeated = {
        label for label, count in Counter(group_label(group, language) for group in groups).items() if count > 1
    }
    assert not repeated


def test_labels_read_as_sentences_do() -> None:
    assert feature("ACTIVE_AMT_CREDIT_SUM_DEBT_SUM").label("en").endswith("— total, active credits at the bureau")
    assert feature("ACTIVE_AMT_CREDIT_SUM_DEBT_SUM").label("fr").endswith("— total, crédits actifs au bureau")
    assert feature("PAYMENT_RATE").label("fr") == "Taux de remboursement"
    assert feature("POS_COUNT").label("en", short=True) == "Monthly statements — number"
    assert feature("BURO_DAYS_CREDIT_MIN").label("en").endswith("— longest ago, credits at the bureau")
    assert feature("BURO_DAYS_CREDIT_ENDDATE_MIN").label("en").endswith("— lowest, credits at the bureau")
    assert feature("BURO_CREDIT_ACTIVE_nan_MEAN").label("fr").endswith(": non renseigné — part, crédits au bureau")


def test_a_group_of_another_table_says_which() -> None:
    assert group_label("application.AMT_ANNUITY", "en") == schema.table("application").column("AMT_ANNUITY").label("en")
    assert group_label("previous_application.AMT_ANNUITY", "en").endswith("(previous applications)")
    with pytest.raises(UnknownColumn):
        group_label("application.AMOUNT", "en")


def test_both_catalogues_have_the_same_keys() -> None:
    def keys(content: dict[str, object], prefix: str = "") -> set[str]:
        found = set()
        for key, value in content.items():
            found |= keys(value, f"{prefix}{key}/") if isinstance(value, dict) else {prefix + key}
        return found

    assert keys(messages("fr")) == keys(messages("en"))
    assert set(messages("en")["derived"]) == set(DERIVED)
    assert set(messages("en")["scopes"]) == set(schema.tables())


def test_a_feature_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        feature("CC_COUNT").name = "X"  # type: ignore[misc]
    assert isinstance(feature("CC_COUNT"), Feature)
