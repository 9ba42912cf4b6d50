"""Groups, values and reasons in the visitor's words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from data.features.catalog import group_label
from data.features.values import display_raw, display_value
from data.schema import table
from explain.reasons import reasons
from explain.reference import SEED, SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dashboard.i18n import Translator
    from dashboard.services import ClientFile, Services
    from explain.reasons import Reason


class Wording:
    """Says what a model's names mean, in one language."""

    def __init__(self, services: Services, translate: Translator) -> None:
        self._services, self._t = services, translate
        self.language = translate.language

    def group(self, group: str) -> str:
        """Return what people call a source group."""
        return group_label(group, self.language)

    def feature(self, name: str) -> str:
        """Return what people call a feature."""
        return self._services.feature(name).label(self.language)

    def number(self, name: str, value: float | None) -> str:
        """Return a value of a feature as people say it."""
        return display_value(self._services.feature(name), float("nan") if value is None else value, self.language)

    def value(self, file: ClientFile, group: str, quoted: str) -> str:
        """Return the client's value behind a group: the raw column, else that of the feature quoted."""
        return self.value_of(group, quoted, file.facts, file.row)

    def value_of(self, group: str, quoted: str, facts: Mapping[str, object], row: NDArray[np.float64]) -> str:
        """Return the same of the client with these raw application columns and this row of features."""
        if is_raw(group, facts):
            column = group.partition(".")[2]
            return display_raw(table("application").column(column), facts[column], self.language)
        return self.number(quoted, float(row[self._services.scorer.names.index(quoted)]))

    def sentences_html(self, file: ClientFile) -> str:
        """Return the reasons of the decision, in order, then those of the other side and the protected ones used."""
        t, services = self._t, self._services
        if file.blocks is None:
            return f'<p class="soft">{escape(t("reasons.nobody_accepted"))}</p>'
        outcome = file.outcome
        found = reasons(
            file.blocks, services.catalog, file.facts, file.compared, file.usual,
            score=outcome.score, threshold=services.policy.threshold, language=self.language,
        )  # fmt: skip
        own, other = ("for", "against") if found.accepted else ("against", "for")
        accepted = int(services.accepted.sum())
        compared = (
            t("reasons.compared", count=t.number(SIZE, 0), seed=SEED)
            if accepted > SIZE
            else t("reasons.compared_with_all", count=t.number(accepted, 0))
        )
        near = f'<p class="near">{escape(found.near_text)}</p>' if found.near else ""
        decided = t("reasons.accepted" if found.accepted else "reasons.refused")
        given, others = self._list(found.given, own, "ol"), self._list(found.other, other, "ul")
        sections = [
            f'<section><h3>{escape(decided)}</h3><p class="soft">{escape(compared)}</p>{near}{given}</section>',
            f"<section><h3>{escape(t(f'reasons.{other}'))}</h3>{others}</section>",
        ]
        if found.restricted:
            told = f"{t('reasons.restricted_intro')} {found.restricted[0].note}"
            used = "".join(self._item(reason, noted=False) for reason in found.restricted)
            sections.append(
                f'<section class="wide"><h3>{escape(t("reasons.restricted"))}</h3>'
                f'<p class="soft">{escape(told)}</p><ul>{used}</ul></section>'
            )
        return f'<div class="reasons">{"".join(sections)}</div>'

    def _list(self, listed: Sequence[Reason], side: str, kind: str) -> str:
        if not listed:
            return f"<p class='soft'>{escape(self._t(f'reasons.none_{side}'))}</p>"
        return f"<{kind}>{''.join(self._item(reason) for reason in listed)}</{kind}>"

    def _item(self, reason: Reason, *, noted: bool = True) -> str:
        side = "for" if reason.contribution > 0 else "against"
        tag = f' <span class="tag">{escape(self._t("reasons.protected"))}</span>' if reason.protected else ""
        note = f'<p class="soft">{escape(reason.note)}</p>' if reason.note and noted else ""
        said = f"<strong>{escape(reason.title)}</strong>{tag}<p>{escape(reason.detail)}</p>{note}"
        return f'<li class="{side}">{said}</li>'


def is_raw(group: str, facts: Mapping[str, object]) -> bool:
    """Return whether a group is a raw column of the application, whose own value is the one to tell."""
    source, _, column = group.partition(".")
    return source == "application" and column in facts
