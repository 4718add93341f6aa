"""axe-core finds nothing that keeps people from using the page."""

from pathlib import Path

import axe_playwright_python
import pytest
from conftest import drawn, plays
from playwright.sync_api import expect

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def check(page):
    """Check the page as it is now. The script is evaluated, since the page's Content-Security-Policy lets no other be added."""
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run({ runOnly: rules })", RULES)
    assert len(found["passes"]) > 10
    assert [(rule["id"], node["target"], node["failureSummary"]) for rule in found["violations"] for node in rule["nodes"]] == []


@pytest.mark.parametrize("look", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": {"width": 375, "height": 740}}])
def test_every_panel_is_accessible(look, open_page, server):
    # Without motion, so that no color is caught half-way.
    page = open_page(server, reduced_motion="reduce", **look)
    drawn(page)
    check(page)
    page.locator("#tab-ask").click()
    page.locator("#slider-calm").fill("80")
    expect(page.locator("#results > li")).to_have_count(5)
    page.locator("#options > summary").click()
    check(page)
    for way in ["Point", "More like", "Text"]:
        page.get_by_role("button", name=way, exact=True).click()
        check(page)
    page.locator("#tab-explore").click()
    page.locator("#songs .song").first.click()
    plays(page)
    page.locator("#queue-open").click()
    check(page)
    page.locator("#queue-close").click()
    page.locator("#help-open").click()
    check(page)
