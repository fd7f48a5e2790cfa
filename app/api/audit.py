"""The audit trail: read, and checked."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import JSONResponse, Response

from app.api.described import refusals
from app.api.entrance import Entrance, Needs
from app.api.models import Page
from app.api.pages import Cursor, Limit, page, place_of
from app.api.shown import AuditRecord, Verified
from app.storage import trail
from app.use_cases.access import Permission
from app.use_cases.auditing import between, verified
from app.use_cases.refusals import NotThere

router = APIRouter(tags=["audit"])

Day = Annotated[
    str,
    Query(
        pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$",
        description="A day by UTC, such as `2026-01-05`; it is among them.",
    ),
]


@router.get(
    "/audit",
    response_model=Page[AuditRecord],
    responses={200: {"description": "Records, last first."}, **refusals()},
)
def get_audit(
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_AUDIT))],
    object: Annotated[
        str | None,
        Query(max_length=200, description="Such as `bin/PROPOSAL/BIN`."),
    ] = None,
    actor: Annotated[str | None, Query(max_length=64)] = None,
    action: Annotated[str | None, Query(max_length=64)] = None,
    since: Day = "",
    until: Day = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List who did what, when, before and after."""
    after = place_of(cursor, int)
    begin, end = between(since, until)
    sought = trail.Sought(
        object=object or "",
        actor=actor or "",
        action=action or "",
        since=begin,
        until=end,
    )
    with entrance.service.reading() as connection:
        rows = trail.page(
            connection,
            sought=sought,
            before=None if after is None else after[0],
            limit=limit + 1,
        )
    return page(rows, limit, shown_record, lambda row: (row.seq,))


def shown_record(row: trail.Row) -> dict[str, Any]:
    """Return a record as every answer says it."""
    said = {
        name: getattr(row, name)
        for name in (
            "seq",
            "at",
            "actor",
            "role",
            "scope",
            "action",
            "object",
            "version_before",
            "version_after",
            "releasable_reason",
            "idempotency_key",
            "client",
            "result",
            "prev_hash",
            "hash",
        )
    }
    for name in ("before", "after"):
        text = getattr(row, name)
        said[name] = None if text is None else _without_digests(json.loads(text))
    said["reason"] = row.text
    return said


def _without_digests(said: Any) -> Any:
    """Return what a record says, with its rows counted: their digests are many."""
    if not isinstance(said, dict):
        return said
    counted = {
        name: {table: len(found) for table, found in said[name].items()}
        for name in ("rows", "now")
        if isinstance(said.get(name), dict)
    }
    return {**said, **counted}


@router.get(
    "/audit/verify",
    response_model=Verified,
    responses={
        200: {"description": "What was checked, and every finding."},
        **refusals(),
    },
)
def get_verify(
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_AUDIT))],
) -> Response:
    """Walk every link of the chain and compare it with what is stored."""
    return JSONResponse(verified(entrance.service, entrance.request.app.state.desk))


@router.get(
    "/audit/{seq}",
    responses={200: {"description": "One record."}, **refusals(404)},
)
def get_record(
    seq: Annotated[int, Path(ge=1, le=1 << 53)],
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_AUDIT))],
) -> Response:
    """Return a record; there is no way to change or remove one."""
    with entrance.service.reading() as connection:
        rows = [row for row in trail.around(connection, seq) if row.seq == seq]
    if not rows:
        raise NotThere("record")
    return JSONResponse(shown_record(rows[0]))
