"""What is said of a reason: the very sentences, in both languages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from data.features.catalog import features
from explain.blocks import in_blocks
from explain.contributions import Contributions
from explain.reasons import reasons
from explain.standing import stand

CATALOG = features()
NAMES = tuple(feature.name for feature in CATALOG)


def standing(name, value, others):
    """Return a standing among accepted clients of these values; the client's own takes no part."""
    column = np.array([*others, value], dtype=np.float32)
    accepted = np.ones(column.size, dtype=bool)
    accepted[-1] = False
    return stand(name, column, accepted, column.size - 1)


def sentences(language, contributions, row=None, facts=None, standings=(), usual=None):
    """Return what is said of a client of whom only these features count; other values are 0."""
    values, own = np.zeros(len(NAMES)), np.zeros(len(NAMES))
    for target, given in ((values, contributions), (own, row or {})):
        for name, value in given.items():
            target[NAMES.index(name)] = value
    logit_score = 0.8 + float(values.sum())
    blocked = in_blocks(Contributions(NAMES, values, own, 0.8, logit_score, 0.0), CATALOG)
    score = float(expit(logit_score))
    found = reasons(blocked, CATALOG, facts or {}, standings, usual, score=score, threshold=0.52, language=language)
    said = (f"{reason.title} | {reason.detail}" for reason in (*found.for_, *found.against))
    return [text.replace("\u00a0", " ").replace("\u202f", " ") for text in said]


HUNDRED = np.arange(100) / 100
OLDER = [*(np.arange(999) * -20), -25000]

