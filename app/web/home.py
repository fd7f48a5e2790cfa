"""Home: what waits, and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.responses import Response

from app.storage import proposals, reviews, waiting
from app.use_cases import clock
from app.use_cases.access import Caller, Permission
from app.use_cases.decide import single_user
from app.use_cases.service import Service
from app.web.door import Sees, Visit
from app.web.proposals import listed_proposal
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.own import overview

BANDS: Final = (30, 60, 90, 180)
"""Days that part the ages of open requests."""

LISTED: Final = 25
_LATEST: Final = 8

router = APIRouter(route_class=PageRoute)


@dataclass(frozen=True, slots=True)
class Age:
    """Undecided requests of one age."""

    words: str
    count: int


@router.get("/")
def get_home(visit: Annotated[Visit, Depends(Sees(Permission.SEE_HOME))]) -> Response:
    """Show what waits for whoever looks."""
    caller = visit.caller
    if caller.may(Permission.READ_REQUESTS) and not caller.may(
        Permission.READ_PROPOSALS
    ):
        with visit.service.reading() as connection:
            return draw(visit, "own.html.j2", **overview(connection, caller))
    said: dict[str, Any] = {"ages": None, "plans": None, "latest": None, "again": None}
    with visit.service.reading() as connection:
        if caller.may(Permission.READ_REQUESTS):
            said |= _open_requests(connection, caller)
        if caller.may(Permission.READ_PROPOSALS):
            said["plans"] = _to_decide(visit.service, connection, caller)
            rows = proposals.page(
                connection, caller.scope, state=None, after=None, limit=_LATEST
            )
            said["latest"] = [listed_proposal(row) for row in rows]
        if caller.reads_bins:
            said["again"] = reviews.waiting(connection, caller.scope, limit=50)
    return draw(visit, "home.html.j2", **said)


def _open_requests(connection: Connection, caller: Caller) -> dict[str, Any]:
    day = clock.today()
    today = day.isoformat()
    since = [(day - timedelta(days=days)).isoformat() for days in BANDS]
    found = waiting.undecided(
        connection, caller.scope, today=today, since=since, limit=LISTED
    )
    rows = found.first
    keys = [(row.customer, row.request_id) for row in rows]
    placed = waiting.placed(connection, caller.scope, keys) if caller.reads_bins else {}
    return {
        "open_total": found.total,
        "open_past": found.past,
        "ages": _ages(found.by_age),
        "oldest": [
            _standing(row, placed.get((row.customer, row.request_id))) for row in rows
        ],
    }


def _ages(counts: Sequence[int]) -> list[Age]:
    lows = (0, *BANDS)
    names = [
        f"{low} to {high - 1} days" for low, high in zip(lows, BANDS, strict=False)
    ]
    return [
        Age(words, count)
        for words, count in zip(
            [*names, f"{BANDS[-1]} days or more"], counts, strict=True
        )
    ]


def _standing(row: Any, place: Any) -> dict[str, Any]:
    today = clock.today()
    received = row.received_on
    forecast = None if place is None else place.forecast_on
    late = [
        words
        for words, day in (("needed", row.needed_by), ("forecast", forecast))
        if day is not None and day < today.isoformat()
    ]
    age = (today - type(today).fromisoformat(received)).days
    return {"row": row, "place": place, "age": age, "late": late}


def _to_decide(
    service: Service, connection: Connection, caller: Caller
) -> list[dict[str, Any]]:
    today = clock.today().isoformat()
    rows = waiting.to_decide(connection, caller.scope, today=today, limit=20)
    edited = waiting.edited_by(connection, caller.account_id)
    alone = single_user(service, connection)
    return [
        {
            "row": row,
            "mine": caller.may(Permission.DECIDE)
            and (
                alone
                or (
                    row.account_id != caller.account_id
                    and row.proposal_id not in edited
                )
            ),
        }
        for row in rows
    ]
