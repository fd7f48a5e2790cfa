"""Decide bins: one by one, in a queue, on the version that was seen."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.responses import RedirectResponse, Response

from app.api.bins import BinId, require_reason, require_visible
from app.api.proposals import ProposalId
from app.storage import bins
from app.use_cases.access import Permission
from app.use_cases.decide import STATE_AFTER, Decision, decide
from app.use_cases.read_proposals import shown_state
from app.use_cases.refusals import (
    Conflict,
    NotAcceptable,
    NotAllowed,
    NotThere,
    SomeoneWasFirst,
)
from app.web import words
from app.web.bin_page import draw_bin, finished
from app.web.door import Sees, Visit
from app.web.forms import Form
from app.web.links import with_query
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.moved import bin_since
from app.web.views.queue import queue_after

MOST_WORDS: Final = 2000
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

router = APIRouter(route_class=PageRoute)


@router.get("/proposals/{proposal_id}/queue")
def get_queue(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.DECIDE))],
    after: Annotated[str, Query(pattern=r"^[A-Za-z0-9-]{0,32}$")] = "",
) -> Response:
    """Show the next bin to decide, or that there is none."""
    account_id = visit.caller.account_id
    with visit.service.reading() as connection:
        row = finished(connection, visit, proposal_id)
        queue = queue_after(connection, proposal_id, after, account_id)
    if queue.at is None:
        return draw(
            visit, "queue_end.html.j2", one=shown_state(row), tab="queue", queue=queue
        )
    return draw_bin(visit, proposal_id, queue.at, queue=queue)


@router.post("/proposals/{proposal_id}/bins/{bin_id}/decision")
def post_decision(
    proposal_id: ProposalId,
    bin_id: BinId,
    visit: Annotated[Visit, Depends(Sees(Permission.DECIDE))],
) -> Response:
    """Decide a bin in the version that was seen, and go on to the next open one."""
    form, version = visit.form, version_of(visit.form)
    try:
        wanted = decision_of(form)
        decide(visit.service, visit.call, proposal_id, bin_id, version, wanted)
    except (SomeoneWasFirst, NotThere):
        return _someone_was_first(visit, proposal_id, bin_id, version)
    except (NotAcceptable, NotAllowed, Conflict) as refusal:
        return draw_bin(
            visit, proposal_id, bin_id, refusal.status, form=form, wrong=refusal.detail
        )
    there = f"/proposals/{proposal_id}/queue"
    return RedirectResponse(with_query(there, {"after": bin_id}), 303)


def _someone_was_first(
    visit: Visit, proposal_id: str, bin_id: str, version: int
) -> Response:
    """Show the bin as it was seen beside what it is now, and how to go on."""
    with visit.service.reading() as connection:
        row = finished(connection, visit, proposal_id)
        if bin_id not in bins.states(connection, proposal_id):
            raise NotThere("bin")
        since = bin_since(connection, proposal_id, bin_id, version)
    return draw(
        visit,
        "decided_first.html.j2",
        412,
        one=shown_state(row),
        tab="bins",
        bin_id=bin_id,
        since=since,
        form=visit.form,
        wrong="",
    )


def decision_of(form: Form) -> Decision:
    """Return what a form decides.

    Raises
    ------
    NotAcceptable
        Naming what is missing or wrong.
    """
    wanted, code = form.text("decision"), form.text("reason_code") or None
    if wanted not in STATE_AFTER:
        raise NotAcceptable("Choose one: accept, return or reject.")
    if code is not None and code not in words.DECISION_REASONS:
        raise NotAcceptable("Choose a reason from the list.")
    reason = words_of(form, "reason")
    require_reason(wanted, reason)
    if wanted in ("return", "reject") and code is None:
        raise NotAcceptable(f"To {wanted} a bin, choose a reason from the list too.")
    return Decision(
        decision=wanted,
        reason_code=code,
        reason=reason,
        releasable_reason=words_of(form, "releasable_reason"),
    )


def words_of(form: Form, name: str) -> str | None:
    """Return what was written into a field; None where it was left empty.

    Raises
    ------
    NotAcceptable
        When it is too short, too long or holds what no one sees.
    """
    text = form.text(name).replace("\r\n", "\n").strip()
    if not text:
        return None
    if len(text) > MOST_WORDS or _CONTROL.search(text):
        raise NotAcceptable("A reason has 3 to 2,000 visible characters.")
    require_visible(text)
    return text


def version_of(form: Form) -> int:
    """Return the version a form was drawn for.

    Raises
    ------
    NotAcceptable
        When it names none.
    """
    text = form.text("version")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise NotAcceptable("The form names no version. Load the page again.")
    return int(text)
