"""The Portfolio page, driven by mouse and keyboard in Chromium; its numbers are pandas'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from ui_server import watched

from dashboard.address import parse
from data.store import Portfolio
from explain.crossfilter.filters import Box, Categories, Lasso, Range

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

PLACE = """(label) => {
  const models = Bokeh.documents.flatMap((one) => [...one._all_models.values()]);
  const figure = models.find((model) => model.html_attributes?.["aria-label"]?.startsWith(label));
  const view = figure && Bokeh.index.find_one(figure);
  if (!view?.frame) return null;
  view.el.scrollIntoView({block: "center"});
  const box = view.el.getBoundingClientRect(), frame = view.frame.bbox;
  return {left: box.x + frame.left, top: box.y + frame.top, width: frame.width, height: frame.height,
          x0: figure.x_range.start, x1: figure.x_range.end, y0: figure.y_range.start, y1: figure.y_range.end};
}"""
NARROW_SPACE = "\u202f"


@pytest.fixture(autouse=True)
def patient() -> Iterator[None]:
    """Wait longer for an expectation than the library does: the page computes over every client."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="session")
def portfolio(artifacts: Path) -> Portfolio:
    return Portfolio.open(artifacts / "portfolios" / "small")


@pytest.fixture(scope="session")
def frame(portfolio: Portfolio) -> pd.DataFrame:
    """Every client of the portfolio, as pandas has them."""
    features = portfolio.features
    return pd.DataFrame(
        {
            "score": np.asarray(portfolio.score, dtype=np.float64),
            "target": features.target,
            "refused": np.asarray(portfolio.score) < 0.52,
            "age": features.column("DAYS_BIRTH"),
            "credit": features.column("AMT_CREDIT"),
            "ext2": features.column("EXT_SOURCE_2"),
            "ext3": features.column("EXT_SOURCE_3"),
        },
        index=features.ids,
    )


class Figure:
    """One of the page's figures, in the window."""

    def __init__(self, page: Page, label: str) -> None:
        self.page = page
        expect(page.get_by_role("img", name=re.compile(f"^{re.escape(label)}"))).to_be_visible()
        _idle(page)
        page.evaluate(PLACE, label)
        page.wait_for_timeout(150)  # scrolled to
        self.at: dict[str, float] = page.evaluate(PLACE, label)
        assert self.at is not None, f"no figure {label}"

    def point(self, across: float, down: float) -> tuple[float, float]:
        """Return where a share of the width and of the height is in the window."""
        return self.at["left"] + across * self.at["width"], self.at["top"] + down * self.at["height"]

    def drag(self, *shares: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.point(*shares[0]))
        mouse.down()
        for share in shares[1:]:
            mouse.move(*self.point(*share), steps=6)
        mouse.up()

    def tap(self, across: float, down: float) -> None:
        self.page.mouse.click(*self.point(across, down))


