"""Decide a bin: accept, return or reject; every decision is added, none replaced.

To take a decision back is a decision too: the bin is open again.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from app.storage import accounts, bins, proposals, requests, reviews, rulings
from app.storage.prepared import unanswered
from app.use_cases import clock
from app.use_cases.access import Caller
from app.use_cases.read_proposals import require
from app.use_cases.refusals import (
    Conflict,
    NotAllowed,
    NotThere,
    SomeoneWasFirst,
)
from app.use_cases.service import Answer, Call, Change, Service
from app.use_cases.together import Wanted

STATE_AFTER: Final = {
    "accept": "accepted",
    "return": "returned",
    "reject": "rejected",
    "reopen": "open",
}
"""The state a decision leaves a bin in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an approver decides of a bin."""

    decision: str
    reason_code: str | None
    reason: str | None
    releasable_reason: str | None


def deciding(
    service: Service,
    call: Call,
    proposal_id: str,
    bin_id: str,
    version: int,
    decision: Decision,
) -> Wanted:
    """Return what decides a bin in the version the caller saw; see :func:`decide`."""
    caller = call.caller

    def look(connection: Connection, row: bins.Row | None) -> Deciding:
        if row is None or not caller.scope.holds(row.customers):
            require(connection, caller, proposal_id)
        if row is None or row.state == "dissolved":
            raise NotThere("bin")
        if row.version != version:
            raise SomeoneWasFirst("bin", current=row.version)
        require_decidable(row.proposal_state, row.superseded_by)
        alone = service.settings.two_person == "auto" and (row.reviewers or 0) <= 1
        require_second_person(caller, row.account_id, row.edited, alone=alone)
        require_no_part_before(connection, caller, row.parent_id, alone=alone)
        if decision.decision == "reopen" and row.state == "open":
            raise Conflict("The bin is open: there is no decision to take back.")
        return Deciding(
            proposal_id=proposal_id,
            bin_id=bin_id,
            version=version,
            state=row.state,
            members=row.members,
            keys=_held(connection, proposal_id, row, decision),
            reviewed=bool(row.reviewed),
        )

    def write(connection: Connection, change: Change, known: Deciding) -> Answer:
        said = carry_out(connection, change, caller, known, decision, clock.now())
        return Answer.of(201, said, {"ETag": f'"{version + 1}"'})

    return Wanted(
        call=call,
        action=f"bin.{decision.decision}",
        thing=f"bin/{proposal_id}/{bin_id}",
        among=proposal_id,
        asks=bins.asked_to_decide(proposal_id, bin_id, caller.account_id),
        look=look,
        write=write,
        plain=lambda known: not known.keys and not known.reviewed,
    )


def decide(
    service: Service,
    call: Call,
    proposal_id: str,
    bin_id: str,
    version: int,
    decision: Decision,
) -> Answer:
    """Decide a bin in the version the caller saw.

    Raises
    ------
    NotThere, SomeoneWasFirst, Conflict, NotAllowed
        As their names say.
    """
    return deciding(service, call, proposal_id, bin_id, version, decision).by(service)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """A bin that may be decided, in the version that was seen.

    ``members`` are its labels as they are stored, ``keys`` its requests where the
    decision fixes or frees them, which nobody changes meanwhile. ``reviewed`` tells
    that it has come up again, which the decision settles.
    """

    proposal_id: str
    bin_id: str
    version: int
    state: str
    members: str
    keys: Sequence[requests.Key]
    reviewed: bool = False


def carry_out(
    connection: Connection,
    change: Change,
    caller: Caller,
    known: Deciding,
    decision: Decision,
    at: str,
) -> dict[str, Any]:
    """Decide a bin of which all is checked, and say so in the change; return it."""
    decision_id, state = str(uuid.uuid4()), STATE_AFTER[decision.decision]
    place, after = (known.proposal_id, known.bin_id), known.version + 1
    words = {
        "decision": decision.decision,
        "reason_code": decision.reason_code,
        "reason": decision.reason,
        "releasable_reason": decision.releasable_reason,
        "at": at,
    }
    with unanswered(connection):
        bins.step(
            connection, *place, version=known.version, state=state, change="decided",
            members=known.members, at=at, account_id=caller.account_id,
        )  # fmt: skip
        bins.add_decision(
            connection,
            decision_id=decision_id,
            proposal_id=known.proposal_id,
            bin_id=known.bin_id,
            version=after,
            account_id=caller.account_id,
            **words,
        )
    if known.reviewed:
        reviews.settle(
            connection, known.proposal_id, [known.bin_id], at=at, by=caller.account_id
        )
    if known.state == "accepted":
        rulings.end_fixed(connection, known.keys, at=at, by=caller.account_id)
    if decision.decision == "accept":
        rulings.add(
            connection, "fixed", known.keys, proposal_id=known.proposal_id, at=at,
            account_id=caller.account_id, decision_id=decision_id,
        )  # fmt: skip
    change.version_before, change.version_after = known.version, after
    change.before = {"state": known.state}
    change.after = {"state": state, "decision_id": decision_id}
    change.reason = decision.reason
    change.releasable_reason = decision.releasable_reason
    return {
        "decision_id": decision_id,
        "proposal_id": known.proposal_id,
        "bin_id": known.bin_id,
        "version": after,
        "state": state,
        **words,
        "by": caller.account_id,
    }


def require_decidable(state: str, superseded_by: str | None) -> None:
    """Refuse a decision on bins of a plan that is not there yet, or not any more.

    Raises
    ------
    Conflict
        Saying which.
    """
    if state not in ("done", "cancelled"):
        raise Conflict("The proposal is not finished; its bins can be decided then.")
    if superseded_by is not None:
        raise Conflict(
            "The proposal is superseded; decide the bins of the one that took its "
            "place.",
            extra={"superseded_by": superseded_by},
        )


def require_second_person(
    caller: Caller, proposer: str, edited: bool, *, alone: bool
) -> None:
    """Refuse a decision by who ran or edited the proposal (the two-person rule).

    Raises
    ------
    NotAllowed
        Unless ``alone``: the single-user mode of a first local start.
    """
    if alone or (proposer != caller.account_id and not edited):
        return
    did = "edited" if edited else "ran"
    raise NotAllowed(
        f"You {did} this proposal: another approver decides it (two-person rule)."
    )


def require_no_part_before(
    connection: Connection, caller: Caller, parent_id: str | None, *, alone: bool
) -> None:
    """Refuse a decision by who ran or edited what the proposal came from.

    To have it solved again by someone else does not make it another's.

    Raises
    ------
    NotAllowed
        Unless ``alone``: the single-user mode of a first local start.
    """
    if alone or parent_id is None:
        return
    if proposals.took_part_before(connection, parent_id, caller.account_id):
        raise NotAllowed(
            "You ran or edited the proposal this one came from: another approver "
            "decides it (two-person rule)."
        )


def single_user(service: Service, connection: Connection) -> bool:
    """Tell whether the two-person rule is off: a first start with one reviewer."""
    return service.settings.two_person == "auto" and accounts.reviewers(connection) <= 1


def _held(
    connection: Connection, proposal_id: str, row: bins.Row, decision: Decision
) -> Sequence[requests.Key]:
    """Return the requests a decision fixes or frees; nobody changes them meanwhile.

    Raises
    ------
    Conflict
        When one cannot be fixed: it was withdrawn, or is in another accepted bin.
    """
    if decision.decision != "accept" and row.state != "accepted":
        return ()
    label = proposals.keys_of(connection, proposal_id, json.loads(row.members))
    members = [*label.values()]
    held = requests.hold(connection, members)
    if row.state == "accepted":
        return members
    gone = [one.request_id for one in held if one.state == "withdrawn"]
    if gone:
        raise Conflict(withdrawn(gone))
    taken = rulings.fixed_already(connection, members)
    if taken is not None:
        raise Conflict(taken_elsewhere(*taken))
    return members


def withdrawn(request_ids: Sequence[str]) -> str:
    """Say why a bin with requests that are no more cannot be accepted."""
    names = ", ".join(request_ids)
    return f"{names} was withdrawn since this was proposed; solve again."


def taken_elsewhere(customer: str, request_id: str) -> str:
    """Say why a bin with a request that was accepted elsewhere cannot be accepted."""
    return (
        f"Request {request_id} of {customer} is in a bin of another proposal that was "
        "accepted."
    )
