"""The plots of all clients, as one session has them, on a small prepared portfolio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import holoviews as hv
import numpy as np
import pytest
from bokeh.document import Document
from bokeh.events import RangesUpdate
from bokeh.models import Plot

from dashboard.i18n import Translator
from dashboard.plot_data import CANDIDATES, SWARMS
from dashboard.services import Services
from dashboard.state import SessionState
from dashboard.views.beeswarm import CHOSEN, BeeswarmView
from dashboard.views.dependence import ClientDependenceView, DependenceView
from dashboard.views.partial import PartialView
from dashboard.warm import warm_up
from data.store import Portfolio

if TYPE_CHECKING:
    from pathlib import Path

    import panel as pn

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def services(artifacts: Path) -> Services:
    hv.extension("bokeh")
    found = Services(Portfolio.open(artifacts / "portfolios" / "small"), artifacts / "models" / "small")
    warm_up(found)
    return found


@pytest.fixture
def state(services: Services) -> SessionState:
    made = SessionState(page="explanation", language="en")
    made.param.update(feature=services.explanations.strongest, file=services.file_at(3))
    return made


def figure_of(view: pn.viewable.Viewer) -> Any:
    """Return the Bokeh figure of a view, drawn into a document of its own."""
    document = Document()
    view.__panel__().server_doc(document)
    (found,) = document.select({"type": Plot})
    return found


def test_the_swarms_are_of_the_features_that_weigh_most(services: Services, state: SessionState) -> None:
    data = services.plots
    assert data.strongest == services.explanations.store.importance("feature").names[:SWARMS]
    view = BeeswarmView(state, services, Translator("en"))
    figure = figure_of(view)
    labels = figure.yaxis[0].major_label_overrides
    assert labels[len(data.strongest)].replace("\n", " ") in services.feature(data.strongest[0]).label("en")
    assert figure.html_attributes["role"] == "img"
    assert "1,500 clients drawn" in figure.html_attributes["aria-label"]
    assert all(name not in view._table.object for name in data.strongest if "_" in name)
    assert figure.x_range.start < 0 < figure.x_range.end


def test_a_swarm_draws_those_selected_only(services: Services, state: SessionState) -> None:
    view = BeeswarmView(state, services, Translator("en"))
    figure = figure_of(view)
    view._who.value = CHOSEN
    for name in ("refused", "accepted"):
        state.selection = name
        count = int(np.count_nonzero(services.explanations.mask(state.chosen)))
        assert f"{count:,} clients drawn" in figure.html_attributes["aria-label"]
    everyone = [swarm.contribution.size for swarm in services.plots.swarms(view._names)]
    assert set(everyone) == {1500}


def test_looking_closer_computes_anew_and_leaves_the_ranges_to_the_visitor(
    services: Services, state: SessionState
) -> None:
    view = BeeswarmView(state, services, Translator("en"))
    figure = figure_of(view)
    before = figure.x_range.start, figure.x_range.end
    figure._trigger_event(RangesUpdate(figure, x0=-0.01, x1=0.02, y0=0.5, y1=15.5))
    (image,) = [layer for layer in view.figure._pipe.data if isinstance(layer, hv.RGB)]
    assert image.bounds.lbrt() == (-0.01, 0.5, 0.02, SWARMS + 0.5)
    assert (figure.x_range.start, figure.x_range.end) == before
    assert -0.01 <= min(figure.xaxis[0].ticker.ticks) < max(figure.xaxis[0].ticker.ticks) <= 0.02


def test_a_dependence_counts_every_client_and_marks_the_one_shown(services: Services, state: SessionState) -> None:
    view = DependenceView(state, services, Translator("en"))
    figure = figure_of(view)
    drawn = view._last
    assert drawn is not None
    assert drawn.found.curve.clients.sum() + drawn.found.missing.size == 1500
    contribution = float(services.contributions.contribution(state.feature)[3])
    assert drawn.own[1] == pytest.approx(contribution)
    assert services.feature(state.feature).label("en") == figure.xaxis[0].axis_label
    assert f"Client {state.file.client}" in figure.html_attributes["aria-label"]
    state.file = services.file_at(4)
    assert f"Client {state.file.client}" in figure.html_attributes["aria-label"]


def test_the_colour_is_that_of_the_strongest_interaction_until_another_is_chosen(
    services: Services, state: SessionState
) -> None:
    view = DependenceView(state, services, Translator("en"))
    ranked = services.plots.interactions(state.feature)
    assert len(ranked.others) == min(CANDIDATES, len(services.plots.names)) - 1
    assert view._other.value == ranked.others[0]
    view._other.value = ranked.others[3]
    assert view._last.other == ranked.others[3]
    state.file = services.file_at(9)
    assert view._last.other == ranked.others[3]
    state.feature = services.plots.names[1]
    assert view._last.other == services.plots.interactions(state.feature).others[0]
    assert view._last.other == view._other.value


def test_every_feature_can_be_shown_even_those_no_tree_reads(services: Services, state: SessionState) -> None:
    dependence, partial = (kind(state, services, Translator("fr")) for kind in (DependenceView, PartialView))
    figures = figure_of(dependence), figure_of(partial)
    unused = [name for name in services.scorer.names if name not in services.contributions.used]
    backwards = "DAYS_BIRTH"
    for name in (*services.scorer.names[::40], *unused[:3], backwards):
        state.feature = name
        label = services.feature(name).label("fr")
        assert {figure.xaxis[0].axis_label for figure in figures} == {label}
        assert all(label in figure.html_attributes["aria-label"] for figure in figures)
    assert figures[0].x_range.start > figures[0].x_range.end  # an age grows to the right, its days do not


def test_the_clients_plot_follows_the_fact_in_focus(services: Services, state: SessionState) -> None:
    view = ClientDependenceView(state, services, Translator("en"))
    figure = figure_of(view)
    facts = [standing.feature for standing in state.file.standings]
    assert view._last.asked.feature == facts[0]
    state.focus = facts[2]
    assert view._last.asked.feature == facts[2]
    assert services.feature(facts[2]).label("en") == figure.xaxis[0].axis_label
    own = services.contributions.contribution(facts[2])[state.file.position]
    assert Translator("en").signed(float(own)) in figure.html_attributes["aria-label"]
    state.feature = services.plots.names[5]
    assert view._last.asked.feature == facts[2]


def test_the_partial_dependence_says_what_it_is_not(services: Services, state: SessionState) -> None:
    view = PartialView(state, services, Translator("en"))
    figure = figure_of(view)
    assert "Only this feature is moved" in view._words.object
    assert "<table>" in view._table.object
    layers = {layer.group: layer for layer in view.figure._pipe.data}
    own, score = layers["Client"].data.iloc[0]
    assert own == pytest.approx(state.file.row[services.scorer.names.index(state.feature)])
    assert score == pytest.approx(state.file.outcome.score)
    assert figure.y_range.start <= score <= figure.y_range.end
    found = services.plots.known_partial(state.feature)
    assert found is not None
    assert found.clients == min(1000, int(np.count_nonzero(services.accepted)))
    assert services.plots.partial(state.feature) is found


def test_what_is_shared_is_read_only(services: Services) -> None:
    data = services.plots
    assert services.plots is data
    first = data.strongest[0]
    (swarm,) = data.swarms([first])
    for array in (data.ranks(first), swarm.offset, data.dependence(first).missing, data.partial(first).mean_score):
        assert not array.flags.writeable
    assert data.ranks("DAYS_BIRTH")[int(np.nanargmin(data.values("DAYS_BIRTH")))] == 1.0  # the oldest
