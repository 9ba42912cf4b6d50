from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from ui_server import watched

from data.store import Portfolio

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def portfolio(artifacts: Path) -> Portfolio:
    return Portfolio.open(artifacts / "portfolios" / "small")


def _open(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("meter")).to_be_visible()


def _clients(portfolio: Portfolio, *, accepted: bool) -> list[int]:
    return portfolio.features.ids[(portfolio.score >= 0.52) == accepted].tolist()


def test_an_adviser_picks_a_client_and_sees_the_decision_the_gauge_and_the_reasons(
    page: Page, server: str, portfolio: Portfolio
) -> None:
    _open(page, server)
    client = _clients(portfolio, accepted=True)[40]
    page.get_by_label("Numéro de client").fill(str(client)[:-1])
    offered = page.get_by_text(re.compile(rf"^{client} – accordé"))
    expect(offered).to_be_visible()
    offered.click()
    expect(page.get_by_role("heading", name=f"Client {client}")).to_be_visible()
    expect(page.get_by_text("Prêt accordé", exact=True)).to_be_visible()
    score = float(portfolio.score[portfolio.features.position(client)])
    meter = page.get_by_role("meter", name="Probabilité de remboursement")
    expect(meter).to_have_attribute("aria-valuenow", f"{100 * score:.1f}")
    expect(meter).to_have_attribute("aria-valuetext", re.compile("Prêt accordé.*au-dessus du seuil de 52"))
    expect(page.get_by_role("img", name=re.compile("Cascade des motifs"))).to_be_visible()
    expect(page.get_by_role("heading", name="Motifs de l’accord, par comparaison avec les clients")).to_be_visible()
    expect(page.get_by_role("heading", name="Ce qui pèse contre ce client")).to_be_visible()
    expect(page.get_by_text(re.compile("la probabilité de remboursement\\.$")).first).to_be_visible()
    expect(page).to_have_url(re.compile(rf"\?page=client&client={client}&lang=fr$"))


def test_a_refusal_has_two_to_four_numbered_reasons_and_what_helps_after_them(
    page: Page, server: str, portfolio: Portfolio
) -> None:
    _open(page, f"{server}/?client={_clients(portfolio, accepted=False)[5]}&lang=en")
    heading = page.get_by_role("heading", name="Reasons for the refusal, compared with accepted clients")
    expect(heading).to_be_visible()
    given = page.locator("section", has=heading).get_by_role("list")
    expect(given).to_have_js_property("tagName", "OL")
    assert 2 <= given.get_by_role("listitem").count() <= 4
    expect(given.get_by_role("listitem").first).to_contain_text("lowers the probability of repayment")
    expect(page.get_by_text(re.compile("Compared with the [0-9]+ accepted clients"))).to_be_visible()
    headings = page.locator(".reasons h3")
    expect(headings.nth(0)).to_contain_text("Reasons for the refusal")
    expect(headings.nth(1)).to_have_text("What helps this client")


def test_the_gauge_names_its_seven_levels_and_marks_the_clients_own(page: Page, server: str) -> None:
    _open(page, server)
    levels = page.get_by_role("list", name="Niveaux de risque").get_by_role("listitem")
    expect(levels).to_have_count(7)
    for place, name in enumerate(
        ["Très élevé", "Élevé", "Légèrement élevé", "Moyen", "Légèrement faible", "Faible", "Très faible"]
    ):
        expect(levels.nth(place)).to_contain_text(name)
    expect(page.locator("li[aria-current=true]")).to_have_count(1)
    expect(page.locator("svg").get_by_text("seuil 52")).to_be_visible()


