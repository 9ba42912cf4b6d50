"""The reasons of a decision, as an adviser says them to the client, in French or English.

They come from interventional contributions against accepted clients, since a refusal is explained by what sets the
client apart from those who are accepted, and are summed by reason block before they are ranked. A side lists two to
four ordinary reasons: more are unlikely to help (12 CFR 1002.9(b)(2) and its official interpretation, 9(b)(2)-1). The
first two are given even if they count for little, which is then said; a further one needs a minimum share.

An attribute that the law protects is never dropped where the model used it. Among the strongest it is listed at its
place, flagged, beside the two to four ordinary reasons rather than instead of one: it may not be given as a ground, so
that the client still gets as many that may. Further down, but above a share of its own, it is in `restricted`, for the
adviser to see that it was used.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from babel.numbers import format_percent
from scipy.special import expit

from data.errors import FeatureMismatch, InvalidOption, ModelError, did_you_mean
from explain.blocks import blocks
from explain.sentences import Quoted, messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from data.features.feature import Feature
    from data.schema import Language
    from explain.blocks import BlockContributions
    from explain.standing import Standing

Strength = Literal["strong", "marked", "slight"]
Side = Literal["for", "against"]

COUNT = 4
"""Greatest number of ordinary reasons a side; of protected ones, those that are among as many strongest blocks."""

LEAST = 2
"""Ordinary reasons a side that are given whatever their share, where there are as many blocks."""

MINIMUM_SHARE = 0.03
"""Least share of the sum of |contribution| over all blocks, below which a reason counts for little."""

RESTRICTED_SHARE = 0.01
"""Share of the same sum above which a protected block that is not listed is in `restricted`."""

NOTHING = 1e-3
"""Log-odds of repayment below which a block has no effect: at most 0.03 points of score."""

MARGIN = 0.02
"""Distance of the score from the threshold, in score, within which the decision is a close one."""

STRONG, MARKED = 0.12, 0.05
"""Shares of the sum of |contribution| from which a reason counts for much, and clearly."""

_SAME_SCORE = 1e-6
_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason.

    Attributes
    ----------
    block : name of the reason block.
    title : what people call it.
    contribution : log-odds of repayment, against accepted clients; above zero helps the client.
    share : |contribution| over its sum over all blocks, in [0, 1].
    strength : the same in three steps, see STRONG and MARKED.
    minor : whether the share is below the minimum: it is given since there are no two greater ones.
    protected : whether the law protects these attributes of a person, or those that they are computed from.
    feature : the feature quoted.
    value : the client's value of it, None where it is missing.
    typical : its median among accepted clients, None where that isn't known.
    usual : the category most frequent among accepted clients, where a category is quoted and it is known.
    detail : the sentences to say after the title.
    note : what the adviser is told of a protected attribute, not the client; else empty.
    """

    block: str
    title: str
    contribution: float
    share: float
    strength: Strength
    minor: bool
    protected: bool
    feature: str
    value: float | None
    typical: float | None
    usual: str | None
    detail: str
    note: str


@dataclass(frozen=True, slots=True)
class Reasons:
    """The reasons of one decision, the strongest first.

    Attributes
    ----------
    accepted : the decision: whether the score is the threshold or above.
    score, threshold : probability of repayment at even odds, in [0, 1].
    near : whether the score is within the margin of the threshold.
    near_text : the sentence that says so, and on which side; empty where it isn't.
    for_, against : those that raise, and those that lower, the probability of repayment against accepted clients.
    restricted : protected blocks that the model used and that are on neither list, the strongest first.
    language : of their text.
    """

    accepted: bool
    score: float
    threshold: float
    near: bool
    near_text: str
    for_: tuple[Reason, ...]
    against: tuple[Reason, ...]
    restricted: tuple[Reason, ...]
    language: Language

    @property
    def side(self) -> Side:
        """The decision's own side: "for" where the loan is accepted, else "against"."""
        return "for" if self.accepted else "against"

    @property
    def given(self) -> tuple[Reason, ...]:
        """The reasons of the decision."""
        return self.for_ if self.accepted else self.against

    @property
    def other(self) -> tuple[Reason, ...]:
        """The reasons of the other side."""
        return self.against if self.accepted else self.for_

    def frame(self) -> pl.DataFrame:
        """Return one row a reason: its list ("for", "against", "restricted"), its rank there from 1, its attributes."""
        lists = {"for": self.for_, "against": self.against, "restricted": self.restricted}
        rows = [
            {"list": name, "rank": rank, **asdict(reason)}
            for name, listed in lists.items()
            for rank, reason in enumerate(listed, start=1)
        ]
        return pl.DataFrame(rows, schema=_SCHEMA)


