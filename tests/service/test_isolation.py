"""Nothing of one customer reaches another (P7): every route, every role, every id."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from app.jobs.desk import Desk
from app.server.main import OPEN, described, permission_of, routes_of
from tests.service import mutants
from tests.service.conftest import Planned
from tests.service.world import ABSENT, AS_OF, BALTIC, World, problem_of, row

READERS: Final = "analyst approver auditor"
ROLES: Final = ("submitter", "batch", "analyst", "approver", "auditor", "admin")

MAY: Final = {
    "POST /v1/batches": "submitter batch analyst",
    "GET /v1/batches": f"submitter batch {READERS}",
    "GET /v1/batches/{batch_id}": f"submitter batch {READERS}",
    "GET /v1/batches/{batch_id}/requests": f"submitter batch {READERS}",
    "GET /v1/requests": f"submitter batch {READERS}",
    "GET /v1/requests/{uid}": f"submitter batch {READERS}",
    "PUT /v1/requests/{uid}": "submitter batch analyst",
    "DELETE /v1/requests/{uid}": "submitter batch analyst",
    "POST /v1/proposals": "batch analyst",
    "GET /v1/proposals": f"batch {READERS}",
    "GET /v1/proposals/{proposal_id}": f"batch {READERS}",
    "GET /v1/proposals/{proposal_id}/events": f"batch {READERS}",
    "DELETE /v1/proposals/{proposal_id}/run": "batch analyst",
    "POST /v1/proposals/{proposal_id}/resolve": "batch analyst",
    "GET /v1/proposals/{proposal_id}/why": f"batch {READERS}",
    "GET /v1/proposals/{proposal_id}/export": f"batch {READERS}",
    "GET /v1/proposals/{proposal_id}/sheet": f"batch {READERS}",
    "POST /v1/proposals/{proposal_id}/sheet": "analyst",
    "GET /v1/proposals/{proposal_id}/bins": f"batch {READERS}",
    "GET /v1/proposals/{proposal_id}/bins/{bin_id}": f"batch {READERS}",
    "GET /v1/proposals/{proposal_id}/bins/{bin_id}/alternatives": f"batch {READERS}",
    "GET /v1/proposals/{proposal_id}/bins/{bin_id}/memo": f"batch {READERS}",
    "POST /v1/proposals/{proposal_id}/preview": "analyst",
    "POST /v1/proposals/{proposal_id}/edits": "analyst",
    "GET /v1/proposals/{proposal_id}/edits": f"batch {READERS}",
    "POST /v1/proposals/{proposal_id}/bins/{bin_id}/decisions": "approver",
    "GET /v1/proposals/{proposal_id}/decisions": f"batch {READERS}",
    "POST /v1/proposals/{proposal_id}/decisions": "approver",
    "POST /v1/proposals/{proposal_id}/bins/{bin_id}/releases": "approver",
    "GET /v1/reviews": READERS,
    "GET /v1/policies": f"batch {READERS} admin",
    "GET /v1/policies/{name}": f"batch {READERS} admin",
    "PUT /v1/policies/{name}": "admin",
    "POST /v1/keys": "admin",
    "GET /v1/keys": "admin auditor",
    "DELETE /v1/keys/{key_id}": "admin",
    "GET /v1/accounts": "admin auditor",
    "POST /v1/accounts": "admin",
    "DELETE /v1/accounts/{account_id}": "admin",
    "PUT /v1/accounts/{account_id}/role": "admin",
    "GET /v1/grants": "admin auditor",
    "POST /v1/grants/{grant_id}/confirm": "admin",
    "POST /v1/grants/{grant_id}/refuse": "admin",
    "GET /v1/audit": "auditor",
    "GET /v1/audit/{seq}": "auditor",
    "GET /v1/audit/verify": "auditor",
    "GET /metrics": "admin auditor",
    "GET /healthz": "",
    "GET /readyz": "",
}
"""Which roles may make a call; of the open calls, none is asked for."""

BODIES: Final[dict[str, Any]] = {
    "POST /v1/batches": [BALTIC[0]],
    "POST /v1/proposals": {"all_open": True, "policy": "by-country", "as_of": AS_OF},
    "POST /v1/proposals/{proposal_id}/resolve": {},
    "POST /v1/proposals/{proposal_id}/preview": {
        "edits": [{"op": "take_out", "request_id": "EST-26-1"}]
    },
    "POST /v1/proposals/{proposal_id}/edits": {
        "edits": [{"op": "take_out", "request_id": "EST-26-1"}]
    },
    "POST /v1/proposals/{proposal_id}/bins/{bin_id}/decisions": {"decision": "accept"},
    "POST /v1/proposals/{proposal_id}/decisions": {
        "decision": "accept",
        "bins": [{"bin_id": "B001", "version": 1}],
    },
    "POST /v1/proposals/{proposal_id}/bins/{bin_id}/releases": {"level": 1},
    "PUT /v1/policies/{name}": {"name": "mine"},
    "POST /v1/keys": {"name": "another", "role": "auditor"},
    "PUT /v1/accounts/{account_id}/role": {"role": "analyst"},
    "POST /v1/accounts": {
        "name": "A. Auditor",
        "role": "auditor",
        "issuer": "https://login.example.org",
        "subject": "one",
    },
}

QUERIES: Final = {
    "GET /v1/proposals/{proposal_id}/why": "?r=EST-26-1&s=LVA-26-1",
}


@dataclass(frozen=True, slots=True)
class Ids:
    """What goes into the addresses of calls."""

    batch_id: str = ABSENT
    uid: str = ABSENT
    proposal_id: str = ABSENT
    bin_id: str = "B001"
    name: str = "nato-all"
    key_id: str = "0" * 12
    account_id: str = ABSENT
    grant_id: str = ABSENT
    seq: str = "1"
    customer: str = "EST"

    def call(self, world: World, route: str, key: str, **more: Any) -> Any:
        """Make a call of a route, with a body that it takes."""
        method, template = route.split(" ", 1)
        path = re.sub(r"\{(\w+)\}", lambda found: getattr(self, found[1]), template)
        body = BODIES.get(route)
        if route.startswith("PUT /v1/requests"):
            body = {**BALTIC[0], "customer": self.customer}
        if route == "POST /v1/proposals/{proposal_id}/sheet":
            more["headers"] = {"Content-Type": "text/csv", **more.get("headers", {})}
            more["content"] = b"request_id,bin\nEST-26-1,B001\n"
        prefix = path.removeprefix("/v1") if path.startswith("/v1") else f"/..{path}"
        return world.call(
            method,
            prefix + QUERIES.get(route, ""),
            json=body,
            version=1,
            key=key,
            **more,
        )


def own_ids(plan: Planned) -> Ids:
    """Return the ids of what the plan's analyst sent and ran."""
    world = plan.world
    return Ids(
        batch_id=world.read("/batches")["items"][0]["batch_id"],
        uid=world.uids()["EST-26-1"],
        proposal_id=plan.proposal_id,
        bin_id=plan.combined[0],
    )


