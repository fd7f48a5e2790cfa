"""Bins: read, priced, edited, decided and disclosed."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import JSONResponse, Response

from app.api.described import IDEMPOTENCY_KEY, IF_MATCH, example, refusals
from app.api.entrance import Entrance, Needs, response
from app.api.models import (
    BinShown,
    DecisionShown,
    DecisionWanted,
    EditsWanted,
    Page,
    PreviewWanted,
    ReleaseWanted,
)
from app.api.pages import Cursor, Limit, page, place_of
from app.api.proposals import ProposalId
from app.api.shown import (
    BinAlternatives,
    BinWhole,
    Decisions,
    Edits,
    EditsSaved,
    Preview,
    Release,
    Reviews,
)
from app.api.together import Together
from app.storage import reviews
from app.use_cases import edit, nearest, pricing, read_proposals
from app.use_cases.access import Permission
from app.use_cases.decide import Decision, deciding
from app.use_cases.disclose import release
from app.use_cases.refusals import NotAcceptable
from app.use_cases.service import Answer
from app.use_cases.together import Wanted

router = APIRouter(tags=["bins"])

BinId = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,32}$")]


@router.get(
    "/proposals/{proposal_id}/bins",
    response_model=Page[BinShown],
    responses=refusals(404),
)
def get_bins(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_PROPOSALS))],
    system: Annotated[str | None, Query(max_length=128)] = None,
    region: Annotated[str | None, Query(max_length=64)] = None,
    customer: Annotated[str | None, Query(pattern=r"^[A-Z]{3}$")] = None,
    category: Annotated[str | None, Query(max_length=128)] = None,
    state: Literal["open", "accepted", "returned", "rejected"] | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List the bins of a proposal, in its order."""
    after = place_of(cursor, int)
    given = {
        "systems": system,
        "regions": region,
        "customers": customer,
        "category": category,
        "state": state,
    }
    with entrance.service.reading() as connection:
        rows = read_proposals.bin_page(
            connection,
            entrance.caller,
            proposal_id,
            filters={name: value for name, value in given.items() if value},
            after=None if after is None else after[0],
            limit=limit + 1,
        )
    return page(rows, limit, read_proposals.shown_bin, lambda row: (row.place,))


@router.get(
    "/proposals/{proposal_id}/bins/{bin_id}",
    response_model=BinWhole,
    responses=refusals(404),
)
def get_bin(
    proposal_id: ProposalId,
    bin_id: BinId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_PROPOSALS))],
) -> Response:
    """Return a bin with its decision and every version it had."""
    with entrance.service.reading() as connection:
        shown, version = read_proposals.one_bin(
            connection, entrance.caller, proposal_id, bin_id
        )
    return response(Answer.of(200, shown, {"ETag": f'"{version}"'}))


@router.get(
    "/proposals/{proposal_id}/bins/{bin_id}/alternatives",
    response_model=BinAlternatives,
    responses={
        200: {"description": "At most three; what is known of them after 5 seconds."},
        **refusals(404, 409),
    },
)
def get_alternatives(
    proposal_id: ProposalId,
    bin_id: BinId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_PROPOSALS))],
) -> Response:
    """Return the cheapest other plans for the requests of a bin, and what each trades.

    Each completes the part the bin is in at least cost. They are proven by excluding
    one answer after another and solving what is left.
    """
    desk = entrance.request.app.state.desk
    said, version = nearest.nearest(
        entrance.service, desk, entrance.caller, proposal_id, bin_id
    )
    return response(Answer.of(200, said, {"ETag": f'"{version}"'}))


@router.post(
    "/proposals/{proposal_id}/preview",
    response_model=Preview,
    responses={
        200: {"description": "What the edits would change; nothing is saved."},
        **refusals(404, 409, 415),
    },
)
def post_preview(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.EDIT, PreviewWanted))],
) -> Response:
    """Price edits exactly, with the rules they break and the best plan under them."""
    wanted = entrance.parsed(PreviewWanted)
    desk = entrance.request.app.state.desk
    said, version = pricing.preview(
        entrance.service, desk, entrance.caller, proposal_id, wanted.edits
    )
    return response(Answer.of(200, said, {"ETag": f'"{version}"'}))


@router.post(
    "/proposals/{proposal_id}/edits",
    status_code=201,
    response_model=EditsSaved,
    responses={
        201: {"description": "They are saved; the plan has a new version."},
        **refusals(404, 409, 412, 415, 428),
    },
)
def post_edits(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.EDIT, EditsWanted))],
    if_match: str | None = IF_MATCH,  # noqa: ARG001 - the entrance reads it
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001
) -> Response:
    """Save edits, all of them or none, on the version the caller saw."""
    version = entrance.version("proposal")
    wanted = entrance.parsed(EditsWanted)
    desk = entrance.request.app.state.desk
    answer = edit.save(
        entrance.service,
        desk,
        entrance.call,
        proposal_id,
        version,
        wanted.edits,
        wanted.reason,
    )
    return response(answer)


