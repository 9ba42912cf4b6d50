from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from ui_server import watched

from data.features.catalog import feature, group_label
from data.paths import shapley_folder
from data.store import Portfolio
from explain.contribution_store import ContributionStore

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def portfolio(artifacts: Path) -> Portfolio:
    return Portfolio.open(artifacts / "portfolios" / "small")


@pytest.fixture(scope="session")
def store(artifacts: Path) -> ContributionStore:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRETSCOPE_ARTIFACTS", str(artifacts))
        return ContributionStore.open(shapley_folder("small"))


def _open(page: Page, server: str, rest: str = "&lang=fr") -> None:
    page.goto(f"{server}/?page=explanation{rest}")
    expect(page.get_by_role("img", name=re.compile("^(Barres d’importance|Bars of importance)"))).to_be_visible()
    _idle(page)


def _idle(page: Page) -> None:
    idle = "() => window.Bokeh?.documents.length && Bokeh.documents.every((document) => document.is_idle)"
    page.wait_for_function(idle)
    expect(page.get_by_text(re.compile("Calcul sur tous les clients|Computing over every client"))).to_have_count(0)


def _bars(page: Page) -> Locator:
    return page.get_by_role("img", name=re.compile("^Barres d’importance"))


def _choose(page: Page, label: str, option: str | re.Pattern[str]) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option).click()


def _search(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Chercher une variable")


def _focused(page: Page) -> Locator:
    return page.locator("section.focus h3")


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def _table(page: Page) -> list[list[str]]:
    """Return the numbers of the bars, from the table under them."""
    return [row.locator("th, td").all_text_contents() for row in _lines(page).all()]


def _lines(page: Page) -> Locator:
    return page.locator("details", has_text="Contribution moyenne en valeur absolue").locator("tbody tr")


def test_the_page_says_what_weighs_most_over_every_client(
    page: Page, server: str, portfolio: Portfolio, store: ContributionStore
) -> None:
    _open(page, server)
    expect(page.get_by_role("heading", name="Explication", exact=True)).to_be_visible()
    expect(
        page.get_by_text("chacun des 1\u202f500 clients est expliqué exactement, sans échantillonnage")
    ).to_be_visible()
    refused = portfolio.score < 0.52
    everyone = np.abs(store.by_group.astype(np.float64)).mean(axis=0)
    order = np.argsort(-everyone, kind="stable")
    first = store.groups[order[0]]
    expect(_bars(page)).to_have_attribute("aria-label", re.compile(re.escape(group_label(first, "fr"))))
    page.get_by_text("Les mêmes données en tableau", exact=True).first.click()
    rows = _table(page)
    assert [row[0] for row in rows] == [group_label(store.groups[place], "fr") for place in order[:20]]
    chosen = np.abs(store.by_group[refused].astype(np.float64)).mean(axis=0)
    assert rows[0][1] == _number(everyone[order[0]], 3)
    assert rows[0][2] == f"{_number(100 * everyone[order[0]] / everyone.sum(), 1)}\u202f%"
    assert rows[0][3] == _number(chosen[order[0]], 3)


def test_another_selection_is_counted_compared_and_comes_back_from_its_link(
    page: Page, server: str, portfolio: Portfolio
) -> None:
    _open(page, server)
    women = int((portfolio.features.facts_column("CODE_GENDER") == "F").sum())
    before = _bars(page).get_attribute("aria-label")
    _choose(page, "Clients comparés à l’ensemble", re.compile("^Femme"))
    expect(page.get_by_role("status").filter(has_text="du portefeuille")).to_contain_text(f"{women} clients")
    expect(page.get_by_role("listitem").filter(has_text=f"Femme ({women})")).to_be_visible()
    expect(_bars(page)).not_to_have_attribute("aria-label", before or "")
    expect(page).to_have_url(re.compile(r"with=sex\.F"))
    page.reload()
    _idle(page)
    expect(page.get_by_role("combobox", name="Clients comparés à l’ensemble")).to_contain_text(f"Femme ({women})")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("combobox", name="Clients set against everyone")).to_contain_text(f"Woman ({women})")
    expect(page).to_have_url(re.compile(r"lang=en.*with=sex\.F"))


