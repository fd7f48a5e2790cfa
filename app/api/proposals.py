"""Proposals: asked for, followed, stopped, read, questioned and solved again."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Final, Literal

import anyio
from fastapi import APIRouter, Depends, Header, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from app.api.described import IDEMPOTENCY_KEY, example, refusals
from app.api.entrance import Entrance, Needs, response
from app.api.models import Page, ProposalShown, ProposalWanted, ResolveWanted
from app.api.pages import Cursor, Limit, page, place_of
from app.api.shown import Why
from app.export.document import days
from app.storage import proposals as stored
from app.use_cases import clock, export, question
from app.use_cases import propose as asking
from app.use_cases.access import Permission
from app.use_cases.read_proposals import proposal, require, shown_state
from app.use_cases.refusals import NotAcceptable
from app.use_cases.resolve import resolve
from app.use_cases.service import Answer
from app.use_cases.stop import stop

router = APIRouter(tags=["proposals"])

ProposalId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
FINISHED: Final = frozenset({"done", "failed", "cancelled"})
LOOK_S: Final = 0.25
"""How soon a waiting call looks again where nothing was heard: another server may have
done what it waits for."""
FOLLOW_S: Final = 0.25
HEARTBEATS: Final = 40  # looks without news before a comment keeps the line open

_PREFER: Final = Header(
    None,
    alias="Prefer",
    max_length=100,
    description="`wait=N` waits up to N seconds for the finished proposal.",
    examples=["wait=10"],
)


@router.post(
    "/proposals",
    status_code=202,
    response_model=ProposalShown,
    responses={
        200: {
            "model": ProposalShown,
            "description": "It is finished (`Prefer: wait`).",
        },
        202: {"description": "It is queued."},
        **refusals(404, 415),
    },
)
async def post_proposal(
    entrance: Annotated[Entrance, Depends(Needs(Permission.PROPOSE, ProposalWanted))],
    prefer: str | None = _PREFER,
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """Ask for a proposal; it is solved apart from this call."""
    seconds = _wait(prefer, entrance.service.settings.wait_seconds)

    def ask() -> Answer:
        wanted = entrance.parsed(ProposalWanted)
        settings = entrance.service.settings
        limit = wanted.time_limit_s or settings.solve_seconds
        if limit > settings.solve_seconds_most:
            raise NotAcceptable(
                f"time_limit_s is at most {settings.solve_seconds_most} here."
            )
        return asking.propose(
            entrance.service,
            entrance.call,
            asking.Wanted(
                batch_ids=None if wanted.all_open else tuple(wanted.batch_ids or ()),
                policy=wanted.policy,
                policy_version=wanted.policy_version,
                as_of=_day(wanted.as_of) or clock.today(),
                time_limit_s=limit,
                gap=repr(float(wanted.gap)),
            ),
            entrance.request.app.state.enqueue,
        )

    answer = await run_in_threadpool(ask)
    return await _waited(entrance, answer, seconds)


def _day(text: str | None) -> date | None:
    """Return the day a body names.

    Raises
    ------
    NotAcceptable
        When it is none, or not from 2000 to 2100.
    """
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise NotAcceptable("as_of is not a day of the calendar.") from None
    if not 2000 <= day.year <= 2100:
        raise NotAcceptable("as_of is a day from 2000-01-01 to 2100-12-31.")
    return day


def _wait(prefer: str | None, most: int) -> int:
    for part in (prefer or "").split(","):
        name, _, value = part.strip().partition("=")
        if name == "wait" and value.isascii() and value.isdigit():
            return min(int(value[:6]), most)
    return 0


async def _waited(entrance: Entrance, answer: Answer, seconds: int) -> Response:
    """Wait for a proposal that was asked for; answer with it, or as it was."""
    if not seconds or answer.status not in (200, 202):
        return response(answer)
    proposal_id = json.loads(answer.body)["proposal_id"]

    def look() -> Response | None:
        with entrance.service.reading() as connection:
            row = require(connection, entrance.caller, proposal_id)
            if row.state not in FINISHED:
                return None
            shown, version = proposal(connection, entrance.caller, proposal_id)
        headers = {**answer.headers, "ETag": f'"{version}"'}
        headers["Preference-Applied"] = f"wait={seconds}"
        return response(Answer.of(200, shown, headers))

    done, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake() -> None:
        loop.call_soon_threadsafe(done.set)

    heard = entrance.service.news.heard(proposal_id, wake)
    with heard, anyio.move_on_after(seconds):
        while True:
            done.clear()
            found = await run_in_threadpool(look)
            if found is not None:
                return found
            with anyio.move_on_after(LOOK_S):
                await done.wait()
    return response(answer)


@router.get("/proposals", response_model=Page[ProposalShown], responses=refusals())
def get_proposals(
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_PROPOSALS))],
    state: Literal["queued", "solving", "done", "failed", "cancelled"] | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List proposals without their results, newest first."""
    after = place_of(cursor, str, str)
    with entrance.service.reading() as connection:
        rows = stored.page(
            connection,
            entrance.caller.scope,
            state=state,
            after=None if after is None else (after[0], after[1]),
            limit=limit + 1,
        )
    return page(rows, limit, shown_state, lambda row: (row.created_at, row.proposal_id))


