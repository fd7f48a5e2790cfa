"""Deciding and changing in a real browser: by keys alone, and held against axe."""

from tests.service.served import Served
from tests.web.browsing import Watched, browsing, needs_browser
from tests.web.test_browser import sent_and_proposed, service

__all__ = ["service"]

pytestmark = needs_browser


def heading(browser: Watched) -> str:
    """Return the heading of the page."""
    return browser.page.get_by_role("heading", level=1).inner_text()


def seen_well(browser: Watched) -> list[str]:
    """Return what is wrong with the page as it is, in both colours and three widths."""
    page, wrong = browser.page, []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        wrong += browser.violations()
    for width in (360, 1920, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{page.url} is wider than {width}")
    return wrong


def test_bins_are_decided_by_keys_and_changed_after_a_look_at_the_price(
    service: Served,
) -> None:
    with browsing(service.url) as browser:
        page = browser.page
        browser.sign_in(service.first_key)
        there = sent_and_proposed(browser)
        browser.go(f"{there}/queue")
        first = heading(browser)
        wrong = seen_well(browser)
        page.keyboard.press("n")
        page.wait_for_url("**/queue?after=*")
        second = heading(browser)
        assert first != second
        with page.expect_navigation():
            page.keyboard.press("a")
        assert f"{second.split()[0]} is accepted by you" in page.inner_text("main")
        wrong += seen_well(browser)
        third = heading(browser).split()[0]
        page.keyboard.press("r")
        page.keyboard.press("ArrowDown")
        page.get_by_label("In words, for colleagues").fill("a r j n u: not yet.")
        with page.expect_navigation():
            page.keyboard.press("Control+Enter")
        assert f"{third} is returned by you" in page.inner_text("main")
        page.keyboard.press("u")
        page.wait_for_url(f"**/bins/{third}#decide")
        assert "a r j n u: not yet." in page.inner_text("main")

        page.get_by_label("Keys").uncheck()
        at = page.url
        page.get_by_role("heading", level=1).click()
        page.keyboard.press("n")
        assert page.url == at

        page.locator("input[name=request_ids]").first.check()
        page.get_by_role("button", name="Take out").click()
        page.wait_for_url("**/changes/preview?*")
        wrong += seen_well(browser)
        page.get_by_role("button", name="Save this change").click()
        page.wait_for_url("**/changes#edit-1")
        wrong += seen_well(browser)

        assert "Take " in page.locator("tbody tr").first.inner_text()

        browser.go(f"{there}/why")
        some = page.locator("datalist option")
        page.get_by_label("One request").fill(some.nth(0).get_attribute("value") or "")
        page.get_by_label("Another").fill(some.nth(9).get_attribute("value") or "")
        page.get_by_role("button", name="Ask").click()
        page.get_by_role("heading", name="The two requests").wait_for()
        wrong += seen_well(browser)
        assert wrong == []
