"""Reasons: which ones, how strong, and the very sentences in both languages."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

import explain
from data.errors import FeatureMismatch, InvalidOption, UnknownColumn
from data.features.catalog import features
from explain.grouping import group_contributions, grouping
from explain.reasons import is_protected, reason_features, reasons
from explain.standing import stand

CATALOG = features()
NAMES = tuple(feature.name for feature in CATALOG)
PLACE = {name: place for place, name in enumerate(NAMES)}


def client(contributions, row=None):
    """Return grouped contributions of a client of whom only these features count; other values are 0."""
    values, values_of = np.zeros(len(NAMES)), np.zeros(len(NAMES))
    for name, value in contributions.items():
        values[PLACE[name]] = value
    for name, value in (row or {}).items():
        values_of[PLACE[name]] = value
    return group_contributions(grouping(NAMES, CATALOG), values, values_of, 0.0, float(values.sum()))


def standing(name, value, others):
    """Return a standing among accepted clients of these values; the client's own takes no part."""
    column = np.array([*others, value], dtype=np.float32)
    accepted = np.ones(column.size, dtype=bool)
    accepted[-1] = False
    return stand(name, column, accepted, column.size - 1)


def sentences(language, contributions, row=None, facts=None, standings=()):
    found = reasons(client(contributions, row), CATALOG, facts or {}, standings, language=language)
    return [reason.text.replace("\u00a0", " ").replace("\u202f", " ") for reason in (*found.for_, *found.against)]


HUNDRED = np.arange(100) / 100
OLDER = [*(np.arange(999) * -20), -25000]

