"""Requests: listed by pages, changed and withdrawn by version, reviews they raise."""

import json
from typing import Any, Final

import pytest

from tests.service.conftest import Planned
from tests.service.world import ABSENT, BALTIC, World, problem_of, row


@pytest.fixture
def stored(world: World) -> World:
    """Return a service that holds the Baltic requests."""
    world.stored()
    return world


def put(world: World, uid: str, body: Any, version: int | None = 1, **more: Any) -> Any:
    """Put another content in a request's place."""
    return world.call("PUT", f"/requests/{uid}", json=body, version=version, **more)


def withdraw(world: World, uid: str, version: int | None = 1, **more: Any) -> Any:
    """Withdraw a request."""
    return world.call("DELETE", f"/requests/{uid}", version=version, **more)


def test_pages_hold_each_request_once_whatever_their_length(stored: World) -> None:
    whole = [one["uid"] for one in stored.read("/requests?limit=1000")["items"]]
    assert len(whole) == len(BALTIC)
    for limit in (1, 3, len(BALTIC), len(BALTIC) + 1):
        found: list[str] = []
        cursor = ""
        while cursor is not None:
            said = stored.read(f"/requests?limit={limit}{cursor}")
            found += [one["uid"] for one in said["items"]]
            cursor = f"&cursor={said['next']}" if said["next"] else None
        assert found == whole


def test_a_page_stands_still_while_requests_are_added(stored: World) -> None:
    first = stored.read("/requests?limit=4")
    stored.stored([row("EST-26-99")])
    rest = stored.read(f"/requests?limit=1000&cursor={first['next']}")
    uids = [one["uid"] for one in (*first["items"], *rest["items"])]
    assert len(set(uids)) == len(uids) == len(BALTIC) + 1


FILTERS: Final = {
    "customer=EST": {"EST-26-1", "EST-26-2"},
    "system=Patriot": {"POL-26-1"},
    "region=Baltic&system=HIMARS": {"EST-26-1", "LVA-26-1", "LTU-26-1"},
    "request_id=NLD-26-1": {"NLD-26-1"},
    "state=withdrawn": set(),
    "customer=FRA": set(),
}


def test_filters_keep_what_they_name(stored: World) -> None:
    for query, wanted in FILTERS.items():
        items = stored.read(f"/requests?{query}")["items"]
        assert {one["request_id"] for one in items} == wanted, query


def test_a_changed_request_has_a_new_version_and_keeps_the_old(stored: World) -> None:
    uid = stored.uids()["EST-26-1"]
    got = stored.get(f"/requests/{uid}")
    assert got.headers["etag"] == '"1"'
    changed = put(stored, uid, {**BALTIC[0], "quantity": 12})
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] == '"2"'
    assert changed.json()["quantity"] == 12
    now = stored.get(f"/requests/{uid}")
    assert (now.headers["etag"], now.json()["quantity"]) == ('"2"', 12)
    assert {**now.json(), **changed.json()} == now.json()
    assert stored.rows()["request_versions"] == len(BALTIC) + 1
    (record,) = stored.records(action="request.change")
    assert (record["version_before"], record["version_after"]) == (1, 2)
    assert record["before"]["sha256"] != record["after"]["sha256"]


def test_the_same_content_is_no_new_version(stored: World) -> None:
    uid = stored.uids()["EST-26-1"]
    before = stored.rows()
    same = put(stored, uid, BALTIC[0])
    assert (same.status_code, same.headers["etag"]) == (200, '"1"')
    assert stored.rows() == before


def test_a_change_names_the_version_it_was_made_on(stored: World) -> None:
    uid = stored.uids()["EST-26-1"]
    body = {**BALTIC[0], "quantity": 12}
    before = stored.rows()
    assert problem_of(put(stored, uid, body, None))["status"] == 428
    for version in (0, 2):
        late = problem_of(put(stored, uid, body, version))
        assert (late["status"], late["current_version"]) == (412, 1)
    for tag in ("1", 'W/"1"', '"x"', "*", '"1", "2"', '"١"'):
        bad = put(stored, uid, body, None, headers={"If-Match": tag.encode()})
        assert problem_of(bad)["status"] in (412, 422), tag
    assert problem_of(withdraw(stored, uid, None))["status"] == 428
    assert problem_of(withdraw(stored, uid, 7))["status"] == 412
    assert stored.rows() == before


