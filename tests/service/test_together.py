"""Decisions that come in together: one transaction, and each as if it were alone."""

from dataclasses import replace
from typing import Any

import pytest

from app.audit.verify import verify
from app.storage.errors import StoreCollided, StoreUnavailable
from app.storage.reach import ALL
from app.use_cases.access import caller_of_key, callers_of_keys
from app.use_cases.decide import Decision, deciding
from app.use_cases.refusals import (
    Conflict,
    NotAcceptable,
    NotKnown,
    NotThere,
    SomeoneWasFirst,
)
from app.use_cases.service import Answer, Call, Service
from app.use_cases.together import Outcome, Wanted, change_all
from tests.service.conftest import Planned
from tests.service.world import ABSENT


def wanted(
    plan: Planned,
    place: int,
    decision: str = "return",
    *,
    version: int = 1,
    key: str | None = None,
    what: str = "POST /decisions",
    proposal_id: str | None = None,
) -> Wanted:
    """Return a decision on a bin of the plan, by its place, with a key of its own."""
    service = plan.world.service
    with service.reading() as connection:
        caller = caller_of_key(connection, plan.approver)
    call = Call(caller=caller, what=what, body=f"{place}", key=key or f"key-{place}")
    said = Decision(
        decision=decision,
        reason_code=None,
        reason="Not as it stands.",
        releasable_reason=None,
    )
    bin_id = bins_of(plan)[place]
    return deciding(
        service, call, proposal_id or plan.proposal_id, bin_id, version, said
    )


def bins_of(plan: Planned) -> list[str]:
    items = plan.world.read(f"{plan.path}/bins?limit=1000")["items"]
    return [one["bin_id"] for one in items]


def together(plan: Planned, *some: Wanted) -> list[Outcome]:
    return change_all(plan.world.service, some)


def statuses(outcomes: list[Outcome]) -> list[int]:
    return [one.status for one in outcomes if isinstance(one, Answer)]


def states(plan: Planned) -> list[tuple[str, int]]:
    items = plan.world.read(f"{plan.path}/bins?limit=1000")["items"]
    return [(one["state"], one["version"]) for one in items]


