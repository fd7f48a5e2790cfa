"""Decide many bins at once: look at the effect first, then do it, bin by bin.

All of it is one transaction with one key: sent twice, it acts once. Within it each bin
is judged by itself, in the version that was seen. One that cannot be decided is set
aside and named; it holds back no other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection

from app.storage import deciding, proposals, reviews
from app.storage.requests import Key
from app.use_cases import clock
from app.use_cases.access import Caller
from app.use_cases.decide import (
    STATE_AFTER,
    Deciding,
    Decision,
    carry_out,
    require_decidable,
    require_no_part_before,
    require_second_person,
    single_user,
    taken_elsewhere,
    withdrawn,
)
from app.use_cases.read_proposals import require
from app.use_cases.refusals import Conflict, NotAcceptable, NotAllowed
from app.use_cases.service import Answer, Call, Change, Service

MOST: Final = 5000
"""Bins that are decided at once at most."""

type Seen = Mapping[str, int]
"""The version each bin was seen in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A bin that a decision is not made on, and why: a code and a sentence.

    ``by`` is the account that made it what it is, ``at`` when; None where it never was.
    """

    bin_id: str
    code: str
    text: str
    by: str | None
    at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Bins by what a decision would do with them.

    Parameters
    ----------
    goes
        Bins that it would be made on.
    waits, waits_for
        Bins that another person has to decide, and why.
    aside
        Bins that it would not be made on, whoever decides.
    keys
        The requests of bins that it fixes.
    """

    goes: tuple[deciding.Row, ...]
    waits: tuple[deciding.Row, ...]
    waits_for: str
    aside: tuple[Aside, ...]
    keys: Mapping[str, Sequence[Key]]


def effect(
    service: Service,
    connection: Connection,
    caller: Caller,
    proposal_id: str,
    seen: Seen,
    decision: str,
    *,
    hold: bool = False,
) -> Sorted:
    """Return what a decision on many bins would do by now; nothing is changed.

    ``hold`` asks that nobody changes their requests before the transaction ends.

    Raises
    ------
    NotThere, Conflict
        As their names say.
    NotAcceptable
        When no bin is named, or too many are.
    """
    row = require(connection, caller, proposal_id)
    require_decidable(row.state, row.superseded_by)
    if not 0 < len(seen) <= MOST:
        raise NotAcceptable(
            f"Choose 1 to {MOST:,} bins to decide at once; these are {len(seen):,}."
        )
    found = {one.bin_id: one for one in deciding.some(connection, proposal_id, [*seen])}
    keys, faults = _requests(connection, proposal_id, found, decision, hold=hold)
    aside: list[Aside] = []
    free: list[deciding.Row] = []
    for name in (*found, *(name for name in seen if name not in found)):
        fault = _against(found.get(name), seen[name], decision) or faults.get(name)
        if fault is None:
            free.append(found[name])
        else:
            at = found.get(name)
            aside.append(
                Aside(
                    bin_id=name,
                    code=fault[0],
                    text=fault[1],
                    by=at.account_id if at else None,
                    at=at.at if at else None,
                )
            )
    waits_for = waits_for_another(service, connection, caller, row)
    return Sorted(
        goes=() if waits_for else tuple(free),
        waits=tuple(free) if waits_for else (),
        waits_for=waits_for,
        aside=tuple(aside),
        keys=keys,
    )


def effect_said(
    service: Service, caller: Caller, proposal_id: str, seen: Seen, decision: str
) -> dict[str, Any]:
    """Return :func:`effect` as callers see it."""
    with service.reading() as connection:
        found = effect(service, connection, caller, proposal_id, seen, decision)
    named = {
        name: [{"bin_id": row.bin_id, "version": row.version} for row in rows]
        for name, rows in (("would", found.goes), ("waits", found.waits))
    }
    return {
        "proposal_id": proposal_id,
        "decision": decision,
        "state": STATE_AFTER[decision],
        **named,
        "waits_for": found.waits_for or None,
        "aside": [asdict(one) for one in found.aside],
    }


