"""The memo of a bin: what an approver files."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from app.api.bins import BinId
from app.api.described import refusals
from app.api.entrance import Entrance, Needs
from app.api.proposals import ProposalId
from app.use_cases.access import Permission
from app.use_cases.memo import memo_of

router = APIRouter(tags=["bins"])


@router.get(
    "/proposals/{proposal_id}/bins/{bin_id}/memo",
    response_class=Response,
    responses={
        200: {
            "description": "A memo of one to two pages to file: a tagged PDF.",
            "content": {
                "application/pdf": {"schema": {"type": "string", "format": "binary"}}
            },
        },
        **refusals(404),
    },
)
def get_memo(
    proposal_id: ProposalId,
    bin_id: BinId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_PROPOSALS))],
) -> Response:
    """Download the memo of a bin as it is now: what an approver files."""
    content, version = memo_of(entrance.service, entrance.caller, proposal_id, bin_id)
    name = f"memo-{bin_id}-v{version}-{proposal_id[:8]}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, headers, "application/pdf")
