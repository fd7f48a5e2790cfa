"""A sheet of bins, sent out and taken back over the API: all of it or nothing."""

import io
import zipfile
from typing import Any, Final

import openpyxl
import pytest
from httpx2 import Response

from tests.service import judging
from tests.service.conftest import Planned
from tests.service.world import problem_of
from tests.sheets import SHEET, as_csv, column_of, edited, moved, rows_of

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WHY: Final = "The staffs sorted it so."


def sheet_of(plan: Planned, kind: str = "xlsx") -> bytes:
    """Return the sheet of the plan as it is now."""
    answer = plan.world.get(f"{plan.path}/sheet?format={kind}", key=plan.analyst)
    assert answer.status_code == 200, answer.text
    return answer.content


def send(
    plan: Planned, content: bytes, query: str = "", kind: str = XLSX, **more: Any
) -> Response:
    """Send a sheet back."""
    headers = {"Content-Type": kind} | more.pop("headers", {})
    path = f"{plan.path}/sheet{query}"
    more.setdefault("key", plan.analyst)
    return plan.world.call("POST", path, content=content, headers=headers, **more)


def home(plan: Planned, request_id: str) -> str:
    return next(name for name, ids in plan.bins.items() if request_id in ids)


def partition(plan: Planned) -> set[frozenset[str]]:
    return {frozenset(ids) for ids in plan.bins.values()}


def faults(answer: Response) -> list[tuple[Any, Any, str]]:
    said = problem_of(answer)
    assert said["status"] == 422, said
    return [(one.get("row"), one.get("column"), one["code"]) for one in said["errors"]]


def test_the_sheet_says_where_each_request_is_and_in_which_version(
    plan: Planned,
) -> None:
    book = plan.world.get(f"{plan.path}/export?format=xlsx").content
    alone = sheet_of(plan)
    assert rows_of(book) == rows_of(alone)
    found = {row["request_id"]: row for row in rows_of(book)}
    assert {n: row["bin"] for n, row in found.items()} == {
        one: name for name, ids in plan.bins.items() for one in ids
    }
    for row in found.values():
        assert row["was_in"] == row["bin"]
        assert (row["bin_version"], row["plan_version"]) == (1, 1)
        assert row["proposal_id"] == plan.proposal_id
        assert row["bin_state"] == "open"
    assert openpyxl.load_workbook(io.BytesIO(alone)).sheetnames == [SHEET]


@pytest.mark.parametrize("kind", ["workbook", "sheet", "csv", "form"])
def test_what_was_edited_is_priced_then_saved_and_taken_back(
    plan: Planned, kind: str
) -> None:
    world, rows = plan.world, plan.world.rows()
    before, cost = plan.bins, judging.cost(plan.bins.values(), judging.problem())
    javelin = home(plan, "EST-26-2")
    changes = {
        "POL_26_1": javelin,
        "EST_26_1": "Baltic guns",
        "LVA_26_1": "baltic guns",
    }
    book = world.get(f"{plan.path}/export?format=xlsx").content
    content, media, more = moved(book, **changes), XLSX, {}
    if kind == "sheet":
        content = moved(sheet_of(plan), **changes)
    elif kind == "csv":
        sent = rows_of(content)
        content, media = as_csv(sent), "text/csv"
    elif kind == "form":
        mark = "edge"
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; '
            'filename="bins.xlsx"\r\n\r\n'
        )
        content = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
        media = f"multipart/form-data; boundary={mark}"
    priced = send(plan, content, "?dry_run=true", media, **more)
    assert priced.status_code == 200, priced.text
    said = priced.json()
    assert world.rows() == rows
    assert plan.version == said["version"] == 1
    assert said["may_be_saved"] is True
    new = said["named"]["Baltic guns"]
    assert new not in before
    assert said["cost_before"] == cost
    assert said["broken"]
    assert said["best"]["cost"] <= said["cost_after"]
    edits = {one["op"] for one in said["edits"]}
    assert edits == {"split", "move"}
    saved = send(plan, content, f"?reason={WHY}", media, **more)
    assert saved.status_code == 201, saved.text
    now = plan.bins
    assert saved.json()["version"] == plan.version == 2
    assert set(now[new]) == {"EST-26-1", "LVA-26-1"}
    assert now[home(plan, "LTU-26-1")] == ("LTU-26-1",)
    assert set(now[javelin]) == {*before[javelin], "POL-26-1"}
    assert said["cost_after"] == judging.cost(now.values(), judging.problem())
    (listed,) = world.read(f"{plan.path}/edits")["items"]
    assert (listed["reason"], listed["edits"]) == (WHY, said["edits"])
    assert world.records()[-1]["action"] == "proposal.edit"
    undone = world.edit(plan.proposal_id, 2, {"op": "undo"})
    assert undone.status_code == 201
    assert plan.bins == before