def decide_many(
    service: Service,
    call: Call,
    proposal_id: str,
    seen: Seen,
    decision: Decision,
) -> Answer:
    """Decide bins in the versions the caller saw; say which were, and which not.

    Raises
    ------
    NotThere, Conflict, NotAcceptable
        As their names say.
    NotAllowed
        When another person has to decide them (the two-person rule).
    """

    def act(connection: Connection, change: Change) -> Answer:
        caller, at = call.caller, clock.now()
        found = effect(
            service,
            connection,
            caller,
            proposal_id,
            seen,
            decision.decision,
            hold=True,
        )
        if found.waits_for:
            raise NotAllowed(found.waits_for)
        accepted = [row.bin_id for row in found.goes if row.state == "accepted"]
        deciding.free(connection, proposal_id, accepted, at=at, by=caller.account_id)
        names = [row.bin_id for row in found.goes]
        reviews.settle(connection, proposal_id, names, at=at, by=caller.account_id)
        done = []
        for row in found.goes:
            known = Deciding(
                proposal_id=proposal_id,
                bin_id=row.bin_id,
                version=row.version,
                state=row.state,
                members=row.members,
                keys=found.keys.get(row.bin_id, ()),
            )
            part = Change(
                action=f"bin.{decision.decision}",
                object=f"bin/{proposal_id}/{row.bin_id}",
            )
            said = carry_out(connection, part, caller, known, decision, at)
            change.part(connection, part)
            done.append({"bin_id": row.bin_id, "version": said["version"]})
        aside = [asdict(one) for one in found.aside]
        change.before = {"bins": len(seen)}
        change.after = {
            "decision": decision.decision,
            "decided": len(done),
            "aside": {one["bin_id"]: one["code"] for one in aside},
        }
        said = {
            "proposal_id": proposal_id,
            "decision": decision.decision,
            "state": STATE_AFTER[decision.decision],
            "reason_code": decision.reason_code,
            "reason": decision.reason,
            "at": at,
            "done": done,
            "aside": aside,
        }
        return Answer.of(201, said)

    thing = f"proposal/{proposal_id}"
    return service.change(call, f"bins.{decision.decision}", thing, act)


def take_back(
    service: Service, call: Call, proposal_id: str, made: Mapping[str, Any]
) -> Answer:
    """Take back what was decided at once, of every bin that nobody changed since.

    ``made`` is what :func:`decide_many` answered.
    """
    seen = {one["bin_id"]: one["version"] for one in made["done"]}
    decision = Decision(
        decision="reopen", reason_code=None, reason=None, releasable_reason=None
    )
    return decide_many(service, call, proposal_id, seen, decision)


def _against(
    row: deciding.Row | None, version: int, decision: str
) -> tuple[str, str] | None:
    """Return what speaks against a decision on a bin as it is now."""
    if row is None:
        return "gone", "There is no such bin."
    if row.state == "dissolved":
        return "gone", "It is gone: its requests are in other bins."
    if row.version != version:
        return (
            "changed",
            f"It was changed since you saw it: it is {row.state} at version "
            f"{row.version}, and you saw version {version}.",
        )
    if decision == "reopen":
        return None if row.state != "open" else ("open", "It is open already.")
    if row.state != "open":
        return (
            "decided",
            f"It is {row.state} already. A decision on many bins leaves it so; decide "
            "it otherwise on its own page.",
        )
    return None


def _requests(
    connection: Connection,
    proposal_id: str,
    found: Mapping[str, deciding.Row],
    decision: str,
    *,
    hold: bool,
) -> tuple[dict[str, list[Key]], dict[str, tuple[str, str]]]:
    """Return the requests that are fixed, by bin, and what forbids to fix them."""
    keys: dict[str, list[Key]] = {}
    faults: dict[str, tuple[str, str]] = {}
    gone: dict[str, list[str]] = {}
    state = "open" if decision == "accept" else "accepted"
    wanted = [name for name, row in found.items() if row.state == state]
    held = deciding.requests_of(connection, proposal_id, wanted, hold=hold)
    if decision != "accept":
        return keys, faults
    for one in held:
        keys.setdefault(one.bin_id, []).append((one.customer, one.request_id))
        if one.state == "withdrawn":
            gone.setdefault(one.bin_id, []).append(one.request_id)
    for one in deciding.fixed_already(connection, proposal_id, wanted):
        text = taken_elsewhere(one.customer, one.request_id)
        faults.setdefault(one.bin_id, ("taken", text))
    for name, request_ids in gone.items():
        faults[name] = ("withdrawn", withdrawn(request_ids))
    return keys, faults


def waits_for_another(
    service: Service, connection: Connection, caller: Caller, row: proposals.Row
) -> str:
    """Return why another person has to decide a plan; empty where the caller may."""
    edited = deciding.has_edited(connection, row.proposal_id, caller.account_id)
    try:
        alone = single_user(service, connection)
        require_second_person(caller, row.account_id, edited, alone=alone)
        require_no_part_before(connection, caller, row.parent_id, alone=alone)
    except NotAllowed as refusal:
        return refusal.detail
    return ""


def why_blocked(
    service: Service, connection: Connection, caller: Caller, row: proposals.Row
) -> str:
    """Return why a caller may decide no bin of a plan; empty where they may."""
    try:
        require_decidable(row.state, row.superseded_by)
    except Conflict as refusal:
        return refusal.detail
    return waits_for_another(service, connection, caller, row)
