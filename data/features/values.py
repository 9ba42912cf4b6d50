"""Values as people say them: "43 years", "8 months", "1,250,000", "25%", "Yes", "not provided"."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from babel.core import Locale
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from data import schema
from data.features.application import BINARIES
from data.features.feature import DERIVED, looks_back, messages

if TYPE_CHECKING:
    from data.features.feature import Feature
    from data.schema import Column, Language, Unit

_PERCENTS = {
    "application.DAYS_EMPLOYED_PERC",
    "application.ANNUITY_INCOME_PERC",
    "application.PAYMENT_RATE",
    "previous_application.RATE_DOWN_PAYMENT",
    "previous_application.RATE_INTEREST_PRIMARY",
    "previous_application.RATE_INTEREST_PRIVILEGED",
    "installments_payments.PAYMENT_PERC",
}
_AGE = "application.DAYS_BIRTH"
_DAYS_PER_YEAR = 365.25
_DAYS_PER_MONTH = _DAYS_PER_YEAR / 12
_MOST_DAYS = 60
_MOST_MONTHS = 24
_LEAST = 1e-9


def display_value(feature: Feature, value: float | None, language: Language) -> str:
    """Return the value of a feature as people say it.

    Parameters
    ----------
    feature : what the value is of.
    value : as `build_features` gives it; NaN or None where it is missing.
    language : "fr" or "en".

    Returns
    -------
    str, in the number format of the language; time is said as a positive duration, amounts bear no currency.
    """
    words = messages(language)["values"]
    if value is None or math.isnan(value):
        return str(words["missing"])
    if math.isinf(value):
        return str(words["infinite"] if value > 0 else words["minus_infinite"])
    if feature.source == f"application.{feature.column}" and feature.column in BINARIES and feature.category is None:
        category = BINARIES[feature.column][int(value != 0)]
        return schema.table(feature.table).column(feature.column).category_label(category, language)
    if feature.aggregation == "share":
        return _percent(value, language)
    if feature.category is not None and feature.aggregation in {"is", "min", "max"}:
        return str(words["yes" if value else "no"])
    if feature.aggregation == "value" and feature.source not in DERIVED:
        return display_raw(schema.table(feature.table).column(feature.column), value, language)
    if feature.unit == "count" and feature.aggregation != "mean":
        return _decimal(value, "#,##0", language)
    return _in_unit(feature.source, feature.unit, value, language)


def display_raw(column: Column, value: object, language: Language) -> str:
    """Return the value of a raw column as people say it.

    Parameters
    ----------
    column : the column of the schema.
    value : a number, a category, or None; a missing code (365243 in DAYS_EMPLOYED) counts as missing, as does NaN.
    language : "fr" or "en".

    Returns
    -------
    str, in the number format of the language.
    """
    words = messages(language)["values"]
    if value is None or value in column.missing_codes or (isinstance(value, float) and math.isnan(value)):
        return str(words["missing"])
    if column.kind == "category":
        return column.category_label(str(value), language)
    number = float(value)  # type: ignore[arg-type]
    if math.isinf(number):
        return str(words["infinite"] if number > 0 else words["minus_infinite"])
    if column.kind == "identifier":
        return str(int(number))
    if column.kind == "flag":
        return str(words["yes" if number else "no"])
    return _in_unit(f"{column.table}.{column.name}", column.unit, number, language)


def _in_unit(source: str, unit: Unit, value: float, language: Language) -> str:
    if source == _AGE and unit == "days":
        return _of("duration-year", math.floor(-value / _DAYS_PER_YEAR), "0", language)
    if unit in {"days", "months"}:
        return _time(source, value if unit == "days" else value * _DAYS_PER_MONTH, language)
    if unit == "years":
        return _of("duration-year", value, "0.#", language)
    if unit == "hour":
        minutes = round(value * 60)
        return str(messages(language)["values"]["hour"].format(hours=minutes // 60, minutes=minutes % 60))
    if unit == "ratio":
        if source in _PERCENTS:
            return _percent(value, language)
        return _decimal(value, "0.00" if abs(value) >= 0.1 or value == 0 else "0.0000", language)
    if unit == "currency":
        return _decimal(value, "#,##0" if abs(value) >= 100 else "0.##", language)
    return _number(value, language)


def _number(value: float, language: Language) -> str:
    """Return a number of no particular size, such as a variance, with three significant digits."""
    if abs(value) >= 1000:
        return _decimal(value, "#,##0", language)
    if abs(value) <= _LEAST:
        return "0"
    return format_decimal(value, format="@##", locale=language)


def _time(source: str, days: float, language: Language) -> str:
    """Return a duration, and on which side of the application it lies where its column is named for the other."""
    back = looks_back(source)
    duration = _duration(abs(days), language)
    if days == 0 or (days < 0) == back:
        return duration
    return str(messages(language)["values"]["ahead" if back else "ago"].format(duration=duration))


def _duration(days: float, language: Language) -> str:
    if days < _MOST_DAYS:
        return _of("duration-day", days, "0.#" if days < 10 else "0", language)
    months = days / _DAYS_PER_MONTH
    if months < _MOST_MONTHS:
        return _of("duration-month", months, "0", language)
    return _of("duration-year", days / _DAYS_PER_YEAR, "#,##0.#", language)


def _of(unit: str, value: float, pattern: str, language: Language) -> str:
    """Return a number with its unit in words, in the plural that the number as it is shown calls for."""
    shown = round(value, 1 if "#" in pattern.partition(".")[2] else 0)
    return format_unit(_plain_zero(shown), unit, length="long", format=pattern, locale=language)


def _percent(value: float, language: Language) -> str:
    pattern = Locale(language).percent_formats[None].pattern
    if 0 < abs(value) < 0.1:
        pattern = pattern.replace("#,##0", "#,##0.#")
    return format_percent(value, format=pattern, locale=language)


def _decimal(value: float, pattern: str, language: Language) -> str:
    digits = len(pattern.partition(".")[2])
    return format_decimal(_plain_zero(round(value, digits)), format=pattern, locale=language)


def _plain_zero(value: float) -> float:
    return value + 0.0
