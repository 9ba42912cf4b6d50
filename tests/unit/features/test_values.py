"""Values as people say them, in both languages."""

from __future__ import annotations

import math

import pytest

from data import schema
from data.features import display_raw, display_value, feature


def _plain(text: str) -> str:
    """Replace the no-break spaces of number formats, which differ between releases of the locale data."""
    return text.replace("\u202f", " ").replace("\xa0", " ")


@pytest.mark.parametrize(
    ("name", "value", "french", "english"),
    [
        ("DAYS_BIRTH", -15750.0, "43 ans", "43 years"),
        ("DAYS_EMPLOYED", -4500.0, "12,3 ans", "12.3 years"),
        ("DAYS_EMPLOYED", math.nan, "non renseigné", "not provided"),
        ("DAYS_ID_PUBLISH", -250.0, "8 mois", "8 months"),
        ("DAYS_LAST_PHONE_CHANGE", -15.0, "15 jours", "15 days"),
        ("DAYS_LAST_PHONE_CHANGE", -1.0, "1 jour", "1 day"),
        ("DAYS_LAST_PHONE_CHANGE", -0.0, "0 jour", "0 days"),
        ("AMT_CREDIT", 1250000.0, "1 250 000", "1,250,000"),
        ("AMT_ANNUITY", 12.5, "12,5", "12.5"),
        ("EXT_SOURCE_2", 0.5341, "0,53", "0.53"),
        ("REGION_POPULATION_RELATIVE", 0.0188, "0,0188", "0.0188"),
        ("PAYMENT_RATE", 0.0512, "5,1 %", "5.1%"),
        ("ANNUITY_INCOME_PERC", 0.25, "25 %", "25%"),
        ("INCOME_CREDIT_PERC", math.inf, "infini", "infinite"),
        ("INCOME_CREDIT_PERC", -math.inf, "moins l’infini", "minus infinite"),
        ("INCOME_PER_PERSON", 67500.0, "67 500", "67,500"),
        ("OWN_CAR_AGE", 9.0, "9 ans", "9 years"),
        ("OWN_CAR_AGE", 1.0, "1 an", "1 year"),
        ("CNT_CHILDREN", 2.0, "2", "2"),
        ("HOUR_APPR_PROCESS_START", 14.0, "14 h 00", "14:00"),
        ("FLAG_EMAIL", 1.0, "Oui", "Yes"),
        ("NAME_HOUSING_TYPE_With parents", 0.0, "Non", "No"),
        ("BURO_DAYS_CREDIT_MIN", -2922.0, "8 ans", "8 years"),
        ("BURO_DAYS_CREDIT_UPDATE_MEAN", 30.0, "dans 30 jours", "in 30 days"),
        ("BURO_DAYS_CREDIT_ENDDATE_MAX", 730.5, "2 ans", "2 years"),
        ("BURO_DAYS_CREDIT_ENDDATE_MIN", -30.0, "il y a 30 jours", "30 days ago"),
        ("BURO_DAYS_CREDIT_VAR", 90000.0, "90 000", "90,000"),
        ("APPROVED_APP_CREDIT_PERC_VAR", 0.0012424, "0,00124", "0.00124"),
        ("BURO_CREDIT_ACTIVE_Active_MEAN", 0.25, "25 %", "25%"),
        ("BURO_STATUS_0_MEAN_MEAN", 1.0, "100 %", "100%"),
        ("BURO_MONTHS_BALANCE_SIZE_SUM", 1200.0, "1 200", "1,200"),
        ("BURO_MONTHS_BALANCE_SIZE_MEAN", 12.5, "12,5", "12.5"),
        ("BURO_MONTHS_BALANCE_MIN_MIN", -8.0, "8 mois", "8 months"),
        ("PREV_HOUR_APPR_PROCESS_START_MEAN", 12.4, "12 h 24", "12:24"),
        ("PREV_RATE_DOWN_PAYMENT_MAX", 0.5, "50 %", "50%"),
        ("POS_COUNT", 37.0, "37", "37"),
        ("POS_SK_DPD_MEAN", 0.5, "0,5 jour", "0.5 days"),
        ("INSTAL_DPD_MAX", 3.0, "3 jours", "3 days"),
        ("INSTAL_PAYMENT_DIFF_SUM", -450.0, "-450", "-450"),
        ("CC_NAME_CONTRACT_STATUS_Active_MAX", 1.0, "Oui", "Yes"),
        ("CC_NAME_CONTRACT_STATUS_Active_SUM", 12.0, "12", "12"),
        ("CC_COUNT", math.nan, "non renseigné", "not provided"),
    ],
)
def test_values_of_features(name: str, value: float, french: str, english: str) -> None:
    assert _plain(display_value(feature(name), value, "fr")) == french
    assert _plain(display_value(feature(name), value, "en")) == english


def test_a_missing_value_may_be_none() -> None:
    assert display_value(feature("POS_COUNT"), None, "en") == "not provided"


@pytest.mark.parametrize("language", schema.LANGUAGES)
def test_binaries_are_said_as_their_category(language: schema.Language) -> None:
    gender = schema.table("application").column("CODE_GENDER")
    assert display_value(feature("CODE_GENDER"), 0.0, language) == gender.category_label("F", language)
    assert display_value(feature("CODE_GENDER"), 1.0, language) == gender.category_label("M", language)
    assert display_value(feature("CODE_GENDER"), 0.0, language) != display_value(feature("CODE_GENDER"), 1.0, language)


@pytest.mark.parametrize(
    ("table", "name", "value", "french", "english"),
    [
        ("application", "DAYS_BIRTH", -15750, "43 ans", "43 years"),
        ("application", "DAYS_EMPLOYED", 365243, "non renseigné", "not provided"),
        ("application", "DAYS_EMPLOYED", -30, "30 jours", "30 days"),
        ("application", "OCCUPATION_TYPE", None, "non renseigné", "not provided"),
        ("application", "ORGANIZATION_TYPE", "XNA", "non renseigné", "not provided"),
        ("application", "EXT_SOURCE_1", math.nan, "non renseigné", "not provided"),
        ("application", "AMT_INCOME_TOTAL", 202500.0, "202 500", "202,500"),
        ("application", "FLAG_PHONE", 0, "Non", "No"),
        ("application", "CNT_FAM_MEMBERS", 3.0, "3", "3"),
        ("application", "SK_ID_CURR", 100001, "100001", "100001"),
        ("previous_application", "DAYS_TERMINATION", 90.0, "dans 3 mois", "in 3 months"),
    ],
)
def test_values_of_raw_columns(table: str, name: str, value: object, french: str, english: str) -> None:
    column = schema.table(table).column(name)
    assert _plain(display_raw(column, value, "fr")) == french
    assert _plain(display_raw(column, value, "en")) == english


@pytest.mark.parametrize("language", schema.LANGUAGES)
def test_categories_are_said_in_words_and_unknown_ones_as_they_are(language: schema.Language) -> None:
    column = schema.table("application").column("NAME_HOUSING_TYPE")
    assert display_raw(column, "With parents", language) == column.category_label("With parents", language)
    assert display_raw(column, "Lighthouse", language) == "Lighthouse"


@pytest.mark.parametrize("language", schema.LANGUAGES)
def test_every_feature_can_be_said(language: schema.Language) -> None:
    from data.features import features

    for each in features():
        for value in (0.0, 1.0, -0.5, 1e9, math.nan, math.inf):
            assert display_value(each, value, language).strip()
