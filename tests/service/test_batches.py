"""Batches: sent in every format, whole or not at all; the same again is no change."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

from tests.app.intake import builders
from tests.service.world import ABSENT, BALTIC, World, problem_of, row

TYPES = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
MADE = {
    "json": builders.as_json,
    "ndjson": builders.as_ndjson,
    "csv": builders.as_csv,
    "xlsx": builders.as_xlsx,
    "parquet": builders.as_parquet,
}
ROWS = [
    {
        **one,
        "received_on": date.fromisoformat(one["received_on"]),
        "value_usd": Decimal(str(one["value_usd"])),
    }
    for one in (
        row("EST-26-1", remarks="=2*6, as said"),
        row("LVA-26-1", "LVA", value_usd=1_234_567.89),
    )
]


def send(
    world: World, kind: str, rows: Any = ROWS, query: str = "", **more: Any
) -> Any:
    """Send rows as a file of a format."""
    headers = {"Content-Type": TYPES[kind], **more.pop("headers", {})}
    content = MADE[kind](rows)
    return world.call(
        "POST", f"/batches{query}", content=content, headers=headers, **more
    )


def seen(world: World) -> list[Any]:
    """Return every request as it is shown, without what the store adds."""
    added = {"uid", "version", "state", "created_at", "changed_at", "defaulted"}
    items = world.read("/requests")["items"]
    shown = [{k: v for k, v in one.items() if k not in added} for one in items]
    return sorted(shown, key=lambda one: one["request_id"])


def test_one_batch_in_five_formats_is_stored_as_one_and_the_same(world: World) -> None:
    first = send(world, "json")
    assert first.status_code == 201
    said = first.json()
    assert first.headers["location"] == f"/v1/batches/{said['batch_id']}"
    assert (said["requests"], said["stored"], said["unchanged"]) == (2, 2, 0)
    stored = seen(world)
    assert [one["value_usd"] for one in stored] == [1_500_000, 1_234_567.89]
    assert stored[0]["remarks"] == "=2*6, as said"
    for kind in ("ndjson", "csv", "xlsx", "parquet"):
        again = send(world, kind)
        assert again.status_code == 200, again.text
        said = again.json()
        assert (said["stored"], said["unchanged"], said["refused"]) == (0, 2, 0)
        batch = world.read(f"/batches/{said['batch_id']}")
        assert batch["format"].lower() == kind
    assert seen(world) == stored
    assert {one["version"] for one in world.read("/requests")["items"]} == {1}


def test_a_list_in_an_object_and_a_form_are_read_too(world: World) -> None:
    assert world.post("/batches", {"requests": [row("EST-26-1")]}).status_code == 201
    form = {"file": ("../../etc/passwd", builders.as_csv(ROWS), "text/csv")}
    sent = world.call("POST", "/batches", files=form)
    assert sent.status_code == 409  # EST-26-1 has other remarks
    form = {"file": ("../../etc/passwd", builders.as_csv(ROWS[1:]), "text/csv")}
    sent = world.call("POST", "/batches", files=form)
    assert sent.status_code == 201
    batch = world.read(f"/batches/{sent.json()['batch_id']}")
    assert batch["label"] == "../../etc/passwd"  # a label, and never a path
    assert batch["format"] == "CSV"


def test_a_dry_run_says_what_would_be_and_stores_nothing(world: World) -> None:
    before = world.rows()
    said = world.post("/batches?dry_run=true", [*BALTIC])
    assert said.status_code == 200
    assert said.json()["stored"] == len(BALTIC)
    assert said.json()["batch_id"] is None
    assert "location" not in said.headers
    assert world.rows() == before
    assert not world.records(action="batch.send")


def test_extra_columns_are_kept_only_when_asked_for(world: World) -> None:
    rows = [{**ROWS[0], "case_officer": "Tamm"}]
    refused = problem_of(send(world, "csv", rows))
    assert "case_officer" in refused["errors"][0]["message"]
    kept = send(world, "csv", rows, "?extra_columns=keep")
    assert kept.status_code == 201
    assert kept.json()["extra_columns"] == ["case_officer"]
    assert seen(world)[0]["extra"] == {"case_officer": "Tamm"}


def test_the_codes_of_the_batch_decide_what_de_means(world: World) -> None:
    refused = problem_of(world.post("/batches", [row("A-1", "DE")]))
    message = refused["errors"][0]["message"]
    assert "Denmark" in message
    assert "Germany" in message
    for codes, customer in (("iso", "DEU"), ("samm", "DNK")):
        sent = world.post(f"/batches?customer_codes={codes}", [row("A-1", "DE")])
        assert sent.status_code == 201
        assert sent.json()["stored"] == 1
        assert world.read(f"/requests?customer={customer}")["items"]


def test_good_rows_of_a_faulty_file_are_stored_on_request_only(world: World) -> None:
    rows = [*BALTIC[:5]]
    rows[2] = {**rows[2], "received_on": "2026-02-30"}
    before = world.rows()
    refused = problem_of(world.send(rows))
    assert refused["status"] == 422
    assert (refused["bad_rows"], refused["good_rows"]) == (1, 4)
    assert [one["row"] for one in refused["errors"]] == [3]
    assert world.rows() == before
    kept = world.post("/batches?on_error=skip", rows)
    assert kept.status_code == 201
    said = kept.json()
    assert (said["stored"], said["refused"]) == (4, 1)
    (error,) = said["errors"]
    assert (error["row"], error["column"]) == (3, "received_on")
    assert error["message"] == refused["errors"][0]["message"]


def test_other_content_under_a_stored_id_is_a_conflict_and_nothing_is_stored(
    world: World,
) -> None:
    world.stored(BALTIC[:2])
    before = world.rows()
    changed = [{**BALTIC[0], "quantity": 7}, BALTIC[2]]
    refused = problem_of(world.send(changed))
    assert refused["status"] == 409
    assert [one["value"] for one in refused["errors"]] == [BALTIC[0]["request_id"]]
    assert world.rows() == before
    assert world.records()[-1]["result"] == "refused: 409 conflict"


def test_an_id_of_another_customer_is_no_conflict(world: World) -> None:
    lva, est = world.key("submitter", ["LVA"]), world.key("submitter", ["EST"])
    assert world.send([row("SAME-1", "LVA")], key=lva).status_code == 201
    said = world.send([row("SAME-1", "EST", value_usd=5)], key=est)
    assert said.status_code == 201
    assert said.json()["stored"] == 1
    assert len(world.read("/requests?request_id=SAME-1")["items"]) == 2


def test_a_submitter_sends_for_its_own_customer_only(world: World) -> None:
    key = world.key("submitter", ["EST"])
    before = world.rows()
    refused = problem_of(world.send([row("EST-26-1"), row("POL-26-1", "POL")], key=key))
    assert refused["status"] in (403, 422)
    assert [one["value"] for one in refused["errors"]] == ["POL"]
    assert world.rows() == before
    dry = world.post("/batches?dry_run=true", [row("POL-26-1", "POL")], key=key)
    assert problem_of(dry)["status"] in (403, 422)
    assert world.send([row("EST-26-1")], key=key).status_code == 201


def test_what_a_submitter_is_told_does_not_depend_on_what_others_stored(
    world: World,
) -> None:
    key = world.key("submitter", ["EST"])
    asked = [row("POL-26-1", "POL", quantity=3)]
    unstored = world.send(asked, key=key)
    world.stored([row("POL-26-1", "POL")])
    stored = world.send(asked, key=key)
    assert unstored.status_code == stored.status_code
    assert unstored.content == stored.content


def test_pages_of_batches_and_of_their_requests_hold_each_once(world: World) -> None:
    ids = [world.stored([one]) for one in BALTIC[:5]]
    whole = world.stored(BALTIC[5:])
    found: list[str] = []
    path = "/batches?limit=2"
    while path:
        said = world.read(path)
        found += [one["batch_id"] for one in said["items"]]
        assert len(said["items"]) <= 2
        path = f"/batches?limit=2&cursor={said['next']}" if said["next"] else ""
    assert found == [whole, *reversed(ids)]
    first = world.read(f"/batches/{whole}/requests?limit=2")
    rest = world.read(f"/batches/{whole}/requests?limit=2&cursor={first['next']}")
    named = [one["request_id"] for one in (*first["items"], *rest["items"])]
    assert named == [one["request_id"] for one in BALTIC[5:]]  # in the order they came
    assert rest["next"] is None


def test_a_cursor_that_no_page_gave_is_refused(world: World) -> None:
    for cursor in ("x", "bm90IGpzb24", "WzFd", "WyJhIiwiYiIsImMiXQ", "%F0", "WzEsMl0"):
        assert problem_of(world.get(f"/batches?cursor={cursor}"))["status"] == 422


def test_a_batch_that_is_not_there_is_not_found(world: World) -> None:
    for path in (f"/batches/{ABSENT}", f"/batches/{ABSENT}/requests"):
        assert problem_of(world.get(path))["status"] == 404


def test_the_same_key_answers_as_the_first_time_and_other_rows_are_refused(
    world: World,
) -> None:
    headers = {"Idempotency-Key": "feed-1"}
    first = send(world, "csv", headers=headers)
    rows = world.rows()
    again = send(world, "csv", headers=headers)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    longer = [*ROWS, {**ROWS[0], "request_id": "EST-26-9"}]
    assert problem_of(send(world, "csv", longer, headers=headers))["status"] in (
        409,
        422,
    )
    assert world.rows() == rows


def test_what_is_shown_is_what_was_sent(world: World) -> None:
    full = row(
        "EST-26-1",
        configuration="M142",
        quantity=6,
        lines=3,
        mde_value_usd=1_000_000.25,
        needed_by="2027-03-01",
        priority="urgent",
        implementing_agency="air_force",
        region="Nordic",
        force="eFP",
        technology_review=False,
        end_use_monitoring=True,
        document="P&A",
        keep_apart_from="TUR;GRC",
        remarks="<script>alert(1)</script>",
    )
    world.stored([full])
    (shown,) = seen(world)
    assert {**full, "keep_apart_from": shown["keep_apart_from"], "extra": {}} == shown
    assert sorted(shown["keep_apart_from"]) == ["GRC", "TUR"]
    text = world.get("/requests").text
    assert json.loads(text)["items"][0]["remarks"] == full["remarks"]
