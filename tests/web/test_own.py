"""What a customer sees and does: its own requests, nothing that depends on others."""

from typing import Any

import pytest

from app.use_cases import clock
from tests.service.conftest import Planned
from tests.service.world import World, row
from tests.web.visiting import Page, Visitor


@pytest.fixture
def estonia(plan: Planned) -> Visitor:
    """Return Estonia at its browser."""
    return Visitor(plan.world, plan.world.key("submitter", ["EST"], name="Estonia"))


def there(world: World, request_id: str) -> str:
    """Return the page of a request."""
    return f"/requests/{world.uids()[request_id]}"


def home(person: Visitor) -> dict[str, list[str]]:
    """Return the requests that wait, by id."""
    return {r[0]: r[1:] for r in person.get("/").table("All")}


def decided(plan: Planned, request_id: str, decision: str, **said: str) -> Any:
    """Decide the bin of a request."""
    bin_id = next(name for name, ids in plan.bins.items() if request_id in ids)
    world = plan.world
    version = world.read(f"{plan.path}/bins/{bin_id}")["version"]
    if decision != "accept":
        said = {"reason": "Secret: Latvia is not ready.", **said}
    answer = world.decide(
        plan.proposal_id, bin_id, decision, version, said=said, key=plan.approver
    )
    assert answer.status_code == 201, answer.text
    return bin_id


def test_home_says_of_each_request_where_it_stands_and_what_it_waits_for(
    plan: Planned, estonia: Visitor
) -> None:
    plan.world.stored([row("EST-26-9", needed_by="2026-02-01")])
    page = estonia.get("/")
    rows = {r[0]: r[1:] for r in page.table("All")}
    assert next(iter(rows)) == "EST-26-9"  # it is past its day
    assert {*rows} == {"EST-26-9", "EST-26-1", "EST-26-2"}
    assert rows["EST-26-1"][3:] == ["in review", "an approver, to decide"]
    assert rows["EST-26-9"][2:] == [
        "2026-02-01 past",
        "received",
        "an analyst, to begin its review",
    ]
    assert "3 requests not yet accepted, 1 past the day it is needed by" in (
        page.main.text
    )
    nav = [a.text for a in page.root.all("nav")[0].all("a")]
    assert nav == ["Home", "Requests", "Batches", "Send"]


def test_a_decision_is_told_by_its_week_with_the_releasable_words_alone(
    plan: Planned, estonia: Visitor
) -> None:
    decided(plan, "EST-26-1", "return", releasable_reason="Ask again in spring.")
    week = clock.week_of(clock.now())
    assert home(estonia)["EST-26-1"][3:] == [
        f"returned to you in the week of {week}",
        "you: change it, and it comes again",
    ]
    page = estonia.get(there(plan.world, "EST-26-1"))
    assert "Ask again in spring." in page.main.text
    assert week in page.main.text
    assert "Secret" not in page.answer.text
    for other in ("LVA", "LTU", "Latvia"):
        assert other not in page.answer.text
    decided(plan, "EST-26-2", "accept")
    rows = estonia.get("/").table("By the week")
    assert [r[0] for r in rows] == ["EST-26-2"]
    assert "EST-26-2" not in home(estonia)


def test_what_is_released_is_told_in_a_sentence_and_nothing_more(
    plan: Planned, estonia: Visitor
) -> None:
    page = estonia.get(there(plan.world, "EST-26-1"))
    assert "is not told unless an approver releases it" in page.main.text
    bin_id = next(name for name, ids in plan.bins.items() if "EST-26-1" in ids)
    path = f"{plan.path}/bins/{bin_id}"
    answer = plan.world.post(
        f"{path}/releases", {"level": 1}, version=1, key=plan.approver
    )
    assert answer.status_code == 201, answer.text
    page = estonia.get(there(plan.world, "EST-26-1"))
    assert "It is reviewed together with requests of others." in page.main.text
    assert bin_id not in page.answer.text
    assert plan.proposal_id not in page.answer.text


