"""From a file to decided bins in a real browser, as the guide of the page tells it.

With ``--pictures FOLDER`` it also takes the pictures of the README and of the guide.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.served import Served, served
from tests.web.browsing import (
    Watched,
    browsers,
    browsing,
    needs_browser,
    without_script,
)
from tests.web.camera import PHONE, Camera, camera
from tests.web.test_browser import sent_and_proposed
from tests.web.test_deciding_browser import heading

__all__ = ["camera"]

pytestmark = needs_browser

FAULTY = """request_id,customer,system,received_on,value_usd
P-1,EST,HIMARS,2022-03-01,120000000
P-2,Lithuania,Javlin,2022-03-04,85000000
P-3,LVA,Javelin,2022-03-32,1200000
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Served]:
    """Serve one test: what it accepts stays accepted, also in later proposals."""
    with served(tmp_path) as service:
        yield service


def test_from_a_file_to_decided_bins(service: Served, camera: Camera) -> None:
    with browsing(service.url) as browser:
        page = browser.page
        browser.sign_in(service.first_key)

        browser.go("/batches/new")
        page.get_by_label("Or rows").fill(FAULTY)
        page.get_by_role("button", name="Only check").click()
        page.get_by_role("heading", name="2 rows with faults, 1 without").wait_for()
        camera.take(browser, "page-send", height=620)
        page.get_by_role("button", name="Javelin", exact=True).first.click()
        page.get_by_role("heading", name="1 row with faults, 2 without").wait_for()

        there = sent_and_proposed(browser)
        assert "153 requests become" in heading(browser)
        camera.take(browser, "page-proposal", height=800)
        browser.go("/")
        camera.take(browser, "page-home", height=640)
        _look_at_pictures(browser, there, camera)

        browser.go(f"{there}/bins?together=yes")
        camera.take(browser, "page-bins", top="h1", height=640)
        page.locator("tbody th a").first.click()
        bin_id = heading(browser).split()[0]
        camera.take(browser, "page-bin")
        camera.take(browser, "page-bin-dark", top="#cost", dark=True, height=620)
        camera.take(browser, "page-bin-phone", width=PHONE)

        page.locator("input[name=request_ids]").first.check()
        page.get_by_role("button", name="Take out").click()
        page.wait_for_url("**/changes/preview?*")
        assert "Nothing is saved yet" in page.inner_text("main")
        camera.take(browser, "page-change", height=900)
        page.get_by_role("link", name="Go back without saving").click()
        page.wait_for_url(f"**/bins/{bin_id}")

        browser.go(f"{there}/why")
        page.get_by_label("One request").fill(_own_label(service, "HIMARS", 0))
        page.get_by_label("Another").fill(_own_label(service, "HIMARS", 1))
        page.get_by_role("button", name="Ask").click()
        page.get_by_role("heading", name="The two requests").wait_for()
        camera.take(browser, "page-why", height=700)

        _decide_three(browser, there, camera)
        browser.go("/")
        assert "Bins to decide" in page.inner_text("main")


def _look_at_pictures(browser: Watched, there: str, camera: Camera) -> None:
    browser.go(f"{there}/pictures")
    names = {"timeline": "page-timeline", "map": "page-map", "graph": "page-graph"}
    for chart, name in names.items():
        at = f"section:has([data-chart={chart}])"
        assert browser.page.locator(at).is_visible()
        camera.take(browser, name, top=at, height=620, dark=chart == "map")


def _own_label(service: Served, system: str, place: int) -> str:
    """Return a request of the shipped batch for a system, of another customer each."""
    found = service.call("GET", f"requests?system={system}&limit=100").json()["items"]
    one_each = {one["customer"]: one["request_id"] for one in found}
    return str([*one_each.values()][place])


def _decide_three(browser: Watched, there: str, camera: Camera) -> None:
    page = browser.page
    browser.go(f"{there}/queue")
    first = heading(browser).split()[0]
    with page.expect_navigation():
        page.keyboard.press("a")
    assert f"{first} is accepted by you" in page.inner_text("main")
    second = heading(browser).split()[0]
    page.keyboard.press("r")
    page.locator("#reason_code").select_option("other")
    page.get_by_label("In words, for colleagues").fill("The dates are old.")
    camera.take(browser, "page-decide", top=".queue", height=860)
    page.get_by_label("In words, for colleagues").focus()
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    assert f"{second} is returned by you" in page.inner_text("main")
    third = heading(browser).split()[0]
    page.keyboard.press("j")
    page.locator("#reason_code").select_option("other")
    page.get_by_label("In words, for colleagues").fill("Not these together.")
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    assert f"{third} is rejected by you" in page.inner_text("main")
    assert "3 decided" in page.inner_text(".queue")