@pytest.fixture
def commits(plan: Planned, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by one with every transaction that is stored."""
    found: list[int] = []
    writing = plan.world.service.database.writing

    def counted(*given: Any, **more: Any) -> Any:
        found.append(1)
        return writing(*given, **more)

    monkeypatch.setattr(plan.world.service.database, "writing", counted)
    return found


def test_decisions_are_stored_in_one_transaction_each_with_its_record(
    plan: Planned, commits: list[int]
) -> None:
    before = len(plan.world.records())
    found = together(plan, wanted(plan, 0), wanted(plan, 1), wanted(plan, 2, "reject"))
    assert statuses(found) == [201, 201, 201]
    assert len(commits) == 1
    assert states(plan)[:4] == [
        ("returned", 2),
        ("returned", 2),
        ("rejected", 2),
        ("open", 1),
    ]
    records = plan.world.records()[before:]
    names = bins_of(plan)
    assert [one["object"] for one in records] == [
        f"bin/{plan.proposal_id}/{name}" for name in names[:3]
    ]
    assert [one["idempotency_key"] for one in records] == ["key-0", "key-1", "key-2"]
    for record in records:
        assert record["after"]["rows"] == {"bin_versions": 1, "decisions": 1}
    with plan.world.service.within(ALL).reading() as connection:
        assert verify(connection).findings == ()


def test_the_same_calls_again_have_the_same_answers_and_change_nothing(
    plan: Planned,
) -> None:
    first = together(plan, wanted(plan, 0), wanted(plan, 1))
    before = len(plan.world.records())
    again = together(plan, wanted(plan, 1), wanted(plan, 0), wanted(plan, 2))
    assert again[:2] == first[::-1]
    assert statuses(again) == [201, 201, 201]
    assert len(plan.world.records()) == before + 1


def test_what_is_refused_is_recorded_and_touches_no_other(
    plan: Planned, commits: list[int]
) -> None:
    together(plan, wanted(plan, 3, key="used"))
    before = len(plan.world.records())
    commits.clear()
    found = together(
        plan,
        wanted(plan, 0),
        wanted(plan, 1, version=7),
        wanted(plan, 2, proposal_id=ABSENT),
        wanted(plan, 3, version=2, key="used", what="POST /elsewhere"),
        wanted(plan, 2, key="key-2b"),
    )
    assert len(commits) == 3  # one of the plan; one of no plan, and its record
    assert statuses(found) == [201, 201]
    assert [type(one) for one in found[1:4]] == [
        SomeoneWasFirst,
        NotThere,
        NotAcceptable,
    ]
    results = [one["result"] for one in plan.world.records()[before:]]
    assert [one.partition(":")[0] for one in results] == [
        "done",
        "refused",
        "refused",
        "done",
        "refused",
    ]
    again = together(plan, wanted(plan, 1), wanted(plan, 3, version=2, key="more"))
    assert statuses(again) == [201, 201]  # a refusal keeps no answer


def test_the_second_decision_on_a_bin_sees_the_first(plan: Planned) -> None:
    found = together(
        plan,
        wanted(plan, 0),
        wanted(plan, 0, key="other"),
        wanted(plan, 0, "reopen", version=2, key="third"),
        wanted(plan, 1),
    )
    assert statuses(found) == [201, 201, 201]
    refused = found[1]
    assert isinstance(refused, SomeoneWasFirst)
    assert refused.extra["current_version"] == 2
    assert states(plan)[:2] == [("open", 3), ("returned", 2)]


def test_one_key_is_at_work_once(plan: Planned) -> None:
    found = together(plan, wanted(plan, 0, key="k"), wanted(plan, 1, key="k"))
    assert statuses(found) == [201]
    assert isinstance(found[1], Conflict)
    assert states(plan)[:2] == [("returned", 2), ("open", 1)]


def test_accepted_bins_are_fixed_beside_others(plan: Planned) -> None:
    found = together(plan, wanted(plan, 0, "accept"), wanted(plan, 1))
    assert statuses(found) == [201, 201]
    found = together(
        plan,
        wanted(plan, 0, "reopen", version=2, key="a"),
        wanted(plan, 1, "accept", version=2, key="b"),
        wanted(plan, 2, "accept", key="c"),
    )
    assert statuses(found) == [201, 201, 201]
    shown = plan.world.read(f"{plan.path}/bins?limit=1000")["items"]
    assert [one["fixed"] for one in shown[:3]] == [False, True, True]


def test_a_call_that_another_server_carried_out_meanwhile_has_its_answer(
    plan: Planned,
) -> None:
    """Between the question for a first answer and the look, the same call is stored."""
    world = plan.world
    if world.service.database.kind == "sqlite":
        pytest.skip("on SQLite nobody writes beside a transaction")
    elsewhere = Service(world.service.database, world.settings)
    one, stored = wanted(plan, 0), []

    def look(connection: Any, _row: Any) -> Any:
        if not stored:
            stored.append(one.by(elsewhere))
        question, values = one.asks
        return one.look(connection, question.one(connection, values))

    before = len(world.records())
    found = together(plan, replace(one, look=look), wanted(plan, 1))
    assert found[0] == stored[0]
    assert statuses(found) == [201, 201]
    results = [record["result"] for record in world.records()[before:]]
    assert results == ["done", "done"]


def test_a_request_is_not_fixed_twice_by_plans_decided_at_once(plan: Planned) -> None:
    """Bins of one plan share no request; those of two plans do."""
    world = plan.world
    first, second = plan.combined[0], world.propose(key=plan.analyst)
    twin = next(
        name
        for name, members in world.bins(second["proposal_id"]).items()
        if set(members) & set(plan.bins[first])
    )
    here = wanted(plan, bins_of(plan).index(first), "accept", key="here")
    there = deciding(
        world.service,
        replace(here.call, key="there"),
        second["proposal_id"],
        twin,
        1,
        Decision(
            decision="accept", reason_code=None, reason=None, releasable_reason=None
        ),
    )
    found = together(plan, here, there)
    assert statuses(found) == [201]
    assert isinstance(found[1], Conflict)


def failing(one: Wanted, error: Exception, times: int) -> Wanted:
    """Return a change that fails some times after it was written."""
    left = [error] * times

    def write(*given: Any) -> Answer:
        answer = one.write(*given)
        if left:
            raise left.pop()
        return answer

    return replace(one, write=write)


def test_who_collides_is_carried_out_again(
    plan: Planned,
) -> None:
    collides = failing(wanted(plan, 1), StoreCollided("Others were first."), 2)
    found = together(plan, wanted(plan, 0), collides, wanted(plan, 2))
    assert statuses(found) == [201, 201, 201]
    assert states(plan)[:4] == [("returned", 2)] * 3 + [("open", 1)]


def test_what_fails_leaves_nothing_and_the_others_are_stored(
    plan: Planned, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(plan.world.records())
    broken = failing(wanted(plan, 1), ValueError("a fault"), 9)
    with caplog.at_level("WARNING", "allybin.together"):
        found = together(plan, wanted(plan, 0), broken, wanted(plan, 2))
    (logged,) = [one for one in caplog.records if one.name == "allybin.together"]
    assert logged.getMessage() == "changes are made one by one: ValueError"
    assert statuses(found) == [201, 201]
    assert isinstance(found[1], ValueError)
    assert states(plan)[:3] == [("returned", 2), ("open", 1), ("returned", 2)]
    assert len(plan.world.records()) == before + 2


def test_without_the_store_nothing_is_answered_with_a_yes(plan: Planned) -> None:
    before = plan.world.rows()
    away = failing(wanted(plan, 2), StoreUnavailable("It is away."), 1)
    found = together(plan, wanted(plan, 0), wanted(plan, 1), away)
    assert [type(one) for one in found] == [StoreUnavailable] * 3
    assert plan.world.rows() == before


def test_each_of_several_keys_lets_in_its_own(plan: Planned) -> None:
    secret = plan.approver.rpartition("_")[2]
    keys = (
        plan.approver,
        "nonsense",
        plan.analyst,
        plan.analyst[: -len(secret)] + secret,
        "fms_ffffffffffff_" + secret,
        plan.approver,
    )
    with plan.world.service.reading() as connection:
        found = callers_of_keys(connection, keys)
    roles = [None if isinstance(one, NotKnown) else one.role_text for one in found]
    assert roles == ["approver", None, "analyst", None, None, "approver"]
