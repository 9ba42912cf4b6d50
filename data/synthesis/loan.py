"""What a client asks for: the price of the goods, the credit, its term and its annuity, all from one loan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from data.synthesis.marginals import quantile, rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.latent import Block

CASH, REVOLVING = 0, 1
_REVOLVING_SHARE, _REVOLVING_SHARE_TEST = 29_279 / 307_511, 439 / 48_744
_REVOLVING_RATE = 0.05
# Credit over goods price: the insurance that is lent along with the price of the goods.
_RATIOS = np.array([1.0, 1.066, 1.0865, 1.1188, 1.132, 1.1584, 1.198, 1.2376, 1.2528, 1.32])
_RATIO_SHARES = np.cumsum([0.335, 0.06, 0.03, 0.05, 0.12, 0.125, 0.13, 0.075, 0.05, 0.025])
_CARDS = np.array([135e3, 157.5e3, 180e3, 202.5e3, 225e3, 270e3, 315e3, 337.5e3, 405e3, 450e3, 540e3, 675e3, 900e3])
_CARD_SHARES = np.cumsum([0.09, 0.04, 0.22, 0.07, 0.06, 0.185, 0.05, 0.055, 0.05, 0.075, 0.03, 0.04, 0.035])
_TERMS = np.array([6, 10, 12, 15, 18, 24, 30, 36, 42, 48, 54, 60])
_TERM_SHARES = np.cumsum([0.012, 0.022, 0.125, 0.03, 0.105, 0.165, 0.10, 0.175, 0.05, 0.095, 0.04, 0.081])


def loan(block: Block) -> dict[str, NDArray[np.float64]]:
    """Return the columns of the loan, with `term` (months, 0 for revolving) and `insured` (credit over goods price).

    Amounts are multiples of 4.5.
    """
    generator, length, unlabelled = block.streams["clients"], len(block.ids), block.unlabelled
    asked = block.scores["credit"] - np.where(unlabelled, 0.22, 0.0) + 0.05
    revolving = generator.random(length) < np.where(unlabelled, _REVOLVING_SHARE_TEST, _REVOLVING_SHARE)

    goods = quantile("AMT_GOODS_PRICE", ndtr(asked))
    goods = np.maximum(rounded(goods, 4_500.0), 45_000.0)
    ratio = _RATIOS[np.searchsorted(_RATIO_SHARES[:-1], generator.random(length), side="right")]
    credit = rounded(goods * ratio)
    lengthy = ndtr(0.62 * asked - np.where(unlabelled, 0.35, 0.0) + 0.785 * generator.standard_normal(length))
    term = _TERMS[np.searchsorted(_TERM_SHARES[:-1], lengthy, side="right")]
    yearly = np.clip(0.255 - 0.035 * asked + 0.07 * generator.standard_normal(length), 0.09, 0.62)
    monthly = yearly / 12
    annuity = rounded(credit * monthly / (1 - (1 + monthly) ** -term))

    limit = _CARDS[np.searchsorted(_CARD_SHARES[:-1], ndtr(0.6 * asked + 0.8 * generator.standard_normal(length)))]
    credit = np.minimum(np.where(revolving, limit, credit), 4.05e6)
    annuity = np.clip(np.where(revolving, _REVOLVING_RATE * limit, annuity), 1_615.5, 258_025.5)
    goods = np.where(revolving, limit, goods)
    unknown = generator.random(length)
    return {
        "NAME_CONTRACT_TYPE": np.where(revolving, REVOLVING, CASH).astype(np.int16),
        "AMT_CREDIT": credit,
        "AMT_ANNUITY": np.where(unknown < 12 / 307_511, np.nan, annuity),
        "AMT_GOODS_PRICE": np.where(revolving & (unknown > 1 - 278 / 29_279), np.nan, goods),
        "term": np.where(revolving, 0, term).astype(np.float64),
        "insured": np.where(revolving, 1.0, ratio),
    }
