"""The memo of a bin as a file."""

from io import BytesIO
from typing import Any

from app.catalogue import load_catalogue
from app.export.memo import Memo, write_memo
from app.export.policy_words import stage_names
from app.storage import bins
from app.use_cases import clock
from app.use_cases.access import Caller
from app.use_cases.bin_detail import (
    Member,
    NearMiss,
    cost_steps,
    members_of,
    near_misses,
    people_of,
    stages_of,
)
from app.use_cases.material import policy_of
from app.use_cases.read_proposals import (
    one_bin,
    require,
    shown_decision,
    shown_state,
)
from app.use_cases.service import Service


def memo_of(
    service: Service, caller: Caller, proposal_id: str, bin_id: str
) -> tuple[bytes, int]:
    """Return the memo of a bin as a PDF, and the version of the bin it is of.

    Raises
    ------
    NotThere
        When there is no such bin for the caller.
    """
    with service.reading() as connection:
        said, version = one_bin(connection, caller, proposal_id, bin_id)
        row = require(connection, caller, proposal_id)
        policy = policy_of(connection, row)
        members = members_of(service, connection, row, policy, said)
        requests = [one.request for one in members]
        near = near_misses(connection, row, policy, said, requests)
        decided = bins.decisions_of(connection, proposal_id, bin_id)
        ids = {one["by"] for one in said["history"]} | {
            one.account_id for one in decided
        }
        people = people_of(connection, ids)
    names = load_catalogue().customers
    memo = Memo(
        bin=said,
        proposal=shown_state(row),
        policy=policy.title,
        customers={code: names[code].name for code in said["customers"]},
        members=[_member(one) for one in members],
        near=[_near(one) for one in near],
        steps=cost_steps(said),
        stages=stages_of(said, stage_names(policy)),
        decisions=[shown_decision(one) for one in decided],
        people=people,
        printed_at=clock.now(),
        printed_by=caller.name,
    )
    out = BytesIO()
    write_memo(out, memo)
    return out.getvalue(), version


def _member(member: Member) -> dict[str, Any]:
    request = member.request
    return {
        "request_id": request.request_id,
        "name": member.name,
        "system": request.system,
        "configuration": request.configuration,
        "quantity": request.quantity,
        "value_cents": request.value_cents,
        "ready_on": member.ready_on,
        "wait": member.wait,
        "solo_forecast": member.solo_forecast,
        "gained": member.gained,
        "needed_by": request.needed_by.isoformat() if request.needed_by else None,
        "precedents": member.precedents,
    }


def _near(near: NearMiss) -> dict[str, Any]:
    return {
        "request_id": near.request.request_id,
        "name": near.name,
        "system": near.request.system,
        "bin_id": near.bin_id,
        "rules": near.rules,
    }
