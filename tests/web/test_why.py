"""Why are two requests not together: asked and answered over the page."""

from app.export import numbers
from tests.service.conftest import Planned
from tests.web.visiting import Visitor


def test_the_rules_between_two_requests_are_named_with_their_source(
    plan: Planned,
) -> None:
    person = Visitor(plan.world, plan.approver)
    page = person.get(f"{plan.path}/why?r=EST-26-1&s=POL-26-1")
    assert page.status == 200
    said = plan.world.read(f"{plan.path}/why?r=EST-26-1&s=POL-26-1")
    assert said["blocks"]
    lines = page.table("What keeps them apart")
    assert [line[1] for line in lines] == [one["text"] for one in said["blocks"]]
    assert "Policy nato-all, version 1: pairing.system" in [line[2] for line in lines]
    for text in said["texts"]:
        assert text in page.main.text


def test_two_that_may_share_have_a_price(plan: Planned) -> None:
    person = Visitor(plan.world, plan.approver)
    page = person.get(f"{plan.path}/why?r=EST-26-1&s=LVA-26-1")
    said = plan.world.read(f"{plan.path}/why?r=EST-26-1&s=LVA-26-1")
    assert said["together_now"] is True
    assert said["price"] > 0
    assert f"{numbers.days(said['price'])} staff-days more" in page.main.text
    rows = {row[0]: row[1:] for row in page.table("What the rules look at")}
    assert rows["Customer"] == ["Estonia", "Latvia"]
    assert rows["Is in"][0] == rows["Is in"][1]


def test_a_question_that_names_no_two_requests_is_asked_again(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    asked = person.get(f"{plan.path}/why")
    assert asked.status == 200
    options = [one.attributes["value"] for one in asked.main.all("option")]
    assert options == sorted(one for ids in plan.bins.values() for one in ids)
    for query, words in (
        ("r=EST-26-1", "Name two requests"),
        ("r=EST-26-1&s=EST-26-1", "these are one"),
        ("r=EST-26-1&s=ABC-1", "'ABC-1' is not a request"),
        ("r=EST-26-1&s=%3Cb%3E", "'<b>' is not a request"),
    ):
        page = person.get(f"{plan.path}/why?{query}")
        assert page.status == 422, query
        assert words in page.main.text
    assert person.get(f"{plan.path}/why?r=a%00&s=b").status == 422


def test_the_answer_leads_to_the_change(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    there = f"{plan.path}/changes/wanted"
    page = person.get(f"{plan.path}/why?r=EST-26-1&s=LVA-26-1")
    answer = person.send(there, {**page.form(there), "op": "keep_apart"})
    assert answer.status == 303
    preview = person.get(answer.answer.headers["location"])
    assert "Keep EST-26-1 and LVA-26-1 apart." in preview.main.text
