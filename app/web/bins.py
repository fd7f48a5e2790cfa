"""The bins of a proposal: as a table, in pictures, and one by one."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection
from starlette.responses import Response

from app.api.bins import BinId
from app.api.proposals import ProposalId
from app.storage import bin_table
from app.use_cases.access import Permission
from app.use_cases.decide_many import why_blocked
from app.use_cases.read_proposals import shown_state
from app.web.bin_page import draw_bin, finished
from app.web.csv_file import csv_file
from app.web.door import Sees, Visit
from app.web.links import with_query
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.pictures import pictures
from app.web.views.table import COLUMNS, Line, lines

PAGE: Final = 100

router = APIRouter(route_class=PageRoute)

type Sort = Literal["place", "saved", "size", "state", "value", "received"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the table of bins: by its query, so that it can be kept."""

    system: Annotated[str, Query(max_length=128)] = ""
    region: Annotated[str, Query(max_length=64)] = ""
    customer: Annotated[str, Query(pattern=r"^([A-Z]{3})?$")] = ""
    category: Annotated[str, Query(max_length=128)] = ""
    state: Literal["", "open", "accepted", "returned", "rejected"] = ""
    together: Literal["", "yes", "no"] = ""
    sort: Sort = "saved"
    down: Literal["", "0", "1"] = ""
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1

    @property
    def filters(self) -> dict[str, str]:
        """What the bins have to be, by column."""
        given = {
            "systems": self.system,
            "regions": self.region,
            "customers": self.customer,
            "category": self.category,
            "state": self.state,
            "together": self.together,
        }
        return {name: value for name, value in given.items() if value}

    @property
    def descending(self) -> bool:
        """Whether the largest comes first; of figures it does unless asked."""
        if self.down:
            return self.down == "1"
        return self.sort in ("saved", "size", "value")

    def query(self, **changes: object) -> dict[str, object]:
        """Return the query, changed in part."""
        said: dict[str, object] = {
            "system": self.system,
            "region": self.region,
            "customer": self.customer,
            "category": self.category,
            "state": self.state,
            "together": self.together,
            "sort": "" if self.sort == "saved" else self.sort,
            "down": self.down,
        }
        return said | changes


@router.get("/proposals/{proposal_id}/bins")
def get_bins(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
    asked: Annotated[Asked, Depends()],
) -> Response:
    """Show a page of the table of bins."""
    there = f"/proposals/{proposal_id}/bins"
    with visit.service.reading() as connection:
        row = finished(connection, visit, proposal_id)
        total = bin_table.count(connection, proposal_id, asked.filters)
        found = _lines(connection, proposal_id, asked, (asked.page - 1) * PAGE, PAGE)
        choices = bin_table.choices(connection, proposal_id)
        may_decide = visit.caller.may(Permission.DECIDE)
        blocked = why_blocked(visit.service, connection, visit.caller, row)
        matching = 0
        if may_decide and asked.state in ("", "open"):
            still = {**asked.filters, "state": "open"}
            matching = bin_table.count(connection, proposal_id, still)
    pages = max(1, -(-total // PAGE))

    def page_at(number: int) -> str:
        return with_query(there, asked.query(page=number if number > 1 else ""))

    def sorted_by(name: str) -> str:
        down = "0" if asked.sort == name and asked.descending else ""
        if asked.sort == name and not asked.descending:
            down = "1"
        return with_query(there, asked.query(sort=name, down=down))

    return draw(
        visit,
        "bins.html.j2",
        one=shown_state(row),
        tab="bins",
        there=there,
        asked=asked,
        lines=found,
        total=total,
        pages=pages,
        choices=choices,
        page_at=page_at,
        sorted_by=sorted_by,
        download=with_query(f"{there}.csv", asked.query()),
        first=(asked.page - 1) * PAGE + 1,
        may_decide=may_decide,
        blocked=blocked,
        matching=matching,
        form=visit.form,
    )


@router.get("/proposals/{proposal_id}/bins.csv")
def get_bins_file(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
    asked: Annotated[Asked, Depends()],
) -> Response:
    """Download the table as it is filtered and sorted, all pages of it."""
    with visit.service.reading() as connection:
        finished(connection, visit, proposal_id)
        found = _lines(connection, proposal_id, asked, 0, None)
    return csv_file(
        f"bins-{proposal_id[:8]}", COLUMNS, (line.cells() for line in found)
    )


def _lines(
    connection: Connection,
    proposal_id: str,
    asked: Asked,
    offset: int,
    limit: int | None,
) -> list[Line]:
    rows = bin_table.page(
        connection,
        proposal_id,
        filters=asked.filters,
        sort=asked.sort,
        descending=asked.descending,
        offset=offset,
        limit=limit,
    )
    return lines(rows)


@router.get("/proposals/{proposal_id}/pictures")
def get_pictures(
    proposal_id: ProposalId,
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
) -> Response:
    """Show the plan as a timeline, a map and a graph, each with its table."""
    with visit.service.reading() as connection:
        row = finished(connection, visit, proposal_id)
        said = pictures(connection, row)
    return draw(visit, "pictures.html.j2", one=shown_state(row), tab="pictures", **said)


@router.get("/proposals/{proposal_id}/bins/{bin_id}")
def get_bin(
    proposal_id: ProposalId,
    bin_id: BinId,
    visit: Annotated[Visit, Depends(Sees(Permission.READ_PROPOSALS))],
) -> Response:
    """Show a bin with all that a decision on it needs."""
    return draw_bin(visit, proposal_id, bin_id)
