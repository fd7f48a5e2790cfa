"""Requests: all that one may see, sought by what they are."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from app.api.batches import Uid
from app.api.pages import Cursor, cursor_of, place_of
from app.intake.records import REQUESTS
from app.storage import requests as stored
from app.storage.plain import shown_request
from app.use_cases.access import Permission
from app.use_cases.disclose import standing
from app.use_cases.refusals import NotThere
from app.web.door import Sees, Visit
from app.web.links import with_query
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.own import own_request, own_requests

PAGE: Final = 100
_BESIDE: Final = ("defaulted", "extra")

router = APIRouter(route_class=PageRoute)


@router.get("/requests")
def get_requests(
    visit: Annotated[Visit, Depends(Sees(Permission.READ_REQUESTS))],
    customer: Annotated[str, Query(pattern=r"^([A-Za-z]{3})?$")] = "",
    system: Annotated[str, Query(max_length=128)] = "",
    region: Annotated[str, Query(max_length=64)] = "",
    request_id: Annotated[str, Query(max_length=64)] = "",
    state: Literal["", "open", "withdrawn"] = "",
    cursor: Cursor = None,
) -> Response:
    """List requests, in the order they came."""
    given = {
        "customer": customer.upper(),
        "system": system,
        "region": region,
        "request_id": request_id,
        "state": state,
    }
    filters = {name: value for name, value in given.items() if value}
    after = place_of(cursor, str, str, str)
    with visit.service.reading() as connection:
        rows = stored.request_page(
            connection,
            visit.caller.scope,
            filters=filters,
            after=None if after is None else (after[0], after[1], after[2]),
            limit=PAGE + 1,
        )
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    following = None
    if last is not None:
        place = cursor_of(last.created_at, last.customer, last.request_id)
        following = with_query("/requests", {**filters, "cursor": place})
    own = {}
    if not visit.caller.reads_bins:
        with visit.service.reading() as connection:
            found = own_requests(connection, visit.caller, rows[:PAGE])
        own = {one.row.request_uid: one for one in found}
    return draw(
        visit,
        "requests.html.j2",
        own=own,
        rows=[(row, shown_request(row.content)) for row in rows[:PAGE]],
        given=given,
        following=following,
    )


@router.get("/requests/{uid}")
def get_request(
    uid: Uid, visit: Annotated[Visit, Depends(Sees(Permission.READ_REQUESTS))]
) -> Response:
    """Show a request, and what became of it as far as one may know."""
    with visit.service.reading() as connection:
        row = stored.request(connection, visit.caller.scope, uid)
        if row is None:
            raise NotThere("request")
        stands = standing(connection, visit.caller, row)
        own = own_request(connection, visit.caller, row)
    content = _in_order(shown_request(row.content))
    return draw(
        visit,
        "request.html.j2",
        row=row,
        content=content,
        stands=stands,
        own=own,
        may_change=visit.caller.may(Permission.WITHDRAW) and row.state == "open",
    )


def _in_order(content: dict[str, Any]) -> dict[str, Any]:
    """Return a request with its fields as its files have them, then what is beside."""
    beside = {name: value for name, value in content.items() if name in _BESIDE}
    return {name: content[name] for name in REQUESTS.fields} | beside
