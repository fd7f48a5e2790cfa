"""Two proposals side by side: what moved, and the rules that made it so."""

import csv
import io
from typing import Any

import pytest

from app.export.numbers import signed_days
from tests.service.conftest import Planned
from tests.service.world import ABSENT, World, row
from tests.web.visiting import Page, Visitor


def compared(plan: Planned, second: str, **more: str) -> Page:
    """Return the page that compares the plan with another."""
    query = "".join(f"&{name}={value}" for name, value in more.items())
    path = f"/compare?first={plan.proposal_id}&second={second}{query}"
    return Visitor(plan.world, plan.analyst).get(path)


def file_of(plan: Planned, second: str) -> list[dict[str, str]]:
    """Return the lines of the file of a comparison."""
    path = f"/compare.csv?first={plan.proposal_id}&second={second}"
    answer = Visitor(plan.world, plan.analyst).get(path).answer
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return [*csv.DictReader(io.StringIO(answer.text))]


def sets(proposal: Any) -> set[frozenset[str]]:
    """Return the bins of a proposal by their requests."""
    return {frozenset(one["request_ids"]) for one in proposal["bins"]}


@pytest.fixture
def alone(plan: Planned) -> Any:
    """Return a proposal over the same requests that has each of them alone."""
    return plan.world.propose(key=plan.analyst, policy="by-country")


def test_two_policies_of_the_same_requests_side_by_side(
    plan: Planned, alone: Any
) -> None:
    page = compared(plan, alone["proposal_id"])
    assert page.status == 200
    same = len(sets(plan.proposal) & sets(alone))
    assert f"{same} of {len(plan.bins)} bins unchanged" in page.main.text
    figures = {line[0]: line[1:] for line in page.table("Both plans as they are now")}
    one, other = plan.proposal["objective"], alone["objective"]
    change = signed_days(round(other["total"] - one["total"], 3))
    assert figures["Total cost, staff-days"][2] == change
    assert figures["Reviews"] == [
        str(len(plan.bins)), str(len(alone["bins"])),
        f"+{len(alone['bins']) - len(plan.bins)}",
    ]  # fmt: skip
    assert figures["Policy"][:2] == ["nato-all, version 1", "by-country, version 1"]
    assert page.table("Rules and costs that differ")
    groups = page.root.all("h3")
    assert len(groups) == len(plan.combined)
    assert all("Split:" in one.text for one in groups)
    said = " ".join(item.text for item in page.main.all("li"))
    assert "Apart in ② (by-country)" in said
    assert "Apart in ①" not in said
    links = [a.attributes["href"] for a in page.main.all("a")]
    for bin_id in plan.combined:
        assert f"{plan.path}/bins/{bin_id}" in links


def test_the_rules_that_are_named_are_those_of_why(plan: Planned, alone: Any) -> None:
    page = compared(plan, alone["proposal_id"])
    first, second = plan.bins[plan.combined[0]][:2]
    path = f"/proposals/{alone['proposal_id']}/why?r={first}&s={second}"
    why = plan.world.read(path)
    assert why["blocks"]
    for line in file_of(plan, alone["proposal_id"]):
        if line["request_id"] in (first, second):
            assert line["moved"] == "yes"
            assert line["first_bin"] == plan.combined[0]
            assert line["second_with"] == ""
            assert "by-country: category" in line["why"]
    tags = {tag.text for tag in page.main.all("span", class_="tag")}
    assert "category" in tags


def test_the_file_has_every_request_and_its_days(plan: Planned, alone: Any) -> None:
    lines = file_of(plan, alone["proposal_id"])
    assert len(lines) == plan.proposal["requests"]
    bins = {one["bin_id"]: one for one in plan.proposal["bins"]}
    for line in lines:
        stated = bins[line["first_bin"]]
        assert line["request_id"] in stated["request_ids"]
        assert line["first_forecast_on"] == stated["forecast_on"]
        wait = stated["wait_days"][line["request_id"]]
        assert line["first_wait_days"] == str(wait)
        assert (line["moved"] == "no") == (not line["first_with"])


