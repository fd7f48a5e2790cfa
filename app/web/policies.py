"""Policies: all of them, their versions, and one with every figure's source."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection
from starlette.responses import Response

from app.api.policies import TOML, Name
from app.storage import policies as stored
from app.use_cases.access import Permission
from app.use_cases.bin_detail import people_of
from app.use_cases.refusals import NotThere
from app.web.door import Sees, Visit
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.policy_shown import (
    changes_between,
    sections_of,
    table_of,
    words_of,
)

router = APIRouter(route_class=PageRoute)

type Version = Annotated[int | None, Query(ge=1, le=1_000_000)]

type Reads = Annotated[Visit, Depends(Sees(Permission.READ_POLICIES))]


def asked(name: Name, visit: Reads, version: Version = None) -> stored.Row:
    """Return the version of a policy that a page is asked for."""
    with visit.service.reading() as connection:
        return found(connection, name, version)


type Asked = Annotated[stored.Row, Depends(asked)]


@router.get("/policies")
def get_policies(visit: Reads) -> Response:
    """List the policies in their last version."""
    with visit.service.reading() as connection:
        rows = stored.last_versions(connection)
        people = makers(connection, rows)
    return draw(visit, "policies.html.j2", rows=rows, people=people)


@router.get("/policies/{name}")
def get_policy(visit: Reads, row: Asked) -> Response:
    """Show a version of a policy: its rules in words, every figure with its source."""
    with visit.service.reading() as connection:
        versions = stored.versions(connection, row.name)
        people = makers(connection, versions)
    table = table_of(row.toml)
    return draw(
        visit,
        "policy.html.j2",
        row=row,
        versions=[
            (one, _changes(one, versions), people.get(one.version)) for one in versions
        ],
        newest=versions[0].version,
        rules=words_of(row.toml, row.name),
        groups=sections_of(table, all_figures=False),
        may_change=visit.caller.may(Permission.WRITE_POLICIES),
    )


@router.get("/policies/{name}/toml")
def get_toml(_visit: Reads, row: Asked) -> Response:
    """Download a version of a policy as it was saved."""
    file = f'attachment; filename="{row.name}-v{row.version}.toml"'
    return Response(row.toml, 200, {"Content-Disposition": file}, TOML)


def found(connection: Connection, name: str, version: int | None) -> stored.Row:
    """Return a version of a policy, the last one where none is named.

    Raises
    ------
    NotThere
        When there is none.
    """
    row = stored.version(connection, name, version)
    if row is None:
        raise NotThere("policy")
    return row


def makers(connection: Connection, rows: Any) -> dict[Any, str]:
    """Return who saved versions, by name and by version; "shipped" where nobody did."""
    people = people_of(connection, {row.account_id for row in rows if row.account_id})
    made = {}
    for row in rows:
        who = people.get(row.account_id, "shipped") if row.account_id else "shipped"
        made[row.name] = made[row.version] = who
    return made


def _changes(row: stored.Row, versions: Any) -> Any:
    before = next((one for one in versions if one.version == row.version - 1), None)
    if before is None:
        return None
    return changes_between(table_of(before.toml), table_of(row.toml))