SITUATIONS = {
    "less": (
        ({"EXT_SOURCE_3": -0.8}, {"EXT_SOURCE_3": 0.125}, {}, [standing("EXT_SOURCE_3", 0.125, HUNDRED)]),
        (
            "Scores externes | Score externe 3 : 0,12, c’est moins que pour 87 % des clients acceptés (valeur "
            "typique : 0,50). Cela réduit beaucoup la probabilité de remboursement."
        ),
        (
            "External scores | External score 3: 0.12, less than for 87% of accepted clients (typical value: 0.50). "
            "This greatly lowers the probability of repayment."
        ),
    ),
    "more": (
        ({"EXT_SOURCE_3": 0.8}, {"EXT_SOURCE_3": 0.805}, {}, [standing("EXT_SOURCE_3", 0.805, HUNDRED)]),
        (
            "Scores externes | Score externe 3 : 0,81, c’est plus que pour 81 % des clients acceptés (valeur "
            "typique : 0,50). Cela augmente beaucoup la probabilité de remboursement."
        ),
        (
            "External scores | External score 3: 0.81, more than for 81% of accepted clients (typical value: 0.50). "
            "This greatly raises the probability of repayment."
        ),
    ),
    "middle": (
        ({"EXT_SOURCE_3": 0.8}, {"EXT_SOURCE_3": 0.515}, {}, [standing("EXT_SOURCE_3", 0.515, HUNDRED)]),
        (
            "Scores externes | Score externe 3 : 0,52, au milieu des clients acceptés (valeur typique : 0,50). "
            "Cela augmente beaucoup la probabilité de remboursement."
        ),
        (
            "External scores | External score 3: 0.52, about the middle of accepted clients (typical value: 0.50). "
            "This greatly raises the probability of repayment."
        ),
    ),
    "an elapsed time, said the other way round than it is counted; called as its block is": (
        ({"DAYS_BIRTH": 0.8}, {"DAYS_BIRTH": -20000}, {}, [standing("DAYS_BIRTH", -20000, OLDER)]),
        (
            "Âge | 54 ans, c’est plus que pour près de 100 % des clients acceptés (valeur typique : 27 ans). "
            "Cela augmente beaucoup la probabilité de remboursement."
        ),
        (
            "Age | 54 years, more than for nearly 100% of accepted clients (typical value: 27 years). "
            "This greatly raises the probability of repayment."
        ),
    ),
    "the same as many": (
        ({"CNT_CHILDREN": -0.8}, {"CNT_CHILDREN": 1}, {}, [standing("CNT_CHILDREN", 1, [1] * 7 + [0, 2, 3])]),
        (
            "Situation familiale | Nombre d’enfants : 1, comme 70 % des clients acceptés (valeur typique : 1). "
            "Cela réduit beaucoup la probabilité de remboursement."
        ),
        (
            "Family situation | Number of children: 1, like 70% of accepted clients (typical value: 1). "
            "This greatly lowers the probability of repayment."
        ),
    ),
    "nothing to compare with": (
        ({"EXT_SOURCE_3": -0.8}, {"EXT_SOURCE_3": 0.125}, {}, []),
        "Scores externes | Score externe 3 : 0,12. Cela réduit beaucoup la probabilité de remboursement.",
        "External scores | External score 3: 0.12. This greatly lowers the probability of repayment.",
    ),
    "a missing number": (
        ({"DAYS_EMPLOYED": -0.8}, {"DAYS_EMPLOYED": np.nan}, {}, [standing("DAYS_EMPLOYED", np.nan, [-1461] * 3)]),
        (
            "Emploi et profession | Ancienneté dans l’emploi : non renseigné (valeur typique des clients acceptés : "
            "4 ans). Cette absence d’information réduit beaucoup la probabilité de remboursement."
        ),
        (
            "Employment and occupation | Time in current job: not given (typical value of accepted clients: 4 years). "
            "The lack of this information greatly lowers the probability of repayment."
        ),
    ),
    "no history": (
        ({"INSTAL_DPD_MEAN": 0.8}, {"INSTAL_DPD_MEAN": np.nan}, {}, []),
        (
            "Crédits précédents : paiement des échéances | Jours de retard de paiement — moyenne, échéances des "
            "anciens crédits : aucune donnée dans l’historique du client. "
            "Cette absence d’information augmente beaucoup la probabilité de remboursement."
        ),
        (
            "Earlier credits: how instalments were paid | Days paid late — average, instalments of earlier credits: "
            "no data in the client’s history. "
            "The lack of this information greatly raises the probability of repayment."
        ),
    ),
    "a category, whose other indicator weighs more": (
        (
            {"NAME_CONTRACT_TYPE_Cash loans": -0.1, "NAME_CONTRACT_TYPE_Revolving loans": -0.7},
            {"NAME_CONTRACT_TYPE_Cash loans": 1},
            {"NAME_CONTRACT_TYPE": "Cash loans"},
            [standing("NAME_CONTRACT_TYPE_Cash loans", 1, [1] * 9 + [0])],
            {"application.NAME_CONTRACT_TYPE": "Cash loans"},
        ),
        (
            "Montant, mensualité et durée du prêt | Type de contrat : Prêt personnel, comme 90 % des clients acceptés "
            "(le cas le plus fréquent). Cela réduit beaucoup la probabilité de remboursement."
        ),
        (
            "Amount, instalment and length of the loan | Contract type: Cash loan, like 90% of accepted clients (the "
            "most frequent). This greatly lowers the probability of repayment."
        ),
    ),
    "a category that few have": (
        (
            {"NAME_CONTRACT_TYPE_Revolving loans": -0.7},
            {"NAME_CONTRACT_TYPE_Revolving loans": 1},
            {"NAME_CONTRACT_TYPE": "Revolving loans"},
            [standing("NAME_CONTRACT_TYPE_Revolving loans", 1, [0] * 9 + [1])],
            {"application.NAME_CONTRACT_TYPE": "Cash loans"},
        ),
        (
            "Montant, mensualité et durée du prêt | Type de contrat : Crédit renouvelable, comme 10 % des clients "
            "acceptés (le plus souvent : Prêt personnel). Cela réduit beaucoup la probabilité de remboursement."
        ),
        (
            "Amount, instalment and length of the loan | Contract type: Revolving credit, like 10% of accepted clients "
            "(most often: Cash loan). This greatly lowers the probability of repayment."
        ),
    ),
    "a missing category": (
        (
            {"OCCUPATION_TYPE_Laborers": 0.8},
            {},
            {"OCCUPATION_TYPE": None},
            [],
            {"application.OCCUPATION_TYPE": "Core staff"},
        ),
        (
            "Emploi et profession | Profession : non renseigné (le plus souvent chez les clients acceptés : Personnel "
            "d’exécution). Cette absence d’information augmente beaucoup la probabilité de remboursement."
        ),
        (
            "Employment and occupation | Occupation: not given (most often among accepted clients: Core staff). "
            "The lack of this information greatly raises the probability of repayment."
        ),
    ),
    "a flag that few have": (
        ({"FLAG_DOCUMENT_3": 0.8}, {"FLAG_DOCUMENT_3": 1}, {}, [standing("FLAG_DOCUMENT_3", 1, [0] * 9 + [1])]),
        (
            "Documents fournis | Document 3 fourni : Oui, comme 10 % des clients acceptés (le plus souvent : Non). "
            "Cela augmente beaucoup la probabilité de remboursement."
        ),
        (
            "Documents provided | Document 3 provided: Yes, like 10% of accepted clients (most often: No). "
            "This greatly raises the probability of repayment."
        ),
    ),
    "a flag that nobody has": (
        ({"FLAG_DOCUMENT_3": 0.8}, {"FLAG_DOCUMENT_3": 1}, {}, [standing("FLAG_DOCUMENT_3", 1, [0] * 9)]),
        (
            "Documents fournis | Document 3 fourni : Oui, comme aucun des clients acceptés (le plus souvent : Non). "
            "Cela augmente beaucoup la probabilité de remboursement."
        ),
        (
            "Documents provided | Document 3 provided: Yes, like none of the accepted clients (most often: No). "
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
            "Crédits ailleurs : ancienneté et durée restante | Ancienneté du crédit au bureau — moyenne, crédits au "
            "bureau : 2,5 ans. "
            "Avec les autres informations de même nature, cela réduit beaucoup la probabilité de remboursement."
        ),
        (
            "Credits elsewhere: age and time left | Time since bureau credit application — average, credits at the "
            "bureau: 2.5 years. "
            "With the other information of this kind, this greatly lowers the probability of repayment."
        ),
    ),
    "a missing number among others": (
        ({"EXT_SOURCE_1": -0.4, "EXT_SOURCE_3": -0.3}, {"EXT_SOURCE_1": np.nan}, {}, []),
        (
            "Scores externes | Score externe 1 : non renseigné. Avec les autres informations de même nature, cette "
            "absence réduit beaucoup la probabilité de remboursement."
        ),
        (
            "External scores | External score 1: not given. With the other information of this kind, the lack of it "
            "greatly lowers the probability of repayment."
        ),
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_said(situation):
    given, french, english = SITUATIONS[situation]
    assert sentences("fr", *given) == [french]
    assert sentences("en", *given) == [english]
