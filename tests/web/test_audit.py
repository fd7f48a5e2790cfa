"""The audit trail on pages: sought, read, taken along, verified."""

import csv
import io
import json

from sqlalchemy import update

from app.storage.schema import bins
from app.use_cases.sessions import begin_with_key
from app.web import words
from tests.service.conftest import Planned
from tests.service.world import changed_by_its_owner
from tests.web.visiting import Element, Page, Visitor


def auditor(plan: Planned) -> Visitor:
    """Return somebody who may read the trail."""
    return Visitor(plan.world, plan.world.key("auditor", name="Ada Auditor"))


def listed(page: Page) -> list[list[str]]:
    """Return the rows of the list of records."""
    return page.table("Records")


def rejected(plan: Planned, reason: str, **said: str) -> int:
    """Reject a bin, and return the number of its record."""
    world, bin_id = plan.world, plan.combined[0]
    answer = world.decide(
        plan.proposal_id,
        bin_id,
        "reject",
        1,
        said={"reason": reason, **said},
        key=plan.approver,
    )
    assert answer.status_code == 201
    record = world.records(action="bin.reject")[-1]
    return int(record["seq"])


def test_the_list_says_of_every_record_who_what_when_on_what_and_why(
    plan: Planned,
) -> None:
    seq = rejected(plan, "The launchers differ.")
    person = auditor(plan)
    page = person.get("/audit")
    records = plan.world.records()[::-1]
    rows = listed(page)
    assert len(rows) == len(records)
    assert [int(row[0].replace(",", "")) for row in rows] == [r["seq"] for r in records]
    row = next(row for row in rows if int(row[0]) == seq)
    at = plan.world.read(f"/audit/{seq}")["at"]
    assert row[1] == f"{at[:10]} {at[11:19]}"
    assert row[2:5] == ["approver", "rejected a bin", f"bin {plan.combined[0]}"]
    assert "state: open → rejected" in row[5]
    assert row[6] == "The launchers differ."
    assert {record["action"] for record in records} <= set(words.ACTIONS)


def test_a_filter_keeps_what_is_asked_and_is_kept_in_the_address(plan: Planned) -> None:
    rejected(plan, "The launchers differ.")
    person, records = auditor(plan), plan.world.records()
    there = f"bin/{plan.proposal_id}/{plan.combined[0]}"
    today = records[-1]["at"][:10]
    found = {
        "who=approver": [r for r in records if r["role"] == "approver"],
        "action=bin.reject": [r for r in records if r["action"] == "bin.reject"],
        f"about={there}": [r for r in records if r["object"] == there],
        f"about=proposal/{plan.proposal_id}": [
            r for r in records if plan.proposal_id in r["object"]
        ],
        f"about={plan.proposal_id}": [
            r for r in records if plan.proposal_id in r["object"]
        ],
        "about=batch": [r for r in records if r["object"].startswith("batch/")],
        "about=bat": [],
        "result=refused": [],
        f"since={today}&until={today}": [r for r in records if r["at"][:10] == today],
        "until=2020-01-01": [],
        "since=2020-01-01": records,
        "who=100%25": [],
    }
    for query, wanted in found.items():
        page = person.get(f"/audit?{query}")
        assert page.status == 200
        if not wanted:
            assert "No record is like this." in page.main.text, query
            continue
        seqs = [int(row[0].replace(",", "")) for row in listed(page)]
        # Looking at a page makes no record; signing in made one.
        assert seqs == [r["seq"] for r in wanted][::-1], query
    page = person.get(f"/audit?action=bin.reject&since={today}")
    kept = page.main.all("input", name="since")[0].attributes["value"]
    assert kept == today
    (link,) = [a for a in page.main.all("a") if "CSV" in a.text]
    assert link.attributes["href"] == f"/audit.csv?action=bin.reject&since={today}"


def test_a_day_that_is_none_is_named_beside_the_filter(plan: Planned) -> None:
    person = auditor(plan)
    page = person.get("/audit?since=2026-02-30&who=x")
    assert page.status == 422
    assert "2026-02-30 is not a day of the calendar." in page.main.text
    assert page.main.all("input", name="who")[0].attributes["value"] == "x"
    assert person.get("/audit.csv?until=2026-13-01").status == 422


