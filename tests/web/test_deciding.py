"""Bins decided over the page: one by one, in a queue, and by two people at once."""

from typing import Any

import pytest

from tests.service.conftest import Planned
from tests.web.visiting import Page, Visitor

WORDS = "Configurations differ: the launchers are not the same."


def opened(plan: Planned, bin_id: str, person: Visitor) -> dict[str, Any]:
    """Return the form that decides a bin, as it is drawn."""
    return {**person.get(f"{plan.path}/bins/{bin_id}").form(action(plan, bin_id))}


def action(plan: Planned, bin_id: str) -> str:
    """Return where a decision on a bin is sent."""
    return f"{plan.path}/bins/{bin_id}/decision"


def decide(plan: Planned, person: Visitor, bin_id: str, **fields: str) -> Page:
    """Decide a bin as somebody at its page does."""
    return person.send(action(plan, bin_id), {**opened(plan, bin_id, person), **fields})


def state(plan: Planned, bin_id: str) -> Any:
    """Return a bin as the API says it."""
    return plan.world.read(f"{plan.path}/bins/{bin_id}")


def test_a_bin_is_accepted_returned_and_rejected(plan: Planned) -> None:
    person = Visitor(plan.world, plan.approver)
    names = [*plan.bins][:3]
    said = {"reason": WORDS, "reason_code": "wrong-configuration"}
    for bin_id, decision, wanted in zip(
        names,
        ("accept", "return", "reject"),
        ("accepted", "returned", "rejected"),
        strict=True,
    ):
        fields = {} if decision == "accept" else said
        page = decide(plan, person, bin_id, decision=decision, **fields)
        assert page.status == 303
        there = page.answer.headers["location"]
        assert there == f"{plan.path}/queue?after={bin_id}"
        now = state(plan, bin_id)
        assert now["state"] == wanted
        assert now["decision"]["reason"] == fields.get("reason")
        assert now["decision"]["reason_code"] == fields.get("reason_code")
        following = person.get(there)
        assert f"{bin_id} is {wanted} by you" in following.main.text
    shown = person.get(f"{plan.path}/bins/{names[1]}").main.text
    assert "the configurations differ after all" in shown
    assert WORDS in shown


def test_a_decision_that_says_too_little_is_refused_and_keeps_its_words(
    plan: Planned,
) -> None:
    person = Visitor(plan.world, plan.approver)
    bin_id = plan.combined[0]
    for wrong, words in (
        ({}, "Choose one: accept, return or reject"),
        ({"decision": "dissolve"}, "Choose one: accept, return or reject"),
        ({"decision": "return"}, "To return a bin, give a reason"),
        ({"decision": "reject", "reason": WORDS}, "choose a reason from the list"),
        ({"decision": "accept", "reason": "\u2060 \u2060 a"}, "visible characters"),
        ({"decision": "accept", "reason": "no\0ne"}, "visible characters"),
        ({"decision": "accept", "reason": "a" * 2001}, "visible characters"),
        ({"decision": "accept", "reason_code": "none"}, "from the list"),
        ({"decision": "accept", "version": "x"}, "names no version"),
    ):
        page = decide(plan, person, bin_id, **wrong)
        assert page.status == 422, wrong
        assert words in page.main.text, wrong
    page = decide(plan, person, bin_id, decision="return", reason=f" {WORDS}\r\nSo. ")
    kept = page.form(action(plan, bin_id))
    assert kept["decision"] == ["return"]
    assert WORDS in kept["reason"][0]
    assert state(plan, bin_id)["state"] == "open"


def test_a_form_sent_twice_decides_once(plan: Planned) -> None:
    person = Visitor(plan.world, plan.approver)
    bin_id = plan.combined[0]
    form = {**opened(plan, bin_id, person), "decision": "accept"}
    answers = [person.send(action(plan, bin_id), form) for _ in range(2)]
    assert [page.status for page in answers] == [303, 303]
    assert state(plan, bin_id)["version"] == 2


def test_the_queue_goes_through_all_and_comes_back_to_what_was_set_aside(
    plan: Planned,
) -> None:
    person = Visitor(plan.world, plan.approver)
    order = [
        line[0] for line in person.get(f"{plan.path}/bins").table("Bins, largest first")
    ]
    page = person.get(f"{plan.path}/queue")
    assert heading(page).startswith(order[0])
    assert f"0 decided · {len(order)} left · 0 set aside" in page.main.text
    page = person.get(page.main.all("a", data_key="n")[0].attributes["href"])
    assert heading(page).startswith(order[1])
    assert f"0 decided · {len(order) - 1} left · 1 set aside" in page.main.text
    for bin_id in order[1:]:
        page = person.send(
            action(plan, bin_id),
            {**page.form(action(plan, bin_id)), "decision": "accept"},
        )
        page = person.get(page.answer.headers["location"])
    assert heading(page) == "No bin is left in this round"
    assert f"{len(order) - 1} decided · 0 left · 1 set aside" in page.main.text
    page = person.get(page.main.all("a", data_key="n")[0].attributes["href"])
    assert heading(page).startswith(order[0])
    assert decide(plan, person, order[0], decision="accept").status == 303
    assert heading(person.get(f"{plan.path}/queue")) == "Every bin is decided"


