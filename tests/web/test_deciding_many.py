"""Many bins decided at once: the effect first, then bin by bin, and taken back."""

from typing import Any

import pytest

from tests.service.conftest import Planned
from tests.service.world import World
from tests.web.visiting import Page, Visitor

WORDS = "Not before the configurations are known."
RETURN = {
    "decision": "return",
    "reason_code": "missing-information",
    "reason": WORDS,
}


def person(plan: Planned) -> Visitor:
    """Return the approver at a browser."""
    return Visitor(plan.world, plan.approver)


def ticked(visitor: Visitor, plan: Planned, names: list[str], **fields: str) -> Page:
    """Tick bins in their table, and ask for the effect of a decision on them."""
    page = visitor.get(f"{plan.path}/bins")
    boxes = {
        box.attributes["value"].split(":")[0]: box.attributes["value"]
        for box in page.root.all("input", name_="bins")
    }
    form = page.form(f"{plan.path}/decisions/preview")
    chosen = [boxes[name] for name in names]
    return visitor.send(
        f"{plan.path}/decisions/preview",
        {**form, "which": "ticked", "bins": chosen, **fields},
    )


def cards(page: Page) -> list[str]:
    """Return the figures at the top of the page of an effect."""
    (found,) = page.root.all("ul", class_="cards")
    return [one.text for one in found.all("b")]


def commit(visitor: Visitor, plan: Planned, page: Page, **fields: str) -> Page:
    """Do what a page shows the effect of, and look at what was done."""
    action = f"{plan.path}/decisions"
    done = visitor.send(action, {**page.form(action), **fields})
    assert done.status == 303, done.answer.text
    return visitor.get(done.answer.headers["location"])


def states(plan: Planned) -> dict[str, tuple[str, int]]:
    """Return state and version of each bin."""
    bins = plan.world.read(plan.path)["bins"]
    return {one["bin_id"]: (one["state"], one["version"]) for one in bins}


def test_the_effect_is_shown_before_anything_is_saved_and_then_comes_true(
    plan: Planned,
) -> None:
    visitor, names = person(plan), [*plan.bins][:3]
    before, rows = states(plan), plan.world.rows()
    page = ticked(visitor, plan, names, decision="accept")
    assert page.status == 200
    bins = {one["bin_id"]: one for one in plan.world.read(plan.path)["bins"]}
    requests = sum(len(bins[name]["request_ids"]) for name in names)
    saved = sum(bins[name]["saved_effort_days"] for name in names)
    assert cards(page) == ["3", "0", "0", f"{saved:,.1f}"]
    assert "Nothing is saved yet" in page.main.text
    lines = {row[0]: row[1:] for row in page.table("The plan by state")}
    total = sum(len(one["request_ids"]) for one in bins.values())
    assert lines["To decide"][:4] == [
        str(len(bins)), str(len(bins) - 3), str(total), str(total - requests),
    ]  # fmt: skip
    assert lines["Accepted"] == [
        "0", "3", "0", str(requests), "0", f"{saved:,.1f}",
    ]  # fmt: skip
    assert {row[0] for row in page.table("What will be accepted")} == set(names)
    assert plan.world.rows() == rows
    assert states(plan) == before

    done = commit(visitor, plan, page)
    assert done.root.all("h1")[0].text == "3 bins are accepted"
    after = {row[0]: row[1:] for row in done.table("The plan by state")}
    assert after["Accepted"] == ["3", str(requests), f"{saved:,.1f}"]
    assert states(plan) == before | dict.fromkeys(names, ("accepted", 2))
    records = plan.world.records()[-4:]
    assert [one["action"] for one in records] == ["bin.accept"] * 3 + ["bins.accept"]
    assert {one["object"].split("/")[-1] for one in records[:3]} == set(names)
    assert all(one["version_after"] == 2 for one in records[:3])
    assert records[3]["after"] == {"aside": {}, "decided": 3, "decision": "accept"}
    assert plan.world.read("/audit/verify")["ok"]