def test_an_unknown_client_gets_a_message_and_the_nearest_ones_while_the_last_stays(
    page: Page, server: str, portfolio: Portfolio
) -> None:
    first = int(portfolio.features.ids[0])
    _open(page, f"{server}/?client={first}")
    box = page.get_by_label("Numéro de client")
    box.fill("99")
    box.press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Il n’y a pas de client « 99 »")
    expect(alert).to_contain_text(f"reste celui du client {first}")
    expect(page.get_by_role("heading", name=f"Client {first}")).to_be_visible()
    nearest = alert.get_by_role("link")
    expect(nearest).to_have_count(5)
    expect(nearest.first).to_have_text(str(first))
    other = nearest.nth(2).inner_text()
    nearest.nth(2).click()
    expect(page.get_by_role("heading", name=f"Client {other}")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_what_is_typed_never_becomes_markup(page: Page, server: str) -> None:
    _open(page, server)
    box = page.get_by_label("Numéro de client")
    box.fill("<img src=x onerror=alert(1)>")
    box.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("<img src=x onerror=alert(1)>")


def test_a_page_can_be_linked_to_and_survives_a_reload(page: Page, server: str, portfolio: Portfolio) -> None:
    client = _clients(portfolio, accepted=False)[3]
    address = f"{server}/?page=client&client={client}&lang=fr&decision=refused"
    _open(page, address)
    expect(page.get_by_role("heading", name=f"Client {client}")).to_be_visible()
    expect(page.get_by_text("Prêt non accordé", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name=f"Client {client}")).to_be_visible()
    expect(page).to_have_url(address)
    refused = len(_clients(portfolio, accepted=False))
    expect(page.get_by_role("status").filter(has_text="clients correspondent")).to_contain_text(
        f"{refused:,}".replace(",", "\u202f")
    )


def test_the_language_switch_keeps_the_client_and_changes_every_word(
    page: Page, server: str, portfolio: Portfolio
) -> None:
    client = int(portfolio.features.ids[5])
    _open(page, f"{server}/?client={client}&lang=fr")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="Choose a client")).to_be_visible()
    expect(page.get_by_role("heading", name=f"Client {client}")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page).to_have_url(re.compile(rf"client={client}&lang=en"))
    expect(page.get_by_text(re.compile("Prêt|clients acceptés|Pourquoi"))).to_have_count(1)
    page.get_by_role("link", name="Français").click()
    expect(page.get_by_role("heading", name="Choisir un client")).to_be_visible()
    expect(page.get_by_role("heading", name=f"Client {client}")).to_be_visible()


def test_a_visitor_gets_the_language_the_browser_prefers(browser: Browser, server: str) -> None:
    english = browser.new_context(locale="en-GB")
    with watched(english, server) as page:
        _open(page, server)
        expect(page.get_by_role("heading", name="Choose a client")).to_be_visible()
    english.close()


def test_the_back_button_brings_back_the_client_before(page: Page, server: str, portfolio: Portfolio) -> None:
    first, second = (int(client) for client in portfolio.features.ids[[10, 11]])
    _open(page, f"{server}/?page=client&client={first}&lang=fr")
    page.get_by_role("button", name="Client suivant").click()
    expect(page.get_by_role("heading", name=f"Client {second}")).to_be_visible()
    expect(page).to_have_url(re.compile(f"client={second}"))
    page.go_back()
    expect(page.get_by_role("heading", name=f"Client {first}")).to_be_visible()


def test_next_refused_client_goes_from_refusal_to_refusal(page: Page, server: str, portfolio: Portfolio) -> None:
    refused = _clients(portfolio, accepted=False)
    _open(page, f"{server}/?client={refused[0]}")
    for client in refused[1:3]:
        page.get_by_role("button", name="Refus suivant").click()
        expect(page.get_by_role("heading", name=f"Client {client}")).to_be_visible()
        expect(page.get_by_text("Prêt non accordé", exact=True)).to_be_visible()


