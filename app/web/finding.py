"""Find the bin of a plan by its id, or by a request that is in it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import RedirectResponse, Response

from app.api.proposals import ProposalId
from app.storage import bins
from app.use_cases.access import Permission
from app.use_cases.refusals import NotThere
from app.web.bin_page import finished
from app.web.door import Sees, Visit
from app.web.route import PageRoute

router = APIRouter(route_class=PageRoute)


@router.get("/proposals/{proposal_id}/find")
def get_find(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
    name: Annotated[str, Query(max_length=132, pattern=r"^[^\x00-\x1f\x7f]*$")] = "",
) -> Response:
    """Go to the bin that is named, or that holds the request that is."""
    there, wanted = f"/proposals/{proposal_id}/bins", name.strip()
    with visit.service.reading() as connection:
        finished(connection, visit, proposal_id)
        if not wanted:
            return RedirectResponse(there, 303)
        found = bins.homes(connection, proposal_id, [wanted]).get(wanted)
        for bin_id in (wanted, wanted.upper()):
            if found is None and bins.one(connection, proposal_id, bin_id) is not None:
                found = bin_id
    if found is None:
        raise NotThere(f"bin or request of this plan called {wanted!r}")
    return RedirectResponse(f"{there}/{found}", 303)
