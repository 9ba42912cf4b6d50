"""How a previous application is described: product, channel, shop, goods, purpose, given its type and outcome."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from data import schema
from data.synthesis.marginals import Choices, choices, statistics, tilted
from data.synthesis.previous import CASH, CONSUMER, REFUSED, REVOLVING, UNUSED, by_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from data.synthesis.latent import Block
    from data.synthesis.marginals import Codes, Floats
    from data.synthesis.previous import Applications

_TABLE = "previous_application"
# Where each kind of goods is bought, and the line of products it belongs to.
_INDUSTRY = {
    "Mobile": "Connectivity", "Consumer Electronics": "Consumer electronics", "Computers": "Consumer electronics",
    "Audio/Video": "Consumer electronics", "Photo / Cinema Equipment": "Consumer electronics", "Furniture": "Furniture",
    "Construction Materials": "Construction", "Clothing and Accessories": "Clothing",
    "Auto Accessories": "Auto technology", "Vehicles": "Auto technology", "Jewelry": "Jewelry",
    "Tourism": "Tourism", "Homewares": "Consumer electronics", "Medical Supplies": "Industry",
    "Gardening": "Construction", "Direct Sales": "MLM partners",
}  # fmt: skip
_SHOPS = {"mobile": "Connectivity", "household": "Consumer electronics"}  # the others sell one kind of goods
_LINES = ("household", "mobile", "industry", "other")
_LEVELS = ("low", "low", "middle", "high")  # of the yield groups
_TYPICAL = 0.07  # trouble of an application, on average
_HOURS = 12.48, 3.33


def offers(block: Block, found: Applications) -> dict[str, NDArray[Any]]:
    """Return the category columns and remaining flags of the table, for every application (m,)."""
    generator, length = block.streams["previous"], len(found.owner)

    def draw() -> Floats:
        return generator.random(length)

    trouble = block.trouble[found.owner] - _TYPICAL
    cash, purchase = found.kind == CASH, found.kind == CONSUMER
    alone = by_part("alone", block.unlabelled[found.owner])
    level, yields = _yields(found)
    street = _streets(found, level, trouble, draw())
    free = np.where(found.described, level == 0, draw() < 0.80)
    line = _lines(free, trouble, draw())
    goods, industry = _goods(found, line, draw)
    portfolio = np.array([_code("NAME_PORTFOLIO", name) for name in ("Cash", "POS", "Cards", "XNA")])[found.kind]
    portfolio = np.where(found.described, portfolio, _code("NAME_PORTFOLIO", "XNA"))
    portfolio = np.where(
        purchase & found.described & (draw() < 425 / 691_436), _code("NAME_PORTFOLIO", "Cars"), portfolio
    )
    return {
        "WEEKDAY_APPR_PROCESS_START": choices(_TABLE, "WEEKDAY_APPR_PROCESS_START").draw(draw()),
        "HOUR_APPR_PROCESS_START": np.clip(
            np.round(_HOURS[0] + _HOURS[1] * generator.standard_normal(length)), 0, 23
        ).astype(np.int64),
        "FLAG_LAST_APPL_PER_CONTRACT": np.where(draw() < 0.99483, 1, 0).astype(np.int16),
        "NFLAG_LAST_APPL_IN_DAY": (draw() < 0.996432).astype(np.int64),
        "NAME_CASH_LOAN_PURPOSE": _purposes(cash, cash & street & found.described, trouble, draw),
        "NAME_PAYMENT_TYPE": _payments(found, draw),
        "CODE_REJECT_REASON": _reasons(found, trouble, draw()),
        "NAME_TYPE_SUITE": np.where(
            draw() < np.select([cash, purchase], list(alone[:2]), alone[2]),
            -1,
            _tilted(_part("NAME_TYPE_SUITE", ""), _slopes("NAME_TYPE_SUITE"), trouble, draw()),
        ).astype(np.int16),
        "NAME_CLIENT_TYPE": _client_types(found, trouble, draw),
        "NAME_GOODS_CATEGORY": goods,
        "NAME_PORTFOLIO": portfolio.astype(np.int16),
        "NAME_PRODUCT_TYPE": _product_types(found, street, trouble, draw()),
        "CHANNEL_TYPE": _channels(found, street, trouble, draw),
        "SELLERPLACE_AREA": _areas(generator, found, street),
        "NAME_SELLER_INDUSTRY": industry.astype(np.int16),
        "NAME_YIELD_GROUP": yields,
        "PRODUCT_COMBINATION": _products(found, street, level, line, free),
    }


@functools.cache
def _codes(column: str) -> Mapping[str, int]:
    return {name: position for position, name in enumerate(schema.table(_TABLE).column(column).categories)}


def _code(column: str, name: str) -> int:
    return _codes(column)[name]


@functools.cache
def _part(column: str, *left_out: str) -> Choices:
    counts = statistics("categories")[_TABLE][column]
    return Choices.of(_TABLE, column, {name: rows for name, rows in counts.items() if name not in left_out})


def _slopes(column: str) -> Mapping[str, float]:
    found: Mapping[str, float] = statistics("previous")["trouble"][column]
    return found


@functools.cache
def _line_goods(line: str) -> Choices:
    """Return the kinds of goods of a line, those that no line names being other ones."""
    named = statistics("previous")["goods"]
    counts = statistics("categories")[_TABLE]["NAME_GOODS_CATEGORY"]
    lined = {goods for name in _LINES if name in named for goods in named[name]}
    chosen = named.get(line, [goods for goods in counts if goods not in lined and goods != "XNA"])
    return Choices.of(_TABLE, "NAME_GOODS_CATEGORY", {goods: counts[goods] for goods in chosen})


@functools.cache
def _industries() -> NDArray[np.int64]:
    """Return the industry of each kind of goods, by code."""
    return np.array([_code("NAME_SELLER_INDUSTRY", _INDUSTRY.get(goods, "XNA" if goods == "XNA" else "Industry"))
                     for goods in schema.table(_TABLE).column("NAME_GOODS_CATEGORY").categories])  # fmt: skip


def _tilted(published: Choices, slopes: Mapping[str, float], factor: Floats, uniforms: Floats) -> Codes:
    by = np.array([slopes.get(published.names[code], 0.0) for code in published.codes])
    shares = np.diff(published.cumulative, prepend=0.0)
    drawn: Codes = published.codes[tilted(shares, factor[:, None] * by - by**2 / 2, uniforms)]
    return drawn


def _yields(found: Applications) -> tuple[NDArray[np.intp], Codes]:
    """Return how dear the loan is among loans of its type, from 0 to 3, and the yield group."""
    names = [_code("NAME_YIELD_GROUP", name) for name in ("low_action", "low_normal", "middle", "high")]
    edges = np.where((found.kind == CASH)[:, None], [-1.0, 0.24, 0.404], [0.042, 0.164, 0.287])
    level: NDArray[np.intp] = np.sum(edges < found.rate[:, None], axis=1)
    priced = found.described & np.isin(found.kind, [CASH, CONSUMER])
    return level, np.where(priced, np.array(names)[level], _code("NAME_YIELD_GROUP", "XNA")).astype(np.int16)


def _streets(found: Applications, level: NDArray[np.intp], trouble: Floats, uniforms: Floats) -> NDArray[np.bool_]:
    """Return whether it is offered in the street, rather than to a client who is known."""
    told = statistics("previous")["street"]
    names = ("card", *_LEVELS)
    kind = np.where(found.kind == REVOLVING, 0, 1 + level)
    shares, slopes = np.array([told[name] for name in names])[kind], np.array([told["slopes"][k] for k in names])[kind]
    odds = shares / (1 - shares) * np.exp(slopes * trouble - slopes**2 / 2)
    result: NDArray[np.bool_] = uniforms < odds / (1 + odds)
    return result


def _lines(free: NDArray[np.bool_], trouble: Floats, uniforms: Floats) -> NDArray[np.intp]:
    """Return the line of a purchase, a position in `_LINES`, given whether it is free of interest."""
    shares = np.array([statistics("previous")["lines"][line] for line in _LINES], dtype=np.float64)
    by = np.array([statistics("previous")["goods"]["trouble"].get(line, 0.0) for line in _LINES])
    logits = trouble[:, None] * by - by**2 / 2
    with_interest, without = (tilted(column / column.sum(), logits, uniforms) for column in shares.T)
    return np.where(free, without, with_interest)


def _goods(found: Applications, line: NDArray[np.intp], draw: Any) -> tuple[Codes, NDArray[np.int64]]:
    """Return the kind of the goods and the industry of the seller."""
    told = statistics("previous")
    purchase = found.kind == CONSUMER
    bought = np.stack([_line_goods(name).draw(draw()) for name in _LINES])[line, np.arange(len(line))]
    purchases = sum(map(sum, told["lines"].values()))
    named = purchase & (draw() > told["goods"]["unnamed"] / purchases)
    shops = np.array([_code("NAME_SELLER_INDUSTRY", _SHOPS.get(name, "XNA")) for name in _LINES])[line]
    shops = np.where(shops == _code("NAME_SELLER_INDUSTRY", "XNA"), _industries()[bought], shops)
    elsewhere, electronics = draw(), told["shops"]["electronics"]
    other = np.where(
        elsewhere < electronics,
        _code("NAME_SELLER_INDUSTRY", "Consumer electronics"),
        np.where(
            elsewhere < electronics + told["shops"]["mobile"],
            _code("NAME_SELLER_INDUSTRY", "Connectivity"),
            _code("NAME_SELLER_INDUSTRY", "XNA"),
        ),
    )
    goods = np.where(named, bought, _code("NAME_GOODS_CATEGORY", "XNA")).astype(np.int16)
    return goods, np.where(purchase, shops, other)


def _purposes(cash: NDArray[np.bool_], named: NDArray[np.bool_], trouble: Floats, draw: Any) -> Codes:
    told = statistics("previous")["told"]
    odds = told["purpose"] / (1 - told["purpose"]) * np.exp(told["purpose_slope"] * (trouble - told["purpose_middle"]))
    given = named & (draw() < odds / (1 + odds))
    purpose = _tilted(_part("NAME_CASH_LOAN_PURPOSE", "XAP", "XNA"), {"Urgent needs": 0.3}, trouble, draw())
    none = np.where(cash, _code("NAME_CASH_LOAN_PURPOSE", "XNA"), _code("NAME_CASH_LOAN_PURPOSE", "XAP"))
    return np.where(given, purpose, none).astype(np.int16)


def _payments(found: Applications, draw: Any) -> Codes:
    unknown = np.where(
        found.kind == CONSUMER, 0.10, np.where(found.kind == CASH, np.where(found.described, 0.455, 0.90), 0.50)
    )
    known = _part("NAME_PAYMENT_TYPE", "XNA").draw(draw())
    return np.where(draw() < unknown, _code("NAME_PAYMENT_TYPE", "XNA"), known).astype(np.int16)


def _reasons(found: Applications, trouble: Floats, uniforms: Floats) -> Codes:
    column = "CODE_REJECT_REASON"
    refused = _tilted(_part(column, "XAP", "CLIENT"), _slopes(column), trouble, uniforms)
    reason = np.where(found.outcome == REFUSED, refused, _code("CODE_REJECT_REASON", "XAP"))
    return np.where(found.outcome == UNUSED, _code("CODE_REJECT_REASON", "CLIENT"), reason).astype(np.int16)


def _client_types(found: Applications, trouble: Floats, draw: Any) -> Codes:
    names = ("New", "Refreshed", "XNA", "Repeater")
    codes = np.array([_code("NAME_CLIENT_TYPE", name) for name in names], dtype=np.int16)
    slopes = np.array([_slopes("NAME_CLIENT_TYPE").get(name, 0.0) for name in names])
    logits = trouble[:, None] * slopes - slopes**2 / 2
    first, later = (
        codes[tilted(np.array(shares), logits, draw())]
        for shares in ([0.885, 0.015, 0.001, 0.099], [0.002, 0.0995, 0.0012, 0.8973])
    )
    return np.where(found.first, first, later)


def _product_types(found: Applications, street: NDArray[np.bool_], trouble: Floats, uniforms: Floats) -> Codes:
    told, codes = statistics("previous")["told"], _codes("NAME_PRODUCT_TYPE")
    offered = np.where(street, codes["walk-in"], codes["x-sell"])
    cash, card = found.kind == CASH, found.kind == REVOLVING
    offered = np.where(cash & ~found.described, codes["x-sell"], offered)
    known = np.where(cash, np.where(found.described, 1.0, told["cash_offered"]), 0.0)
    odds = (
        told["card_street"] / (1 - told["card_street"]) * np.exp(told["card_slope"] * (trouble - told["card_middle"]))
    )
    known = np.where(card, np.where(street, odds / (1 + odds), 1.0), known)
    return np.where(uniforms < known, offered, codes["XNA"]).astype(np.int16)


def _channels(found: Applications, street: NDArray[np.bool_], trouble: Floats, draw: Any) -> Codes:
    slopes = _slopes("CHANNEL_TYPE")
    shops = _tilted(
        _part("CHANNEL_TYPE", "Credit and cash offices", "Contact center", "AP+ (Cash loan)"), slopes, trouble, draw()
    )
    offices = _part(
        "CHANNEL_TYPE", "Country-wide", "Stone", "Regional / Local", "Channel of corporate sales", "Car dealer"
    )
    bank = _tilted(offices, slopes, trouble, draw())
    cards = statistics("previous")["shops"]["card_street"]
    in_shop = (found.kind == CONSUMER) | ((found.kind == REVOLVING) & street & (draw() < cards))
    return np.where(in_shop, shops, bank).astype(np.int16)


def _areas(generator: np.random.Generator, found: Applications, street: NDArray[np.bool_]) -> NDArray[np.int64]:
    length = len(found.owner)
    area = np.minimum(np.round(np.exp(4.60 + 1.91 * generator.standard_normal(length))), 200_000)
    area = np.where(area > 20, np.round(area / 5) * 5, area)
    shop = (found.kind == CONSUMER) | (generator.random(length) < np.where(street, 0.35, 0.13))
    area = np.where(generator.random(length) < 0.06, 0, area)
    return np.where(shop, area, -1).astype(np.int64)


def _products(
    found: Applications, street: NDArray[np.bool_], level: NDArray[np.intp], line: NDArray[np.intp],
    free: NDArray[np.bool_],
) -> Codes:  # fmt: skip
    """Return the product; for what is neither a loan nor a card, null."""
    codes = _codes("PRODUCT_COMBINATION")
    plural = {"other": "others"}
    cash = np.array([[codes[f"Cash {place}: {name}"] for place in ("X-Sell", "Street")] for name in _LEVELS])
    bought = np.array(
        [
            [codes[f"POS {name} with interest"], codes[f"POS {plural.get(name, name)} without interest"]]
            for name in _LINES
        ]
    )
    place = street.astype(np.intp)
    cards = np.array([codes["Card X-Sell"], codes["Card Street"]])
    named = np.where(found.described, cash[level, place], codes["Cash"])
    kinds = [found.kind == CASH, found.kind == CONSUMER, found.kind == REVOLVING]
    return np.select(kinds, [named, bought[line, free.astype(np.intp)], cards[place]], -1).astype(np.int16)