def heading(page: Page) -> str:
    """Return the heading of a page."""
    assert page.status == 200, page.answer.text
    return page.main.all("h1")[0].text


def test_a_decision_is_taken_back_by_deciding_otherwise(plan: Planned) -> None:
    person = Visitor(plan.world, plan.approver)
    bin_id = plan.combined[0]
    page = decide(plan, person, bin_id, decision="accept")
    after = person.get(page.answer.headers["location"])
    back = after.main.all("a", data_key="u")[0].attributes["href"]
    assert back == f"{plan.path}/bins/{bin_id}#decide"
    fields = {"decision": "return", "reason": WORDS, "reason_code": "other"}
    assert decide(plan, person, bin_id, **fields).status == 303
    assert state(plan, bin_id)["state"] == "returned"


def test_whoever_ran_or_edited_a_plan_is_told_of_the_two_person_rule(
    plan: Planned,
) -> None:
    world = plan.world
    own = world.propose()  # by the first account, which may approve too
    bin_id = own["bins"][0]["bin_id"]
    person = Visitor(world, world.first)
    there = f"/proposals/{own['proposal_id']}/bins/{bin_id}"
    page = person.get(there)
    said = "You ran this proposal: another approver decides it (two-person rule)."
    assert said in page.main.text
    with pytest.raises(AssertionError, match="no form"):
        page.form(f"{there}/decision")
    other = Visitor(world, plan.approver).get(there)
    form = {**other.form(f"{there}/decision"), "decision": "accept"}
    form["form_token"] = page.form("/sign-out")["form_token"]
    refused = person.send(f"{there}/decision", form)
    assert refused.status == 403
    assert said in refused.main.text
    assert world.read(there)["state"] == "open"


def test_who_comes_second_sees_both_versions_and_may_go_on(plan: Planned) -> None:
    person = Visitor(plan.world, plan.approver)
    bin_id = plan.combined[0]
    form = {**opened(plan, bin_id, person), "decision": "accept"}
    form["releasable_reason"] = "Kept while looking at the other version."
    other = plan.world.key("approver", name="the other approver")
    plan.world.decide(
        plan.proposal_id, bin_id, "reject", 1, key=other, said={"reason": WORDS}
    )
    page = person.send(action(plan, bin_id), form)
    assert page.status == 412
    rows = {row[0]: row[1:] for row in page.table(f"{bin_id} as you saw it")}
    assert rows["Version"] == ["1", "2"]
    assert rows["State"] == ["to decide", "rejected"]
    assert rows["Decision"][1] == f"rejected by the other approver: {WORDS}"
    assert state(plan, bin_id)["state"] == "rejected"
    again = page.form(action(plan, bin_id))
    assert again["version"] == ["2"]
    assert again["releasable_reason"] == form["releasable_reason"].split("|")
    assert person.send(action(plan, bin_id), again).status == 303
    assert state(plan, bin_id)["state"] == "accepted"


def test_who_decides_a_bin_that_was_changed_sees_what_moved(plan: Planned) -> None:
    person = Visitor(plan.world, plan.approver)
    kept, gone = plan.combined[:2]
    before = plan.bins
    forms = {
        name: {**opened(plan, name, person), "decision": "accept"}
        for name in (kept, gone)
    }
    answer = plan.world.edit(
        plan.proposal_id,
        plan.version,
        {"op": "merge", "bin_ids": [kept, gone]},
        key=plan.other_analyst,
    )
    assert answer.status_code == 201, answer.text
    page = person.send(action(plan, kept), forms[kept])
    rows = {row[0]: row[1:] for row in page.table(f"{kept} as you saw it")}
    assert rows["Requests"][0] == ", ".join(before[kept])
    assert all(label in rows["Came in, went out"][1] for label in before[gone])
    page = person.send(action(plan, gone), forms[gone])
    assert page.status == 412
    assert "is gone since" in page.main.text
    assert f"{before[gone][0]} (now in {kept})" in page.main.text
    absent = person.send(action(plan, "B9999"), forms[gone])
    assert absent.status == 404