def test_bins_merge_and_swap_and_all_edits_agree(plan: Planned) -> None:
    himars, javelin = home(plan, "EST-26-1"), home(plan, "EST-26-2")
    alone = {home(plan, "POL-26-1"), home(plan, "NLD-26-1")}
    swapped = moved(sheet_of(plan), EST_26_1=javelin, EST_26_2=himars)
    assert send(plan, swapped).status_code == 201
    assert "EST-26-2" in plan.bins[himars]
    assert "EST-26-1" in plan.bins[javelin]
    merged = moved(sheet_of(plan), POL_26_1="together", NLD_26_1="together")
    assert send(plan, merged).status_code == 201
    assert frozenset({"POL-26-1", "NLD-26-1"}) in partition(plan)
    assert home(plan, "POL-26-1") in alone


def test_a_sheet_that_changes_nothing_says_so_however_bins_are_called(
    plan: Planned,
) -> None:
    content = moved(sheet_of(plan), POL_26_1="patriots", NLD_26_1=" jets ")
    said = send(plan, content, "?dry_run=true").json()
    assert (said["edits"], said["may_be_saved"]) == ([], False)
    refused = problem_of(send(plan, content))
    assert "changes nothing" in refused["detail"]
    assert plan.version == 1


def test_each_fault_is_beside_its_row_and_nothing_is_stored(plan: Planned) -> None:
    before, version = plan.world.rows(), plan.version
    rows = rows_of(sheet_of(plan))

    def sent(*changed: dict[str, Any]) -> Response:
        return send(plan, as_csv(changed), kind="text/csv")

    def changes(at: int, **cells: Any) -> list[dict[str, Any]]:
        return [row | (cells if at == n else {}) for n, row in enumerate(rows)]

    for given, wanted in (
        (
            changes(0, request_id="EST-26-9"),
            [(None, None, "missing_row"), (2, "request_id", "unknown_request")],
        ),
        (rows[1:], [(None, None, "missing_row")]),
        (
            [*rows, rows[2]],
            [(4, "request_id", "duplicate_id"), (10, "request_id", "duplicate_id")],
        ),
        (changes(1, bin=""), [(3, "bin", "missing_value")]),
        (changes(1, bin="x" * 65), [(3, "bin", "identifier")]),
        (changes(1, bin="a\u202eb"), [(3, "bin", "invisible")]),
        (changes(3, was_in="B999"), [(5, "was_in", "not_as_sent")]),
        (changes(3, plan_version=7), [(5, "plan_version", "not_as_sent")]),
        (changes(3, bin_version="one"), [(5, "bin_version", "whole_number")]),
        (changes(3, proposal_id="another"), [(5, "proposal_id", "not_as_sent")]),
        (
            [row | {"plan_version": 9} for row in rows],
            [(2, "plan_version", "not_as_sent")],
        ),
    ):
        assert faults(sent(*given)) == wanted
    columns = [{n: c for n, c in row.items() if n != "was_in"} for row in rows]
    assert (1, "was_in", "missing_column") in faults(sent(*columns))
    assert faults(send(plan, b"", kind="text/csv"))[0][2] == "empty"
    header = as_csv(rows).splitlines()[0]
    assert faults(send(plan, header, kind="text/csv"))[0][2] == "empty"
    unlisted = sent(*changes(0, request_id="EST-26-9")).json()["errors"]
    assert "nearest: EST-26-" in unlisted[1]["message"]
    assert plan.world.rows() == before
    assert plan.version == version


def test_an_accepted_bin_stays_as_it_is(plan: Planned) -> None:
    himars, alone = home(plan, "EST-26-1"), home(plan, "POL-26-1")
    old = sheet_of(plan)
    plan.world.decide(plan.proposal_id, himars, "accept", 1, key=plan.approver)
    for content in (old, sheet_of(plan)):
        found = faults(send(plan, moved(content, POL_26_1=himars, LVA_26_1=alone)))
        assert {one[1:] for one in found} == {("bin", "accepted_bin")}
        assert len(found) == 2
        other = moved(content, POL_26_1=home(plan, "NLD-26-1"))
        assert send(plan, other, "?dry_run=true").status_code == 200


