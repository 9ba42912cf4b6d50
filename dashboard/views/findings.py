"""What is to be read in the two columns shown: how they go together, where risk is, what they say of the score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn

from dashboard.views.background import Background
from dashboard.views.column_words import ColumnWords
from dashboard.views.folded_table import folded_table
from dashboard.views.html import html, status
from dashboard.views.quiet import Quiet
from dashboard.views.zone_list import ZoneList
from explain.crossfilter.association import associations
from explain.crossfilter.exploration import PAIR
from explain.crossfilter.filters import Categories
from explain.crossfilter.zones import FINDINGS, SCORED, find_zones, kept_for, least_clients

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.exploring import Exploring
    from dashboard.i18n import Translator
    from dashboard.services import Services
    from dashboard.state import SessionState
    from explain.crossfilter.association import Association, Associations
    from explain.crossfilter.counts import Counts
    from explain.crossfilter.exploration import Exploration, Explored
    from explain.crossfilter.filters import Box, Filter, Side
    from explain.crossfilter.population import Population
    from explain.crossfilter.zones import Explained, Finding, Zone, Zones

QUIET_MS = 400
_RISK: tuple[Finding, ...] = ("risky", "safe")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the findings depend on: two columns, and the filters of the other charts, whatever their order."""

    across: str
    up: str
    filters: frozenset[tuple[str, Filter]]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    asked: _Asked
    associations: Associations
    zones: Zones


