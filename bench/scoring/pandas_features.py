"""The features as they are commonly computed: pandas, one-hot columns, then groupby().agg(), whole tables in memory.

Written from the published description of the aggregation; what ours is measured against, and tested to agree with.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from data import schema

if TYPE_CHECKING:
    from collections.abc import Mapping


def pandas_features(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the features of every client of the application table, float64, by ascending SK_ID_CURR.

    Parameters
    ----------
    tables : raw tables by their name in the schema, `application` and any other, NaN for missing values.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        frame = _application(tables["application"])
        if "bureau" in tables:
            frame = frame.join(_bureau(tables["bureau"], tables.get("bureau_balance")))
        for name, block in (
            ("previous_application", _previous),
            ("POS_CASH_balance", _pos),
            ("installments_payments", _instalments),
            ("credit_card_balance", _card),
        ):
            if name in tables:
                frame = frame.join(block(tables[name]))
        return frame


def _one_hot(
    frame: pd.DataFrame, table: str, skip: tuple[str, ...] = (), *, nan: bool
) -> tuple[pd.DataFrame, list[str]]:
    columns = [c for c in schema.table(table).columns if c.kind == "category" and c.name not in skip]
    typed = frame.assign(**{c.name: pd.Categorical(frame[c.name], categories=list(c.categories)) for c in columns})
    spread = pd.get_dummies(typed, columns=[c.name for c in columns], dummy_na=nan, dtype=float)
    return spread, [name for name in spread.columns if name not in frame.columns]


def _named(aggregated: pd.DataFrame, prefix: str) -> pd.DataFrame:
    pairs = cast("list[tuple[str, str]]", aggregated.columns.to_list())
    aggregated.columns = pd.Index([f"{prefix}{column}_{how.upper()}" for column, how in pairs])
    return aggregated


def _application(raw: pd.DataFrame) -> pd.DataFrame:
    frame = raw.drop(columns="TARGET").set_index(schema.CLIENT_ID).sort_index()
    for column, codes in (
        ("CODE_GENDER", {"F": 0, "M": 1}),
        ("FLAG_OWN_CAR", {"N": 0, "Y": 1}),
        ("FLAG_OWN_REALTY", {"N": 0, "Y": 1}),
    ):
        frame[column] = frame[column].map(codes).astype(float)
    frame, _ = _one_hot(frame, "application", ("CODE_GENDER", "FLAG_OWN_CAR", "FLAG_OWN_REALTY"), nan=False)
    frame["DAYS_EMPLOYED"] = frame["DAYS_EMPLOYED"].replace(365243, np.nan)
    frame["DAYS_EMPLOYED_PERC"] = frame["DAYS_EMPLOYED"] / frame["DAYS_BIRTH"]
    frame["INCOME_CREDIT_PERC"] = frame["AMT_INCOME_TOTAL"] / frame["AMT_CREDIT"]
    frame["INCOME_PER_PERSON"] = frame["AMT_INCOME_TOTAL"] / frame["CNT_FAM_MEMBERS"]
    frame["ANNUITY_INCOME_PERC"] = frame["AMT_ANNUITY"] / frame["AMT_INCOME_TOTAL"]
    frame["PAYMENT_RATE"] = frame["AMT_ANNUITY"] / frame["AMT_CREDIT"]
    return frame


def _bureau(raw: pd.DataFrame, balance: pd.DataFrame | None) -> pd.DataFrame:
    bureau, categories = _one_hot(raw, "bureau", nan=True)
    numbers = {
        "DAYS_CREDIT": ["min", "max", "mean", "var"],
        "DAYS_CREDIT_ENDDATE": ["min", "max", "mean"],
        "DAYS_CREDIT_UPDATE": ["mean"],
        "CREDIT_DAY_OVERDUE": ["max", "mean"],
        "AMT_CREDIT_MAX_OVERDUE": ["mean"],
        "AMT_CREDIT_SUM": ["max", "mean", "sum"],
        "AMT_CREDIT_SUM_DEBT": ["max", "mean", "sum"],
        "AMT_CREDIT_SUM_OVERDUE": ["mean"],
        "AMT_CREDIT_SUM_LIMIT": ["mean", "sum"],
        "AMT_ANNUITY": ["max", "mean"],
        "CNT_CREDIT_PROLONG": ["sum"],
    }
    means = {name: ["mean"] for name in categories}
    if balance is not None:
        months, statuses = _one_hot(balance, "bureau_balance", nan=True)
        per_credit = months.groupby("SK_ID_BUREAU").agg(
            {"MONTHS_BALANCE": ["min", "max", "size"]} | {name: ["mean"] for name in statuses}
        )
        bureau = bureau.join(_named(per_credit, ""), how="left", on="SK_ID_BUREAU")
        numbers |= {
            "MONTHS_BALANCE_MIN": ["min"],
            "MONTHS_BALANCE_MAX": ["max"],
            "MONTHS_BALANCE_SIZE": ["mean", "sum"],
        }
        means |= {f"{name}_MEAN": ["mean"] for name in statuses}
    whole = _named(bureau.groupby(schema.CLIENT_ID).agg(numbers | means), "BURO_")
    for prefix, dummy in (("ACTIVE_", "CREDIT_ACTIVE_Active"), ("CLOSED_", "CREDIT_ACTIVE_Closed")):
        whole = whole.join(_named(bureau[bureau[dummy] == 1].groupby(schema.CLIENT_ID).agg(numbers), prefix))
    return whole


def _previous(raw: pd.DataFrame) -> pd.DataFrame:
    frame, categories = _one_hot(raw, "previous_application", nan=True)
    frame["APP_CREDIT_PERC"] = frame["AMT_APPLICATION"] / frame["AMT_CREDIT"]
    three = ["min", "max", "mean"]
    numbers = {
        "AMT_ANNUITY": three,
        "AMT_APPLICATION": three,
        "AMT_CREDIT": three,
        "APP_CREDIT_PERC": [*three, "var"],
        "AMT_DOWN_PAYMENT": three,
        "AMT_GOODS_PRICE": three,
        "HOUR_APPR_PROCESS_START": three,
        "RATE_DOWN_PAYMENT": three,
        "DAYS_DECISION": three,
        "CNT_PAYMENT": ["mean", "sum"],
    }
    whole = _named(frame.groupby(schema.CLIENT_ID).agg(numbers | {name: ["mean"] for name in categories}), "PREV_")
    for prefix, status in (("APPROVED_", "Approved"), ("REFUSED_", "Refused")):
        rows = frame[frame[f"NAME_CONTRACT_STATUS_{status}"] == 1]
        whole = whole.join(_named(rows.groupby(schema.CLIENT_ID).agg(numbers), prefix))
    return whole


def _pos(raw: pd.DataFrame) -> pd.DataFrame:
    frame, categories = _one_hot(raw, "POS_CASH_balance", nan=True)
    numbers = {"MONTHS_BALANCE": ["max", "mean", "size"], "SK_DPD": ["max", "mean"], "SK_DPD_DEF": ["max", "mean"]}
    groups = frame.groupby(schema.CLIENT_ID)
    return _named(groups.agg(numbers | {name: ["mean"] for name in categories}), "POS_").assign(POS_COUNT=groups.size())


def _instalments(raw: pd.DataFrame) -> pd.DataFrame:
    frame = raw.assign(
        PAYMENT_PERC=raw["AMT_PAYMENT"] / raw["AMT_INSTALMENT"],
        PAYMENT_DIFF=raw["AMT_INSTALMENT"] - raw["AMT_PAYMENT"],
        DPD=(raw["DAYS_ENTRY_PAYMENT"] - raw["DAYS_INSTALMENT"]).clip(lower=0).fillna(0),
        DBD=(raw["DAYS_INSTALMENT"] - raw["DAYS_ENTRY_PAYMENT"]).clip(lower=0).fillna(0),
    )
    groups = frame.groupby(schema.CLIENT_ID)
    numbers = {
        "NUM_INSTALMENT_VERSION": ["nunique"],
        "DPD": ["max", "mean", "sum"],
        "DBD": ["max", "mean", "sum"],
        "PAYMENT_PERC": ["max", "mean", "sum", "var"],
        "PAYMENT_DIFF": ["max", "mean", "sum", "var"],
        "AMT_INSTALMENT": ["max", "mean", "sum"],
        "AMT_PAYMENT": ["min", "max", "mean", "sum"],
        "DAYS_ENTRY_PAYMENT": ["max", "mean", "sum"],
    }
    return _named(groups.agg(numbers), "INSTAL_").assign(INSTAL_COUNT=groups.size())


def _card(raw: pd.DataFrame) -> pd.DataFrame:
    frame, _ = _one_hot(raw, "credit_card_balance", nan=True)
    groups = frame.drop(columns="SK_ID_PREV").groupby(schema.CLIENT_ID)
    return _named(groups.agg(["min", "max", "mean", "sum", "var"]), "CC_").assign(CC_COUNT=groups.size())
