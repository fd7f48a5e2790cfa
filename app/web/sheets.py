"""Edit bins in a spreadsheet: take the sheet, send it back, see the price, save."""

import json
from io import BytesIO
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from app.api.proposals import ProposalId
from app.errors import InputRefused
from app.intake import Limits, Source
from app.use_cases import plan_sheets
from app.use_cases.access import Permission
from app.use_cases.plan_sheets import NO_CHANGE, require_fresh
from app.use_cases.pricing import plan_of
from app.use_cases.read_proposals import shown_state
from app.use_cases.refusals import SomeoneWasFirst
from app.web.changing import draw_changed_since, draw_preview
from app.web.door import Sees, Visit
from app.web.render import draw
from app.web.route import PageRoute

NO_FILE: Final = "Choose the sheet that was edited."

router = APIRouter(route_class=PageRoute)


@router.get("/proposals/{proposal_id}/sheet")
def get_sheet(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.EDIT))],
) -> Response:
    """Offer the sheet of the plan, and take it back."""
    return _asked(visit, proposal_id)


@router.post("/proposals/{proposal_id}/sheet")
def post_sheet(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.EDIT))],
) -> Response:
    """Show what a sheet would change and its price, or every fault beside its row."""
    file = visit.form.files.get("file")
    if file is None or not file.content:
        return _asked(visit, proposal_id, 422, wrong=NO_FILE)
    source = Source(label=file.name or "sheet", stream=BytesIO(file.content))
    limits = Limits.of(visit.service.settings)
    try:
        worked = plan_sheets.work_out(
            visit.service, visit.caller, proposal_id, source, limits
        )
    except InputRefused as refused:
        return _asked(visit, proposal_id, 422, refused=refused)
    if not worked.edits:
        return _asked(visit, proposal_id, 422, wrong=NO_CHANGE)
    edits = json.dumps(worked.shown()["edits"], ensure_ascii=False)
    try:
        require_fresh(worked)
    except SomeoneWasFirst as refusal:
        return draw_changed_since(
            visit,
            proposal_id,
            worked.seen,
            refusal,
            edits,
            moved_on=worked.moved_on,
        )
    return draw_preview(visit, proposal_id, edits, "", named=worked.named)


def _asked(visit: Visit, proposal_id: str, status: int = 200, **said: Any) -> Response:
    plan = plan_of(visit.service, visit.caller, proposal_id)
    given = {"wrong": "", "refused": None} | said
    return draw(
        visit,
        "sheet.html.j2",
        status,
        one=shown_state(plan.row),
        tab="changes",
        limits=visit.service.settings,
        **given,
    )
