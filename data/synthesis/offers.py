"""How a previous application is described: product, channel, shop, goods, purpose, given its type and outcome."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from data import schema
from data.synthesis.marginals import Choices, choices, statistics, tilted
from data.synthesis.previous import CASH, CONSUMER, REFUSED, REVOLVING, UNUSED

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
_LINES = {
    "Connectivity": "mobile", "Consumer electronics": "household", "Furniture": "industry", "Construction": "industry",
    "Clothing": "industry", "Industry": "other",
}  # fmt: skip
# What people in trouble buy more, or less, of.
_GOODS = {"Mobile": 0.18, "Furniture": -0.30, "Clothing and Accessories": -0.32, "Construction Materials": -0.15}
_HOURS = 12.48, 3.33


def offers(block: Block, found: Applications) -> dict[str, NDArray[Any]]:
    """Return the category columns and remaining flags of the table, for every application (m,)."""
    generator, length = block.streams["previous"], len(found.owner)

    def draw() -> Floats:
        return generator.random(length)

    trouble = block.trouble[found.owner]
    cash, purchase, revolving = (found.kind == kind for kind in (CASH, CONSUMER, REVOLVING))
    street = draw() < 1 / (
        1 + np.exp(np.where(revolving, -0.33, 1.12) - np.where(cash, 6 * (found.rate - 0.30), 0.0) - 0.30 * trouble)
    )
    yields = _yields(found)
    goods = np.where(
        purchase & (draw() < 0.987), _tilted(_goods(), _GOODS, trouble, draw()), _code("NAME_GOODS_CATEGORY", "XNA")
    ).astype(np.int16)
    industry = _industries()[goods]
    elsewhere = np.where(purchase, 1.0, draw())
    industry = np.where(elsewhere < 0.083, _code("NAME_SELLER_INDUSTRY", "Consumer electronics"), industry)
    industry = np.where(elsewhere < 0.055, _code("NAME_SELLER_INDUSTRY", "Connectivity"), industry)
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
            draw() < np.where(cash, 0.76, np.where(purchase, 0.27, 0.30)), -1, _suites().draw(draw())
        ).astype(np.int16),
        "NAME_CLIENT_TYPE": _client_types(found, draw()),
        "NAME_GOODS_CATEGORY": goods,
        "NAME_PORTFOLIO": portfolio.astype(np.int16),
        "NAME_PRODUCT_TYPE": _product_types(found, street, draw()),
        "CHANNEL_TYPE": _channels(found, street, trouble, draw()),
        "SELLERPLACE_AREA": _areas(generator, found, street),
        "NAME_SELLER_INDUSTRY": industry.astype(np.int16),
        "NAME_YIELD_GROUP": yields,
        "PRODUCT_COMBINATION": _products(found, street, yields, industry, draw()),
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


def _goods() -> Choices:
    return _part("NAME_GOODS_CATEGORY", "XNA")


def _suites() -> Choices:
    return _part("NAME_TYPE_SUITE", "")


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


def _yields(found: Applications) -> Codes:
    """Return the yield group: by how dear the loan is among loans of its type."""
    names = [_code("NAME_YIELD_GROUP", name) for name in ("low_action", "low_normal", "middle", "high")]
    edges = np.where((found.kind == CASH)[:, None], [-1.0, 0.24, 0.404], [0.042, 0.164, 0.287])
    group = np.array(names)[np.sum(edges < found.rate[:, None], axis=1)]
    priced = found.described & np.isin(found.kind, [CASH, CONSUMER])
    return np.where(priced, group, _code("NAME_YIELD_GROUP", "XNA")).astype(np.int16)


def _purposes(cash: NDArray[np.bool_], named: NDArray[np.bool_], trouble: Floats, draw: Any) -> Codes:
    given = named & (draw() < 0.545)
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
    refused = _tilted(_part("CODE_REJECT_REASON", "XAP", "CLIENT"), {"SCOFR": 1.2, "SYSTEM": -0.5}, trouble, uniforms)
    reason = np.where(found.outcome == REFUSED, refused, _code("CODE_REJECT_REASON", "XAP"))
    return np.where(found.outcome == UNUSED, _code("CODE_REJECT_REASON", "CLIENT"), reason).astype(np.int16)


def _client_types(found: Applications, uniforms: Floats) -> Codes:
    names = [_code("NAME_CLIENT_TYPE", name) for name in ("New", "Refreshed", "XNA", "Repeater")]
    edges = np.where(found.first[:, None], [0.885, 0.90, 0.901], [0.002, 0.1015, 0.1027])
    drawn: Codes = np.array(names, dtype=np.int16)[np.sum(edges <= uniforms[:, None], axis=1)]
    return drawn


def _product_types(found: Applications, street: NDArray[np.bool_], uniforms: Floats) -> Codes:
    offered = np.where(street, "walk-in", "x-sell")
    unknown = np.where(
        found.described, np.where(found.kind == CONSUMER, 1.0, np.where(found.kind == CASH, 0.0, 0.45)), 0.72
    )
    offered = np.where((found.kind == REVOLVING) & street & (uniforms < 0.9), "XNA", offered)
    named = np.where((uniforms < unknown) | (found.kind == CONSUMER), "XNA", offered)
    codes = _codes("NAME_PRODUCT_TYPE")
    return np.select([named == name for name in codes], list(codes.values())).astype(np.int16)


def _channels(found: Applications, street: NDArray[np.bool_], trouble: Floats, uniforms: Floats) -> Codes:
    shops = _tilted(
        _part("CHANNEL_TYPE", "Credit and cash offices", "Contact center", "AP+ (Cash loan)"), {}, trouble, uniforms
    )
    offices = _part(
        "CHANNEL_TYPE", "Country-wide", "Stone", "Regional / Local", "Channel of corporate sales", "Car dealer"
    )
    bank = _tilted(offices, {"AP+ (Cash loan)": 0.45, "Contact center": 0.15}, trouble, uniforms)
    in_shop = (found.kind == CONSUMER) | ((found.kind == REVOLVING) & street & (uniforms < 0.66))
    return np.where(in_shop, shops, bank).astype(np.int16)


def _areas(generator: np.random.Generator, found: Applications, street: NDArray[np.bool_]) -> NDArray[np.int64]:
    length = len(found.owner)
    area = np.minimum(np.round(np.exp(4.5 + 1.95 * generator.standard_normal(length))), 200_000)
    area = np.where(area > 20, np.round(area / 5) * 5, area)
    shop = (found.kind == CONSUMER) | (generator.random(length) < np.where(street, 0.35, 0.13))
    area = np.where(generator.random(length) < 0.06, 0, area)
    return np.where(shop, area, -1).astype(np.int64)


def _products(
    found: Applications, street: NDArray[np.bool_], yields: Codes, industry: NDArray[np.int64], uniforms: Floats
) -> Codes:
    codes = _codes("PRODUCT_COMBINATION")
    group = np.array(schema.table(_TABLE).column("NAME_YIELD_GROUP").categories)[yields]
    level = np.where(group == "high", "high", np.where(group == "middle", "middle", "low"))
    line = np.array(
        [_LINES.get(name, "other") for name in schema.table(_TABLE).column("NAME_SELLER_INDUSTRY").categories]
    )[industry]
    free = np.where(found.described, group == "low_action", uniforms < 0.80)
    result = np.full(len(yields), -1, dtype=np.int16)
    cash = found.kind == CASH
    result[cash & ~found.described] = codes["Cash"]
    result[found.kind == REVOLVING] = np.where(street, codes["Card Street"], codes["Card X-Sell"])[
        found.kind == REVOLVING
    ]
    for name in ("high", "middle", "low"):
        chosen = cash & found.described & (level == name)
        result[chosen] = np.where(street, codes[f"Cash Street: {name}"], codes[f"Cash X-Sell: {name}"])[chosen]
    for name in ("mobile", "household", "industry", "other"):
        chosen = (found.kind == CONSUMER) & (line == name)
        plural = "others" if name == "other" else name
        with_interest, without = codes[f"POS {name} with interest"], codes[f"POS {plural} without interest"]
        result[chosen] = np.where(free, without, with_interest)[chosen]
    return result
