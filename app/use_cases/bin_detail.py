"""What page and memo say of a bin: its members, effort by stage, near misses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from app.catalogue import load_catalogue
from app.storage import accounts, bin_table, proposals
from app.storage.plain import request_of
from app.use_cases.material import earlier_approvals
from app.use_cases.service import Service
from optimizer.batch import Batch, Request
from optimizer.compatibility import blocks
from optimizer.policy import Policy
from optimizer.problem import Problem, years_before

_CANDIDATES: Final = 200
NEAREST: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A request of a bin, with what it gives and what it waits."""

    request: Request
    uid: str
    name: str
    ready_on: str
    wait: int
    solo_forecast: str
    gained: int
    changed: bool
    precedents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A request that almost belonged, where it is, and what kept it out."""

    request: Request
    name: str
    bin_id: str
    rules: tuple[tuple[str, str], ...]  # code and sentence; none: nothing but the cost


def members_of(
    service: Service,
    connection: Connection,
    row: proposals.Row,
    policy: Policy,
    said: dict[str, Any],
) -> list[Member]:
    """Return the requests of a bin, by the day they are ready."""
    found = bin_table.contents(connection, row.proposal_id, said["request_ids"])
    known = earlier_approvals(service.settings.precedents)
    members = [
        _member(
            request_of(one.content, label=one.label),
            one,
            said,
            row.as_of,
            policy,
            known,
        )
        for one in found
    ]
    return sorted(members, key=lambda one: (one.ready_on, one.request.request_id))


def _member(
    request: Request,
    stored: bin_table.Row,
    said: dict[str, Any],
    as_of: str,
    policy: Policy,
    known: Sequence[Any],
) -> Member:
    label = request.request_id
    since = years_before(request.received_on, policy.precedent_years)
    earlier = [
        one.approved_on.isoformat()
        for one in known
        if one.customer == request.customer
        and one.system == request.system
        and since <= one.approved_on < request.received_on
    ]
    return Member(
        request=request,
        uid=stored.request_uid,
        name=load_catalogue().customers[request.customer].name,
        ready_on=max(request.received_on.isoformat(), as_of),
        wait=said["wait_days"][label],
        solo_forecast=said["solo_forecast_on"][label],
        gained=said["days_gained"][label],
        changed=stored.version != stored.request_version or stored.state != "open",
        precedents=tuple(sorted(earlier)),
    )


def stages_of(said: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    """Return the effort alone and together of each stage that takes any."""
    alone, together = said["solo_effort_by_stage"], said["effort_by_stage"]
    return [
        {
            "id": stage_id,
            "name": name,
            "alone": alone.get(stage_id, 0),
            "together": together.get(stage_id, 0),
            "saved": round(alone.get(stage_id, 0) - together.get(stage_id, 0), 3),
        }
        for stage_id, name in names.items()
        if alone.get(stage_id) or together.get(stage_id)
    ]


def cost_steps(said: dict[str, Any]) -> list[tuple[str, float, bool]]:
    """Return how the cost of a bin comes about: what, staff-days, whether a whole."""
    coordination = said["effort_by_stage"].get("coordination", 0)
    shared = round(said["solo_effort_days"] - (said["effort_days"] - coordination), 3)
    total = round(said["effort_days"] + said["wait_cost"], 3)
    return [
        ("Each alone", said["solo_effort_days"], True),
        ("Shared work", -shared, False),
        ("Coordination", coordination, False),
        ("Waiting", said["wait_cost"], False),
        ("Together", total, True),
    ]


def people_of(connection: Connection, account_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of some accounts."""
    found = {one: accounts.by_id(connection, one) for one in account_ids}
    return {one: row.name if row else one for one, row in found.items()}


def near_misses(
    connection: Connection,
    row: proposals.Row,
    policy: Policy,
    said: dict[str, Any],
    members: list[Request],
) -> list[NearMiss]:
    """Return requests of other bins that the fewest rules keep out of this one."""
    groups = load_catalogue().systems
    wanted = {
        g for name in said["systems"] if name in groups for g in groups[name].groups
    }
    families = sorted(
        {name for name, one in groups.items() if not wanted.isdisjoint(one.groups)}
        | set(said["systems"])
    )
    span = timedelta(days=policy.pairing.window_days)
    days = [member.received_on for member in members]
    found = bin_table.alike(
        connection,
        row.proposal_id,
        said["bin_id"],
        systems=families,
        since=(min(days) - span).isoformat(),
        until=(max(days) + span).isoformat(),
        limit=_CANDIDATES,
    )
    others = {
        one.label: (one.bin_id, request_of(one.content, label=one.label))
        for one in found
    }
    problem = Problem(
        batch=Batch(
            requests=(*members, *(r for _, r in others.values())), precedents=()
        ),
        policy=policy,
        catalogue=load_catalogue(),
        as_of=date.fromisoformat(row.as_of),
    )
    near = [
        NearMiss(
            request=request,
            name=load_catalogue().customers[request.customer].name,
            bin_id=bin_id,
            rules=_kept_out(problem, members, request),
        )
        for bin_id, request in others.values()
    ]
    near.sort(key=lambda one: (len(one.rules), one.request.request_id))
    return near[:NEAREST]


def _kept_out(
    problem: Problem, members: list[Request], request: Request
) -> tuple[tuple[str, str], ...]:
    at = problem.batch.position(request.request_id)
    rules: dict[str, str] = {}
    for member in members:
        for block in blocks(problem, problem.batch.position(member.request_id), at):
            rules.setdefault(block.code, block.text)
    return tuple(rules.items())