def test_all_that_match_are_the_open_ones_of_the_filter(plan: Planned) -> None:
    visitor, names = person(plan), [*plan.bins]
    customer = plan.world.read(plan.path)["bins"][0]["customers"][0]
    path = f"{plan.path}/bins?customer={customer}"
    match = [row[0].split()[-1] for row in visitor.get(path).table("Bins, largest")]
    assert 1 < len(match) < len(names)
    plan.world.decide(plan.proposal_id, match[0], "accept", 1, key=plan.approver)
    form = visitor.get(path).form(f"{plan.path}/decisions/preview")
    shown = visitor.send(
        f"{plan.path}/decisions/preview", {**form, "which": "matching", **RETURN}
    )
    assert cards(shown)[0] == str(len(match) - 1)
    commit(visitor, plan, shown)
    now = states(plan)
    assert {now[name] for name in match[1:]} == {("returned", 2)}
    assert now[match[0]] == ("accepted", 2)
    assert {now[name] for name in names if name not in match} == {("open", 1)}
    kept = plan.world.read(f"{plan.path}/bins/{match[1]}")["decision"]
    assert (kept["reason"], kept["reason_code"]) == (WORDS, "missing-information")
    decided = visitor.get(f"{path}&state=accepted")
    assert not decided.root.all("button", value="matching")


def test_a_bin_that_was_changed_meanwhile_is_set_aside_and_the_others_decided(
    plan: Planned,
) -> None:
    visitor, world = person(plan), plan.world
    other = world.key("approver", name="the other approver")
    first, second, third = [*plan.bins][:3]
    page = ticked(visitor, plan, [first, second, third], decision="accept")
    world.decide(plan.proposal_id, second, "reject", 1, key=other)
    done = commit(visitor, plan, page)
    assert done.root.all("h1")[0].text == "2 bins are accepted, 1 set aside"
    (row,) = done.table("Set aside")
    assert row[0] == second
    assert "changed since" in row[1]
    assert "rejected at version 2, and you saw version 1" in row[1]
    assert "the other approver" in row[2]
    assert states(plan)[second] == ("rejected", 2)
    assert states(plan)[first] == states(plan)[third] == ("accepted", 2)


def test_what_speaks_against_a_decision_is_named_bin_by_bin(plan: Planned) -> None:
    visitor, world = person(plan), plan.world
    one, other = plan.combined[:2]
    gone = world.call("DELETE", f"/requests/{world.uids()[plan.bins[other][0]]}",
                      version=1)  # fmt: skip
    assert gone.status_code == 200, gone.text
    world.decide(plan.proposal_id, one, "return", 1, key=plan.approver)
    names = [one, other, plan.alone[0]]
    page = ticked(visitor, plan, names, decision="accept")
    why = {row[0]: row[1] for row in page.table("Set aside")}
    assert "decided already" in why[one]
    assert f"{plan.bins[other][0]} was withdrawn since" in why[other]
    assert cards(page)[:3] == ["1", "0", "2"]
    form = page.form(f"{plan.path}/decisions")
    form["seen"] = [f"{form['seen'][0]} B9999:1"]
    visitor.send(f"{plan.path}/decisions", form)
    kept = {name: state for name, (state, _) in states(plan).items()}
    assert kept[plan.alone[0]] == "accepted"
    assert (kept[one], kept[other]) == ("returned", "open")
    # To return asks nothing of the requests.
    page = ticked(visitor, plan, [other], **RETURN)
    assert cards(page)[:3] == ["1", "0", "0"]


def test_a_bin_whose_request_was_accepted_elsewhere_is_set_aside(
    plan: Planned,
) -> None:
    world, visitor = plan.world, person(plan)
    twin = Planned(
        world, world.propose(key=plan.analyst), plan.analyst, "", plan.approver
    )
    name = twin.combined[0]
    page = ticked(visitor, twin, [name], decision="accept")
    holding = next(mine for mine, ids in plan.bins.items() if twin.bins[name][0] in ids)
    world.decide(plan.proposal_id, holding, "accept", 1, key=plan.approver)
    done = commit(visitor, twin, page)
    assert done.root.all("h1")[0].text == "0 bins are accepted, 1 set aside"
    assert "accepted elsewhere" in done.table("Set aside")[0][1]


def test_the_two_person_rule_holds_for_many(plan: Planned) -> None:
    world = plan.world
    both = world.first  # a key of every role
    own = Planned(world, world.propose(key=both), both, "", both)
    visitor = Visitor(world, both)
    page = visitor.get(f"{own.path}/bins")
    assert "You ran this proposal" in page.main.text
    assert not page.root.all("input", name_="bins")
    name, token = own.combined[0], page.form("/sign-out")["form_token"]
    form = {"form_token": token, "seen": f"{name}:1", "decision": "accept"}
    shown = visitor.send(f"{own.path}/decisions/preview", form)
    assert cards(shown) == ["0", "1", "0"]
    assert "another approver decides it (two-person rule)" in shown.main.text
    refused = visitor.send(f"{own.path}/decisions", form)
    assert refused.status == 403
    assert states(own)[name] == ("open", 1)


