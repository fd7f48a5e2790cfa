"""A sheet of bins over the page, without script: sent back, priced, then saved."""

from typing import Any

import pytest

from app.export import numbers
from tests.service import judging
from tests.service.conftest import Planned
from tests.sheets import as_csv, edited, moved, rows_of
from tests.web.test_editing import home, save
from tests.web.visiting import Page, Visitor

WHY = "The staffs sorted it so."


def sheet_of(plan: Planned, person: Visitor) -> bytes:
    """Return the sheet that the page offers."""
    page = person.get(f"{plan.path}/sheet")
    links = [one.attributes["href"] for one in page.main.all("a")]
    (there,) = [link for link in links if link.endswith("sheet?format=xlsx")]
    return person.client.get(there).content


def send(plan: Planned, person: Visitor, content: bytes, name: str = "a.xlsx") -> Page:
    there = f"{plan.path}/sheet"
    return person.fill(there, there, (name, content))


def test_a_sheet_is_priced_in_words_then_saved_and_taken_back(plan: Planned) -> None:
    person, world = Visitor(plan.world, plan.analyst), plan.world
    before, rows = plan.bins, world.rows()
    cost = judging.cost(before.values(), judging.problem())
    javelin = home(plan, "EST-26-2")
    content = moved(
        sheet_of(plan, person), POL_26_1=javelin, EST_26_1="Guns", LVA_26_1="Guns"
    )
    page = send(plan, person, content)
    assert page.status == 200
    assert world.rows() == rows
    text = page.main.text
    assert f"Move POL-26-1 to {javelin}." in text
    assert "Split EST-26-1 and LVA-26-1 off" in text
    assert "The new bin you call “Guns” gets the id B005." in text
    assert "The best plan" in text
    assert [one.text for one in page.main.all("ul", class_="warnings")]
    figures = [one.text for one in page.main.all("dd")]
    saved = save(plan, person, page, WHY)
    assert saved.status == 303
    now = plan.bins
    assert set(now["B005"]) == {"EST-26-1", "LVA-26-1"}
    after = judging.cost(now.values(), judging.problem())
    assert figures[:2] == [numbers.decimal_text(cost), numbers.decimal_text(after)]
    changes = person.get(saved.answer.headers["location"])
    assert WHY in changes.table("What was changed")[0]
    assert plan.version == 2
    form = changes.form(f"{plan.path}/changes/wanted")
    wanted = person.send(f"{plan.path}/changes/wanted", {**form, "op": "undo"})
    undo = person.get(wanted.answer.headers["location"])
    assert save(plan, person, undo).status == 303
    assert plan.bins == before


def test_every_fault_is_listed_beside_its_row(plan: Planned) -> None:
    person, before = Visitor(plan.world, plan.analyst), plan.world.rows()
    rows = rows_of(sheet_of(plan, person))
    rows[0] |= {"request_id": "<b>X</b>"}
    rows[3] |= {"bin": ""}
    page = send(plan, person, as_csv(rows), "b.csv")
    assert page.status == 422
    (blank,) = page.table("Row 1 is the row")
    assert blank[:2] == ["5", "bin"]
    rows[3] |= {"bin": "x"}
    page = send(plan, person, as_csv(rows), "b.csv")
    (gone, unknown) = page.table("Row 1 is the row")
    assert gone[0] == "file"
    assert "no row" in gone[3]
    assert unknown[:3] == ["2", "request_id", "<b>X</b>"]
    assert plan.world.rows() == before


def test_what_is_no_sheet_is_said_on_the_page(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    good = sheet_of(plan, person)

    def formula(sheet: Any) -> None:
        sheet.cell(2, 2).value = "=1+1"

    for content, name, words in (
        (b"", "a.xlsx", "Choose the sheet"),
        (good, "a.xlsx", "changes nothing"),
        (good, "a.xlsm", "macros"),
        (good, "a.json", "XLSX or CSV"),
        (edited(good, formula), "a.xlsx", "holds a formula"),
    ):
        page = send(plan, person, content, name)
        assert page.status == 422, name
        assert words in page.main.text
        with pytest.raises(AssertionError, match="no form"):
            page.form(f"{plan.path}/changes")


@pytest.mark.parametrize("long", [False, True])
def test_a_stale_sheet_is_explained_with_both_sides_and_priced_again(
    plan: Planned, long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, world = Visitor(plan.world, plan.analyst), plan.world
    if long:
        monkeypatch.setattr("app.web.changing.SHORT_EDITS", 10)
    himars, javelin = home(plan, "EST-26-1"), home(plan, "EST-26-2")
    content = moved(sheet_of(plan, person), POL_26_1=himars)
    other = {"op": "take_out", "request_id": "LTU-26-2"}
    assert world.edit(plan.proposal_id, 1, other).status_code == 201
    page = send(plan, person, content)
    assert page.status == 412
    assert f"Move POL-26-1 to {himars}." in page.main.text
    assert "Take LTU-26-2 out" in page.main.text
    lines = {line[0]: line[1:] for line in page.table("The bins that were changed")}
    assert "LTU-26-2" in lines[javelin][0]
    assert "LTU-26-2" not in lines[javelin][1]
    if long:
        there = f"{plan.path}/changes/again"
        again = person.send(there, page.form(there))
    else:
        links = [one for one in page.main.all("a") if one.text.startswith("Price the")]
        again = person.get(links[0].attributes["href"])
    assert save(plan, person, again, WHY).status == 303
    assert home(plan, "POL-26-1") == himars
    assert plan.bins[home(plan, "LTU-26-2")] == ("LTU-26-2",)


def test_bins_decided_since_are_named_with_what_they_are_now(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    himars, alone = home(plan, "EST-26-1"), home(plan, "POL-26-1")
    content = moved(sheet_of(plan, person), POL_26_1=himars)
    plan.world.decide(plan.proposal_id, himars, "return", 1, key=plan.approver)
    page = send(plan, person, content)
    assert page.status == 412
    (line,) = page.table("Bins that your change concerns")
    assert line == [himars, "version 1", "version 2, returned"]
    plan.world.decide(plan.proposal_id, himars, "accept", 2, key=plan.approver)
    page = send(plan, person, content)
    assert page.status == 422
    (fault,) = page.table("Row 1 is the row")
    assert fault[1:] == ["bin", himars, f"{himars} is accepted: it stays as it is."]
    assert plan.bins[alone] == ("POL-26-1",)


def test_a_sheet_is_for_those_who_may_edit(plan: Planned) -> None:
    assert Visitor(plan.world, plan.approver).get(f"{plan.path}/sheet").status == 403


def test_pages_lead_to_what_is_taken_along(plan: Planned) -> None:
    analyst = Visitor(plan.world, plan.analyst)
    approver = Visitor(plan.world, plan.approver)
    name = plan.combined[0]
    for person in (analyst, approver):
        memo = links(person.get(f"{plan.path}/bins/{name}"))["Memo to file (PDF)"]
        assert person.client.get(memo).content.startswith(b"%PDF")
        overview = links(person.get(plan.path))
        for words in ("XLSX", "CSV", "JSON with its proof", "PDF", "OCDS"):
            assert person.client.get(overview[words]).status_code == 200
        assert ("Edit bins in a sheet" in overview) == (person is analyst)


def links(page: Page) -> dict[str, str]:
    """Return where the links of a page lead, by their words."""
    return {one.text: one.attributes["href"] for one in page.main.all("a")}