def test_a_long_trail_comes_in_pages_that_lose_and_repeat_nothing(
    plan: Planned,
) -> None:
    person = auditor(plan)
    for _ in range(110):
        begin_with_key(plan.world.service, plan.analyst, None)
    seen: list[int] = []
    there: str | None = "/audit?action=session.begin"
    while there:
        page = person.get(there)
        seen += [int(row[0].replace(",", "")) for row in listed(page)]
        # Somebody signs in between two pages: what is older does not move.
        begin_with_key(plan.world.service, plan.analyst, None)
        onward = page.main.all("a", rel="next")
        there = onward[0].attributes["href"] if onward else None
    assert len(seen) == len(set(seen))
    records = [r["seq"] for r in plan.world.records(action="session.begin")]
    assert seen == [seq for seq in records[::-1] if seq <= seen[0]]


def test_the_file_holds_every_record_as_the_api_says_it(plan: Planned) -> None:
    rejected(plan, "=cmd()", releasable_reason="Ask again in spring.")
    person = auditor(plan)
    answer = person.get("/audit.csv").answer
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    records = plan.world.records()[::-1]
    assert [int(row["seq"]) for row in rows] == [r["seq"] for r in records]
    for row, record in zip(rows, records, strict=True):
        for name in ("actor", "action", "object", "result", "hash", "prev_hash"):
            assert row[name] == record[name]
        assert json.loads(row["after"] or "null") == record["after"]
    (decided,) = [row for row in rows if row["action"] == "bin.reject"]
    assert decided["reason"] == "'=cmd()"  # a sheet must not compute it
    assert decided["name"] == "approver"


def test_a_record_shows_before_beside_after_and_that_its_links_hold(
    plan: Planned,
) -> None:
    words_of_it = "<b>The launchers differ.</b>"
    seq = rejected(plan, words_of_it, releasable_reason="Ask again in spring.")
    page = auditor(plan).get(f"/audit/{seq}")
    assert words_of_it in page.main.text
    assert "Ask again in spring." in page.main.text
    assert not page.main.all("b")
    state = next(r for r in page.table("All that the record says") if r[0] == "state")
    assert state == ["state", "open", "rejected"]
    assert page.main.text.count("✓") == 3
    assert links(page, "rel", "prev") == [f"/audit/{seq - 1}"]
    there = f"{plan.path}/bins/{plan.combined[0]}"
    assert there in [a.attributes["href"] for a in page.main.all("a")]
    person = auditor(plan)
    last = plan.world.records()[-1]["seq"]
    assert "nothing follows it yet" in person.get(f"/audit/{last}").main.text
    assert "It follows the beginning." in person.get("/audit/1").main.text
    assert person.get("/audit/999999").status == 404


def links(page: Page, attribute: str, value: str) -> list[str]:
    """Return where the links with an attribute lead."""
    found: list[Element] = page.main.all("a", **{attribute: value})
    return [one.attributes["href"] for one in found]


def test_a_bin_and_a_proposal_lead_to_their_records_for_who_may_read_them(
    plan: Planned,
) -> None:
    bin_id = plan.combined[0]
    rejected(plan, "The launchers differ.")
    person = auditor(plan)
    for path, about in (
        (f"{plan.path}/bins/{bin_id}", f"bin%2F{plan.proposal_id}%2F{bin_id}"),
        (plan.path, f"proposal%2F{plan.proposal_id}"),
    ):
        links_there = [a.attributes["href"] for a in person.get(path).main.all("a")]
        assert f"/audit?about={about}" in links_there
        others = Visitor(plan.world, plan.approver).get(path)
        assert "/audit" not in others.answer.text
        assert listed(person.get(f"/audit?about={about}"))


def test_verifying_says_what_was_checked_and_that_the_trail_is_whole(
    plan: Planned,
) -> None:
    person = auditor(plan)
    before = len(plan.world.records())
    page = person.fill("/audit/verify", "/audit/verify")
    assert page.status == 200
    text = page.main.text
    assert "The trail is whole." in text
    assert f"{before} records" in text
    assert "No checkpoint is there yet" in text
    assert len(plan.world.records()) == before


def test_verifying_names_what_was_changed_behind_its_back(plan: Planned) -> None:
    bin_id = plan.combined[0]
    with changed_by_its_owner(plan.world) as connection:
        this = (bins.c.proposal_id == plan.proposal_id) & (bins.c.bin_id == bin_id)
        connection.execute(update(bins).where(this).values(size=99))
    page = auditor(plan).fill("/audit/verify", "/audit/verify")
    assert page.status == 200
    assert "The trail is not as it was." in page.main.text
    assert any(bin_id in row[1] for row in page.table("What was found"))
