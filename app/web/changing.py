"""Change a plan by hand: asked for on a bin, priced on a page, saved or left."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from app.api.models import PreviewWanted
from app.api.proposals import ProposalId
from app.jobs.desk import DeskFailed
from app.storage import bins
from app.use_cases import edit, pricing
from app.use_cases.access import Permission
from app.use_cases.bin_detail import people_of
from app.use_cases.plan_sheets import MovedOn
from app.use_cases.read_proposals import shown_state
from app.use_cases.refusals import Conflict, NotAcceptable, Refusal, SomeoneWasFirst
from app.web.ahead import priced_soon
from app.web.bin_page import draw_bin, finished
from app.web.deciding import version_of, words_of
from app.web.door import Sees, Visit
from app.web.links import with_query
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.asked import asked_by
from app.web.views.choosing import requests_to_choose
from app.web.views.moved import plan_since
from app.web.views.priced import changed_bins, priced_view

MOST_EDITS: Final = 16_000
"""Characters that the edits of one preview may take in an address."""

SHORT_EDITS: Final = 4_000
"""Characters of edits that a link may hold; longer ones are sent by a form."""

_BIN: Final = re.compile(r"[A-Za-z0-9-]{1,32}")

NOT_READ: Final = (
    "This is no change that can be made. Begin again at the bin it is for."
)

router = APIRouter(route_class=PageRoute)


@router.get("/proposals/{proposal_id}/changes")
def get_changes(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
) -> Response:
    """List what was changed by hand, last first, and offer to take the last back."""
    return _listed(visit, proposal_id)


def _listed(
    visit: Visit, proposal_id: str, status: int = 200, wrong_change: str = ""
) -> Response:
    with visit.service.reading() as connection:
        row = finished(connection, visit, proposal_id)
        found = edit.listed(connection, visit.caller, proposal_id)
        last = bins.edit_to_undo(connection, proposal_id)
        people = people_of(connection, {one["by"] for one in found})
        requests = requests_to_choose(connection, proposal_id)
    may = visit.caller.may(Permission.EDIT) and row.superseded_by is None
    page = draw(
        visit,
        "changes.html.j2",
        status,
        one=shown_state(row),
        tab="changes",
        edits=found[::-1],
        last_edit=last,
        people=people,
        requests=requests,
        may_change=may,
        wrong_change=wrong_change,
        form=visit.form,
    )
    return priced_soon(visit, proposal_id, page)


@router.post("/proposals/{proposal_id}/changes/wanted")
def post_wanted(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.EDIT))],
) -> Response:
    """Take what a form asks to change, and show its price; nothing is saved."""
    form = visit.form
    try:
        said = json.dumps(asked_by(form), ensure_ascii=False, separators=(",", ":"))
        _read(said)
    except NotAcceptable as refusal:
        detail = refusal.detail
        if _bin_of(visit, "bin_id"):
            return draw_bin(
                visit, proposal_id, form.text("bin_id"), 422,
                form=form, wrong_change=detail,
            )  # fmt: skip
        return _listed(visit, proposal_id, 422, detail)
    there = f"/proposals/{proposal_id}/changes/preview"
    query = {"edits": said, "bin": _bin_of(visit, "bin_id")}
    return RedirectResponse(with_query(there, query), 303)


@router.get("/proposals/{proposal_id}/changes/preview")
def get_preview(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.EDIT))],
    edits: Annotated[str, Query(max_length=MOST_EDITS)] = "",
    bin: Annotated[str, Query(pattern=r"^[A-Za-z0-9-]{0,32}$")] = "",
) -> Response:
    """Show what a change would cost, what it breaks and what would be best with it."""
    if not edits:
        return RedirectResponse(f"/proposals/{proposal_id}/changes", 303)
    return draw_preview(visit, proposal_id, edits, bin)


def draw_preview(
    visit: Visit,
    proposal_id: str,
    edits: str,
    bin_id: str,
    status: int = 200,
    wrong: str = "",
    named: Mapping[str, str] | None = None,
) -> Response:
    """Return the page that prices a change; nothing is saved.

    ``named`` are the ids that bins of new names will have.
    """
    wanted = _read(edits)
    refused: Refusal | None = None
    said, version = None, 0
    desk = visit.request.app.state.desk
    try:
        said, version = pricing.preview(
            visit.service, desk, visit.caller, proposal_id, wanted
        )
    except (NotAcceptable, Conflict) as refusal:
        refused, status = refusal, refusal.status
    except DeskFailed as failed:
        refused, status = Conflict(str(failed)), 503
    with visit.service.reading() as connection:
        row = finished(connection, visit, proposal_id)
        shown = None
        if said is not None:
            members = bins.members_of(connection, proposal_id, changed_bins(said))
            shown = priced_view(said, members, row.incumbent)
    return draw(
        visit,
        "preview.html.j2",
        status,
        one=shown_state(row),
        tab="changes",
        edits=edits,
        wanted=[one.model_dump() for one in wanted],
        back=bin_id,
        version=version,
        priced=shown,
        refused=refused,
        form=visit.form,
        wrong=wrong,
        named=named or {},
    )


@router.post("/proposals/{proposal_id}/changes/again")
def post_again(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.EDIT))],
) -> Response:
    """Price a change that is too long for an address once more; nothing is saved."""
    bin_id = _bin_of(visit, "bin")
    return draw_preview(visit, proposal_id, visit.form.text("edits"), bin_id)


@router.post("/proposals/{proposal_id}/changes")
def post_changes(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.EDIT))],
) -> Response:
    """Save a change on the version it was priced on, all of it or nothing."""
    form, version = visit.form, version_of(visit.form)
    edits, bin_id = form.text("edits"), _bin_of(visit, "bin")
    wanted = _read(edits)
    try:
        reason = words_of(form, "reason")
    except NotAcceptable as refusal:
        return draw_preview(visit, proposal_id, edits, bin_id, 422, refusal.detail)
    desk = visit.request.app.state.desk
    try:
        answer = edit.save(
            visit.service, desk, visit.call, proposal_id, version, wanted, reason
        )
    except (SomeoneWasFirst, Conflict, NotAcceptable) as refusal:
        return draw_changed_since(visit, proposal_id, version, refusal, edits, bin_id)
    except DeskFailed as failed:
        said = f"{failed} Nothing was saved; try once more."
        return draw_preview(visit, proposal_id, edits, bin_id, 503, said)
    seq = answer.value()["edit"]
    return RedirectResponse(f"/proposals/{proposal_id}/changes#edit-{seq}", 303)


def draw_changed_since(
    visit: Visit,
    proposal_id: str,
    version: int,
    refusal: Refusal,
    edits: str,
    bin_id: str = "",
    moved_on: Sequence[MovedOn] = (),
) -> Response:
    """Say why a change was not saved, with the bins as they were seen and are now."""
    with visit.service.reading() as connection:
        row = finished(connection, visit, proposal_id)
        since = plan_since(connection, proposal_id, version)
    shown = {line[0] for line in since.lines}
    there = f"/proposals/{proposal_id}/changes/preview"
    query = {"edits": edits, "bin": bin_id}
    return draw(
        visit,
        "changed_since.html.j2",
        refusal.status,
        one=shown_state(row),
        tab="changes",
        wanted=[one.model_dump() for one in _read(edits)],
        refusal=refusal,
        seen=version,
        since=since,
        moved_on=[one for one in moved_on if one.bin_id not in shown],
        again=with_query(there, query) if len(edits) <= SHORT_EDITS else "",
        edits=edits,
        back=bin_id,
    )


def _bin_of(visit: Visit, field: str) -> str:
    """Return the bin a form belongs to; empty where it names none."""
    name = visit.form.text(field)
    return name if _BIN.fullmatch(name) else ""


def _read(text: str) -> list[pricing.Given]:
    """Return the edits that a text names.

    Raises
    ------
    NotAcceptable
        When it names none.
    """
    try:
        return [*PreviewWanted.model_validate_json(f'{{"edits":{text}}}').edits]
    except ValidationError:
        raise NotAcceptable(NOT_READ) from None