def test_what_was_decided_at_once_is_taken_back_where_nobody_was_since(
    plan: Planned,
) -> None:
    visitor, names = person(plan), [*plan.bins][:3]
    done = commit(visitor, plan, ticked(visitor, plan, names, decision="accept"))
    plan.world.decide(plan.proposal_id, names[0], "reject", 2, key=plan.approver)
    there = f"{plan.path}/decisions?done="
    location = done.answer.url.query.decode().split("=")[1]
    done = visitor.get(there + location)
    assert "1 bin was changed since: it stays as it is" in done.main.text
    form = done.form(f"{plan.path}/decisions/back")
    sent = [visitor.send(f"{plan.path}/decisions/back", form) for _ in range(2)]
    assert [page.status for page in sent] == [303, 303]
    back = visitor.get(sent[0].answer.headers["location"])
    assert "The decision on 2 bins is taken back, 1 set aside" in back.main.text
    now = states(plan)
    assert now[names[0]] == ("rejected", 3)
    assert {now[name] for name in names[1:]} == {("open", 3)}
    held = plan.world.read(f"{plan.path}/bins/{names[1]}")
    assert held["fixed"] is False
    assert [one["state"] for one in held["history"]] == ["open", "accepted", "open"]
    shown = visitor.get(f"{plan.path}/bins/{names[1]}").main.text
    assert "Decision taken back by" in shown
    assert plan.world.read("/audit/verify")["ok"]
    # They are open in every way: they can be accepted once more.
    again = commit(visitor, plan, ticked(visitor, plan, names[1:], decision="accept"))
    assert again.root.all("h1")[0].text == "2 bins are accepted"


def test_a_form_sent_twice_decides_once(plan: Planned) -> None:
    visitor = person(plan)
    page = ticked(visitor, plan, plan.combined, decision="accept")
    form = page.form(f"{plan.path}/decisions")
    places = {
        visitor.send(f"{plan.path}/decisions", form).answer.headers["location"]
        for _ in range(2)
    }
    assert len(places) == 1
    assert {states(plan)[name][1] for name in plan.combined} == {2}
    # Nobody else sees what a person was answered.
    other = Visitor(plan.world, plan.world.key("approver"))
    assert other.get(places.pop()).status == 303


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "Choose one: accept, return or reject"),
        ({"decision": "reject"}, "To reject a bin, give a reason"),
        ({"decision": "return", "reason": WORDS}, "choose a reason from the list"),
        ({"decision": "accept", "bins": []}, "Choose 1 to 5,000 bins"),
    ],
)
def test_what_is_no_decision_is_asked_for_again_with_what_was_ticked(
    plan: Planned, wrong: dict[str, Any], words: str
) -> None:
    visitor, name = person(plan), plan.combined[0]
    page = visitor.get(f"{plan.path}/bins")
    action = f"{plan.path}/decisions/preview"
    fields = {**page.form(action), "which": "ticked", "bins": [f"{name}:1"]} | wrong
    shown = visitor.send(action, fields)
    assert shown.status == 422
    assert words in shown.main.text
    assert shown.form(action)["seen"] == ["" if "bins" in wrong else f"{name}:1"]
    refused = visitor.send(f"{plan.path}/decisions", fields)
    assert refused.status == 422
    absent = visitor.send(action, {**fields, "bins": ["B1"], "decision": "accept"})
    assert absent.status == 422
    assert "in no version" in absent.main.text


def test_a_decision_can_be_taken_back_over_the_api(world: World, plan: Planned) -> None:
    del world
    name = plan.combined[0]
    early = plan.world.decide(plan.proposal_id, name, "reopen", 1, key=plan.approver)
    assert early.status_code == 409
    for version, decision in enumerate(("accept", "reopen", "reject", "reopen"), 1):
        answer = plan.world.decide(
            plan.proposal_id, name, decision, version, key=plan.approver
        )
        assert answer.status_code == 201, answer.text
    shown = plan.world.read(f"{plan.path}/bins/{name}")
    assert (shown["state"], shown["fixed"]) == ("open", False)
    assert shown["decision"]["decision"] == "reopen"
