"""Compare two proposals bin by bin: chosen, shown, and as a file."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from app.storage import proposals
from app.use_cases.access import Permission
from app.use_cases.compare import Comparison, compare
from app.use_cases.read_proposals import shown_state
from app.use_cases.refusals import NotAcceptable
from app.web.csv_file import csv_file
from app.web.door import Sees, Visit
from app.web.links import with_query
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views import compared

PAGE: Final = 25
_CHOICES: Final = 100

router = APIRouter(route_class=PageRoute)

type Asked = Annotated[str, Query(pattern=r"^([0-9a-f-]{36})?$")]


@router.get("/compare")
def get_comparison(
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
    first: Asked = "",
    second: Asked = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """Show two plans side by side; without two, ask which."""
    said: dict[str, Any] = {"found": None}
    wrong, status = "", 200
    with visit.service.reading() as connection:
        if first and second:
            try:
                found = compare(connection, visit.caller, first, second)
                said = _shown(connection, found, page)
            except NotAcceptable as refusal:
                wrong, status = refusal.detail, refusal.status
        choices = _choices(connection, visit, {first, second})
    here = {"first": first, "second": second}
    return draw(
        visit,
        "compare.html.j2",
        status,
        first=first,
        second=second,
        choices=choices,
        wrong=wrong,
        download=with_query("/compare.csv", here),
        turned=with_query("/compare", {"first": second, "second": first}),
        page_at=lambda number: with_query(
            "/compare", {**here, "page": number if number > 1 else ""}
        ),
        page=page,
        **said,
    )


@router.get("/compare.csv")
def get_comparison_file(
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
    first: Asked = "",
    second: Asked = "",
) -> Response:
    """Download every request of two plans, with where it is in each, and why."""
    if not (first and second):
        return RedirectResponse("/compare", 303)
    with visit.service.reading() as connection:
        found = compare(connection, visit.caller, first, second)
        lines = [*compared.request_lines(connection, found)]
    return csv_file(f"compare-{first[:8]}-{second[:8]}", compared.COLUMNS, lines)


def _shown(connection: Connection, found: Comparison, page: int) -> dict[str, Any]:
    groups = compared.weighed(connection, found)
    some = groups[(page - 1) * PAGE : page * PAGE]
    combined = [
        sum(len(keys) > 1 for keys in side.bins.values())
        for side in (found.first, found.second)
    ]
    return {
        "found": found,
        "sides": [shown_state(side.row) for side in (found.first, found.second)],
        "facts": compared.facts(found, (combined[0], combined[1])),
        "policies": compared.policy_differences(found.first, found.second),
        "groups": len(groups),
        "views": compared.group_views(
            connection, found, some, first_number=(page - 1) * PAGE + 1
        ),
        "pages": max(1, -(-len(groups) // PAGE)),
    }


def _choices(
    connection: Connection, visit: Visit, chosen: set[str]
) -> list[dict[str, Any]]:
    """Return the latest finished proposals, and those that are chosen."""
    rows = proposals.page(
        connection, visit.caller.scope, state=None, after=None, limit=_CHOICES
    )
    listed = {row.proposal_id for row in rows}
    for name in chosen - listed - {""}:
        row = proposals.one(connection, visit.caller.scope, name)
        if row is not None:
            rows = [*rows, row]
    return [shown_state(row) for row in rows if row.heading is not None]
