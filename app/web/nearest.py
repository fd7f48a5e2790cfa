"""The nearest alternatives for a bin: what each trades, and the way to its price."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from app.api.bins import BinId
from app.api.proposals import ProposalId
from app.jobs.desk import DeskFailed
from app.storage import bin_table
from app.use_cases import nearest
from app.use_cases.access import Permission
from app.use_cases.read_proposals import one_bin, shown_state
from app.use_cases.refusals import Conflict
from app.web.bin_page import finished
from app.web.door import Sees, Visit
from app.web.links import with_query
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.beside import beside_view

router = APIRouter(route_class=PageRoute)


@router.get("/proposals/{proposal_id}/bins/{bin_id}/alternatives")
def get_alternatives(
    proposal_id: ProposalId,
    bin_id: BinId,
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
) -> Response:
    """Show the cheapest other plans for the requests of a bin."""
    with visit.service.reading() as connection:
        row = finished(connection, visit, proposal_id)
        shown, _ = one_bin(connection, visit.caller, proposal_id, bin_id)
    said, wrong, status = None, "", 200
    desk = visit.request.app.state.desk
    try:
        said, _ = nearest.nearest(
            visit.service, desk, visit.caller, proposal_id, bin_id
        )
    except Conflict as refusal:
        wrong = refusal.detail
    except DeskFailed as failed:
        wrong, status = str(failed), 503
    labels = [] if said is None else labels_of(said)
    with visit.service.reading() as connection:
        found = bin_table.contents(connection, proposal_id, labels)
    there = f"/proposals/{proposal_id}/changes/preview"
    may_change = visit.caller.may(Permission.EDIT) and row.superseded_by is None
    return draw(
        visit,
        "alternatives.html.j2",
        status,
        one=shown_state(row),
        tab="bins",
        bin=shown,
        said=said,
        views=[] if said is None else beside_view(said, found),
        wrong=wrong,
        may_change=may_change,
        price_of=lambda edits: with_query(
            there,
            {
                "edits": json.dumps(edits, ensure_ascii=False, separators=(",", ":")),
                "bin": bin_id,
            },
        ),
    )


def labels_of(said: nearest.Shown) -> list[str]:
    """Return the requests that alternatives speak of."""
    return sorted(
        {
            moved["request_id"]
            for one in said["alternatives"]
            for moved in one["requests"]
        }
    )
