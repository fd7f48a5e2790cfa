"""What goes on by itself in a browser: a solve followed, a trial, keys, an own view."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.endless import busy
from tests.service.served import PATIENCE, Served, served
from tests.service.world import BALTIC, row
from tests.web.browsing import Watched, browsing, needs_browser

pytestmark = needs_browser

PATIENT: float = PATIENCE * 1000


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve while the tests of this file run, with a small proposal."""
    with served(tmp_path_factory.mktemp("served")) as service:
        batch = send(service, json.dumps([*BALTIC]).encode(), "application/json")
        asked = propose(service, batch, time_limit_s=60)
        wait_for(service, asked["proposal_id"])
        yield service


def send(service: Served, content: bytes, kind: str) -> str:
    """Send a batch; return its id."""
    answer = service.call(
        "POST", "batches", content=content, headers={"Content-Type": kind}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["batch_id"])


def propose(service: Served, batch_id: str, **wanted: Any) -> Any:
    """Ask for a proposal for a batch."""
    said = {"batch_ids": [batch_id], "policy": "nato-all", "as_of": "2027-01-01"}
    answer = service.call("POST", "proposals", json=said | wanted)
    assert answer.status_code == 202, answer.text
    return answer.json()


def wait_for(service: Served, proposal_id: str) -> Any:
    """Return a proposal once it is done."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        said = service.call("GET", f"proposals/{proposal_id}").json()
        if said["state"] in ("done", "failed", "cancelled"):
            return said
        time.sleep(0.2)
    raise AssertionError("it did not come to an end")


def test_a_solve_is_followed_live_and_stopped(service: Served) -> None:
    batch = send(service, busy().encode(), "text/csv")
    asked = propose(service, batch, time_limit_s=600)
    there = f"/proposals/{asked['proposal_id']}"
    with browsing(service.url) as browser:
        browser.sign_in(service.first_key)
        page = browser.page
        polled: list[str] = []
        page.on(
            "request",
            lambda one: polled.append(one.url) if "/progress" in one.url else None,
        )
        browser.go(there)
        plan = page.locator("#live polyline.live-plan")
        plan.wait_for(timeout=PATIENT)
        assert page.locator("#live polyline.live-bound").count() == 1
        assert browser.violations() == []
        before = plan.get_attribute("points")
        expect(plan).not_to_have_attribute("points", before or "", timeout=PATIENT)
        assert polled  # each step that is told brings the figures anew
        page.get_by_role("button", name="Stop with the best plan so far").click()
        page.wait_for_selector("nav[aria-label=Proposal]", timeout=PATIENT)
    assert wait_for(service, asked["proposal_id"])["state"] == "cancelled"


def test_the_keys_are_listed_over_any_page_and_switched_off(service: Served) -> None:
    with browsing(service.url) as browser:
        browser.sign_in(service.first_key)
        page = browser.page
        browser.go("/proposals")
        page.keyboard.press("?")
        over = page.get_by_role("dialog", name="Keys of the keyboard")
        over.wait_for()
        assert over.get_by_role("row", name="a accepts it").is_visible()
        assert browser.violations() == []
        over.get_by_label("Single keys act in this browser").uncheck()
        page.keyboard.press("Escape")
        expect(over).to_have_count(0)
        page.keyboard.press("?")
        expect(over).to_have_count(0)
        page.get_by_role("link", name="Keys of the keyboard").click()
        page.wait_for_url("**/shortcuts")
        page.get_by_label("Single keys act in this browser").check()
        browser.go("/audit")
        page.get_by_label("Who").focus()
        page.keyboard.press("?")
        expect(over).to_have_count(0)
        assert page.get_by_label("Who").input_value() == "?"


def test_a_policy_is_changed_tried_and_saved(service: Served) -> None:
    with browsing(service.url) as browser:
        browser.sign_in(service.first_key)
        page = browser.page
        browser.go("/policies/nato-all/edit")
        page.get_by_label("days between receipts at most").fill("soon")
        page.get_by_role("button", name="Check").last.click()
        page.get_by_text("must be a whole number from 0").wait_for()
        assert browser.violations() == []
        page.get_by_label("days between receipts at most").fill("1")
        page.get_by_role("button", name="See its effect").click()
        table = page.get_by_role("table", name="In staff-days")
        table.wait_for(timeout=PATIENT)
        assert browser.violations() == []
        page.get_by_role("button", name="Save as a new version").click()
        page.wait_for_url("**/policies/nato-all?version=2")
        assert "1 figure changed" in page.locator("main").inner_text()


def test_a_key_is_made_and_copied(service: Served) -> None:
    with browsing(service.url, permissions=["clipboard-read", "clipboard-write"]) as it:
        it.sign_in(service.first_key)
        page = it.page
        it.go("/keys/new")
        page.get_by_label("For whom or what").fill("Estonia")
        page.get_by_role("radio", name="submitter").check()
        page.get_by_label("Customers").fill("EST")
        page.get_by_role("button", name="Make the key").click()
        key = page.get_by_label("Key", exact=True).input_value()
        assert it.violations() == []
        page.get_by_role("button", name="Copy").click()
        page.get_by_text("Copied.").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == key
    with browsing(service.url) as browser:
        browser.sign_in(key)
        own_view(browser)


def own_view(browser: Watched) -> None:
    """Look at every page a customer has, at three widths, and change a request."""
    page = browser.page
    page.get_by_role("heading", name="Your requests").wait_for()
    for path in ("/", "/requests", "/batches", "/batches/new", "/shortcuts"):
        browser.go(path)
        assert browser.violations() == []
    browser.go("/requests")
    page.get_by_role("link", name="EST-26-1").click()
    page.get_by_role("link", name="Change it").wait_for()
    assert browser.violations() == []
    there = page.url.removeprefix(browser.url)
    for path in (there, f"{there}/change", f"{there}/withdraw"):
        for width in (360, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            browser.go(path)
            assert not page.evaluate(
                "document.documentElement.scrollWidth > innerWidth"
            ), (path, width)
        assert browser.violations() == []
    browser.go(f"{there}/change")
    page.get_by_label("Quantity").fill("none")
    page.get_by_role("button", name="Save the change").click()
    page.locator("#quantity-wrong").wait_for()
    assert browser.violations() == []
    page.get_by_label("Quantity").fill("12")
    page.get_by_role("button", name="Save the change").click()
    page.wait_for_url(f"**{there}")
    assert "Version 2" in page.locator("main").inner_text()


def test_without_script_a_solve_a_trial_and_a_verification_are_followed(
    service: Served,
) -> None:
    send(service, json.dumps([row("NOR-26-9", "NOR")]).encode(), "application/json")
    with browsing(service.url, java_script_enabled=False) as browser:
        browser.sign_in(service.first_key)
        page = browser.page
        browser.go("/policies/nato-rdp/edit")
        page.get_by_label("customers at most").fill("2")
        page.get_by_role("button", name="See its effect").click()
        table = page.get_by_role("table", name="In staff-days")
        until = time.monotonic() + PATIENCE
        while not table.count() and time.monotonic() < until:
            page.get_by_role("link", name="look again").click()
        assert table.is_visible()
        browser.go("/audit/verify")
        page.get_by_role("button", name="Verify now").click()
        page.get_by_text("The trail is whole.").wait_for(timeout=PATIENT)
        page.get_by_role("link", name="Keys of the keyboard").click()
        page.wait_for_url("**/shortcuts")