def test_every_route_of_the_description_has_a_case_here(shared: World) -> None:
    document = described(shared.built.api)
    routes = {
        f"{method.upper()} {path}"
        for path, calls in document["paths"].items()
        for method in calls
    }
    assert routes - {"GET /v1/openapi.json"} == set(MAY)


def test_every_route_names_the_permission_it_needs(shared: World) -> None:
    named = 0
    for route in routes_of(shared.built.api):
        if route.path.startswith("/v1") or route.path == "/metrics":
            assert (permission_of(route) is not None) != (route.path in OPEN)
            named += 1
    assert named > len(MAY)


def test_a_role_may_what_is_said_of_it_and_nothing_more(plan: Planned) -> None:
    world, ids = plan.world, own_ids(plan)
    keys = {
        role: world.key(role, ["EST"] if role in ("submitter", "batch") else None)
        for role in ROLES
    }
    for route, may in MAY.items():
        if not may:
            continue
        for role, key in keys.items():
            if role in may.split():
                continue
            before = world.rows()
            answer = ids.call(world, route, key)
            said = problem_of(answer)
            assert said["status"] in (403, 404), (route, role, said)
            assert said["type"] == "/problems/not-allowed", (route, role, said)
            assert world.rows() == before, (route, role)
    for route, may in MAY.items():  # some of these change what is there: they are last
        for role in may.split():
            answer = ids.call(world, route, keys[role])
            assert answer.status_code not in (401, 403, 405), (route, role)
            assert answer.status_code < 500, (route, role, answer.text)


