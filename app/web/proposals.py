"""Proposals: asked for, followed while they are solved, and looked at."""

import json
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import RedirectResponse, Response

from app.api.pages import Cursor, cursor_of, place_of
from app.api.proposals import FINISHED, ProposalId
from app.storage import policies
from app.storage import proposals as stored
from app.storage import requests as stored_requests
from app.use_cases import clock
from app.use_cases import propose as asking
from app.use_cases.access import Permission
from app.use_cases.read_proposals import require, shown_state
from app.use_cases.refusals import Busy, NotAcceptable, NotThere
from app.use_cases.stop import stop
from app.web.door import Sees, Visit
from app.web.forms import Form
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.overview import overview

PAGE: Final = 50
_BATCHES: Final = 50

router = APIRouter(route_class=PageRoute)


@router.get("/proposals")
def get_proposals(
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
    cursor: Cursor = None,
) -> Response:
    """List proposals, newest first."""
    after = place_of(cursor, str, str)
    with visit.service.reading() as connection:
        rows = stored.page(
            connection,
            visit.caller.scope,
            state=None,
            after=None if after is None else (after[0], after[1]),
            limit=PAGE + 1,
        )
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    following = None if last is None else cursor_of(last.created_at, last.proposal_id)
    listed = [listed_proposal(row) for row in rows[:PAGE]]
    return draw(visit, "proposals.html.j2", listed=listed, following=following)


def listed_proposal(row: stored.Row) -> dict[str, Any]:
    """Return a proposal as lists show it: how far it is, and what it saves."""
    objective = None
    if row.heading is not None:
        objective = json.loads(row.heading)["objective"]
    return {**shown_state(row), "objective": objective}


@router.get("/proposals/new")
def get_new(
    visit: Annotated[Visit, Depends(Sees(Permission.PROPOSE))],
    batch_id: Annotated[str, Query(pattern=r"^[0-9a-f-]{36}$|^$")] = "",
    like: Annotated[str, Query(pattern=r"^[0-9a-f-]{36}$|^$")] = "",
) -> Response:
    """Ask what a proposal is wanted for; filled in like an earlier one, if wanted."""
    given = Form(fields={"batch_ids": (batch_id,)} if batch_id else {})
    return _asked(visit, _like(visit, like) if like else given)


def _like(visit: Visit, proposal_id: str) -> Form:
    """Return the form as it was filled in for another proposal."""
    with visit.service.reading() as connection:
        row = require(connection, visit.caller, proposal_id)
    asked = json.loads(row.scope).get("batch_ids") or ()
    return Form(
        fields={
            "batch_ids": tuple(asked),
            "policy": (row.policy_name,),
            "as_of": (row.as_of,),
            "time_limit_s": (str(row.time_limit_s),),
            "gap": (f"{float(row.gap_wanted) * 100:g}",),
        }
    )


@router.post("/proposals/new")
def post_new(visit: Annotated[Visit, Depends(Sees(Permission.PROPOSE))]) -> Response:
    """Queue a proposal, and show how it goes."""
    try:
        answer = asking.propose(
            visit.service,
            visit.call,
            _wanted(visit),
            visit.request.app.state.enqueue,
        )
    except (NotAcceptable, NotThere, Busy) as refusal:
        return _asked(visit, visit.form, refusal.status, wrong=refusal.detail)
    return RedirectResponse(f"/proposals/{answer.value()['proposal_id']}", 303)


def _asked(visit: Visit, form: Form, status: int = 200, wrong: str = "") -> Response:
    scope = visit.caller.scope
    with visit.service.reading() as connection:
        batches = stored_requests.batch_page(
            connection, scope, after=None, limit=_BATCHES
        )
        shipped = policies.last_versions(connection)
    return draw(
        visit,
        "ask.html.j2",
        status,
        form=form,
        wrong=wrong,
        batches=batches,
        policies=shipped,
        settings=visit.service.settings,
    )


def _wanted(visit: Visit) -> asking.Wanted:
    """Return what the form asks for.

    Raises
    ------
    NotAcceptable
        Naming the field that is wrong.
    """
    form, settings = visit.form, visit.service.settings
    chosen = form.all("batch_ids")
    if form.text("of") != "batches":
        chosen = ()
    elif not chosen:
        raise NotAcceptable("Choose at least one batch, or all that is open.")
    return asking.Wanted(
        batch_ids=tuple(dict.fromkeys(chosen)) or None,
        policy=form.text("policy"),
        policy_version=None,
        as_of=_day(form.text("as_of")),
        time_limit_s=_seconds(form.text("time_limit_s"), settings.solve_seconds_most),
        gap=repr(_share(form.text("gap"))),
    )


def _day(text: str) -> date:
    if not text:
        return clock.today()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise NotAcceptable("The day is written YYYY-MM-DD.") from None
    if len(text) != 10 or not 2000 <= day.year <= 2100:
        raise NotAcceptable("The day is one from 2000-01-01 to 2100-12-31.")
    return day


def _seconds(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
        raise NotAcceptable(f"The time limit is 1 to {most:,} whole seconds.")
    return int(text)


def _share(text: str) -> float:
    try:
        percent = float(text) if text.isascii() else -1.0
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise NotAcceptable("The gap is a number of percent from 0 to 100.")
    return percent / 100


@router.get("/proposals/{proposal_id}")
def get_proposal(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
) -> Response:
    """Show how far a proposal is, and what it says once it is done."""
    with visit.service.reading() as connection:
        row = require(connection, visit.caller, proposal_id)
        if row.heading is None or row.state not in FINISHED:
            return _progress(visit, row, "proposal_run.html.j2")
        said = overview(connection, row)
    return draw(visit, "proposal.html.j2", **said)


@router.get("/proposals/{proposal_id}/progress")
def get_progress(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
) -> Response:
    """Return the part of the page that says how far a proposal is."""
    with visit.service.reading() as connection:
        row = require(connection, visit.caller, proposal_id)
        if row.state in FINISHED and row.heading is not None:
            there = f"/proposals/{proposal_id}"
            if visit.in_part:
                return Response(status_code=200, headers={"HX-Redirect": there})
            return RedirectResponse(there, 303)
        return _progress(visit, row, "progress.html.j2")


def _progress(visit: Visit, row: stored.Row, template: str) -> Response:
    asked_at = datetime.fromisoformat(row.created_at)
    return draw(
        visit,
        template,
        one=shown_state(row),
        elapsed=max(0, round((datetime.now(UTC) - asked_at).total_seconds())),
        stopping=row.stop_asked_at is not None,
        going=row.state not in FINISHED,
    )


@router.post("/proposals/{proposal_id}/stop")
def post_stop(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.PROPOSE))],
) -> Response:
    """Stop a solve; the best plan so far is kept."""
    stop(visit.service, visit.call, proposal_id)
    return RedirectResponse(f"/proposals/{proposal_id}", 303)