_SCHEMA = {
    "list": pl.String,
    "rank": pl.Int64,
    "block": pl.String,
    "title": pl.String,
    "contribution": pl.Float64,
    "share": pl.Float64,
    "strength": pl.String,
    "minor": pl.Boolean,
    "protected": pl.Boolean,
    "feature": pl.String,
    "value": pl.Float64,
    "typical": pl.Float64,
    "usual": pl.String,
    "detail": pl.String,
    "note": pl.String,
}


def reasons(
    contributions: BlockContributions,
    catalog: Sequence[Feature],
    facts: Mapping[str, object],
    standings: Iterable[Standing] = (),
    usual: Mapping[str, str | None] | None = None,
    *,
    score: float,
    threshold: float,
    language: Language,
    count: int = COUNT,
    minimum_share: float = MINIMUM_SHARE,
    margin: float = MARGIN,
) -> Reasons:
    """Return the reasons of a decision, in words.

    Parameters
    ----------
    contributions : one client's, by reason block, in log-odds of repayment; against accepted clients.
    catalog : entries of at least the features quoted.
    facts : the client's raw application columns, None where there is no value; the categories are read there.
    standings : where the client stands for some of the features quoted; a reason without one makes no comparison. See
        `reason_features` for those that help.
    usual : the category most frequent among accepted clients, by source column; see `explain.usual`.
    score, threshold : probability of repayment at even odds, in [0, 1]; the loan is accepted from the threshold on.
    language : "fr" or "en".
    count : greatest number of ordinary reasons a side, at least LEAST.
    minimum_share : least share of the sum of |contribution| of a reason beyond the first LEAST, in [0, 1].
    margin : distance of the score from the threshold within which the decision is close, in [0, 1].

    Raises
    ------
    InvalidOption
        If there is no such language, or for another option out of range.
    FeatureMismatch
        If the catalogue doesn't have a feature quoted.
    UnknownColumn
        If `facts` lacks the column of a category.
    ModelError
        If the contributions are those of another score, or not finite.
    """
    words = messages(language)
    for name, value in (("score", score), ("threshold", threshold), ("margin", margin)):
        if not 0.0 <= value <= 1.0:
            raise InvalidOption(f"{name} must lie in [0, 1], got {value!r}.")
    explained = float(expit(contributions.logit_score))
    if abs(explained - score) > _SAME_SCORE:
        raise ModelError(
            f"The contributions explain a score of {explained:.6f}, the decision is on {score:.6f}: they are not of "
            "this decision. Explain the client with the model that scored it."
        )
    chosen = _choose(contributions, count, minimum_share)
    entries = {feature.name: feature for feature in catalog}
    by_feature = {standing.feature: standing for standing in standings}
    shares = _shares(contributions)

    def told(place: int) -> Reason:
        name, source = contributions.quoted[place], contributions.sources[place]
        if name not in entries:
            raise FeatureMismatch(
                f"The catalogue has no feature {name!r}, which is quoted.{did_you_mean(name, entries)}"
            )
        contribution, share = float(contributions.contributions[place]), float(shares[place])
        value = float(contributions.quoted_values[place])
        strength: Strength = "strong" if share >= STRONG else "marked" if share >= MARKED else "slight"
        standing, category = by_feature.get(name), (usual or {}).get(source)
        title = blocks()[contributions.blocks[place]].label(language)
        quoted = Quoted(entries[name], source, value, facts, standing, category, language)
        detail = quoted.says(title, float(contributions.quoted_contributions[place]), contribution, strength)
        minor, protected = share < minimum_share, bool(contributions.protected[place])
        return Reason(
            block=contributions.blocks[place],
            title=title,
            contribution=contribution,
            share=share,
            strength=strength,
            minor=minor,
            protected=protected,
            feature=name,
            value=None if np.isnan(value) else value,
            typical=None if standing is None else standing.accepted.median,
            usual=category,
            detail=f"{detail} {words['sentences']['minor']}" if minor else detail,
            note=words["sentences"]["protected"] if protected else "",
        )

    accepted, near = score >= threshold, abs(score - threshold) <= margin
    return Reasons(
        accepted=accepted,
        score=score,
        threshold=threshold,
        near=near,
        near_text=_near_text(score, threshold, words, language) if near else "",
        for_=tuple(map(told, chosen.for_)),
        against=tuple(map(told, chosen.against)),
        restricted=tuple(map(told, chosen.restricted)),
        language=language,
    )