def test_the_filters_of_the_client_page_are_a_selection(page: Page, server: str, portfolio: Portfolio) -> None:
    _open(page, server, "&lang=fr&with=filters&decision=accepted")
    accepted = int((portfolio.score >= 0.52).sum())
    expect(page.get_by_role("status").filter(has_text="du portefeuille")).to_contain_text(f"{accepted} clients")
    expect(page.get_by_role("link", name="les modifier sur la page Client")).to_be_visible()


def test_a_selection_of_nobody_is_told_and_leaves_everyone(page: Page, server: str) -> None:
    _open(page, server, "&lang=fr&with=filters&score=1-1")
    expect(page.get_by_text("Aucun client dans cette sélection")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Ensemble (1\u202f500)")).to_be_visible()


def test_levels_order_and_more_lines(page: Page, server: str, store: ContributionStore) -> None:
    _open(page, server)
    page.get_by_text("Les mêmes données en tableau", exact=True).first.click()
    page.get_by_role("button", name="Tables", exact=True).click()
    expect(_lines(page)).to_have_count(len(store.tables))
    expect(page.get_by_role("button", name="Afficher la suite")).to_be_hidden()
    page.get_by_role("button", name="Variables", exact=True).click()
    expect(_lines(page)).to_have_count(20)
    height = _bars(page).bounding_box()["height"]
    page.get_by_role("button", name="Afficher la suite").click()
    expect(_lines(page)).to_have_count(40)
    page.wait_for_timeout(500)
    assert _bars(page).bounding_box()["height"] > height + 600
    page.get_by_role("button", name="Réduire").click()
    page.get_by_role("button", name="Le plus d’écart").click()
    expect(_lines(page)).to_have_count(20)
    for _ in range(50):
        apart = [abs(float(row[5].replace("\u2212", "-").replace(",", "."))) for row in _table(page)]
        if apart == sorted(apart, reverse=True):
            break
        page.wait_for_timeout(100)
    assert apart == sorted(apart, reverse=True)
    assert len(apart) == 20


def test_a_line_is_put_in_focus_by_click(page: Page, server: str, store: ContributionStore) -> None:
    _open(page, server)
    everyone = np.argsort(-np.abs(store.by_group.astype(np.float64)).mean(axis=0), kind="stable")
    expect(_focused(page)).to_be_visible()
    before = _focused(page).inner_text()
    box = _bars(page).bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + 5 + 36 * 3.5)
    expect(_focused(page)).not_to_have_text(before)
    group = store.groups[everyone[3]]
    shown = page.get_by_role("combobox", name="Source ou variable à examiner")
    expect(shown).to_contain_text(group_label(group, "fr"))
    expect(page).to_have_url(re.compile("feature="))


def test_a_line_is_put_in_focus_by_keyboard_alone(page: Page, server: str, store: ContributionStore) -> None:
    _open(page, server)
    everyone = np.argsort(-np.abs(store.by_group.astype(np.float64)).mean(axis=0), kind="stable")
    shown = page.get_by_role("combobox", name="Source ou variable à examiner")
    other = group_label(store.groups[everyone[1]], "fr")
    shown.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("option", name=other, exact=True)).to_be_visible()
    page.wait_for_timeout(800)  # the list takes the focus once it has opened
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(shown).to_contain_text(other)
    expect(page).to_have_url(re.compile("feature="))