def test_without_a_good_key_nothing_is_told_whatever_is_wrong_with_it(
    plan: Planned,
) -> None:
    world, ids = plan.world, own_ids(plan)
    revoked = world.key("analyst")
    key_id = revoked.split("_")[1]
    assert world.call("DELETE", f"/keys/{key_id}").status_code == 200
    wrong = world.first[:-1] + ("A" if world.first[-1] != "A" else "B")
    bad = ("", "x", "fms_x_y", revoked, wrong, f"fms_{key_id}_", "a" * 3000, "é")
    texts = set()
    for route, may in MAY.items():
        for key in bad if route == "GET /v1/batches" else ("", revoked):
            headers = {"Authorization": f"Bearer {key}".encode()} if key else {}
            answer = ids.call(world, route, "", headers=headers)
            if not may:
                assert answer.status_code == 200
                continue
            assert answer.status_code == 401, (route, key)
            assert answer.headers["www-authenticate"] == "Bearer"
            texts.add(answer.text)
    assert len(texts) == 1


def test_what_is_anothers_answers_exactly_like_what_never_was(plan: Planned) -> None:
    check_foreign_is_absent(plan)


def check_foreign_is_absent(plan: Planned) -> None:
    """Compare the answers for ids of others with those for ids of nothing."""
    world = plan.world
    for role, customers in (
        ("submitter", ["POL"]),
        ("batch", ["EST", "LVA"]),
        ("batch", None),
        ("analyst", ["POL"]),
        ("approver", ["POL"]),
    ):
        key = world.key(role, customers)
        customer = (customers or ["EST"])[0]
        foreign = replace(own_ids(plan), customer=customer)
        absent = Ids(bin_id="B999", customer=customer)
        for route, may in MAY.items():
            if role not in may.split() or "{" not in route or "policies" in route:
                continue
            there = foreign.call(world, route, key)
            never = absent.call(world, route, key)
            assert there.status_code == never.status_code == 404, (route, role)
            assert there.content == never.content, (route, role)
            assert masked_headers(there) == masked_headers(never), (route, role)
        for path in ("/batches", "/requests", "/proposals"):
            if path != "/proposals" or role != "submitter":
                listed = world.read(path, key=key)
                mine = [one for one in listed["items"] if one.get("customer") == "POL"]
                assert listed["items"] == (mine if path == "/requests" else [])
                assert role != "batch" or not mine
        if role == "approver":
            assert world.read("/reviews", key=key) == {"items": []}


# Two worlds that are equal for one customer ------------------------------------------

_MASKS: Final = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"proposal-[0-9a-f]{8}([.-])"), r"proposal-<id>\1"),
    (re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{6})?Z"), "<time>"),
    (re.compile(r'"next": ?"[^"]+"'), '"next":"<cursor>"'),
    (re.compile(r'"(solve_seconds|elapsed_s)": ?[0-9.]+'), '"<seconds>"'),
)


def masked(text: str) -> str:
    """Return a text without the random ids and the times in it."""
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    if text.startswith('{"items":'):  # those of one moment are in no order of theirs
        said = json.loads(text)
        said["items"].sort(key=str)
        return json.dumps(said)
    return text