def _open(page: Page, server: str, rest: str = "") -> None:
    page.goto(f"{server}/?page=portfolio&lang=fr{rest}")
    expect(page.get_by_role("heading", name="Les clients de la sélection")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Calcul en cours…")).to_have_count(0, timeout=60_000)
    _idle(page)


def _idle(page: Page) -> None:
    page.wait_for_function(
        "() => window.Bokeh?.documents?.length && Bokeh.documents.every((document) => document.is_idle)"
    )


def _told(page: Page) -> Locator:
    return page.get_by_role("status").filter(has_text="du portefeuille. Taux de défaut")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".replace(".", ",") + f"{NARROW_SPACE}%"


def _whole(number: int) -> str:
    return f"{number:,}".replace(",", NARROW_SPACE)


def _sentence(frame: pd.DataFrame, kept: pd.Series[bool]) -> re.Pattern[str]:
    """Return what the page says of the clients kept, by pandas alone."""
    chosen = frame[kept]
    labelled = chosen[chosen.target >= 0]
    return re.compile(
        f"{_whole(len(chosen))} clients?.*{_percent(len(chosen) / len(frame))} du portefeuille. "
        f"Taux de défaut {_percent((labelled.target == 1).mean())}, score moyen {_percent(chosen.score.mean())}, "
        f"{_percent(chosen.refused.mean())} de refus"
    )


def _filters(page: Page) -> dict[str, Any]:
    return dict(parse(urlsplit(page.url).query).explored.filters)


def _wait_for_filter(page: Page, chart: str) -> Any:
    page.wait_for_function("() => location.search.includes('where=')")
    expect(page).to_have_url(re.compile("where="))
    _idle(page)
    return _filters(page)[chart]


def _within(values: pd.Series[float], kept: Range) -> pd.Series[bool]:
    single = values.astype(np.float32)
    return (single >= np.float32(kept.low)) & (single <= np.float32(kept.high)) | (kept.missing & single.isna())


def test_something_telling_is_there_before_anything_is_chosen(page: Page, server: str, frame: pd.DataFrame) -> None:
    _open(page, server)
    everyone = pd.Series(data=True, index=frame.index)
    expect(_told(page)).to_have_text(_sentence(frame, everyone))
    expect(page.get_by_role("heading", name="Ce qu’on lit dans ces deux colonnes")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Retirer le graphique"))).to_have_count(6)
    expect(page.get_by_role("button", name="Annuler", exact=True)).to_be_disabled()
    assert "where=" not in page.url
    assert "x=" not in page.url


def test_a_range_narrows_every_chart_but_its_own(page: Page, server: str, frame: pd.DataFrame) -> None:
    _open(page, server)
    Figure(page, "Score.").drag((0.02, 0.3), (0.4, 0.3))
    kept = _wait_for_filter(page, "score")
    assert isinstance(kept, Range)
    chosen = _within(frame.score, kept)
    assert 0 < chosen.sum() < len(frame)
    expect(_told(page)).to_have_text(_sentence(frame, chosen))
    age = page.get_by_role("img", name=re.compile("^Âge"))
    expect(age).to_have_attribute("aria-label", re.compile(f"^Âge. {_whole(int(chosen.sum()))} clients"))
    own = page.get_by_role("img", name=re.compile("^Score\\."))
    expect(own).to_have_attribute("aria-label", re.compile(f"^Score. {_whole(len(frame))} clients"))
    chip = page.get_by_role("button", name=re.compile("^Retirer le filtre.*Score"))
    expect(chip.first).to_be_visible()
    page.get_by_role("button", name="Annuler", exact=True).click()
    expect(_told(page)).to_have_text(re.compile("Aucun filtre"))
    expect(page).not_to_have_url(re.compile("where="))


def test_filters_join_and_are_taken_away_one_by_one_and_come_back_from_a_link(
    page: Page, server: str, frame: pd.DataFrame
) -> None:
    _open(page, server)
    Figure(page, "Score.").drag((0.02, 0.3), (0.6, 0.3))
    score = _within(frame.score, _wait_for_filter(page, "score"))
    Figure(page, "Âge.").drag((0.1, 0.3), (0.5, 0.3))
    page.wait_for_function("() => location.search.includes('DAYS_BIRTH')")
    _idle(page)
    both = score & _within(frame.age, _filters(page)["DAYS_BIRTH"])
    assert 0 < both.sum() < score.sum()
    expect(_told(page)).to_have_text(_sentence(frame, both))
    page.reload()
    _idle(page)
    expect(_told(page)).to_have_text(_sentence(frame, both))
    page.get_by_role("group", name="Filtres de la sélection").get_by_role(
        "button", name=re.compile("^Retirer le filtre.*Âge")
    ).click()
    expect(_told(page)).to_have_text(_sentence(frame, score))
    page.get_by_role("button", name="Tout effacer").click()
    expect(_told(page)).to_have_text(re.compile("Aucun filtre"))


def test_a_category_is_kept_by_a_click(page: Page, server: str, frame: pd.DataFrame) -> None:
    _open(page, server)
    Figure(page, "Niveau de risque.").tap(0.02, 0.17)
    kept = _wait_for_filter(page, "level")
    assert isinstance(kept, Categories)
    assert len(kept.names) == 1
    edges = {"very_high": (0, 0.2), "high": (0.2, 0.35)}
    low, high = edges[kept.names[0]]
    expect(_told(page)).to_have_text(_sentence(frame, (frame.score >= low) & (frame.score < high)))


def test_a_box_on_the_cloud_keeps_the_clients_in_it(page: Page, server: str, frame: pd.DataFrame) -> None:
    _open(page, server, "&x=EXT_SOURCE_2&y=EXT_SOURCE_3")
    Figure(page, "«").drag((0.1, 0.9), (0.55, 0.4))
    kept = _wait_for_filter(page, "pair")
    assert isinstance(kept, Box)
    chosen = _within(frame.ext2, kept.across) & _within(frame.ext3, kept.up)
    assert 0 < chosen.sum() < len(frame)
    expect(_told(page)).to_have_text(_sentence(frame, chosen))


def test_a_contour_on_the_cloud_keeps_the_clients_in_it(page: Page, server: str, frame: pd.DataFrame) -> None:
    from matplotlib.path import Path as Contour

    _open(page, server, "&x=EXT_SOURCE_2&y=EXT_SOURCE_3")
    figure = Figure(page, "«")
    page.get_by_title("Sélectionner un contour").click()
    figure.drag((0.2, 0.8), (0.8, 0.8), (0.5, 0.2), (0.2, 0.75))
    kept = _wait_for_filter(page, "pair")
    assert isinstance(kept, Lasso)
    placed = frame[["ext2", "ext3"]].dropna()
    inside = placed.index[Contour(list(kept.corners)).contains_points(placed.to_numpy(dtype=np.float64))]
    assert inside.size
    expect(_told(page)).to_have_text(_sentence(frame, frame.index.isin(inside)))


def test_looking_close_shows_single_clients_and_a_click_opens_one(page: Page, server: str, frame: pd.DataFrame) -> None:
    _open(page, server, "&x=EXT_SOURCE_2&y=EXT_SOURCE_3")
    figure = Figure(page, "«")
    page.get_by_title("Zoomer sur un rectangle").click()
    figure.drag((0.45, 0.55), (0.62, 0.38))
    near = """() => {
      const models = Bokeh.documents.flatMap((one) => [...one._all_models.values()]);
      const figure = models.find((model) => model.html_attributes?.["aria-label"]?.startsWith("«"));
      for (const renderer of figure.renderers) {
        const column = renderer.data_source.data.id ?? renderer.data_source.data.client;
        if (column?.length > 1) {
          const view = Bokeh.index.find_one(figure), box = view.el.getBoundingClientRect();
          const data = renderer.data_source.data, x = data.x ?? data.across, y = data.y ?? data.up;
          const {x_scale, y_scale} = view.frame;
          return {id: String(column[0]), x: box.x + x_scale.compute(x[0]), y: box.y + y_scale.compute(y[0])};
        }
      }
      return null;
    }"""
    page.wait_for_function(near)
    _idle(page)
    place = page.evaluate(near)
    page.mouse.move(place["x"], place["y"])
    expect(page.get_by_text("cliquez pour ouvrir le dossier").first).to_be_visible()
    page.mouse.click(place["x"], place["y"])
    expect(page).to_have_url(re.compile("page=client&client=[0-9]+"))
    opened = int(re.findall("client=([0-9]+)", page.url)[0])
    assert opened in frame.index


def test_hover_says_how_many_their_default_rate_and_their_score(page: Page, server: str) -> None:
    _open(page, server, "&x=EXT_SOURCE_2&y=EXT_SOURCE_3")
    figure = Figure(page, "«")
    for share in ((0.6, 0.4), (0.62, 0.45), (0.7, 0.3), (0.66, 0.36)):
        page.mouse.move(*figure.point(*share))
        page.wait_for_timeout(300)
        if page.get_by_text(re.compile("Score moyen .*, refusés")).count():
            break
    expect(page.get_by_text(re.compile("Score moyen .*, refusés")).first).to_be_visible()


def test_columns_scales_and_colours_are_chosen_by_words_and_kept_in_the_address(page: Page, server: str) -> None:
    _open(page, server)
    field = page.get_by_role("textbox", name="Horizontalement")
    field.fill("montant du crédit")
    page.get_by_role("button", name=re.compile("^Montant du crédit")).first.click()
    expect(page).to_have_url(re.compile("x=AMT_CREDIT"))
    expect(page.get_by_role("heading", name=re.compile("selon « Montant du crédit »"))).to_be_visible()
    for label, choice, part in (
        ("Échelle horizontale", "par rang", "x=AMT_CREDIT~quantile"),
        ("Couleur", "score moyen", "colour=score"),
        ("Couleur", "nombre de clients", "colour=density"),
        ("Couleur", "niveau de risque", "colour=level"),
        ("Couleur", "décision", "colour=decision"),
    ):
        page.get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=choice, exact=True).click()
        expect(page).to_have_url(re.compile(re.escape(part)))
        _idle(page)
    page.get_by_role("combobox", name="Couleur").click()
    page.get_by_role("option", name=re.compile("autre colonne")).click()
    third = page.get_by_role("textbox", name="Colonne qui colore")
    third.fill("niveau d'études")
    page.get_by_role("button", name=re.compile("^Niveau d’études")).first.click()
    expect(page).to_have_url(re.compile("colour=raw.NAME_EDUCATION_TYPE"))


def test_charts_are_added_by_words_and_taken_away(page: Page, server: str) -> None:
    _open(page, server)
    added = page.get_by_role("textbox", name="Ajouter un graphique")
    added.fill("probabilité de défaut")
    page.get_by_role("button", name=re.compile("^Probabilité de défaut")).first.click()
    expect(page.get_by_role("img", name=re.compile("^Probabilité de défaut"))).to_be_visible()
    expect(page).to_have_url(re.compile("charts=.*pd"))
    page.get_by_role("button", name=re.compile("^Retirer le graphique.*Probabilité de défaut")).click()
    expect(page.get_by_role("img", name=re.compile("^Probabilité de défaut"))).to_have_count(0)


def test_values_are_typed_where_no_mouse_is_and_nonsense_is_told(page: Page, server: str, frame: pd.DataFrame) -> None:
    _open(page, server, "&charts=AMT_CREDIT")
    panel = page.get_by_text("Filtrer par valeurs", exact=True).last
    panel.scroll_into_view_if_needed()
    panel.click()
    low = page.get_by_role("textbox", name=re.compile("^De")).last
    low.fill("beaucoup")
    page.get_by_role("button", name="Filtrer", exact=True).last.click()
    expect(page.get_by_role("alert").last).to_be_visible()
    expect(low).to_have_value("beaucoup")
    low.fill("500000")
    page.get_by_role("button", name="Filtrer", exact=True).last.click()
    kept = _wait_for_filter(page, "AMT_CREDIT")
    assert isinstance(kept, Range)
    assert kept.low == 500_000
    expect(_told(page)).to_have_text(_sentence(frame, frame.credit >= 500_000))


def test_nobody_is_told_and_nothing_is_blank(page: Page, server: str) -> None:
    _open(page, server, "&where=" + "score:..0.001")
    shown = page.get_by_text("Aucun client ne passe").first
    expect(shown).to_be_visible()
    expect(page.get_by_text("il n’y a rien à lister")).to_be_visible()


def test_the_table_is_sorted_and_paged_on_the_server(page: Page, server: str, frame: pd.DataFrame) -> None:
    _open(page, server)
    page.get_by_role("heading", name="Les clients de la sélection").scroll_into_view_if_needed()
    table = page.get_by_role("region", name="Clients de la sélection")
    expect(table.get_by_role("row")).to_have_count(26)
    first = table.get_by_role("row").nth(1).get_by_role("link")
    expect(first).to_have_text(str(frame.index[0]))
    table.get_by_role("button", name=re.compile("^Score")).first.click()
    lowest = frame.score.sort_values(kind="stable")
    expect(first).to_have_text(str(lowest.index[0]))
    page.get_by_role("button", name="Suivant", exact=True).click()
    expect(first).to_have_text(str(lowest.index[25]))
    table.get_by_role("button", name=re.compile("^Score")).first.click()
    expect(first).to_have_text(str(frame.score.sort_values(ascending=False, kind="stable").index[0]))
    first.click()
    expect(page).to_have_url(re.compile("page=client&client="))


def test_a_segment_is_kept_compared_explained_linked_exported_and_deleted(
    page: Page, server: str, frame: pd.DataFrame, tmp_path: Path
) -> None:
    _open(page, server)
    Figure(page, "Score.").drag((0.02, 0.3), (0.4, 0.3))
    chosen = _within(frame.score, _wait_for_filter(page, "score"))
    name = page.get_by_role("textbox", name="Nom de la sélection")
    name.fill("Petits scores")
    page.get_by_role("button", name="Garder", exact=True).click()
    expect(page.get_by_text("« Petits scores » est gardé.")).to_be_attached()
    page.get_by_role("button", name="Exporter", exact=True).click()
    link = page.get_by_role("link", name=re.compile("^Télécharger"))
    expect(link).to_be_visible()
    with page.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "clients.csv")
    written = pd.read_csv(tmp_path / "clients.csv")
    assert written.SK_ID_CURR.tolist() == frame.index[chosen].tolist()
    np.testing.assert_array_equal(written.score.to_numpy(np.float32), frame.score[chosen].to_numpy(np.float32))
    page.get_by_role("button", name="Tout effacer").click()
    page.get_by_role("button", name="Afficher « Petits scores »").click()
    expect(_told(page)).to_have_text(_sentence(frame, chosen))
    page.get_by_role("button", name="Comparer « Petits scores »").click()
    expect(page.get_by_text("Ce qui les distingue le plus")).to_be_visible()
    page.get_by_role("button", name="Expliquer « Petits scores »").click()
    expect(page.get_by_role("heading", name="Explication", exact=True)).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=f"Petits scores ({_whole(int(chosen.sum()))})")).to_be_visible()
    page.get_by_role("tab", name="Portefeuille").or_(page.get_by_role("button", name="Portefeuille")).first.click()
    page.get_by_role("button", name="Supprimer « Petits scores »").click()
    expect(page.get_by_text(re.compile("Supprimer.*Petits scores.*pour tous"))).to_be_visible()
    page.get_by_role("button", name="Supprimer « Petits scores »", exact=True).click()
    expect(page.get_by_text("« Petits scores » est supprimé.")).to_be_attached()


def test_two_visitors_share_no_filter(browser: Browser, server: str, frame: pd.DataFrame) -> None:
    visitors = [browser.new_context(viewport={"width": 1400, "height": 900}, locale="fr-FR") for _ in range(2)]
    with watched(visitors[0], server) as one, watched(visitors[1], server) as other:
        for page in (one, other):
            _open(page, server)
        Figure(one, "Score.").drag((0.02, 0.3), (0.4, 0.3))
        _wait_for_filter(one, "score")
        expect(_told(other)).to_have_text(_sentence(frame, pd.Series(data=True, index=frame.index)))
        assert "where=" not in other.url
    for visitor in visitors:
        visitor.close()


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 844)])
def test_axe_finds_nothing_while_a_selection_is_shown(browser: Browser, server: str, width: int, height: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, locale="fr-FR")
    with watched(context, server) as page:
        _open(page, server, "&where=score:..0.5")
        expect(_told(page)).not_to_have_text(re.compile("Aucun filtre"))
        found = Axe().run(page).response
        assert [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
