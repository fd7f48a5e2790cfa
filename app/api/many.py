"""Many bins decided at once: what it would do, and then done."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from app.api.bins import require_reason, require_visible
from app.api.described import IDEMPOTENCY_KEY, refusals
from app.api.entrance import Entrance, Needs, response
from app.api.models import DecisionsWanted
from app.api.proposals import ProposalId
from app.api.shown import DecisionsEffect, DecisionsMade
from app.use_cases.access import Permission
from app.use_cases.decide import Decision
from app.use_cases.decide_many import decide_many, effect_said
from app.use_cases.refusals import NotAcceptable
from app.use_cases.service import Answer

router = APIRouter(tags=["bins"])


@router.post(
    "/proposals/{proposal_id}/decisions",
    status_code=201,
    response_model=DecisionsMade,
    responses={
        200: {
            "model": DecisionsEffect,
            "description": "With `dry_run`: what it would do; nothing is saved.",
        },
        201: {"description": "What was decided, and what was set aside."},
        **refusals(404, 409, 415),
    },
)
def post_decisions(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.DECIDE, DecisionsWanted))],
    dry_run: bool = False,
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """Accept, return, reject or reopen many bins, each in the version that was seen.

    It is one change: sent twice with one key, it is made once. A bin that cannot be
    decided is set aside and named, and holds back no other.
    """
    wanted = entrance.parsed(DecisionsWanted)
    require_reason(wanted.decision, wanted.reason)
    for text in (wanted.reason, wanted.releasable_reason):
        require_visible(text)
    seen = {one.bin_id: one.version for one in wanted.bins}
    if len(seen) < len(wanted.bins):
        raise NotAcceptable("A bin is named more than once. Name each one time.")
    service, call = entrance.service, entrance.call
    if dry_run:
        said = effect_said(service, call.caller, proposal_id, seen, wanted.decision)
        return response(Answer.of(200, said))
    decision = Decision(
        decision=wanted.decision,
        reason_code=wanted.reason_code,
        reason=wanted.reason,
        releasable_reason=wanted.releasable_reason,
    )
    return response(decide_many(service, call, proposal_id, seen, decision))