def test_a_change_by_hand_is_what_moved_and_the_ruling_is_named(
    plan: Planned,
) -> None:
    world = plan.world
    twin = world.propose(key=plan.analyst)["proposal_id"]
    page = compared(plan, twin)
    assert f"{len(plan.bins)} of {len(plan.bins)} bins unchanged" in page.main.text
    assert "every bin of the one is a bin of the other" in page.main.text
    kept, gone = plan.combined[:2]
    merge = {"op": "merge", "bin_ids": [kept, gone]}
    assert world.edit(plan.proposal_id, 1, merge).status_code == 201
    page = compared(plan, twin)
    (group,) = page.root.all("h3")
    assert "Split:" in group.text
    said = " ".join(item.text for item in page.main.all("li"))
    assert "Apart in ②" in said
    turned = Visitor(world, plan.analyst).get(
        f"/compare?first={twin}&second={plan.proposal_id}"
    )
    assert "Merged:" in turned.root.all("h3")[0].text


def test_requests_of_one_plan_only_are_listed(plan: Planned) -> None:
    world = plan.world
    world.stored([row("POL-26-77", "POL")])
    larger = world.propose(key=plan.analyst)["proposal_id"]
    page = compared(plan, larger)
    (line,) = page.table("Customer and request")
    assert line == ["the second", "1", "POL POL-26-77"]
    assert "other requests" in page.main.text
    added = [one for one in file_of(plan, larger) if one["customer"] == "POL"][-1]
    assert (added["first_bin"], added["moved"]) == ("", "yes")


def test_pages_lead_to_a_comparison_and_to_another_policy(
    plan: Planned, alone: Any
) -> None:
    visitor = Visitor(plan.world, plan.analyst)
    links = [a.attributes["href"] for a in visitor.get("/proposals").main.all("a")]
    assert "/compare" in links
    choices = visitor.get("/compare").form("/compare")
    assert choices == {"first": [""], "second": [""]}
    links = [a.attributes["href"] for a in visitor.get(plan.path).main.all("a")]
    assert f"/compare?first={plan.proposal_id}" in links
    like = f"/proposals/new?like={plan.proposal_id}"
    assert like in links
    form = visitor.get(like).form("/proposals/new")
    assert form["as_of"] == [plan.proposal["as_of"]]
    assert form["policy"] == ["nato-all"]
    del alone


def test_what_cannot_be_compared_says_why(plan: Planned) -> None:
    world, visitor = plan.world, Visitor(plan.world, plan.analyst)
    same = visitor.get(f"/compare?first={plan.proposal_id}&second={plan.proposal_id}")
    assert same.status == 422
    assert "these are one" in same.main.text
    world.built.api.state.enqueue = lambda _: None
    waiting = world.done(
        "/proposals", {"all_open": True, "policy": "nato-all", "as_of": "2026-01-05"}
    )["proposal_id"]
    page = compared(plan, waiting)
    assert page.status == 422
    assert "has no plan yet" in page.main.text
    assert compared(plan, ABSENT).status == 404
    assert visitor.get("/compare.csv").answer.headers["location"] == "/compare"
    batch = Visitor(world, world.key("batch", ["EST"]))
    path = f"/compare?first={plan.proposal_id}&second={waiting}"
    assert batch.get(path).status == 404


def test_more_groups_than_a_page_holds_are_shown_by_pages(world: World) -> None:
    rows = [
        row(f"{customer}-{month}", customer, received_on=f"20{year}-{month:02}-05")
        for year in (24, 25, 26)
        for month in range(1, 13)
        for customer in ("EST", "LVA")
    ]
    rows = [
        {**one, "request_id": f"{i}-{one['request_id']}"} for i, one in enumerate(rows)
    ]
    world.stored(rows)
    together = world.propose(as_of="2026-12-31")
    apart = world.propose(as_of="2026-12-31", policy="by-country")
    visitor = Visitor(world, world.first)
    path = f"/compare?first={apart['proposal_id']}&second={together['proposal_id']}"
    first = visitor.get(path)
    assert "put together otherwise" in first.main.text
    assert visitor.get(f"{path}&page=99").status == 200
