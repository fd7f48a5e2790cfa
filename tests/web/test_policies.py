"""Policies on pages: every figure with its source, changed, tried, saved."""

import time
from typing import Any

import pytest

from app.policies import policy_text
from tests.service.conftest import Planned
from tests.service.world import World
from tests.web.visiting import Page, Visitor

EDIT = "/policies/nato-all/edit"
TOML = "/policies/nato-all/edit/toml"


def admin(world: World) -> Visitor:
    """Return somebody who looks after policies and sees no request."""
    return Visitor(world, world.key("admin", name="Otto Admin"))


def sent(person: Visitor, do: str, **figures: str) -> Page:
    """Send the fields of a policy, some of them changed."""
    fields = {f"at:{path}": text for path, text in figures.items()}
    return person.fill(EDIT, EDIT, do=do, **fields)


def figures(**by_path: str) -> dict[str, str]:
    """Return figures by their paths: a double underscore stands for a dot."""
    return {path.replace("__", "."): text for path, text in by_path.items()}


def test_a_policy_is_read_with_the_source_of_every_figure(plan: Planned) -> None:
    page = Visitor(plan.world, plan.analyst).get("/policies/nato-all")
    rows = {
        row[0].split()[-1]: row
        for table in page.root.all("table")
        if "Where it comes from" in table.text
        for row in table.rows()
    }
    shown = plan.world.read("/policies/nato-all")["policy"]
    assert rows["pairing.window_days"][1] == str(shown["pairing"]["window_days"])
    assert rows["limits.max_value_usd"][1] == "20,000,000,000"
    assert "choice of this project" in rows["wait_cost.routine"][2]
    stages = [f"stage[{n}].elapsed_days" for n in range(1, len(shown["stage"]) + 1)]
    assert set(stages) <= set(rows)
    assert all(row[2] for row in rows.values())
    assert "DSCA policy memoranda 16-11 and 01-06" in rows["stage[1].elapsed_days"][2]
    assert "days high; effort low" in rows["stage[1].effort.request"][2]
    assert not page.main.all("a", href="/policies/nato-all/edit?version=1")


def test_the_file_is_the_one_that_was_saved(plan: Planned) -> None:
    answer = Visitor(plan.world, plan.analyst).get("/policies/nato-all/toml").answer
    assert answer.text == policy_text("nato-all")
    assert 'filename="nato-all-v1.toml"' in answer.headers["content-disposition"]


def test_a_figure_is_changed_and_saved_as_a_new_version(world: World) -> None:
    person = admin(world)
    changed = figures(pairing__window_days="90", keep_apart="GRC TUR, EST LVA")
    checked = sent(person, "check", **changed)
    assert "Nothing is wrong with it. It differs from version 1 in 2 figures" in (
        checked.main.text
    )
    assert [row[1:] for row in checked.table("What a new version would change")] == [
        ["GRC TUR", "GRC TUR, EST LVA"],
        ["120", "90"],
    ]
    assert world.read("/policies/nato-all")["version"] == 1
    saved = sent(person, "save", **changed)
    assert saved.status == 303
    assert saved.answer.headers["location"] == "/policies/nato-all?version=2"
    now = world.read("/policies/nato-all")
    assert now["version"] == 2
    assert now["policy"]["pairing"]["window_days"] == 90
    assert now["policy"]["keep_apart"] == [["GRC", "TUR"], ["EST", "LVA"]]
    before = world.read("/policies/nato-all?version=1")["policy"]
    same = {**now["policy"], "keep_apart": before["keep_apart"]}
    same["pairing"]["window_days"] = 120
    assert same == before
    page = person.get("/policies/nato-all")
    assert "2 figures changed" in page.main.text
    assert "shipped as 120" in page.main.text
    (record,) = world.records(action="policy.put")
    assert (record["version_before"], record["version_after"]) == (1, 2)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("pairing.window_days", "soon", "must be a whole number from 0 to 1,000,000"),
        ("pairing.window_days", "", "pairing.window_days is missing."),
        ("pairing.system", "type", "must be one of configuration, family"),
        ("wait_cost.routine", "0.0005", "with at most 3 decimals"),
        ("limits.max_requests", "12.5", "must be a whole number from 1"),
        ("stage[3].effort.customer_configuration", "-1", "must be a number from 0 to"),
        ("keep_apart", "GRC", "keep_apart holds pairs of customers"),
        ("category[1].all_of", "nato_membre", "nearest: nato_member"),
        ("name", "Mine & yours", "it stands in an address"),
    ],
)
def test_what_is_wrong_is_said_beside_its_figure(
    world: World, path: str, text: str, said: str
) -> None:
    page = sent(admin(world), "save", **{path: text})
    assert page.status == 422
    (wrong,) = page.main.all("span", id=f"{path}-wrong")
    assert said in wrong.text
    (field,) = page.main.all("input", id=path) or page.main.all("select", id=path)
    assert field.attributes["aria-invalid"] == "true"
    assert page.form(EDIT)[f"at:{path}"] == [text]
    assert f"#{path}" in [a.attributes["href"] for a in page.main.all("a")]
    assert world.read("/policies/nato-all")["version"] == 1