def test_filters_narrow_what_is_offered_and_stay_in_the_address(page: Page, server: str, portfolio: Portfolio) -> None:
    _open(page, server)
    page.get_by_text("Filtres", exact=True).click()
    page.get_by_role("button", name="non accordé", exact=True).click()
    refused = _clients(portfolio, accepted=False)
    status = page.get_by_role("status").filter(has_text="clients correspondent")
    expect(status).to_contain_text(f"{len(refused):,}".replace(",", "\u202f"))
    expect(page).to_have_url(re.compile("decision=refused"))
    page.get_by_role("button", name="Client suivant").click()
    expect(page.get_by_text("Prêt non accordé", exact=True)).to_be_visible()
    page.get_by_role("button", name="Effacer les filtres").click()
    expect(status).to_contain_text("1\u202f500")


def test_the_facts_to_show_can_be_chosen(page: Page, server: str) -> None:
    _open(page, server)
    expect(page.get_by_role("rowheader", name="Âge", exact=True)).to_be_visible()
    expect(page.get_by_role("rowheader", name="Document 3 fourni")).to_have_count(0)
    page.get_by_role("button", name="Toutes les informations").click()
    expect(page.get_by_role("rowheader", name="Document 3 fourni")).to_be_visible()
    page.get_by_role("button", name="Informations habituelles").click()
    expect(page.get_by_role("rowheader", name="Document 3 fourni")).to_have_count(0)


def test_the_distribution_of_another_fact_can_be_seen(page: Page, server: str) -> None:
    _open(page, server)
    figure = page.get_by_role("img", name=re.compile("^Distribution de"))
    before = figure.get_attribute("aria-label")
    page.get_by_role("combobox", name="Distribution de").click()
    page.get_by_role("option").nth(1).click()
    expect(figure).not_to_have_attribute("aria-label", before)