def masked_headers(answer: Any) -> dict[str, str]:
    """Return the headers of an answer without ids."""
    apart = {"x-request-id", "content-length"}
    return {
        name: masked(value)
        for name, value in answer.headers.items()
        if name.lower() not in apart
    }


OWN: Final = (BALTIC[0], BALTIC[3], row("EST-26-3", system="Patriot"))


def rows_of_others(draw: Random) -> list[Any]:
    """Return requests of other customers, some of them called as ours are."""
    systems = ("HIMARS", "Javelin", "Patriot", "F-35")
    return [
        row(
            draw.choice((OWN[0]["request_id"], f"X-{number}")),
            draw.choice(("LVA", "LTU", "POL", "NLD")),
            system=draw.choice(systems),
            value_usd=draw.randint(1, 10**9),
            received_on=f"2026-01-{draw.randint(1, 28):02}",
            remarks=f"secret {draw.random()}",
        )
        for number in range(draw.randint(1, 7))
    ]


def everything_seen(world: World, seed: int) -> dict[str, tuple[int, Any, str]]:
    """Return every answer that Estonia's keys get, in a world that others fill.

    What Estonia does, and what is decided of its requests, is the same in each.
    """
    draw = Random(seed)
    analyst, approver = world.key("analyst"), world.key("approver")
    submitter = world.key("submitter", ["EST"])
    program = world.key("batch", ["EST"])
    limited = {role: world.key(role, ["EST"]) for role in ("analyst", "approver")}
    others = {(one["customer"], one["request_id"]): one for one in rows_of_others(draw)}
    for one in [*others.values()][: len(others) // 2]:
        world.stored([one], key=analyst)
    world.stored(OWN[:2], key=submitter)
    world.stored(OWN[2:], key=program)
    for one in [*others.values()][len(others) // 2 :]:
        world.stored([one], key=analyst)
    proposal = world.propose(key=analyst)
    label = next(
        name
        for one in proposal["bins"]
        for name in one["request_ids"]
        if name in (OWN[0]["request_id"], f"EST/{OWN[0]['request_id']}")
    )
    for one in proposal["bins"]:
        own = label in one["request_ids"]
        decision = "return" if own else draw.choice(("accept", "reject", None))
        if decision and (own or not {"EST-26-2", "EST-26-3"} & {*one["request_ids"]}):
            said = {"reason": f"secret {draw.random()}"}
            if own:
                said["releasable_reason"] = "Ask again in spring."
            answer = world.decide(
                proposal["proposal_id"],
                one["bin_id"],
                decision,
                1,
                said=said,
                key=approver,
            )
            assert answer.status_code == 201, answer.text
    withdraw(world, [*others], key=analyst)
    found: dict[str, tuple[int, Any, str]] = {}

    def see(name: str, answer: Any) -> Any:
        found[name] = answer.status_code, masked_headers(answer), masked(answer.text)
        return answer

    for who, key in (
        ("submitter", submitter),
        ("program", program),
        *((f"{role} of Estonia", key) for role, key in limited.items()),
    ):
        for path in (
            "/batches",
            "/batches?limit=1",
            "/requests",
            "/requests?customer=LVA",
            "/requests?request_id=X-1",
            "/requests?system=HIMARS",
            "/requests?state=withdrawn",
            "/proposals",
            "/policies",
            "/audit",
            "/keys",
            "/reviews",
            f"/proposals/{proposal['proposal_id']}",
            f"/proposals/{proposal['proposal_id']}/bins",
        ):
            name = path.replace(proposal["proposal_id"], "<id>")
            see(f"{who} {name}", world.get(path, key=key))
        for one in world.read("/requests", key=key)["items"]:
            see(
                f"{who} request {one['request_id']}",
                world.get(f"/requests/{one['uid']}", key=key),
            )
        for number, one in enumerate(world.read("/batches", key=key)["items"]):
            for tail in ("", "/requests"):
                path = f"/batches/{one['batch_id']}{tail}"
                see(f"{who} batch {number}{tail}", world.get(path, key=key))
        for name, rows in (
            ("again", OWN[:1]),
            ("conflict", [{**OWN[0], "quantity": 7}]),
            ("foreign", [row("X-1", "LVA")]),
            ("foreign own id", [{**OWN[0], "customer": "LVA"}]),
        ):
            for query in ("", "?dry_run=true"):
                sent = world.post(f"/batches{query}", rows, key=key)
                see(f"{who} sends {name}{query}", sent)
    wanted = {"all_open": True, "policy": "nato-all", "as_of": AS_OF}
    headers = {"Prefer": "wait=60"}
    mine = see(
        "proposal", world.post("/proposals", wanted, headers=headers, key=program)
    )
    path = f"/proposals/{mine.json()['proposal_id']}"
    for who, key in (("program", program), *limited.items()):
        for tail in (
            "",
            "/bins",
            "/decisions",
            "/edits",
            "/export?format=csv",
            "/export?format=ocds",
            "/sheet?format=csv",
        ):
            see(f"{who} proposal {tail}", world.get(f"{path}{tail}", key=key))
        see(f"{who} proposals", world.get("/proposals", key=key))
    return found


def withdraw(world: World, keys: Sequence[tuple[str, str]], *, key: str) -> None:
    """Withdraw requests, so that decided bins which hold one come up again."""
    for one in world.read("/requests?limit=1000", key=key)["items"]:
        if (one["customer"], one["request_id"]) in keys:
            gone = world.call("DELETE", f"/requests/{one['uid']}", version=1, key=key)
            assert gone.status_code == 200, gone.text


type Worlds = Callable[[], AbstractContextManager[World]]
_numbers = count(1)


@pytest.fixture
def worlds(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, desk: Desk
) -> Worlds:
    """Return what makes services on fresh databases."""
    import shutil

    @contextmanager
    def world() -> Iterator[World]:
        number = next(_numbers)
        if kind == "sqlite":
            path = tmp_path / f"{number}.db"
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
            with World(f"sqlite:///{path}", tmp_path, desk) as made:
                yield made
            return
        server = request.getfixturevalue("postgres")
        name = f"isolated_{number}"
        address = server.create(name, template="allybin_migrated")
        with World(address, tmp_path, desk) as made:
            yield made
        server.drop(name)

    return world


def check_worlds_look_equal(worlds: Worlds, seeds: range) -> None:
    """Compare what a customer sees in worlds that differ for others alone."""
    first: dict[str, Any] | None = None
    for seed in seeds:
        with worlds() as world:
            seen = everything_seen(world, seed)
        text = json.dumps(list(seen.values()))
        assert "secret" not in text
        first = first or seen
        assert seen.keys() == first.keys()
        for name, answer in seen.items():
            assert answer == first[name], (seed, name)


def test_what_a_customer_sees_does_not_depend_on_others(
    worlds: Worlds, kind: str, request: pytest.FixtureRequest
) -> None:
    short = 6 if kind == "sqlite" else 3
    many = request.config.getoption("--worlds") or short
    check_worlds_look_equal(worlds, range(many))


@pytest.mark.parametrize(
    "taken", mutants.filters(), ids=lambda one: f"{one[0].__name__}.{one[1]}"
)
def test_a_scope_filter_that_is_gone_is_noticed(
    taken: mutants.Filter, worlds: Worlds, kind: str
) -> None:
    if kind != "sqlite":
        pytest.skip("the filters are the same on both databases")
    with mutants.without(taken):
        assert mutants.noticed(lambda: check_worlds_look_equal(worlds, range(3)))


def test_the_database_alone_keeps_customers_apart(worlds: Worlds, kind: str) -> None:
    if kind == "sqlite":
        pytest.skip("SQLite has no row-level security")
    with ExitStack() as gone:
        for taken in mutants.filters():
            gone.enter_context(mutants.without(taken))
        check_worlds_look_equal(worlds, range(2))
