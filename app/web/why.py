"""Why two requests are not together: the rules between them, or the price."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from app.api.proposals import ProposalId
from app.jobs.desk import DeskFailed
from app.use_cases import question
from app.use_cases.access import Permission
from app.use_cases.read_proposals import shown_state
from app.use_cases.refusals import NotAcceptable
from app.web.ahead import priced_soon
from app.web.bin_page import finished
from app.web.door import Sees, Visit
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.choosing import requests_to_choose
from app.web.views.why import pair_of

router = APIRouter(route_class=PageRoute)

type Label = Annotated[str, Query(max_length=132, pattern=r"^[^\x00-\x1f\x7f]*$")]


@router.get("/proposals/{proposal_id}/why")
def get_why(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
    r: Label = "",
    s: Label = "",
) -> Response:
    """Answer for two requests; without them, ask which."""
    first, second = r.strip(), s.strip()
    with visit.service.reading() as connection:
        row = finished(connection, visit, proposal_id)
        choices = requests_to_choose(connection, proposal_id)
        pair = pair_of(connection, row, first, second)
    said, wrong, status = None, "", 200
    if r or s:
        try:
            said = _answer(visit, proposal_id, first, second)
        except NotAcceptable as refusal:
            wrong, status = refusal.detail, refusal.status
        except DeskFailed as failed:
            wrong, status = str(failed), 503
    page = draw(
        visit,
        "why.html.j2",
        status,
        one=shown_state(row),
        tab="why",
        choices=choices,
        first=first,
        second=second,
        said=said,
        pair=pair,
        wrong=wrong,
    )
    return priced_soon(visit, proposal_id, page)


def _answer(visit: Visit, proposal_id: str, first: str, second: str) -> dict[str, Any]:
    if not (first and second):
        raise NotAcceptable("Name two requests.")
    desk = visit.request.app.state.desk
    return question.why(visit.service, desk, visit.caller, proposal_id, first, second)
