"""Who a client is: sex, schooling, family, housing, work. Categories follow age, sex or job, in published shares."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

from data import schema
from data.synthesis.marginals import NULL, Choices, choices, draw_rows, fitted, statistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.synthesis.latent import Block
    from data.synthesis.marginals import Codes, Floats

_APPLICATION = "application"
_BANDS = 5
_WOMEN = (0.59, 0.61, 0.64, 0.69, 0.76)  # by band of age
_MEN = 105_059 / 307_511
_RETIREMENT = 0.8255  # rank of the age at which half have retired
_SCHOOLING = (
    "Lower secondary",
    "Secondary / secondary special",
    "Incomplete higher",
    "Higher education",
    "Academic degree",
)
_CHILDREN = (215_371, 61_119, 26_749, 3_717, 429, 84, 42)
_RARE_INCOMES = {"Unemployed": 22, "Student": 18, "Businessman": 10, "Maternity leave": 5}


def people(block: Block) -> dict[str, NDArray[Any]]:
    """Return who the clients are: codes of the schema's categories, the number of children and of family members."""
    generator, scores = block.streams["clients"], block.scores
    length = len(block.ids)

    def noise() -> Floats:
        return generator.standard_normal(length)

    age = ndtr(scores["age"])
    band = np.minimum((age * _BANDS).astype(np.intp), _BANDS - 1)
    gender = (generator.random(length) >= np.array(_WOMEN)[band]).astype(np.int16)
    man = gender == 1
    gender[generator.random(length) < 4 / 307_511] = code("CODE_GENDER", "XNA")
    unlabelled = statistics("unlabelled")
    retirement = _RETIREMENT + np.where(block.unlabelled, unlabelled["shifts"]["retirement"], 0.0)
    retired = generator.random(length) < 0.012 + 0.96 / (1 + np.exp(-(age - retirement) / 0.025))

    schooling = 0.42 * scores["income"] + 0.10 * scores["ext1"] - 0.16 * scores["age"]
    education = _education().draw(ndtr((schooling + 0.88 * noise()) / 1.0))
    degree = np.isin(education, [code("NAME_EDUCATION_TYPE", name) for name in _SCHOOLING[3:]])
    family = _draw_by_age("NAME_FAMILY_STATUS", band, generator.random(length))
    housing = _draw_by_age("NAME_HOUSING_TYPE", band, generator.random(length))
    children = draw_rows(_by_age("CNT_CHILDREN", tuple(map(str, range(7))), _CHILDREN), band, generator.random(length))
    children[block.unlabelled & (generator.random(length) < unlabelled["shares"]["childless_anyway"])] = 0
    couple = np.isin(family, [code("NAME_FAMILY_STATUS", "Married"), code("NAME_FAMILY_STATUS", "Civil marriage")])

    occupation, organization, income_type = _work(block, man, degree, retired)
    car = 0.30 * scores["income"] + 0.85 * (man - _MEN) - 0.15 * scores["age"] + 0.83 * noise()
    realty = 0.15 * scores["age"] + 0.99 * noise()
    return {
        "CODE_GENDER": gender,
        "NAME_EDUCATION_TYPE": education,
        "NAME_FAMILY_STATUS": family,
        "NAME_HOUSING_TYPE": housing,
        "CNT_CHILDREN": children.astype(np.int64),
        "CNT_FAM_MEMBERS": children + 1.0 + couple,
        "OCCUPATION_TYPE": occupation,
        "ORGANIZATION_TYPE": organization,
        "NAME_INCOME_TYPE": income_type,
        "FLAG_OWN_CAR": (car > ndtri(0.6599)).astype(np.int16),
        "FLAG_OWN_REALTY": (realty > ndtri(0.6937)).astype(np.int16),
    }


def code(column: str, category: str) -> int:
    """Return the code of a category of the application table."""
    return schema.table(_APPLICATION).column(column).categories.index(category)