@router.get(
    "/proposals/{proposal_id}/edits",
    response_model=Edits,
    responses={200: {"description": "Every edit."}, **refusals(404)},
)
def get_edits(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_PROPOSALS))],
) -> Response:
    """List the edits of a proposal, first to last."""
    with entrance.service.reading() as connection:
        said = edit.listed(connection, entrance.caller, proposal_id)
    return JSONResponse({"items": said})


@router.post(
    "/proposals/{proposal_id}/bins/{bin_id}/decisions",
    status_code=201,
    response_model=DecisionShown,
    responses={
        201: {
            "description": "It is recorded.",
            **example(
                {
                    "decision_id": "7d0c3b0e-6f6a-4f6e-8d4e-0b0a7a1b2c3d",
                    "proposal_id": "3f2a0c52-7d1b-4c5e-9a53-0a9f7b6f2f11",
                    "bin_id": "B0001",
                    "version": 2,
                    "state": "accepted",
                    "decision": "accept",
                }
            ),
        },
        **refusals(404, 409, 412, 415, 428),
    },
)
async def post_decision(
    proposal_id: ProposalId,
    bin_id: BinId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.DECIDE, DecisionWanted))],
    if_match: str | None = IF_MATCH,  # noqa: ARG001 - the entrance reads it
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001
) -> Response:
    """Accept, return, reject or reopen a bin, in the version the caller saw."""
    version = entrance.version("bin")
    wanted = entrance.parsed(DecisionWanted)
    require_reason(wanted.decision, wanted.reason)
    for text in (wanted.reason, wanted.releasable_reason):
        require_visible(text)
    decision = Decision(
        decision=wanted.decision,
        reason_code=wanted.reason_code,
        reason=wanted.reason,
        releasable_reason=wanted.releasable_reason,
    )
    service, call = entrance.service, entrance.call
    together: Together[Wanted, Answer] = entrance.request.app.state.together
    asked = deciding(service, call, proposal_id, bin_id, version, decision)
    return response(await together(asked))


def require_reason(decision: str, reason: str | None) -> None:
    """Refuse a return or reject that says nothing (A6)."""
    if decision in ("return", "reject") and reason is None:
        raise NotAcceptable(
            f"To {decision} a bin, give a reason of 3 to 2,000 characters."
        )


def require_visible(text: str | None) -> None:
    """Refuse a reason in which too little is seen (A6)."""
    if text is None:
        return
    seen = sum(char.isprintable() and not char.isspace() for char in text)
    if seen < 3:
        raise NotAcceptable("A reason has 3 to 2,000 visible characters.")


@router.get(
    "/proposals/{proposal_id}/decisions",
    response_model=Decisions,
    responses={200: {"description": "Every decision."}, **refusals(404)},
)
def get_decisions(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_PROPOSALS))],
) -> Response:
    """List the decisions of a proposal, by bin and version."""
    with entrance.service.reading() as connection:
        rows = read_proposals.decisions(connection, entrance.caller, proposal_id)
    said = [read_proposals.shown_decision(row) for row in rows]
    return JSONResponse({"items": said})


@router.post(
    "/proposals/{proposal_id}/bins/{bin_id}/releases",
    status_code=201,
    response_model=Release,
    responses={
        201: {"description": "It is recorded, with exactly what is shown."},
        **refusals(404, 412, 415, 428),
    },
)
def post_release(
    proposal_id: ProposalId,
    bin_id: BinId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.DECIDE, ReleaseWanted))],
    if_match: str | None = IF_MATCH,  # noqa: ARG001 - the entrance reads it
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001
) -> Response:
    """Set what the customers of a bin are told of it (disclosure levels 0 to 3)."""
    version = entrance.version("bin")
    wanted = entrance.parsed(ReleaseWanted)
    answer = release(
        entrance.service,
        entrance.call,
        proposal_id,
        bin_id,
        version,
        level=wanted.level,
        consents=wanted.consents,
    )
    return response(answer)


@router.get(
    "/reviews",
    response_model=Reviews,
    responses={200: {"description": "Decided bins to look at again."}, **refusals()},
)
def get_reviews(
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_REVIEWS))],
) -> Response:
    """List decided bins to look at again, because one of their requests changed."""
    with entrance.service.reading() as connection:
        rows = reviews.waiting(connection, entrance.caller.scope)
    said = [
        {
            "review_id": row.review_id,
            "proposal_id": row.proposal_id,
            "bin_id": row.bin_id,
            "customer": row.customer,
            "request_id": row.request_id,
            "cause": row.cause,
            "at": row.at,
        }
        for row in rows
    ]
    return JSONResponse({"items": said})