def test_a_stage_comes_and_goes_as_toml_and_faults_name_their_keys(
    world: World,
) -> None:
    person = admin(world)
    stage = '\n[[stage]]\nid = "S99"\nname = "Ours"\ntrigger = "all"\n'
    good = policy_text("nato-all") + stage + "effort = { bin = 2.5 }\n"
    bad = person.fill(TOML, TOML, toml=good + "efort = 3\n", do="save")
    assert bad.status == 422
    assert "efort is not a key here; nearest: effort." in bad.main.text
    assert bad.form(TOML)["toml"][0].strip() == (good + "efort = 3").strip()
    broken = person.fill(TOML, TOML, toml="name = \n", do="save")
    assert "Line 1 is not TOML" in broken.main.text
    saved = person.fill(TOML, TOML, toml=good, do="save")
    assert saved.status == 303
    page = person.get("/policies/nato-all")
    assert "Stage S99: Ours" in page.main.text
    assert (
        "# Effort figures are assumptions"
        in person.get("/policies/nato-all/toml").answer.text
    )  # comments are kept


def test_another_name_makes_another_policy_and_takes_nobodys(world: World) -> None:
    person = admin(world)
    made = sent(person, "save", name="ours", title="Ours")
    assert made.answer.headers["location"] == "/policies/ours?version=1"
    assert world.read("/policies/nato-all")["version"] == 1
    taken = sent(person, "save", name="nato-rdp")
    assert taken.status == 412
    assert "at version 1 by now" in taken.main.text
    assert world.read("/policies/nato-rdp")["version"] == 1


def test_of_two_who_change_one_version_the_second_is_told(world: World) -> None:
    first, second = admin(world), admin(world)
    drawn = second.get(EDIT).form(EDIT)
    assert sent(first, "save", title="First").status == 303
    page = second.send(EDIT, {**drawn, "at:title": "Second", "do": "save"})
    assert page.status == 412
    assert page.form(EDIT)["at:title"] == ["Second"]
    assert world.read("/policies/nato-all")["title"] == "First"


def tried(person: Visitor, page: Page) -> Page:
    """Return the page of a trial once it is done."""
    assert page.status == 303, page.main.text
    there = page.answer.headers["location"]
    for _ in range(1200):
        shown = person.get(there)
        if not shown.main.all("section", id="trial"):
            return shown
        part = person.get(there, **{"HX-Request": "true"})
        assert part.answer.headers.get("hx-redirect") in (None, there)
        time.sleep(0.05)
    raise AssertionError("it did not come to an end")


def test_the_effect_is_seen_beside_today_and_nothing_is_stored(plan: Planned) -> None:
    world = plan.world
    person = admin(world)
    before: dict[str, Any] = world.rows()
    changed = {"limits.max_requests": "1"}
    page = tried(person, sent(person, "try", **changed))
    rows = {row[0]: row[1:] for row in page.table("In staff-days")}
    today = plan.proposal["objective"]
    assert rows["Bins"] == [str(len(plan.bins)), "8", f"+{8 - len(plan.bins)}"]
    assert rows["Bins of two or more requests"][:2] == [str(len(plan.combined)), "0"]
    assert rows["Saved against country by country"][1] == "0"
    assert rows["Effort"][1] == rows["Effort country by country"][1]
    assert float(rows["Effort"][0].replace(",", "")) == round(today["effort_days"], 1)
    assert "Proven best" in page.main.text
    changes = [row[1:] for row in page.table("What the change is")]
    assert changes == [["12", "1"]]
    assert not page.main.all("a", href=plan.path)  # an admin sees no proposal
    assert world.rows() == before

    form = page.form(TOML)
    saved = person.send(TOML, {**form, "do": "save"})
    assert saved.answer.headers["location"] == "/policies/nato-all?version=2"
    assert world.read("/policies/nato-all")["policy"]["limits"]["max_requests"] == 1
    other = admin(world)  # a trial is of whoever began it
    there = f"/policies/nato-all/trials/{'0' * 8}-0000-4000-8000-{'0' * 12}"
    assert other.get(there).status == 404


def test_the_same_policy_has_no_effect(plan: Planned) -> None:
    person = admin(plan.world)
    page = tried(person, sent(person, "try"))
    for row in page.table("In staff-days"):
        assert row[1] == row[2], row
        assert row[3] in ("0", ""), row


def test_a_policy_that_cannot_be_tried_says_why(world: World) -> None:
    person = admin(world)
    none = sent(person, "try")
    assert none.status == 422
    assert "No proposal has been solved yet" in none.main.text
    wrong = person.fill(EDIT, EDIT, do="try", seconds="301")
    assert "A trial takes 1 to 300 whole seconds." in wrong.main.text


def test_a_reader_changes_nothing(plan: Planned) -> None:
    reader = Visitor(plan.world, plan.approver)
    token = reader.get("/").form("/sign-out")["form_token"]
    form = {"form_token": token, "version": "1", "toml": "x", "do": "save"}
    assert reader.send(TOML, form).status == 403
    assert plan.world.read("/policies/nato-all")["version"] == 1
