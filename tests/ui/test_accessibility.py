from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from ui_server import watched

from dashboard.address import PAGES

pytestmark = pytest.mark.browser

WIDTHS = {"desktop": (1400, 900), "phone": (390, 844)}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_axe_finds_nothing_and_nothing_overflows(browser, server, language, width) -> None:
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    context = browser.new_context(viewport=size, locale=language)
    for name in PAGES if language == "fr" else PAGES[:1]:
        with watched(context, server) as page:
            page.goto(f"{server}/?page={name}&lang={language}")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            if name == "client":
                expect(page.get_by_role("img").last).to_be_visible()
            _check(page, f"{name} {language} {width}")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= size["width"], f"{name} is {wide} pixels wide on a screen of {size['width']}"
    context.close()


def test_axe_finds_nothing_in_the_dark_and_with_a_problem_shown(context, server) -> None:
    with watched(context, server) as page:
        page.goto(f"{server}/?page=client&client=7&lang=fr")
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_role("button", name="Passer du clair au sombre").click()
        expect(page.locator(".mui-dark").first).to_be_visible()
        page.mouse.move(700, 400)  # the button's tooltip goes
        page.wait_for_timeout(1_000)  # colours fade in
        _check(page, "dark")


def _check(page, where: str) -> None:
    idle = "() => window.Bokeh?.documents.length && Bokeh.documents.every((document) => document.is_idle)"
    page.wait_for_function(idle)
    found = Axe().run(page).response
    assert len(found["passes"]) > 10, "axe looked at nothing"
    told = [
        f"{violation['id']}: {violation['help']}: {[node['html'][:160] for node in violation['nodes'][:3]]}"
        for violation in found["violations"]
    ]
    assert told == [], f"axe on {where}: " + "\n".join(told)