@dataclass(frozen=True, slots=True)
class QuotedFeature:
    """A feature that a reason quotes.

    Attributes
    ----------
    feature : its name.
    source : its source column, "table.column".
    """

    feature: str
    source: str


def reason_features(
    contributions: BlockContributions, count: int = COUNT, minimum_share: float = MINIMUM_SHARE
) -> tuple[QuotedFeature, ...]:
    """Return what `reasons` quotes, whose standings and usual categories it can compare with."""
    chosen = _choose(contributions, count, minimum_share)
    places = (*chosen.for_, *chosen.against, *chosen.restricted)
    return tuple(QuotedFeature(contributions.quoted[place], contributions.sources[place]) for place in places)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The places of the blocks of every list, the strongest first."""

    for_: list[int]
    against: list[int]
    restricted: list[int]


def _choose(contributions: BlockContributions, count: int, minimum_share: float) -> _Chosen:
    if count < LEAST:
        raise InvalidOption(f"There are at least {LEAST} reasons a side, count can't be {count}.")
    if not 0.0 <= minimum_share <= 1.0:
        raise InvalidOption(f"minimum_share must lie in [0, 1], got {minimum_share!r}.")
    values = contributions.contributions
    if not bool(np.isfinite(values).all()):
        raise ModelError("A block's contribution is not finite: it ranks no reasons. Explain the client again.")
    shares = _shares(contributions)
    for_, against = (_listed(contributions, side, shares, count, minimum_share) for side in (values > 0, values < 0))
    used = (shares > RESTRICTED_SHARE) & contributions.protected & (np.abs(values) >= NOTHING)
    restricted = [place for place in np.flatnonzero(used).tolist() if place not in {*for_, *against}]
    return _Chosen(for_, against, restricted)


def _listed(
    contributions: BlockContributions,
    side: NDArray[np.bool_],
    shares: NDArray[np.float64],
    count: int,
    minimum_share: float,
) -> list[int]:
    """Return the places of one side's reasons: the ordinary ones, and the protected ones among the strongest."""
    ranked = np.flatnonzero(side & (np.abs(contributions.contributions) >= NOTHING))
    is_protected, enough = contributions.protected[ranked], shares[ranked] >= minimum_share
    nth_ordinary = np.cumsum(~is_protected)
    ordinary = ~is_protected & (nth_ordinary <= count) & (enough | (nth_ordinary <= LEAST))
    strongest = np.arange(ranked.size) < count
    listed: list[int] = ranked[ordinary | (is_protected & strongest & enough)].tolist()
    return listed


def _shares(contributions: BlockContributions) -> NDArray[np.float64]:
    """Return |contribution| of every block over its sum, (B,) in [0, 1]; 0 where nothing counts."""
    size = np.abs(contributions.contributions)
    total = float(size.sum())
    return size / total if total else size


def _near_text(score: float, threshold: float, words: Mapping[str, Any], language: Language) -> str:
    """Return that the decision is a close one, the score with as many digits as tell it from the threshold."""
    apart = 100 * abs(score - threshold)
    digits = next((count for count in range(1, _MOST_DIGITS) if apart == 0 or round(apart, count) > 0), _MOST_DIGITS)
    sign = "\u202f%" if language == "fr" else "%"
    shown = {
        "score": format_percent(score, f"0.{'0' * digits}{sign}", language),
        "threshold": format_percent(threshold, f"0.{'#' * _MOST_DIGITS}{sign}", language),
    }
    return str(words["near"]["accepted" if score >= threshold else "refused"].format(**shown))
