"""Ask for a proposal: what it is about is settled now, the solving comes later."""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from app.storage import policies, proposals, requests, rulings
from app.storage.figures import of_asked
from app.storage.plain import text_of
from app.use_cases import clock
from app.use_cases.access import Caller
from app.use_cases.read_proposals import shown_state
from app.use_cases.refusals import Busy, NotAcceptable, NotThere
from app.use_cases.service import Answer, Call, Change, Service
from optimizer.rulings import Ruling, RulingKind

MOST_BATCHES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a proposal is asked for."""

    batch_ids: tuple[str, ...] | None  # None: all that is open
    policy: str
    policy_version: int | None
    as_of: date
    time_limit_s: int
    gap: str  # a decimal from 0 to 1


type Enqueue = Callable[[str], None]


def propose(service: Service, call: Call, wanted: Wanted, enqueue: Enqueue) -> Answer:
    """Queue a proposal for requests of batches, or for all that are open.

    Raises
    ------
    NotThere
        When a batch is not there, or not for the caller.
    NotAcceptable
        When the policy is not there, or there is no open request.
    Busy
        When too many proposals wait already.
    """
    made = str(uuid.uuid4())

    def act(connection: Connection, change: Change) -> Answer:
        require_solver(service)
        require_room(connection, service.settings.queue_length)
        policy = policies.version(connection, wanted.policy, wanted.policy_version)
        if policy is None:
            names = [row.name for row in policies.last_versions(connection)]
            raise NotAcceptable(
                f"There is no such policy; there are {', '.join(names)}.",
                errors=[_fault("policy", "unknown", "It names no stored policy.")],
            )
        members = _members(connection, call.caller, wanted.batch_ids)
        scope = {"batch_ids": wanted.batch_ids and [*wanted.batch_ids]}
        row = add(
            connection,
            call.caller,
            made,
            members,
            policy=(policy.name, policy.version),
            as_of=wanted.as_of.isoformat(),
            time_limit_s=wanted.time_limit_s,
            gap=wanted.gap,
            scope=text_of(scope),
            batch_ids=wanted.batch_ids or (),
        )
        change.object = f"proposal/{made}"
        change.version_after = 1
        change.after = {
            "policy": f"{policy.name} {policy.version}",
            "as_of": row["as_of"],
            "requests": len(members),
            **scope,
        }
        return accepted(connection, call.caller, made)

    answer = service.change(call, "proposal.ask", "proposal", act)
    enqueue(json.loads(answer.body)["proposal_id"])
    return answer


def require_solver(service: Service) -> None:
    """Refuse a proposal where the solver is known not to be sound."""
    unsound = service.unsound()
    if unsound is not None:
        raise Busy(f"{unsound} Everything but solving goes on.")


def require_room(connection: Connection, cap: int) -> None:
    """Refuse a proposal where too many wait already."""
    waiting = proposals.waiting(connection)
    if waiting >= cap:
        raise Busy(
            f"{waiting} proposals wait to be solved, which is as many as may. "
            "Try again when one of them is done."
        )


def accepted(connection: Connection, caller: Caller, proposal_id: str) -> Answer:
    """Return the answer that says a proposal is queued, and where."""
    row = proposals.one(connection, caller.scope, proposal_id)
    assert row is not None
    return Answer.of(
        202,
        shown_state(row),
        {"Location": f"/v1/proposals/{proposal_id}", "ETag": f'"{row.version}"'},
    )


type Member = Mapping[str, Any]
"""Label, customer, request_id and request_version of a request in a proposal."""


def _members(
    connection: Connection, caller: Caller, batch_ids: Sequence[str] | None
) -> list[Member]:
    for batch_id in batch_ids or ():
        if requests.batch(connection, caller.scope, batch_id) is None:
            raise NotThere("batch")
    rows = requests.open_keys(connection, caller.scope, batch_ids)
    if not rows:
        raise NotAcceptable("There is no open request to propose for.")
    return labelled((row.customer, row.request_id, row.version) for row in rows)


def labelled(rows: Iterable[tuple[str, str, int]]) -> list[Member]:
    """Name requests for one proposal: by id, with the customer where two share it.

    Raises
    ------
    NotAcceptable
        When even so two have one name.
    """
    keys = [*rows]
    count = Counter(request_id for _, request_id, _ in keys)
    found: list[Member] = [
        {
            "label": (
                request_id if count[request_id] == 1 else f"{customer}/{request_id}"
            ),
            "customer": customer,
            "request_id": request_id,
            "request_version": version,
        }
        for customer, request_id, version in keys
    ]
    labels = Counter(one["label"] for one in found)
    twice = [label for label, times in labels.items() if times > 1]
    if twice:
        raise NotAcceptable(
            f"Two requests would be called {', '.join(sorted(map(str, twice))[:5])} "
            "in one proposal."
        )
    return found


def add(
    connection: Connection,
    caller: Caller,
    proposal_id: str,
    members: Sequence[Member],
    *,
    policy: tuple[str, int],
    as_of: str,
    time_limit_s: int,
    gap: str,
    scope: str,
    batch_ids: Sequence[str],
    parent_id: str | None = None,
) -> dict[str, Any]:
    """Add a proposal under all that stands of rulings; return its row."""
    row = {
        "proposal_id": proposal_id,
        "account_id": caller.account_id,
        "created_at": clock.now(),
        "state": "queued",
        "version": 1,
        "policy_name": policy[0],
        "policy_version": policy[1],
        "as_of": as_of,
        "time_limit_s": time_limit_s,
        "gap_wanted": gap,
        "scope": scope,
        "rulings": text_of(standing_rulings(connection, members)),
        "parent_id": parent_id,
        "requests": len(members),
        "customers": text_of(sorted({one["customer"] for one in members})),
        "asked_sha256": of_asked(
            sorted(
                (
                    one["label"],
                    one["customer"],
                    one["request_id"],
                    one["request_version"],
                )
                for one in members
            ),
            sorted(batch_ids),
        ),
        "attempts": 0,
    }
    proposals.add(connection, row, batch_ids, members)
    return row


def standing_rulings(
    connection: Connection, members: Sequence[Member]
) -> list[dict[str, Any]]:
    """Return the rulings that stand, over the requests there are, by their labels.

    What a withdrawn request leaves of a ruling still holds for the others.
    """
    label = {(one["customer"], one["request_id"]): one["label"] for one in members}
    return [
        {"kind": str(one.kind), "request_ids": [*one.request_ids]}
        for one in among(rulings.standing(connection), label)
    ]


def among(
    standing: Sequence[tuple[rulings.Row, Sequence[rulings.Key]]],
    label: Mapping[rulings.Key, str],
) -> list[Ruling]:
    """Return what rulings say of some requests, which go by labels.

    A request in an accepted bin is held alone; other rulings are of two at least.
    """
    found: list[Ruling] = []
    for row, keys in standing:
        names = sorted(label[key] for key in keys if key in label)
        if len(names) >= (1 if row.kind == "fixed" else 2):
            found.append(Ruling(kind=RulingKind(row.kind), request_ids=tuple(names)))
    return found


def _fault(column: str, code: str, message: str) -> dict[str, Any]:
    return {
        "row": None,
        "column": column,
        "code": code,
        "message": message,
        "value": None,
    }
