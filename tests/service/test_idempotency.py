"""A call that is sent again acts once (P5): each first answer stands, word for word."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from tests.service.conftest import Planned
from tests.service.world import AS_OF, BALTIC, World, problem_of, row

THREADS: Final = 8


@dataclass(frozen=True, slots=True)
class Sent:
    """A call with its key, to be sent any number of times."""

    key: str
    path: str
    body: Any
    version: int | None = None

    def send(self, world: World) -> tuple[int, bytes, str | None]:
        """Return status, body and address of the answer; wait while it is at work."""
        while True:
            answer = world.call(
                "POST",
                self.path,
                content=json.dumps(self.body).encode(),
                headers={
                    "Content-Type": "application/json",
                    "Idempotency-Key": self.key,
                },
                version=self.version,
            )
            busy = answer.status_code == 409 and "still being" in answer.text
            if not busy:
                location = answer.headers.get("location")
                return answer.status_code, answer.content, location


def batches() -> list[Sent]:
    """Return calls that each store a batch of one request."""
    return [Sent(f"b-{n}", "/batches", [row(f"EST-27-{n}")]) for n in range(24)]


def decisions(plan: Planned) -> list[Sent]:
    """Return calls that each decide a bin."""
    return [
        Sent(
            f"d-{name}",
            f"{plan.path}/bins/{name}/decisions",
            {"decision": "accept"},
            version=1,
        )
        for name in plan.bins
    ]


def test_calls_sent_again_and_again_at_once_act_once_each(plan: Planned) -> None:
    world, draw = plan.world, Random(7)
    calls = [*batches(), *decisions(plan)]
    before = Counter(one["action"] for one in world.records())
    held = world.rows()
    deliveries = [one for one in calls for _ in range(draw.randint(1, 5))]
    draw.shuffle(deliveries)
    with ThreadPoolExecutor(THREADS) as pool:
        answers = [*pool.map(lambda one: (one.key, one.send(world)), deliveries)]
    first: dict[str, Any] = {}
    for key, answer in answers:
        assert answer[0] == 201, answer
        assert first.setdefault(key, answer) == answer
    made = Counter(one["action"] for one in world.records()) - before
    decided = len(plan.bins)
    assert made == Counter({"batch.send": 24, "bin.accept": decided})
    rows = world.rows()
    assert rows["requests"] == held["requests"] + 24
    assert rows["decisions"] == held["decisions"] + decided
    assert world.read("/audit/verify")["ok"]
    keys = [one["idempotency_key"] for one in world.records() if one["idempotency_key"]]
    assert sorted(keys) == sorted(one.key for one in calls)


def test_a_key_stands_for_one_call_alone(world: World) -> None:
    first = Sent("k", "/batches", [row("EST-26-1")])
    assert first.send(world)[0] == 201
    rows = world.rows()
    for other in (
        Sent("k", "/batches", [row("EST-26-2")]),
        Sent("k", "/batches?on_error=skip", first.body),
        Sent("k", "/proposals", {"all_open": True}),
    ):
        assert other.send(world)[0] in (409, 422)
    assert world.rows() == rows


def test_a_key_belongs_to_its_caller(world: World) -> None:
    one, other = world.key("submitter", ["EST"]), world.key("submitter", ["LVA"])
    headers = {"Idempotency-Key": "same"}
    sent = world.send([row("A-1", "EST")], key=one, headers=headers)
    mine = world.send([row("A-1", "LVA")], key=other, headers=headers)
    assert (sent.status_code, mine.status_code) == (201, 201)
    assert sent.json()["batch_id"] != mine.json()["batch_id"]


def test_a_refused_call_does_not_use_its_key_up(world: World) -> None:
    headers = {"Idempotency-Key": "k"}
    world.stored([row("EST-26-1")])
    refused = world.send([row("EST-26-1", lines=2)], headers=headers)
    assert problem_of(refused)["status"] == 409
    bad = world.send([row("EST-26-2", lines=0)], headers=headers)
    assert problem_of(bad)["status"] == 422
    assert world.send([row("EST-26-2")], headers=headers).status_code == 201


def test_an_answer_is_given_again_though_what_it_made_has_changed(
    plan: Planned,
) -> None:
    world, name = plan.world, plan.combined[0]
    path = f"{plan.path}/bins/{name}/decisions"
    call = Sent("k", path, {"decision": "accept"}, version=1)
    first = call.send(world)
    assert first[0] == 201
    assert world.decide(plan.proposal_id, name, "return", 2).status_code == 201
    assert call.send(world) == first
    assert world.read(f"{plan.path}/bins/{name}")["version"] == 3
    edit = {"edits": [{"op": "take_out", "request_id": plan.bins[plan.combined[1]][0]}]}
    edits = Sent("e", f"{plan.path}/edits", edit, version=1)
    made = edits.send(world)
    assert made[0] == 201, made
    assert world.edit(plan.proposal_id, 2, {"op": "undo"}).status_code == 201
    assert edits.send(world) == made
    assert world.read(plan.path)["version"] == 3


def test_a_proposal_asked_for_twice_is_solved_once(world: World) -> None:
    world.stored()
    wanted = {"all_open": True, "policy": "by-country", "as_of": AS_OF}
    call = Sent("p", "/proposals", wanted)
    first = call.send(world)
    world.join()
    assert first[0] == 202
    assert call.send(world) == first
    world.join()
    assert len(world.read("/proposals")["items"]) == 1
    waited = world.post(
        "/proposals",
        wanted,
        headers={"Idempotency-Key": "w", "Prefer": "wait=60"},
    )
    again = world.post(
        "/proposals",
        wanted,
        headers={"Idempotency-Key": "w", "Prefer": "wait=60"},
    )
    assert waited.json()["proposal_id"] == again.json()["proposal_id"]
    assert len(world.read("/proposals")["items"]) == 2
    assert len(world.read("/requests")["items"]) == len(BALTIC)


def test_a_change_and_a_withdrawal_are_made_once(world: World) -> None:
    world.stored(BALTIC[:1])
    uid = world.uids()["EST-26-1"]
    headers = {"Idempotency-Key": "c"}
    body = {**BALTIC[0], "lines": 4}
    changes = [
        world.call("PUT", f"/requests/{uid}", json=body, version=1, headers=headers)
        for _ in range(3)
    ]
    assert {(one.status_code, one.content) for one in changes} == {
        (200, changes[0].content)
    }
    headers = {"Idempotency-Key": "w"}
    gone = [
        world.call("DELETE", f"/requests/{uid}", version=2, headers=headers)
        for _ in range(3)
    ]
    assert {(one.status_code, one.content) for one in gone} == {(200, gone[0].content)}
    assert world.rows()["request_versions"] == 3