def changed(person: Visitor, path: str, **fields: str) -> Page:
    """Change a request as somebody at its page does."""
    return person.fill(f"{path}/change", f"{path}/change", **fields)


def test_a_request_is_changed_in_the_version_that_was_seen(
    plan: Planned, estonia: Visitor
) -> None:
    world = plan.world
    path = there(world, "EST-26-1")
    before = world.read(path)
    same = changed(estonia, path)
    assert same.status == 303
    assert world.read(path)["version"] == 1  # nothing was changed: nothing is new

    stale = estonia.get(f"{path}/change").form(f"{path}/change")
    page = changed(estonia, path, value_usd="2500000.50", remarks="As agreed,\nby us")
    assert page.status == 303
    now = world.read(path)
    apart = ("version", "changed_at", "value_usd", "mde_value_usd", "remarks")
    assert {k: v for k, v in now.items() if k not in (*apart, "bins", "defaulted")} == {
        k: v for k, v in before.items() if k not in (*apart, "bins", "defaulted")
    }
    assert (now["version"], now["value_usd"]) == (2, 2500000.5)
    assert now["remarks"] == "As agreed, by us"
    first = estonia.send(f"{path}/change", {**stale, "quantity": "4"})
    assert first.status == 412
    assert "at version 2 by now" in first.main.text
    assert first.form(f"{path}/change")["quantity"] == ["4"]
    assert world.read(path)["version"] == 2


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("value_usd", "a lot", "value_usd"),
        ("received_on", "2026-02-30", "2026-02-30"),
        ("system", "Himarz", "nearest"),
        ("quantity", "0", "quantity"),
        ("needed_by", "2020-01-01", "needed_by"),
    ],
)
def test_what_is_wrong_with_a_change_is_said_beside_its_field(
    plan: Planned, estonia: Visitor, field: str, value: str, said: str
) -> None:
    path = there(plan.world, "EST-26-1")
    page = changed(estonia, path, **{field: value})
    assert page.status == 422
    (wrong,) = page.main.all("span", id=f"{field}-wrong")
    assert said in wrong.text
    assert page.form(f"{path}/change")[field] == [value]
    assert plan.world.read(path)["version"] == 1


def test_a_request_keeps_its_customer_whatever_a_form_says(
    plan: Planned, estonia: Visitor
) -> None:
    path = there(plan.world, "EST-26-1")
    page = changed(estonia, path, customer="LVA", request_id="EST-26-2", quantity="3")
    assert page.status == 303
    now = plan.world.read(path)
    assert (now["customer"], now["request_id"], now["quantity"]) == (
        "EST",
        "EST-26-1",
        3,
    )


def test_a_request_is_withdrawn_after_a_question(
    plan: Planned, estonia: Visitor
) -> None:
    world = plan.world
    path = there(world, "EST-26-2")
    asked = estonia.get(f"{path}/withdraw")
    assert "Withdraw request EST-26-2 of EST?" in asked.main.text
    page = estonia.fill(f"{path}/withdraw", f"{path}/withdraw")
    assert page.status == 303
    assert world.read(path)["state"] == "withdrawn"
    shown = estonia.get(path)
    assert "withdrawn" in shown.main.text
    assert "Change it" not in shown.main.text
    assert estonia.get(f"{path}/change").status == 409
    assert "EST-26-2" not in home(estonia)


def test_of_others_nothing_can_be_changed_or_withdrawn(
    plan: Planned, estonia: Visitor
) -> None:
    before = plan.world.rows()
    for request_id in ("LVA-26-1", "POL-26-1"):
        path = there(plan.world, request_id)
        form = estonia.get("/batches/new").form("/batches/new")
        for what in ("change", "withdraw"):
            assert estonia.get(f"{path}/{what}").status == 404
            sent = {**form, "version": "1", "quantity": "9"}
            assert estonia.send(f"{path}/{what}", sent).status == 404
    assert plan.world.rows() == before