BAD_BODIES: Final = (
    {**BALTIC[0], "request_id": "EST-26-9"},
    {**BALTIC[0], "customer": "LVA"},
    {**BALTIC[0], "received_on": "2026-02-30"},
    {**BALTIC[0], "status": "done"},
    {},
    [BALTIC[0]],
    [BALTIC[0], BALTIC[1]],
    [],
    None,
)
BAD_BYTES: Final = (
    b"",
    b"{},{}",
    b"{}]",
    b"\xff",
    b'{"request_id": "EST-26-1"}, {',
    b",".join(json.dumps(one).encode() for one in BALTIC[:2]),
    b"[]",
)


def test_a_bad_change_leaves_the_request_as_it_is(stored: World) -> None:
    uid = stored.uids()["EST-26-1"]
    before = stored.rows()
    headers = {"Content-Type": "application/json"}
    for content in (*(json.dumps(one).encode() for one in BAD_BODIES), *BAD_BYTES):
        refused = put(stored, uid, None, content=content, headers=headers)
        assert problem_of(refused)["status"] in (400, 415, 422), content
    typed = put(stored, uid, None, content=b"{}", headers={"Content-Type": "text/csv"})
    assert problem_of(typed)["status"] == 415
    assert stored.rows() == before


def test_a_withdrawn_request_is_kept_and_takes_no_more_changes(stored: World) -> None:
    uid = stored.uids()["EST-26-1"]
    gone = withdraw(stored, uid)
    assert (gone.status_code, gone.headers["etag"]) == (200, '"2"')
    assert stored.read(f"/requests/{uid}")["state"] == "withdrawn"
    assert [
        one["uid"] for one in stored.read("/requests?state=withdrawn")["items"]
    ] == [uid]
    assert problem_of(withdraw(stored, uid, 2))["status"] == 409
    assert problem_of(put(stored, uid, BALTIC[0], 2))["status"] == 409
    assert problem_of(stored.send(BALTIC[:1]))["status"] == 409
    proposal = stored.propose(policy="by-country")
    assert proposal["requests"] == len(BALTIC) - 1


def test_a_request_that_is_not_there_is_not_found(stored: World) -> None:
    assert problem_of(stored.get(f"/requests/{ABSENT}"))["status"] == 404
    assert problem_of(put(stored, ABSENT, BALTIC[0]))["status"] == 404
    assert problem_of(withdraw(stored, ABSENT))["status"] == 404
    for path in ("/requests/..%2f..%2fetc", "/requests/x", "/requests/%00"):
        assert problem_of(stored.get(path))["status"] in (404, 422)


@pytest.mark.parametrize(
    ("cause", "decision"),
    [("changed", "accept"), ("withdrawn", "accept"), ("withdrawn", "reject")],
)
def test_a_decided_bin_comes_up_again_when_one_of_its_requests_changes(
    plan: Planned, cause: str, decision: str
) -> None:
    world = plan.world
    first, second = plan.combined
    decided = world.decide(plan.proposal_id, first, decision, 1, key=plan.approver)
    assert decided.status_code == 201, decided.text
    uids = world.uids()
    touched = plan.bins[first][0]
    sent = next(one for one in BALTIC if one["request_id"] == touched)
    for request_id in (touched, plan.bins[second][0]):  # the second bin is open
        found = next(one for one in BALTIC if one["request_id"] == request_id)
        if cause == "changed":
            body = {**found, "quantity": 99}
            assert put(world, uids[request_id], body).status_code == 200
        else:
            assert withdraw(world, uids[request_id]).status_code == 200
    (review,) = world.read("/reviews")["items"]
    assert review["bin_id"] == first
    assert (review["request_id"], review["cause"]) == (touched, cause)
    assert review["customer"] == sent["customer"]
    shown = world.read(f"{plan.path}/bins/{first}")
    assert [one["request_id"] for one in shown["look_again"]] == [touched]
    again = world.decide(plan.proposal_id, first, "return", 2, key=plan.approver)
    assert again.status_code == 201, again.text
    assert world.read("/reviews")["items"] == []
    assert world.read(f"{plan.path}/bins/{first}")["look_again"] == []


def test_requests_of_one_moment_are_listed_in_the_order_of_their_ids(
    world: World,
) -> None:
    names = [f"EST-26-{number:03}" for number in range(60)]
    world.stored([row(name) for name in reversed(names)])
    world.stored([row("EST-25-1")])
    found: list[str] = []
    cursor: str | None = None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = world.read("/requests", params={"limit": 7, **more})
        found += [one["request_id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == [*names, "EST-25-1"]