SITUATIONS = {
    "less": (
        ({"EXT_SOURCE_3": -0.8}, {"EXT_SOURCE_3": 0.125}, {}, [standing("EXT_SOURCE_3", 0.125, HUNDRED)]),
        (
            "Score externe 3 : 0,12, c’est moins que pour 87 % des clients acceptés. "
            "Cela réduit beaucoup la probabilité de remboursement."
        ),
        (
            "External score 3: 0.12, less than for 87% of accepted clients. "
            "This greatly lowers the probability of repayment."
        ),
    ),
    "more": (
        ({"EXT_SOURCE_3": 0.8}, {"EXT_SOURCE_3": 0.805}, {}, [standing("EXT_SOURCE_3", 0.805, HUNDRED)]),
        (
            "Score externe 3 : 0,81, c’est plus que pour 81 % des clients acceptés. "
            "Cela augmente beaucoup la probabilité de remboursement."
        ),
        (
            "External score 3: 0.81, more than for 81% of accepted clients. "
            "This greatly raises the probability of repayment."
        ),
    ),
    "middle": (
        ({"EXT_SOURCE_3": 0.8}, {"EXT_SOURCE_3": 0.515}, {}, [standing("EXT_SOURCE_3", 0.515, HUNDRED)]),
        (
            "Score externe 3 : 0,52, au milieu des clients acceptés (médiane : 0,50). "
            "Cela augmente beaucoup la probabilité de remboursement."
        ),
        (
            "External score 3: 0.52, about the middle of accepted clients (median: 0.50). "
            "This greatly raises the probability of repayment."
        ),
    ),
    "an elapsed time, said the other way round than it is counted": (
        ({"DAYS_BIRTH": 0.8}, {"DAYS_BIRTH": -20000}, {}, [standing("DAYS_BIRTH", -20000, OLDER)]),
        (
            "Âge : 54 ans, c’est plus que pour près de 100 % des clients acceptés. "
            "Cela augmente beaucoup la probabilité de remboursement."
        ),
        (
            "Age: 54 years, more than for nearly 100% of accepted clients. "
            "This greatly raises the probability of repayment."
        ),
    ),
    "the same as many": (
        ({"CNT_CHILDREN": -0.8}, {"CNT_CHILDREN": 1}, {}, [standing("CNT_CHILDREN", 1, [1] * 7 + [0, 2, 3])]),
        "Nombre d’enfants : 1, comme 70 % des clients acceptés. Cela réduit beaucoup la probabilité de remboursement.",
        "Number of children: 1, like 70% of accepted clients. This greatly lowers the probability of repayment.",
    ),
    "nothing to compare with": (
        ({"EXT_SOURCE_3": -0.8}, {"EXT_SOURCE_3": 0.125}, {}, []),
        "Score externe 3 : 0,12. Cela réduit beaucoup la probabilité de remboursement.",
        "External score 3: 0.12. This greatly lowers the probability of repayment.",
    ),
    "a missing number": (
        ({"DAYS_EMPLOYED": -0.8}, {"DAYS_EMPLOYED": np.nan}, {}, [standing("DAYS_EMPLOYED", np.nan, HUNDRED)]),
        (
            "Ancienneté dans l’emploi : non renseigné. "
            "Cette absence d’information réduit beaucoup la probabilité de remboursement."
        ),
        "Time in current job: not given. The lack of this information greatly lowers the probability of repayment.",
    ),
    "no history": (
        ({"INSTAL_DPD_MEAN": 0.8}, {"INSTAL_DPD_MEAN": np.nan}, {}, []),
        (
            "Jours de retard de paiement — moyenne, échéances des anciens crédits : "
            "aucune donnée dans l’historique du client. "
            "Cette absence d’information augmente beaucoup la probabilité de remboursement."
        ),
        (
            "Days paid late — average, instalments of earlier credits: no data in the client’s history. "
            "The lack of this information greatly raises the probability of repayment."
        ),
    ),
    "a category, whose other indicator weighs more": (
        (
            {"NAME_CONTRACT_TYPE_Cash loans": -0.1, "NAME_CONTRACT_TYPE_Revolving loans": -0.7},
            {"NAME_CONTRACT_TYPE_Cash loans": 1},
            {"NAME_CONTRACT_TYPE": "Cash loans"},
            [standing("NAME_CONTRACT_TYPE_Cash loans", 1, [1] * 9 + [0])],
        ),
        (
            "Type de contrat : Prêt personnel, comme 90 % des clients acceptés. "
            "Cela réduit beaucoup la probabilité de remboursement."
        ),
        "Contract type: Cash loan, like 90% of accepted clients. This greatly lowers the probability of repayment.",
    ),
    "a missing category": (
        ({"OCCUPATION_TYPE_Laborers": 0.8}, {}, {"OCCUPATION_TYPE": None}, []),
        "Profession : non renseigné. Cette absence d’information augmente beaucoup la probabilité de remboursement.",
        "Occupation: not given. The lack of this information greatly raises the probability of repayment.",
    ),
    "a flag that few have": (
        ({"FLAG_DOCUMENT_3": 0.8}, {"FLAG_DOCUMENT_3": 1}, {}, [standing("FLAG_DOCUMENT_3", 1, [0] * 9 + [1])]),
        (
            "Document 3 fourni : Oui, comme 10 % des clients acceptés. "
            "Cela augmente beaucoup la probabilité de remboursement."
        ),
        "Document 3 provided: Yes, like 10% of accepted clients. This greatly raises the probability of repayment.",
    ),
    "a flag that nobody has": (
        ({"FLAG_DOCUMENT_3": 0.8}, {"FLAG_DOCUMENT_3": 1}, {}, [standing("FLAG_DOCUMENT_3", 1, [0] * 9)]),
        (
            "Document 3 fourni : Oui, comme aucun des clients acceptés. "
            "Cela augmente beaucoup la probabilité de remboursement."
        ),
        (
            "Document 3 provided: Yes, like none of the accepted clients. "
            "This greatly raises the probability of repayment."
        ),
    ),
    "one aggregate among others": (
        (
            {"BURO_DAYS_CREDIT_MEAN": -0.4, "ACTIVE_DAYS_CREDIT_MAX": -0.3, "CLOSED_DAYS_CREDIT_MIN": 0.5},
            {"BURO_DAYS_CREDIT_MEAN": -900},
            {},
            [],
        ),
        (
            "Ancienneté du crédit au bureau — moyenne, crédits au bureau : 2,5 ans. "
            "Avec les autres chiffres de même origine, cela réduit beaucoup la probabilité de remboursement."
        ),
        (
            "Time since bureau credit application — average, credits at the bureau: 2.5 years. "
            "With the other figures from the same source, this greatly lowers the probability of repayment."
        ),
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_said(situation):
    given, french, english = SITUATIONS[situation]
    assert sentences("fr", *given) == [french]
    assert sentences("en", *given) == [english]


def test_strength_is_the_share_of_all_contributions():
    grouped = client({"EXT_SOURCE_1": 0.12, "EXT_SOURCE_2": 0.05, "EXT_SOURCE_3": 0.03, "AMT_CREDIT": -0.8})
    found = reasons(grouped, CATALOG, {}, language="fr")
    assert [reason.strength for reason in found.for_] == ["strong", "marked", "slight"]
    assert [reason.share for reason in found.for_] == pytest.approx([0.12, 0.05, 0.03])
    for reason, words in zip(found.for_, ("beaucoup", "nettement", "un peu"), strict=True):
        assert f"Cela augmente {words} la probabilité de remboursement." in reason.text


def test_at_most_count_a_side_the_strongest_first_and_none_too_weak():
    weights = {"EXT_SOURCE_1": 0.3, "EXT_SOURCE_2": 0.5, "EXT_SOURCE_3": 0.4, "AMT_CREDIT": -0.2, "AMT_ANNUITY": -0.019}
    grouped = client(weights)
    found = reasons(grouped, CATALOG, {}, language="en", count=2)
    assert [reason.feature for reason in found.for_] == ["EXT_SOURCE_2", "EXT_SOURCE_3"]
    assert [reason.feature for reason in found.against] == ["AMT_CREDIT"]
    assert reason_features(grouped, count=2) == ("EXT_SOURCE_2", "EXT_SOURCE_3", "AMT_CREDIT")
    all_of_them = reasons(grouped, CATALOG, {}, language="en", minimum_share=0.0)
    assert [reason.feature for reason in all_of_them.against] == ["AMT_CREDIT", "AMT_ANNUITY"]
    assert len(all_of_them.for_) == 3


def test_a_client_whom_nothing_tells_apart_has_no_reason():
    found = reasons(client({}), CATALOG, {}, language="fr")
    assert (found.for_, found.against) == ((), ())
    assert found.frame().height == 0


def test_a_reason_quotes_a_member_that_pulls_the_way_it_says():
    grouped = client({"BURO_DAYS_CREDIT_MEAN": -0.4, "ACTIVE_DAYS_CREDIT_MAX": -0.3, "CLOSED_DAYS_CREDIT_MIN": 0.5})
    assert grouped.quoted[0] == "BURO_DAYS_CREDIT_MEAN"
    assert grouped.contributions[0] == pytest.approx(-0.2)


def test_protected_attributes_are_marked_and_what_is_computed_from_them():
    weights = {"DAYS_BIRTH": 0.3, "CODE_GENDER": 0.2, "INCOME_PER_PERSON": -0.3, "EXT_SOURCE_2": -0.2}
    found = reasons(client(weights), CATALOG, {"CODE_GENDER": "F"}, language="fr")
    assert [reason.protected for reason in found.for_] == [True, True]
    assert [reason.protected for reason in found.against] == [True, False]
    assert is_protected("application.DAYS_EMPLOYED_PERC")
    assert not is_protected("application.PAYMENT_RATE")
    assert not is_protected("installments_payments.DPD")


def test_every_group_of_the_catalogue_can_be_said_in_both_languages():
    facts = dict.fromkeys(feature.column for feature in CATALOG if feature.table == "application")
    for value in (0.0, 1.0, np.nan, np.inf, -400.0):
        row = np.full(len(NAMES), value)
        for sign in (1.0, -1.0):
            grouped = group_contributions(grouping(NAMES, CATALOG), np.full(len(NAMES), sign), row, 0.0, sign * 795)
            standings = [stand(name, row.astype(np.float32), row == row, 0) for name in grouped.quoted]
            for language in ("fr", "en"):
                found = reasons(grouped, CATALOG, facts, standings, language=language, count=999, minimum_share=0.0)
                said = [reason.text for reason in (*found.for_, *found.against)]
                assert len(said) == len(grouped.groups) > 100
                assert not [text for text in said if "nan" in text.lower().split() or "{" in text]


def test_the_frame_has_a_row_a_reason():
    frame = reasons(client({"EXT_SOURCE_1": 0.5, "AMT_CREDIT": -0.3}), CATALOG, {}, language="en").frame()
    assert frame["side"].to_list() == ["for", "against"]
    assert frame["group"].to_list() == ["application.EXT_SOURCE_1", "application.AMT_CREDIT"]
    assert frame["contribution"].to_list() == [0.5, -0.3]


def test_the_catalogues_of_both_languages_have_the_same_messages():
    def keys(content, prefix=""):
        for key, value in content.items():
            yield from keys(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}"]

    folder = Path(explain.__file__).parent / "messages"
    french, english = (tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")) for name in ("fr", "en"))
    assert sorted(keys(french)) == sorted(keys(english))


def test_what_can_not_be_said_is_refused():
    grouped = client({"NAME_CONTRACT_TYPE_Cash loans": 0.5})
    with pytest.raises(InvalidOption, match="No language 'de'; there are fr, en"):
        reasons(grouped, CATALOG, {}, language="de")
    with pytest.raises(UnknownColumn, match="facts lack NAME_CONTRACT_TYPE"):
        reasons(grouped, CATALOG, {}, language="fr")
    with pytest.raises(FeatureMismatch, match="'NAME_CONTRACT_TYPE_Cash loans'"):
        reasons(grouped, CATALOG[:10], {}, language="fr")
    with pytest.raises(InvalidOption, match="at least 1 reason a side, not 0"):
        reasons(grouped, CATALOG, {}, language="fr", count=0)
