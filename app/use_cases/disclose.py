"""What a customer learns of its own request, by the disclosure level of its bin.

At level 0, the default, nothing depends on any other customer's data: a request is
received, in review, or decided, with the releasable reason; days are those of its own
milestones, to the week.
"""

import json
import uuid
from collections import Counter
from typing import Any, Final

from sqlalchemy import Connection

from app.storage import bins, proposals, releases
from app.storage.plain import text_of
from app.storage.requests import Row
from app.use_cases import clock
from app.use_cases.access import Caller
from app.use_cases.read_proposals import require
from app.use_cases.refusals import NotAcceptable, NotThere, SomeoneWasFirst
from app.use_cases.service import Answer, Call, Change, Service

FEWEST_CUSTOMERS: Final = 3
"""Customers a bin has at least before an aggregate of it is told (level 2)."""

MOST_SHARE: Final = 0.5
"""Part of a bin's requests that one customer may have at most at level 2."""

_DECIDED: Final = {
    "accepted": "accepted",
    "returned": "returned",
    "rejected": "rejected",
}


def standing(connection: Connection, caller: Caller, row: Row) -> dict[str, Any]:
    """Return where a request stands, as far as the caller may know."""
    found = bins.standing_of(connection, [(row.customer, row.request_id)])
    decided = [one for one in found if one.state in _DECIDED]
    if caller.reads_bins:
        ids = sorted({one.proposal_id for one in found})
        seen = proposals.in_scope(connection, caller.scope, ids)
        return {
            "bins": [
                {
                    "proposal_id": one.proposal_id,
                    "bin_id": one.bin_id,
                    "state": one.state,
                }
                for one in found
                if one.proposal_id in seen
            ]
        }
    said: dict[str, Any] = {"review": {"state": "in review" if found else "received"}}
    last = _last_decision(connection, decided)
    if last is not None:
        said["review"] = {
            "state": "decided",
            "decision": last.decision,
            "reason": last.releasable_reason,
            "week_of": clock.week_of(last.at),
        }
    told = releases.last(connection, row.customer, [one.bin_id for one in found], [
        one.proposal_id for one in found
    ])  # fmt: skip
    if told is not None:
        said["review"]["released"] = json.loads(told.shown)
    return said


def _last_decision(connection: Connection, decided: list[Any]) -> Any:
    found = [
        decision
        for one in decided
        if (decision := bins.last_decision(connection, one.proposal_id, one.bin_id))
    ]
    return max(found, key=lambda one: one.at, default=None)


def release(
    service: Service,
    call: Call,
    proposal_id: str,
    bin_id: str,
    version: int,
    *,
    level: int,
    consents: dict[str, str],
) -> Answer:
    """Set what the customers of a bin are told of it, and record exactly that.

    Raises
    ------
    NotThere, SomeoneWasFirst
        As their names say.
    NotAcceptable
        When the level needs more customers, a smaller share of the largest, or
        consents.
    """
    thing = f"bin/{proposal_id}/{bin_id}"

    def act(connection: Connection, change: Change) -> Answer:
        require(connection, call.caller, proposal_id)
        row = bins.one(connection, proposal_id, bin_id)
        if row is None:
            raise NotThere("bin")
        if row.version != version:
            raise SomeoneWasFirst("bin", current=row.version)
        members = bins.members(connection, proposal_id)[bin_id]
        keys = proposals.keys_of(connection, proposal_id, list(members))
        count = Counter(customer for customer, _ in keys.values())
        shown = _shown(level, json.loads(row.document), count, consents)
        at = clock.now()
        for customer in sorted(count):
            releases.add(
                connection,
                release_id=str(uuid.uuid4()),
                proposal_id=proposal_id,
                bin_id=bin_id,
                customer=customer,
                level=level,
                shown=text_of(shown),
                consents=text_of(consents),
                at=at,
                account_id=call.caller.account_id,
            )
        bins.describe(connection, proposal_id, bin_id, level=level)
        change.before, change.after = (
            {"level": row.level},
            {"level": level, "shown": shown},
        )
        said = {"proposal_id": proposal_id, "bin_id": bin_id, "level": level}
        return Answer.of(201, {**said, "customers": sorted(count), "shown": shown})

    return service.change(call, "bin.release", thing, act)


def _shown(
    level: int, document: dict[str, Any], count: Counter[str], consents: dict[str, str]
) -> dict[str, Any] | None:
    if level == 0:
        return None
    if level == 1:
        return {"level": 1, "combined": sum(count.values()) > 1}
    total = sum(count.values())
    if level == 2:
        if len(count) < FEWEST_CUSTOMERS or max(count.values()) > MOST_SHARE * total:
            raise NotAcceptable(
                f"Level 2 needs {FEWEST_CUSTOMERS} customers or more, none with more "
                "than half of the requests: with fewer it would tell who they are."
            )
        return {"level": 2, "systems": document["systems"], "members": _band(total),
                "quarter": _quarter(document["starts_on"])}  # fmt: skip
    missing = sorted(count.keys() - consents.keys())
    if missing:
        raise NotAcceptable(
            "Level 3 names the customers to each other, and needs the recorded consent "
            f"of each: {', '.join(missing)} is missing."
        )
    return {"level": 3, "systems": document["systems"], "customers": sorted(count)}


def _band(total: int) -> str:
    if total > 9:  # the bands of promises 2.3, without overlap
        return "10 or more"
    return "6 to 9" if total > 5 else "3 to 5"


def _quarter(day: str) -> str:
    return f"{day[:4]} Q{(int(day[5:7]) + 2) // 3}"