def test_every_page_opens_and_has_its_own_address(page: Page, server: str, portfolio: Portfolio) -> None:
    client = int(portfolio.features.ids[2])
    _open(page, f"{server}/?client={client}")
    for tab, name, heading in [
        ("Portefeuille", "portfolio", "Portefeuille"),
        ("Explication", "explanation", "Explication"),
        ("Simulation", "whatif", "Simulation"),
        ("Modèle", "model", "Le modèle"),
        ("Veille", "watch", "Veille"),
    ]:
        page.get_by_role("tab", name=tab).click()
        # The page left behind is still being made, view by view.
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible(timeout=20_000)
        expect(page).to_have_url(re.compile(rf"\?page={name}&client={client}&lang=fr"), timeout=20_000)
    page.reload()
    expect(page.get_by_role("heading", name="Veille", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Client").click()
    expect(page.get_by_role("heading", name=f"Client {client}")).to_be_visible()


def test_two_sessions_with_different_clients_do_not_mix(browser: Browser, server: str, portfolio: Portfolio) -> None:
    ids = portfolio.features.ids
    contexts = [browser.new_context(locale="fr-FR"), browser.new_context(locale="en-US")]
    with watched(contexts[0], server) as one, watched(contexts[1], server) as two:
        _open(one, f"{server}/?client={ids[20]}")
        _open(two, f"{server}/?client={ids[30]}")
        one.get_by_role("button", name="Client suivant").click()
        two.get_by_role("button", name="Next client").click()
        expect(one.get_by_role("heading", name=f"Client {ids[21]}")).to_be_visible()
        expect(two.get_by_role("heading", name=f"Client {ids[31]}")).to_be_visible()
        expect(one.get_by_role("heading", name="Choisir un client")).to_be_visible()
        expect(one).to_have_url(re.compile(f"client={ids[21]}&lang=fr"))
        expect(two).to_have_url(re.compile(f"client={ids[31]}&lang=en"))
    for context in contexts:
        context.close()


def test_the_page_can_be_used_by_keyboard_alone(page: Page, server: str, portfolio: Portfolio) -> None:
    _open(page, server)
    client = int(portfolio.features.ids[50])
    page.get_by_label("Numéro de client").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type(str(client))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Client {client}")).to_be_visible()
    refused = page.get_by_role("button", name="Refus suivant")
    refused.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Prêt non accordé", exact=True)).to_be_visible()


def test_a_link_to_an_unknown_client_shows_nobody_else_and_leads_on(
    page: Page, server: str, portfolio: Portfolio
) -> None:
    page.goto(f"{server}/?page=client&client=7&lang=fr")
    expect(page.get_by_role("alert")).to_contain_text("Il n’y a pas de client « 7 »")
    expect(page.get_by_role("meter")).to_have_count(0)
    expect(page.get_by_role("heading", name="Pourquoi cette décision")).to_be_hidden()
    client = int(portfolio.features.ids[4])
    box = page.get_by_label("Numéro de client")
    box.fill(str(client))
    box.press("Enter")
    expect(page.get_by_role("heading", name=f"Client {client}")).to_be_visible()
    expect(page.get_by_role("heading", name="Pourquoi cette décision")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_what_matters_here_is_beside_what_matters_for_everyone(page: Page, server: str) -> None:
    _open(page, server)
    expect(page.get_by_role("img", name=re.compile("^Poids des motifs pour tous et pour ce client"))).to_be_visible()
    head = page.get_by_role("columnheader", name="Clients pour qui il pèse moins")
    expect(head).to_be_hidden()
    page.get_by_text("Les mêmes poids en tableau").click()
    expect(head).to_be_visible()
    rows = page.get_by_role("region", name="Les mêmes poids en tableau").get_by_role("row")
    expect(rows.nth(1)).to_contain_text(re.compile(r"\d\s*%$"))
    before = rows.nth(1).inner_text()
    page.get_by_role("button", name="Client suivant").click()
    expect(rows.nth(1)).not_to_have_text(before, use_inner_text=True)
    expect(rows.nth(1)).to_contain_text(re.compile(r"\d\s*%$"))


def test_similar_clients_follow_the_client_shown_and_can_be_opened(
    page: Page, server: str, portfolio: Portfolio
) -> None:
    first, second = (int(client) for client in portfolio.features.ids[[60, 61]])
    _open(page, f"{server}/?client={first}")
    expect(page.get_by_role("heading", name=f"Les clients les plus proches de {first}")).to_be_visible()
    page.get_by_role("button", name="Client suivant").click()
    expect(page.get_by_role("heading", name=f"Les clients les plus proches de {second}")).to_be_visible()
    links = page.get_by_role("link", name=re.compile(r"^Client \d+$"))
    expect(links).to_have_count(6)
    other = int(links.last.inner_text().split()[1])
    assert other not in (first, second)
    assert portfolio.score[portfolio.features.position(other)] < 0.52
    links.last.click()
    expect(page.get_by_role("heading", name=f"Client {other}", exact=True)).to_be_visible()
    expect(page.get_by_text("Prêt non accordé", exact=True)).to_be_visible()


def test_what_was_used_adds_up_and_can_be_searched(page: Page, server: str) -> None:
    _open(page, server)
    score = page.get_by_role("meter").get_attribute("aria-valuetext").split(",\u202f")[0].split("%")[0]
    expect(page.get_by_text(re.compile("^Client moyen .* contributions .* ensemble "))).to_contain_text(score.strip())
    table = page.get_by_role("table", name="Ce qui a été utilisé pour ce client")
    rows = table.get_by_role("rowheader")
    expect(rows).to_have_count(20)
    expect(table.get_by_text("…", exact=True)).to_have_count(0)
    page.get_by_label("Chercher une variable").fill("externe score")
    expect(rows).to_have_count(3)
    page.get_by_label("Chercher une variable").fill("rien de tel")
    expect(page.get_by_text(re.compile(r"n’a «\srien de tel\s» dans son nom"))).to_be_visible()
    page.get_by_label("Chercher une variable").fill("")
    page.get_by_role("button", name=re.compile("^Tout afficher")).press("Enter")
    page.get_by_role("button", name="Afficher les 20 plus fortes").wait_for()
    assert rows.count() > 20