def _work(
    block: Block, man: NDArray[np.bool_], degree: NDArray[np.bool_], retired: NDArray[np.bool_]
) -> tuple[Codes, Codes, Codes]:
    generator, length = block.streams["clients"], len(block.ids)
    group = (2 * man + degree).astype(np.intp)
    occupations, by_group = _occupations()
    position = draw_rows(by_group, group, generator.random(length))
    occupation = occupations[position].copy()
    organizations, by_occupation, state_share = _organizations()
    place = draw_rows(by_occupation, position, generator.random(length))
    organization = organizations[place].copy()

    kind = generator.random(length)
    income_type = np.where(kind < 0.315 + 0.05 * block.scores["income"], *_working("Commercial associate", "Working"))
    servant = generator.random(length) < state_share[place]
    income_type[servant] = code("NAME_INCOME_TYPE", "State servant")
    income_type[retired] = code("NAME_INCOME_TYPE", "Pensioner")
    rare = generator.random(length) * 307_511
    start = 0
    for name, rows in _RARE_INCOMES.items():
        income_type[(rare >= start) & (rare < start + rows)] = code("NAME_INCOME_TYPE", name)
        start += rows
    idle = np.isin(income_type, [code("NAME_INCOME_TYPE", name) for name in ("Pensioner", "Unemployed")])
    organization[idle] = code("ORGANIZATION_TYPE", "XNA")
    occupation[idle] = NULL
    return occupation, organization, income_type.astype(np.int16)


def _working(*names: str) -> list[int]:
    return [code("NAME_INCOME_TYPE", name) for name in names]


@functools.cache
def _education() -> Choices:
    counts = statistics("categories")[_APPLICATION]["NAME_EDUCATION_TYPE"]
    return Choices.of(_APPLICATION, "NAME_EDUCATION_TYPE", {name: counts[name] for name in _SCHOOLING})


def _draw_by_age(column: str, band: NDArray[np.intp], uniforms: Floats) -> Codes:
    published = choices(_APPLICATION, column)
    counts = statistics("categories")[_APPLICATION][column]
    table = _by_age(column, tuple(counts), tuple(counts.values()))
    found: Codes = published.codes[draw_rows(table, band, uniforms)]
    return found


@functools.cache
def _by_age(column: str, names: tuple[str, ...], counts: tuple[int, ...]) -> Floats:
    tilts = statistics("affinities")["by_age"]
    ones = [1.0] * _BANDS
    last = tilts.get(f"{column}.3", ones)
    affinity = np.array([tilts.get(f"{column}.{name}", last if column == "CNT_CHILDREN" else ones) for name in names]).T
    shares = np.array(counts, dtype=np.float64)
    return fitted(affinity, np.full(_BANDS, 1 / _BANDS), shares / shares.sum())


@functools.cache
def _occupations() -> tuple[Codes, Floats]:
    """Return the codes of the occupations, among the employed, and their cumulative shares in the four groups."""
    by_group = dict(statistics("affinities")["by_group"])
    groups = np.array(by_group.pop("shares"))
    counts = dict(statistics("categories")[_APPLICATION]["OCCUPATION_TYPE"])
    counts[""] -= statistics("categories")[_APPLICATION]["ORGANIZATION_TYPE"]["XNA"]
    shares = np.array(list(counts.values()), dtype=np.float64)
    affinity = np.array([by_group[name] for name in counts]).T
    codes = choices(_APPLICATION, "OCCUPATION_TYPE").codes
    return codes, fitted(affinity, groups, shares / shares.sum())


@functools.cache
def _organizations() -> tuple[Codes, Floats, Floats]:
    """Return the codes of the organisations, their cumulative shares by occupation, and the share of state servants."""
    affinities = statistics("affinities")
    counts = dict(statistics("categories")[_APPLICATION]["ORGANIZATION_TYPE"])
    del counts["XNA"]
    occupations = dict(statistics("categories")[_APPLICATION]["OCCUPATION_TYPE"])
    occupations[""] -= statistics("categories")[_APPLICATION]["ORGANIZATION_TYPE"]["XNA"]
    affinity = np.ones((len(occupations), len(counts)))
    names, jobs = list(counts), list(occupations)
    for pair, value in affinities["by_occupation"].items():
        name, job = pair.rsplit(".", 1)
        affinity[jobs.index(job), names.index(name)] = value
    rows, columns = (np.array(list(table.values()), dtype=np.float64) for table in (occupations, counts))
    state = np.array([affinities["state_servants"].get(name, 0.014) for name in names])
    codes = Choices.of(_APPLICATION, "ORGANIZATION_TYPE", counts).codes
    return codes, fitted(affinity, rows / rows.sum(), columns / columns.sum()), state