def test_a_feature_is_found_by_words_and_chosen_by_click(page: Page, server: str) -> None:
    _open(page, server)
    box = _search(page)
    box.press_sequentially("MONTANT du credit")
    credit = feature("AMT_CREDIT").label("fr")
    offered = page.get_by_role("button", name=re.compile(rf"^{re.escape(credit)}"))
    expect(offered.first).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="variables trouvées")).to_be_visible()
    offered.first.click()
    expect(_focused(page)).to_have_text(credit)
    expect(page.locator("section.focus")).to_contain_text("Rang")
    expect(offered).to_have_count(0)
    expect(page).to_have_url(re.compile("feature=AMT_CREDIT"))
    page.reload()
    _idle(page)
    expect(_focused(page)).to_have_text(credit)
    page.get_by_role("link", name="English").click()
    expect(_focused(page)).to_have_text(feature("AMT_CREDIT").label("en"))


def test_a_link_to_a_feature_that_weighs_little_keeps_it_in_focus(
    page: Page, server: str, store: ContributionStore
) -> None:
    ranked = store.importance("group").names
    assert len(ranked) > 20
    name = next(name for name in store.used if feature(name).group == ranked[-1])
    _open(page, server, f"&lang=fr&feature={name}")
    expect(page.get_by_role("combobox", name="Source ou variable à examiner")).to_have_text("(une autre)")
    for _ in range(2):
        expect(_focused(page)).to_have_text(feature(name).label("fr"))
        page.wait_for_timeout(1000)
        _idle(page)
    expect(page).to_have_url(re.compile(f"feature={name}"))


def test_the_search_can_be_used_by_keyboard_alone(page: Page, server: str) -> None:
    _open(page, server)
    box = _search(page)
    box.focus()
    page.keyboard.type("days_birth")
    expect(page.get_by_role("button", name=re.compile("^Âge")).first).to_be_visible()
    page.keyboard.press("Enter")
    expect(_focused(page)).to_have_text(feature("DAYS_BIRTH").label("fr"))
    box.focus()
    page.keyboard.type("score externe")
    expect(page.get_by_role("button", name=re.compile("^Score externe")).nth(1)).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    second = page.evaluate(
        "() => { let found = document.activeElement; while (found.shadowRoot) found = found.shadowRoot.activeElement;"
        " return found.querySelector('.MuiListItemText-primary').innerText; }"
    )
    page.keyboard.press("Enter")
    expect(_focused(page)).to_have_text(second)


def test_words_that_no_feature_has_are_told_and_never_become_markup(page: Page, server: str) -> None:
    _open(page, server)
    _search(page).fill("<img src=x onerror=alert(1)>")
    expect(page.get_by_text("Aucune variable ne contient tout « <img src=x onerror=alert(1)>")).to_be_visible()


def test_the_page_opened_from_another_one_draws_its_figures(page: Page, server: str) -> None:
    page.goto(f"{server}/?page=client&lang=fr")
    expect(page.get_by_role("meter")).to_be_visible()
    for _ in range(2):
        page.get_by_role("tab", name="Explication").click()
        expect(_bars(page)).to_be_visible()
        _idle(page)
        box = _bars(page).bounding_box()
        assert box["width"] > 400
        assert box["height"] > 700
        page.get_by_role("tab", name="Client").click()
        expect(page.get_by_role("meter")).to_be_visible()
        expect(_bars(page)).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 844)])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_and_nothing_overflows(
    browser: Browser, server: str, width: int, height: int, dark: bool
) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, locale="fr-FR")
    with watched(context, server) as page:
        _open(page, server)
        _search(page).press_sequentially("revenu")
        expect(page.get_by_role("status").filter(has_text="variables trouvées")).to_be_visible()
        if dark:
            page.get_by_role("button", name="Passer du clair au sombre").click()
            expect(page.locator(".mui-dark").first).to_be_visible()
            page.mouse.move(width / 2, 400)
            page.wait_for_timeout(1_000)
        _idle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page).response
        assert len(found["passes"]) > 10, "axe looked at nothing"
        told = [
            f"{violation['id']}: {[node['html'][:160] for node in violation['nodes'][:3]]}"
            for violation in found["violations"]
        ]
        assert told == [], "\n".join(told)
    context.close()