@router.get(
    "/proposals/{proposal_id}", response_model=ProposalShown, responses=refusals(404)
)
def get_proposal(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_PROPOSALS))],
    bins: Annotated[bool, Query(description="Whether to list the bins.")] = True,
) -> Response:
    """Return how far a proposal is, and its result once there is one."""
    with entrance.service.reading() as connection:
        shown, version = proposal(
            connection, entrance.caller, proposal_id, with_bins=bins
        )
    return response(Answer.of(200, shown, {"ETag": f'"{version}"'}))


@router.get(
    "/proposals/{proposal_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events `progress`, then `done`; `Last-Event-ID` goes on.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **refusals(404),
    },
)
async def get_events(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_PROPOSALS))],
    last_event_id: str | None = Header(
        None, alias="Last-Event-ID", pattern=r"^[0-9]{1,9}$"
    ),
) -> StreamingResponse:
    """Follow a solve: incumbent, bound and gap as they become known."""

    def known() -> None:
        with entrance.service.reading() as connection:
            require(connection, entrance.caller, proposal_id)

    await run_in_threadpool(known)
    stream = _events(entrance, proposal_id, int(last_event_id or 0))
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _events(
    entrance: Entrance, proposal_id: str, seen: int
) -> AsyncIterator[str]:
    quiet = 0

    def look(after: int) -> tuple[list[stored.Row], stored.Row]:
        with entrance.service.reading() as connection:
            found = stored.events(connection, proposal_id, after)
            row = stored.one(connection, entrance.caller.scope, proposal_id)
        assert row is not None
        return list(found), row

    yield "retry: 1000\n\n"
    while not entrance.request.app.state.stopping.is_set():
        found, row = await run_in_threadpool(look, seen)
        for event in found:
            seen = event.seq
            yield f"id: {event.seq}\nevent: {event.kind}\ndata: {event.data}\n\n"
        if row.state in FINISHED:
            said = json.dumps(shown_state(row), ensure_ascii=False)
            yield f"event: done\ndata: {said}\n\n"
            return
        quiet = 0 if found else quiet + 1
        if quiet >= HEARTBEATS:
            quiet = 0
            yield ": still at it\n\n"
        await anyio.sleep(FOLLOW_S)


@router.delete(
    "/proposals/{proposal_id}/run",
    response_model=ProposalShown,
    responses={
        202: {
            "model": ProposalShown,
            "description": "It stops with the best plan so far.",
        },
        **refusals(404, 409),
    },
    status_code=202,
)
def delete_run(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.PROPOSE))],
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """Stop a solve; the best plan so far is kept."""
    return response(stop(entrance.service, entrance.call, proposal_id))


@router.post(
    "/proposals/{proposal_id}/resolve",
    status_code=202,
    response_model=ProposalShown,
    responses={
        200: {"model": ProposalShown, "description": "It is finished already."},
        **refusals(404, 409, 415),
    },
)
async def post_resolve(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.PROPOSE, ResolveWanted))],
    prefer: str | None = _PREFER,
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """Solve again under the standing rulings; only touched clusters are solved."""
    seconds = _wait(prefer, entrance.service.settings.wait_seconds)

    def ask() -> Answer:
        given = (
            entrance.parsed(ResolveWanted)
            if entrance.body
            else ResolveWanted.model_validate({})
        )
        return resolve(
            entrance.service,
            entrance.call,
            proposal_id,
            as_of=_day(given.as_of),
            time_limit_s=given.time_limit_s,
            gap=None if given.gap is None else repr(float(given.gap)),
            enqueue=entrance.request.app.state.enqueue,
        )

    answer = await run_in_threadpool(ask)
    return await _waited(entrance, answer, seconds)


@router.get(
    "/proposals/{proposal_id}/why",
    response_model=Why,
    responses={
        200: {
            "description": "The rules that keep two requests apart, or the price.",
            **example(
                {
                    "first_id": "EST-26-0001",
                    "second_id": "LVA-26-0001",
                    "may_share": True,
                    "blocks": [],
                    "together_now": False,
                    "price": days(1500),
                    "texts": ["Together they would cost 1.5 staff-days more."],
                }
            ),
        },
        **refusals(404, 409),
    },
)
def get_why(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_PROPOSALS))],
    r: Annotated[str, Query(min_length=1, max_length=132)],
    s: Annotated[str, Query(min_length=1, max_length=132)],
) -> Response:
    """Say why two requests are not together, or what it would cost."""
    desk = entrance.request.app.state.desk
    said = question.why(entrance.service, desk, entrance.caller, proposal_id, r, s)
    return response(Answer.of(200, said))


@router.get(
    "/proposals/{proposal_id}/export",
    response_class=Response,
    responses={
        200: {
            "description": "The proposal as a file.",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in export.MEDIA_TYPES.values()
            }
            | {"application/json": {"schema": {"type": "object"}}},
        },
        **refusals(404, 409),
    },
)
def get_export(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_PROPOSALS))],
    format: Annotated[Literal["json", "csv", "xlsx", "pdf", "ocds"], Query()] = "json",
) -> Response:
    """Download a proposal as it is now."""
    content, kind = export.export(
        entrance.service, entrance.caller, proposal_id, format
    )
    ending = "ocds.json" if format == "ocds" else format
    name = f"proposal-{proposal_id[:8]}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, headers, kind)
