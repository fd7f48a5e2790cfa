"""The sheet of a plan: sent out, edited anywhere, and taken back."""

from io import BytesIO
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from app.api.batches import FORMATS
from app.api.bins import require_visible
from app.api.described import IDEMPOTENCY_KEY, refusals
from app.api.entrance import Entrance, Needs, response
from app.api.proposals import ProposalId
from app.api.shown import EditsSaved, SheetPreview
from app.edge.multipart import one_file
from app.errors import Fault, FaultCode, InputRefused
from app.intake import Format, Limits, Source
from app.use_cases import export, plan_sheets
from app.use_cases.access import Permission
from app.use_cases.service import Answer

router = APIRouter(tags=["bins"])

_XLSX: Final = export.MEDIA_TYPES["xlsx"]
_MEDIA: Final = {
    kind: found for kind, found in FORMATS.items() if found in (Format.XLSX, Format.CSV)
}
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            _XLSX: {"schema": {"type": "string", "format": "binary"}},
            "text/csv": {"schema": {"type": "string"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            },
        },
    }
}


@router.get(
    "/proposals/{proposal_id}/sheet",
    response_class=Response,
    responses={
        200: {
            "description": "One row a request; its column `bin` may be edited.",
            "content": {
                _XLSX: {"schema": {"type": "string", "format": "binary"}},
                "text/csv": {"schema": {"type": "string"}},
            },
        },
        **refusals(404, 409),
    },
)
def get_sheet(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_PROPOSALS))],
    format: Annotated[Literal["xlsx", "csv"], Query()] = "xlsx",
) -> Response:
    """Download the sheet in which the bins of a plan may be edited."""
    content, kind = export.sheet(entrance.service, entrance.caller, proposal_id, format)
    name = f"proposal-{proposal_id[:8]}-bins.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, headers, kind)


@router.post(
    "/proposals/{proposal_id}/sheet",
    status_code=201,
    response_model=EditsSaved,
    responses={
        200: {
            "model": SheetPreview,
            "description": "What it would change, and its price; nothing is saved.",
        },
        201: {"description": "It is saved; the plan has a new version."},
        **refusals(404, 409, 412, 415),
    },
    openapi_extra=_BODY,
)
def post_sheet(
    proposal_id: ProposalId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.EDIT))],
    dry_run: bool = False,
    reason: Annotated[str | None, Query(min_length=3, max_length=2000)] = None,
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """Take an edited sheet back: price it, or save all that it changes as edits.

    The sheet says itself which version of the plan it was made of.
    """
    require_visible(reason)
    service, call = entrance.service, entrance.call
    before = service.first_answer(call)
    if before is not None:
        return response(before)
    worked = plan_sheets.work_out(
        service,
        entrance.caller,
        proposal_id,
        _source(entrance),
        Limits.of(service.settings),
    )
    desk = entrance.request.app.state.desk
    if dry_run:
        said = plan_sheets.priced(service, desk, entrance.caller, proposal_id, worked)
        return response(Answer.of(200, said, {"ETag": f'"{worked.seen}"'}))
    return response(plan_sheets.save(service, desk, call, proposal_id, worked, reason))


def _source(entrance: Entrance) -> Source:
    kind, content, label = entrance.content_type, entrance.body, "body"
    if kind == "multipart/form-data":
        part = one_file(entrance.request, entrance.body)
        content, label = part.content, part.name or "body"
        kind = part.content_type
        if kind not in _MEDIA and part.name:
            return Source(label=label, stream=BytesIO(content))
    found = _MEDIA.get(kind)
    if found is None:
        accepted = ", ".join([*_MEDIA, "multipart/form-data"])
        message = f"The Content-Type has to be one of {accepted}."
        fault = Fault(file=label, code=FaultCode.FILE_TYPE, message=message)
        raise InputRefused([fault])
    return Source(label=label, stream=BytesIO(content), format=found)
