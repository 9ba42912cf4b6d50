"""Groups, values and reasons in the visitor's words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from data.features.catalog import group_label
from data.features.values import display_raw, display_value
from data.schema import table
from explain.reasons import reasons

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        table_name, _, column = group.partition(".")
        if table_name == "application" and column in file.facts:
            return display_raw(table("application").column(column), file.facts[column], self.language)
        at = self._services.scorer.names.index(quoted)
        return self.number(quoted, float(file.row[at]))

    def sentences_html(self, file: ClientFile) -> str:
        """Return the strongest reasons for and against, as two lists of sentences."""
        found = reasons(file.grouped, self._services.catalog, file.facts, file.compared, language=self.language)
        t = self._t
        return (
            '<div class="reasons">'
            f"{self._list(t('reasons.for'), found.for_, 'for', t('reasons.none_for'))}"
            f"{self._list(t('reasons.against'), found.against, 'against', t('reasons.none_against'))}</div>"
        )

    def _list(self, title: str, listed: Sequence[Reason], side: str, nothing: str) -> str:
        if not listed:
            return f"<section><h3>{escape(title)}</h3><p class='soft'>{escape(nothing)}</p></section>"
        tag = f' <span class="tag">{escape(self._t("reasons.protected"))}</span>'
        items = "".join(
            f'<li class="{side}">{escape(reason.text)}{tag if reason.protected else ""}</li>' for reason in listed
        )
        return f"<section><h3>{escape(title)}</h3><ul>{items}</ul></section>"
