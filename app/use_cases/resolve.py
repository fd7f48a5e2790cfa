"""Solve again: under what people have said since, over what there is by now."""

import json
import uuid
from datetime import date

from sqlalchemy import Connection

from app.storage import proposals, requests
from app.use_cases.access import Caller
from app.use_cases.propose import (
    Enqueue,
    Member,
    accepted,
    add,
    labelled,
    require_room,
    require_solver,
)
from app.use_cases.read_proposals import require
from app.use_cases.refusals import Conflict, NotAcceptable
from app.use_cases.service import Answer, Call, Change, Service


def resolve(
    service: Service,
    call: Call,
    proposal_id: str,
    *,
    as_of: date | None,
    time_limit_s: int | None,
    gap: str | None,
    enqueue: Enqueue,
) -> Answer:
    """Queue a proposal that takes another's place; it begins with what that one knows.

    Raises
    ------
    NotThere, Conflict, NotAcceptable, Busy
        As their names say.
    """
    made = str(uuid.uuid4())

    def act(connection: Connection, change: Change) -> Answer:
        row = require(connection, call.caller, proposal_id)
        if row.heading is None:
            raise Conflict("The proposal has no result yet to begin with.")
        if row.superseded_by is not None:
            raise Conflict(
                "The proposal is superseded; solve the one that took its place again.",
                extra={"superseded_by": row.superseded_by},
            )
        require_solver(service)
        require_room(connection, service.settings.queue_length)
        members = _members(connection, call.caller, row)
        if not members:
            raise NotAcceptable("All of its requests are withdrawn.")
        add(
            connection,
            call.caller,
            made,
            members,
            policy=(row.policy_name, row.policy_version),
            as_of=row.as_of if as_of is None else as_of.isoformat(),
            time_limit_s=time_limit_s or row.time_limit_s,
            gap=gap or row.gap_wanted,
            scope=row.scope,
            batch_ids=proposals.batch_ids(connection, proposal_id),
            parent_id=proposal_id,
        )
        change.object = f"proposal/{made}"
        change.version_after = 1
        change.after = {"parent": proposal_id, "requests": len(members)}
        return accepted(connection, call.caller, made)

    answer = service.change(call, "proposal.resolve", f"proposal/{proposal_id}", act)
    enqueue(json.loads(answer.body)["proposal_id"])
    return answer


def _members(
    connection: Connection, caller: Caller, row: proposals.Row
) -> list[Member]:
    """Return what is open by now of what the proposal was asked for."""
    batch_ids = json.loads(row.scope)["batch_ids"]
    found = requests.open_keys(connection, caller.scope, batch_ids)
    return labelled((one.customer, one.request_id, one.version) for one in found)