def test_two_people_change_one_plan_and_the_second_is_told(service: Served) -> None:
    with browsers(service.url, 2) as (one, other):
        one.sign_in(service.first_key)
        other.sign_in(service.first_key)
        there = sent_and_proposed(one)
        other.go(f"{there}/bins?together=yes&state=open")
        links = other.page.locator("tbody th a").all()
        bins = [link.inner_text() for link in links[:2]]
        taken = [_preview(one, there, bins[0]), _preview(other, there, bins[1])]

        _save(one)
        one.page.wait_for_url("**/changes#edit-*")
        with other.page.expect_response("**/changes") as answered:
            _save(other)
        assert answered.value.status == 412
        told = other.page.inner_text("main")
        assert "The plan is not what you saw" in told
        assert f"Take {taken[0]} out" in told
        assert other.violations() == []

        other.page.get_by_text("Price the same change on the plan as it is now").click()
        other.page.get_by_role("heading", name="What this change would cost").wait_for()
        _save(other)
        other.page.wait_for_url("**/changes#edit-*")
        listed = other.page.inner_text("main")
        assert all(f"Take {label} out" in listed for label in taken)


def _preview(browser: Watched, there: str, bin_id: str) -> str:
    """Ask what it would cost to take a request out of a bin; return which."""
    browser.go(f"{there}/bins/{bin_id}")
    box = browser.page.locator("input[name=request_ids]").first
    label = str(box.get_attribute("value"))
    box.check()
    browser.page.get_by_role("button", name="Take out").click()
    browser.page.wait_for_url("**/changes/preview?*")
    return label


def _save(browser: Watched) -> None:
    browser.page.get_by_role("button", name="Save this change").click()


def test_without_script_a_bin_is_changed_and_decided(service: Served) -> None:
    opened = without_script(service.url, service.first_key, sent_and_proposed)
    with opened as (browser, there):
        page = browser.page
        page.goto(f"{browser.url}{there}/bins?together=yes&state=open")
        page.locator("tbody th a").first.click()
        page.locator("input[name=request_ids]").first.check()
        page.get_by_role("button", name="Take out").click()
        assert heading(browser) == "What this change would cost"
        page.get_by_label("Why, in words").fill("It cannot wait.")
        page.get_by_role("button", name="Save this change").click()
        assert "It cannot wait." in page.inner_text("main")

        page.get_by_role("link", name="Queue", exact=True).click()
        first = heading(browser).split()[0]
        assert not page.locator("[data-keys]").is_visible()
        page.get_by_role("radio", name="Return").check()
        page.locator("#reason_code").select_option("other")
        page.get_by_label("In words, for colleagues").fill("Not as it stands.")
        page.get_by_role("button", name="Decide, and show the next").click()
        assert f"{first} is returned by you" in page.inner_text("main")
        page.get_by_role("link", name="Take that back").click()
        assert "Not as it stands." in page.inner_text("main")


def test_by_keys_alone_from_signing_in_to_a_decision(service: Served) -> None:
    with browsing(service.url) as browser:
        browser.sign_in(service.first_key)
        sent_and_proposed(browser)
    with browsing(service.url) as browser:
        page, keys = browser.page, browser.page.keyboard
        page.goto(f"{browser.url}/")
        _tab_to(browser, "input[name=key]")
        keys.type(service.first_key)
        keys.press("Enter")
        page.wait_for_url(f"{browser.url}/")
        keys.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        keys.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        for selector, address in (
            ("main tbody th a", "**/bins?state=open"),
            ("nav[aria-label=Proposal] a[href$='/queue']", "**/queue"),
        ):
            _tab_to(browser, selector)
            keys.press("Enter")
            page.wait_for_url(address)
        first = heading(browser).split()[0]
        _tab_to(browser, "input[name=decision]")
        keys.press("Space")
        assert page.locator("input[value=accept]").is_checked()
        _tab_to(browser, "#decide button")
        with page.expect_navigation():
            keys.press("Enter")
        assert f"{first} is accepted by you" in page.inner_text("main")


def _tab_to(browser: Watched, selector: str) -> None:
    """Go from field to field until one is reached, each plain to see."""
    page = browser.page
    for _ in range(200):
        page.keyboard.press("Tab")
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert page.evaluate(outline) != "none", page.evaluate(
            "document.activeElement.outerHTML"
        )
        if page.evaluate("to => document.activeElement.matches(to)", arg=selector):
            return
    raise AssertionError(f"no key leads to {selector} on {page.url}")
