"""Changes by hand over the page: the price first, then saved, left or taken back."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.export import numbers
from tests.service import judging
from tests.service.conftest import Planned
from tests.web.visiting import Page, Visitor

HIMARS = ("EST-26-1", "LTU-26-1", "LVA-26-1")
WHY = "The two staffs asked for it."


def home(plan: Planned, request_id: str) -> str:
    """Return the bin a request is in now."""
    return next(name for name, ids in plan.bins.items() if request_id in ids)


def wanted(
    plan: Planned, person: Visitor, bin_id: str, **fields: str | list[str]
) -> Page:
    """Ask for a change as the form of a bin does."""
    there = f"{plan.path}/changes/wanted"
    form = person.get(f"{plan.path}/bins/{bin_id}").form(there)
    return person.send(there, {**form, **fields})


def previewed(plan: Planned, person: Visitor, bin_id: str, **fields: Any) -> Page:
    """Return the page that prices a change."""
    answer = wanted(plan, person, bin_id, **fields)
    assert answer.status == 303, answer.main.text
    return person.get(answer.answer.headers["location"])


def save(plan: Planned, person: Visitor, preview: Page, reason: str = "") -> Page:
    """Save what a page prices."""
    there = f"{plan.path}/changes"
    return person.send(there, {**preview.form(there), "reason": reason})


def changes_of(plan: Planned) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return a change of each kind: the bin it begins at, and its fields."""
    himars, javelin = home(plan, "EST-26-1"), home(plan, "EST-26-2")
    some = {"request_ids": [*HIMARS[:2]]}
    alone = home(plan, "POL-26-1")
    return {
        "move": (alone, {"op": "move", "to_bin": himars}),
        "move by Enter": (alone, {"op": "", "to_bin": himars}),
        "take_out": (himars, {"op": "take_out", "request_ids": ["LTU-26-1"]}),
        "split": (himars, {"op": "split", **some}),
        "merge": (javelin, {"op": "merge", "with_bin": himars}),
        "keep_together": (alone, {"op": "keep_together", "others": "NLD-26-1"}),
        "keep_apart": (himars, {"op": "keep_apart", **some}),
    }