class FindingsView(pn.viewable.Viewer):
    """The findings of the pair, among the clients that the other charts' filters keep.

    Attributes
    ----------
    zones : the last found; None before, and while those of two other columns are computed.
    on_zones : called with them whenever they change.
    """

    def __init__(
        self, state: SessionState, services: Services, exploring: Exploring, translate: Translator, **params: Any
    ) -> None:
        super().__init__(**params)
        self._state, self._services, self._exploring, self._t = state, services, exploring, translate
        self._words = ColumnWords(services, translate)
        self.zones: Zones | None = None
        self.on_zones: Callable[[Zones | None], None] | None = None
        self._asked: _Asked | None = None
        self._shown: _Asked | None = None
        self._exploration: Exploration | None = None
        self._boxes: dict[str, Box] = {}
        self._round = 0
        self._head, self._status, self._text, self._table = html(), html(), html(), html()
        self._text.stylesheets = [*self._text.stylesheets, "p { margin: 4px 0; }"]
        self._list = ZoneList(self._keep, keep=translate("findings.keep"))
        self._background = Background(services.unhurried, self._arrived)
        self._quiet = Quiet(self._compute, QUIET_MS, exploring=state)
        self._head.object = f"<h2>{escape(translate('findings.title'))}</h2>"

    def follow(self, explored: Explored) -> None:
        """Find anew what is to be read, if the columns or the other charts' filters are no longer the same."""
        exploration = explored.wanted.exploration
        pair = exploration.pair
        others = frozenset((chart, kept) for chart, kept in exploration.filters if chart != PAIR)
        asked = _Asked(pair.across.column, pair.up.column, others)
        if asked == self._asked:
            return
        self._asked, self._exploration = asked, exploration
        if asked == self._shown:
            self._show_waiting(waiting=False)
            return
        if self.zones is not None and (self.zones.across, self.zones.up) != (asked.across, asked.up):
            self._tell(None)
            self._shown = None
        self._show_waiting(waiting=True)
        self._quiet.ask()

    def _compute(self) -> None:
        asked, exploration, population = self._asked, self._exploration, self._services.population
        if asked is not None and exploration is not None and asked != self._shown:
            self._background.submit(lambda: _find(population, asked, exploration))

    def _arrived(self, outcome: _Found | Exception) -> None:
        if isinstance(outcome, Exception):
            self._asked = None  # the next gesture tries again
            self._status.object = status(self._t("problem.unexpected", kind=type(outcome).__name__))
            raise outcome
        if outcome.asked != self._asked:
            return
        self._shown = outcome.asked
        zones = self.zones = outcome.zones
        with pn.io.hold():
            self._text.object = self._text_html(outcome)
            self._list.groups = self._groups(zones)
            self._table.object = self._table_html(zones)
            self._show_waiting(waiting=False)
        self._tell(zones)

    def _tell(self, zones: Zones | None) -> None:
        self.zones = zones
        if self.on_zones is not None:
            self.on_zones(zones)

    def _show_waiting(self, *, waiting: bool) -> None:
        if waiting:
            first = self._shown is None and not self._list.groups
            self._status.object = status(self._t("plots.computing" if first else "findings.updating"))
        elif self._shown is not None:
            self._status.object = status(self._over(self._shown))
        self._list.waiting = waiting

    def _over(self, asked: _Asked) -> str:
        clients = self._t.number(int(self.zones.kept.clients), 0) if self.zones is not None else ""
        return self._t("findings.over_kept" if asked.filters else "findings.over_all", clients=clients)

    def _keep(self, zone: str) -> None:
        if zone in self._boxes:
            self._exploring.brush(PAIR, self._boxes[zone])

    def _text_html(self, found: _Found) -> str:
        told = found.associations
        lines = [self._association(told.across, told.up, told.pair)] if told.across != told.up else []
        with_score = {told.across: told.score_across, told.up: told.score_up}
        lines += [self._association(key, "score", one) for key, one in with_score.items() if key not in SCORED]
        if not {told.across, told.up} & set(SCORED):
            lines.append(self._explained(told.across, told.up, found.zones.explained))
        return "".join(f"<p>{escape(line)}</p>" for line in lines)

    def _association(self, first: str, second: str, told: Association) -> str:
        t, name = self._t, self._words.label
        names = {"first": name(first), "second": name(second), "clients": t.number(told.clients, 0)}
        if told.reason is not None:
            return t(f"findings.{told.reason}", **names)
        said, value = t(f"findings.{told.kind}_{told.strength}"), t.number(told.value)
        if told.kind == "ranks":
            # As people read them: a column of days counted back has an axis that is reversed.
            turned = self._words.backwards(first) != self._words.backwards(second)
            value = t.signed(-told.value if turned else told.value)
            if told.direction is not None:
                same = (told.direction == "up") != turned
                said = t("findings.same_way" if same else "findings.other_way", said=said)
        return t("findings.association", **names, said=said, measure=t(f"findings.measure_{told.kind}"), value=value)

    def _explained(self, across: str, up: str, told: Explained) -> str:
        t = self._t
        if math.isnan(told.added):
            return t("findings.explained_unknown")
        shares = {"both": told.both, "first_share": told.across, "second_share": told.up}
        words = {name: t.percent(share, 1) for name, share in shares.items()}
        names = {"first": self._words.label(across), "second": self._words.label(up)}
        return t("findings.explained", **names, **words, added=t.number(100 * told.added, 1))

    def _groups(self, zones: Zones) -> list[dict[str, Any]]:
        t, skipped = self._t, set()
        if "default" in (zones.across, zones.up):
            skipped |= set(_RISK)
        if {zones.across, zones.up} & set(SCORED):
            skipped |= set(FINDINGS) - set(_RISK)
        self._round += 1
        self._boxes = {}
        groups = []
        for finding in FINDINGS:
            if finding in skipped:
                continue
            nothing = f"findings.no_{finding}"
            if finding in _RISK and not zones.kept.labelled:
                nothing = "findings.no_outcome"
            said = [self._zone(zones, finding, zone) for zone in zones.of(finding)]
            groups.append({"heading": t(f"findings.{finding}"), "nothing": t(nothing), "zones": said})
        return groups

    def _zone(self, zones: Zones, finding: Finding, zone: Zone) -> dict[str, str]:
        t, where = self._t, self._where(zone.box)
        # An id is of one round: a click that arrives after others were found must not keep other clients.
        name = f"{self._round}:{len(self._boxes)}"
        self._boxes[name] = zone.box
        clients = t.number(int(zone.counts.clients), 0)
        if finding in _RISK:
            low, high = zone.default_interval
            says = t(
                "findings.risk",
                clients=clients,
                rate=self._percent(zone.counts.default_rate),
                between=t("plots.between", low=self._percent(low), high=self._percent(high)),
                everyone=self._percent(zones.kept.default_rate),
            )
        else:
            mean, everyone = self._percent(zone.counts.mean_score), self._percent(zones.kept.mean_score)
            says = t("findings.score", clients=clients, score=mean, everyone=everyone)
        return {"id": name, "where": where, "says": says, "keep": t("findings.keep_these", where=where)}

    def _where(self, box: Box) -> str:
        if box.across == box.up:
            return self._side(box.across)
        return self._t("column.both", first=self._side(box.across), second=self._side(box.up))

    def _side(self, side: Side) -> str:
        if isinstance(side, Categories):
            everyone = self._services.population.column(side.column).categories
            if everyone is not None and set(side.names) == set(everyone):
                label = self._words.label(side.column)
                return self._t("column.filter", column=label, said=self._t("column.any"))
        return self._words.filter(side)

    def _percent(self, share: Any) -> str:
        return "–" if math.isnan(float(share)) else self._t.percent(float(share), 1)

    def _table_html(self, zones: Zones) -> str:
        t = self._t
        rows = [self._row(t("findings.kept"), "–", zones.kept)]
        rows += [
            self._row(t(f"findings.{finding}"), self._where(zone.box), zone.counts)
            for finding in FINDINGS
            for zone in zones.of(finding)
        ]
        heads = ["finding", "where", "clients", "labelled", "defaults", "rate", "between", "refused", "mean"]
        table = folded_table(t("findings.table"), [t(f"findings.head_{head}") for head in heads], rows, words=2)
        clients = t.number(least_clients(int(zones.kept.clients)), 0)
        return f'<p class="soft">{escape(t("findings.how", clients=clients))}</p>{table}'

    def _row(self, finding: str, where: str, counts: Counts) -> list[str]:
        low, high = (self._percent(end) for end in counts.default_interval())
        return [
            finding,
            where,
            *(self._t.number(int(part), 0) for part in (counts.clients, counts.labelled, counts.defaults)),
            self._percent(counts.default_rate),
            self._t("plots.between", low=low, high=high) if counts.labelled else "–",
            self._percent(counts.share_refused),
            self._percent(counts.mean_score),
        ]

    def __panel__(self) -> pn.Column:
        return pn.Column(
            self._head, self._status, self._text, self._list, self._table, sizing_mode="stretch_width", margin=0
        )


def _find(population: Population, asked: _Asked, exploration: Exploration) -> _Found:
    kept = kept_for(population, exploration, PAIR)
    told = associations(population, asked.across, asked.up, kept)
    return _Found(asked, told, find_zones(population, asked.across, asked.up, kept))