def test_hostile_workbooks_are_refused_and_extra_sheets_and_filters_are_not(
    plan: Planned,
) -> None:
    good = sheet_of(plan)

    def formula(sheet: Any) -> None:
        sheet.cell(3, column_of(sheet, "bin")).value = "=1+1"

    def elsewhere(sheet: Any) -> None:
        sheet.cell(3, column_of(sheet, "customer_name")).value = '=HYPERLINK("x")'

    for change, column in ((formula, "bin"), (elsewhere, "customer_name")):
        found = faults(send(plan, edited(good, change)))
        assert (3, column, "formula") in found

    def filtered(sheet: Any) -> None:
        sheet.row_dimensions[4].hidden = True
        sheet.column_dimensions["D"].hidden = True
        sheet.parent.create_sheet("Notes")["A1"] = "mine"

    told = send(plan, edited(moved(good, POL_26_1="x"), filtered), "?dry_run=true")
    assert told.status_code == 200
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", b" " * (80 << 20))
    for content, kind, status in (
        (bomb.getvalue(), XLSX, (413, 422)),
        (good[:-200], XLSX, (422,)),
        (b"PK\x03\x04 no", XLSX, (422,)),
        (b"{}", "application/json", (415,)),
    ):
        assert problem_of(send(plan, content, kind=kind))["status"] in status
    assert plan.version == 1


def test_a_sheet_of_an_older_version_is_told_what_it_comes_to(plan: Planned) -> None:
    world, himars = plan.world, home(plan, "EST-26-1")
    old = sheet_of(plan)
    edit = {"op": "take_out", "request_id": "LTU-26-2"}
    assert world.edit(plan.proposal_id, 1, edit).status_code == 201
    mine = moved(old, POL_26_1=himars)
    for query in ("", "?dry_run=true"):
        said = problem_of(send(plan, mine, query))
        assert (said["status"], said["current_version"]) == (412, 2)
        wanted = {"op": "move", "request_id": "POL-26-1", "to_bin": himars}
        assert (said["edits"], said["version"]) == ([wanted], 1)
    rows = rows_of(old)
    wrong = [row | {"was_in": "B002"} if n == 0 else row for n, row in enumerate(rows)]
    assert faults(send(plan, as_csv(wrong), kind="text/csv"))[0][2] == "not_as_sent"
    assert plan.version == 2


def test_a_bin_returned_since_is_said_to_be_another_version(plan: Planned) -> None:
    himars = home(plan, "EST-26-1")
    old = sheet_of(plan)
    plan.world.decide(plan.proposal_id, himars, "return", 1, key=plan.approver)
    said = problem_of(send(plan, moved(old, POL_26_1=himars), "?dry_run=true"))
    assert said["status"] == 412
    assert f"bin {himars} is at version 2" in said["detail"]
    apart = moved(old, POL_26_1="x", NLD_26_1="x")  # touches other bins alone
    assert send(plan, apart, "?dry_run=true").status_code == 200


def test_a_sheet_against_a_ruling_may_not_be_saved(plan: Planned) -> None:
    himars = home(plan, "EST-26-1")
    apart = {"op": "keep_apart", "request_ids": ["POL-26-1", "EST-26-1"]}
    assert plan.world.edit(plan.proposal_id, 1, apart).status_code == 201
    content = moved(sheet_of(plan), POL_26_1=himars)
    said = send(plan, content, "?dry_run=true").json()
    assert said["may_be_saved"] is False
    assert said["contradictions"]
    assert problem_of(send(plan, content))["status"] == 422


def test_a_sheet_sent_twice_with_one_key_is_saved_once(plan: Planned) -> None:
    content = moved(sheet_of(plan), POL_26_1="x", NLD_26_1="x")
    key = {"Idempotency-Key": "one-sheet"}
    first, again = (send(plan, content, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert plan.version == 2


def test_a_sheet_may_be_as_large_as_a_file_of_requests(plan: Planned) -> None:
    settings = plan.world.settings
    rows = rows_of(sheet_of(plan))
    large = as_csv(row | {"note": "x" * 4000} for row in rows * 60)
    assert settings.body_bytes < len(large) < settings.import_bytes
    assert {one[2] for one in faults(send(plan, large, kind="text/csv"))} == {
        "duplicate_id"
    }
    over = b"x" * (settings.import_bytes + (1 << 20))
    assert problem_of(send(plan, over, kind="text/csv"))["status"] == 413