@pytest.mark.parametrize("page", ["/bins/{}", "/changes", "/why"])
def test_who_looks_at_a_plan_need_not_wait_for_it_at_the_first_price(
    plan: Planned, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought: list[str] = []
    monkeypatch.setattr(plan.world.desk, "bring", lambda key, _: brought.append(key))
    person = Visitor(plan.world, plan.approver)
    person.get(plan.path + page.format(home(plan, "EST-26-1")))
    assert brought == [plan.proposal_id]


def test_every_change_is_priced_saved_as_priced_and_taken_back(plan: Planned) -> None:
    person, world = Visitor(plan.world, plan.analyst), plan.world
    before = plan.bins
    for name, (bin_id, fields) in changes_of(plan).items():
        rows, version = world.rows(), plan.version
        cost = judging.cost(plan.bins.values(), judging.problem())
        page = previewed(plan, person, bin_id, **fields)
        assert page.status == 200, name
        assert world.rows() == rows, name  # nothing is saved
        figures = [one.text for one in page.main.all("dd")]
        lines = page.table("Bins that the change touches")
        saved = save(plan, person, page, WHY)
        assert saved.status == 303, (name, saved.main.text)
        assert plan.version == version + 1
        now = plan.bins
        recomputed = judging.cost(now.values(), judging.problem())
        assert figures[:2] == [
            numbers.decimal_text(cost),
            numbers.decimal_text(recomputed),
        ], name
        for line in lines:
            after = now.get(line[0].removesuffix(" new").removesuffix(" gone"), ())
            assert line[2] == (", ".join(after) or "–"), name
        there = saved.answer.headers["location"]
        (last, *_) = person.get(there).table("What was changed")
        assert WHY in last
        undone = save(plan, person, previewed(plan, person, bin_of(plan), op="undo"))
        assert undone.status == 303, name
        assert plan.bins == before, name


def bin_of(plan: Planned) -> str:
    """Return some bin that is there now."""
    return next(iter(plan.bins))


def test_the_preview_says_what_the_api_says(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    himars = home(plan, "EST-26-1")
    page = previewed(plan, person, home(plan, "POL-26-1"), op="move", to_bin=himars)
    edits = [{"op": "move", "request_id": "POL-26-1", "to_bin": himars}]
    said = plan.world.done(f"{plan.path}/preview", {"edits": edits})
    text = page.main.text
    assert f"Move POL-26-1 to {himars}." in text
    assert said["broken"]
    for rule in said["broken"]:
        assert " ".join(rule["text"].split()) in text
    best = said["best"]
    assert f"costs {numbers.days(best['cost'])} staff-days" in text
    assert f"bound is {numbers.days(best['bound'])} staff-days" in text
    (link,) = [
        one for one in page.main.all("a") if one.text == "Go back without saving"
    ]
    assert link.attributes["href"] == f"{plan.path}/bins/{home(plan, 'POL-26-1')}"


def test_what_is_still_to_be_chosen_is_said(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    himars = home(plan, "EST-26-1")
    for fields, words in (
        ({}, "Choose what is to be changed"),
        ({"op": "nothing"}, "Choose what is to be changed"),
        ({"op": "take_out"}, "Choose at least one request"),
        ({"op": "split"}, "Choose at least one request"),
        ({"op": "move", "request_ids": ["EST-26-1"]}, "Name the other bin"),
        ({"op": "merge"}, "Name the other bin"),
        ({"op": "merge", "with_bin": "B 1!"}, "no change that can be made"),
        ({"op": "keep_apart", "others": "EST-26-1"}, "at least two requests"),
    ):
        page = wanted(plan, person, himars, **fields)
        assert page.status == 422, fields
        assert words in page.main.text, fields
    there = f"{plan.path}/changes/wanted"
    page = person.fill(
        f"{plan.path}/changes", there, op="keep_apart", others="POL-26-1"
    )
    assert page.status == 422
    assert page.form(there)["others"] == ["POL-26-1"]


def test_a_change_that_makes_no_sense_is_refused_on_its_page(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    himars = home(plan, "EST-26-1")
    for fields, words in (
        ({"op": "merge", "with_bin": "B9999"}, "B9999"),
        ({"op": "keep_apart", "others": "EST-26-1 ABC-1"}, "ABC-1"),
        ({"op": "undo"}, "no edit to undo"),
    ):
        page = previewed(plan, person, himars, **fields)
        assert page.status in (409, 422), fields
        assert words in page.main.text
        with pytest.raises(AssertionError, match="no form"):
            page.form(f"{plan.path}/changes")
    nonsense = person.get(f"{plan.path}/changes/preview?edits=%5B%7B%7D%5D")
    assert nonsense.status == 422


def test_a_change_against_a_ruling_is_named_and_cannot_be_saved(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    himars = home(plan, "EST-26-1")
    apart = previewed(
        plan, person, himars, op="keep_apart", request_ids=["EST-26-1", "LVA-26-1"]
    )
    assert "EST-26-1 and LVA-26-1 stay in different bins" in apart.main.text
    assert save(plan, person, apart).status == 303
    again = previewed(
        plan,
        person,
        home(plan, "EST-26-1"),
        op="merge",
        with_bin=home(plan, "LVA-26-1"),
    )
    assert "This cannot be saved" in again.main.text
    with pytest.raises(AssertionError, match="no form"):
        again.form(f"{plan.path}/changes")


def test_who_saves_second_sees_what_changed_and_may_price_it_again(
    plan: Planned,
) -> None:
    person, other = (Visitor(plan.world, plan.analyst) for _ in range(2))
    other = Visitor(plan.world, plan.other_analyst)
    himars, javelin = home(plan, "EST-26-1"), home(plan, "EST-26-2")
    before = plan.bins
    mine = previewed(plan, person, himars, op="take_out", request_ids=["LTU-26-1"])
    theirs = previewed(plan, other, javelin, op="take_out", request_ids=["LTU-26-2"])
    assert save(plan, other, theirs, WHY).status == 303
    page = save(plan, person, mine)
    assert page.status == 412
    assert "other analyst" in page.main.text
    assert "Take LTU-26-2 out" in page.main.text
    assert WHY in page.main.text
    lines = {line[0]: line[1:] for line in page.table("The bins that were changed")}
    assert lines[javelin] == [", ".join(before[javelin]), ", ".join(plan.bins[javelin])]
    new = home(plan, "LTU-26-2")
    assert lines[new] == ["no such bin", "LTU-26-2"]
    assert plan.bins[himars] == before[himars]
    (link,) = [
        one for one in page.main.all("a") if one.text.startswith("Price the sam")
    ]
    again = person.get(link.attributes["href"])
    assert save(plan, person, again).status == 303
    assert plan.bins[himars] == ("EST-26-1", "LVA-26-1")
    assert plan.bins[new] == ("LTU-26-2",)


def test_a_bin_accepted_meanwhile_is_not_changed(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    himars = home(plan, "EST-26-1")
    page = previewed(plan, person, himars, op="take_out", request_ids=["LTU-26-1"])
    plan.world.decide(plan.proposal_id, himars, "accept", 1, key=plan.approver)
    refused = save(plan, person, page)
    assert refused.status in (409, 422)
    assert "was not saved" in refused.main.text
    assert set(plan.bins[himars]) == set(HIMARS)
    with pytest.raises(AssertionError, match="no form"):
        person.get(f"{plan.path}/bins/{himars}").form(f"{plan.path}/changes/wanted")


def test_a_change_sent_twice_is_saved_once(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    himars = home(plan, "EST-26-1")
    page = previewed(plan, person, himars, op="take_out", request_ids=["LTU-26-1"])
    there, version = f"{plan.path}/changes", plan.version
    form = page.form(there)
    assert [person.send(there, form).status for _ in range(2)] == [303, 303]
    assert plan.version == version + 1
    wrong = person.send(there, {**page.form(there), "reason": "a"})
    assert wrong.status in (409, 422)


def test_the_address_of_a_preview_holds_the_change(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    himars = home(plan, "EST-26-1")
    answer = wanted(plan, person, himars, op="take_out", request_ids=["LTU-26-1"])
    there = urlsplit(answer.answer.headers["location"])
    assert parse_qs(there.query) == {
        "edits": ['[{"op":"take_out","request_id":"LTU-26-1"}]'],
        "bin": [himars],
    }
    assert Visitor(plan.world, plan.approver).get(there.geturl()).status == 403
