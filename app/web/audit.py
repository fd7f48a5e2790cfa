"""The audit trail: sought, read, taken along, and verified."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response, StreamingResponse

from app.api.audit import shown_record
from app.api.pages import Cursor, cursor_of, place_of
from app.export.sheet_text import sheet_text
from app.jobs.desk import DeskFailed
from app.storage import accounts, trail
from app.use_cases import auditing, clock
from app.use_cases.access import Permission
from app.use_cases.refusals import NotAcceptable
from app.use_cases.service import Service
from app.web.door import Sees, Visit
from app.web.links import with_query
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.told import names_of, told

PAGE: Final = 100
_AT_ONCE: Final = 1000
"""Records of a download that are read in one transaction."""

_COLUMNS: Final = (
    "seq", "at", "actor", "name", "role", "scope", "action", "object",
    "version_before", "version_after", "before", "after", "reason",
    "releasable_reason", "result", "client", "idempotency_key", "prev_hash", "hash",
)  # fmt: skip

router = APIRouter(route_class=PageRoute)

type Day = Annotated[str, Query(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
type Words = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the trail: by its query, so that it can be kept."""

    who: Words = ""
    action: Annotated[str, Query(max_length=64)] = ""
    about: Words = ""
    result: Literal["", "done", "refused"] = ""
    since: Day = ""
    until: Day = ""

    @property
    def given(self) -> dict[str, str]:
        """What is asked, by its name in an address."""
        return {
            "who": self.who.strip(),
            "action": self.action,
            "about": self.about.strip().strip("/"),
            "result": self.result,
            "since": self.since,
            "until": self.until,
        }

    def sought(self) -> trail.Sought:
        """Return it as the store understands it.

        Raises
        ------
        NotAcceptable
            When a day is none of the calendar.
        """
        given = self.given
        since, until = auditing.between(self.since, self.until)
        return trail.Sought(
            who=given["who"],
            action=given["action"],
            about=given["about"],
            result=given["result"],
            since=since,
            until=until,
        )


@router.get("/audit")
def get_audit(
    visit: Annotated[Visit, Depends(Sees(Permission.READ_AUDIT))],
    asked: Annotated[Asked, Depends()],
    cursor: Cursor = None,
) -> Response:
    """List records, last first."""
    before = place_of(cursor, int)
    wrong, status, records = "", 200, []
    following = None
    with visit.service.reading() as connection:
        try:
            rows = trail.page(
                connection,
                sought=asked.sought(),
                before=None if before is None else before[0],
                limit=PAGE + 1,
            )
            records = told(connection, rows[:PAGE])
            if len(rows) > PAGE:
                place = cursor_of(rows[PAGE - 1].seq)
                following = with_query("/audit", {**asked.given, "cursor": place})
        except NotAcceptable as refusal:
            wrong, status = refusal.detail, refusal.status
        people = names_of(accounts.people(connection))
        last = trail.last(connection)
    return draw(
        visit,
        "audit.html.j2",
        status,
        given=asked.given,
        records=records,
        people=people,
        last=last,
        wrong=wrong,
        following=following,
        newest=with_query("/audit", asked.given) if before is not None else None,
        download=with_query("/audit.csv", asked.given),
    )


@router.get("/audit.csv")
def get_audit_file(
    visit: Annotated[Visit, Depends(Sees(Permission.READ_AUDIT))],
    asked: Annotated[Asked, Depends()],
) -> Response:
    """Download all records that are asked for, as CSV."""
    lines = _lines(visit.service, asked.sought())
    name = f'attachment; filename="audit-{clock.today().isoformat()}.csv"'
    return StreamingResponse(
        lines,
        headers={"Content-Disposition": name},
        media_type="text/csv; charset=utf-8",
    )


def _lines(service: Service, sought: trail.Sought) -> Iterator[str]:
    """Yield the lines of a download, read a part at a time: the trail only grows."""
    yield _line(_COLUMNS)
    before: int | None = None
    while True:
        with service.reading() as connection:
            rows = trail.page(connection, sought=sought, before=before, limit=_AT_ONCE)
            records = told(connection, rows)
        yield "".join(
            _line(_cells({**shown_record(one.row), "name": one.who})) for one in records
        )
        if len(rows) < _AT_ONCE:
            return
        before = rows[-1].seq


def _cells(said: dict[str, Any]) -> Iterator[object]:
    for name in _COLUMNS:
        value = said[name]
        if isinstance(value, dict | list):
            value = json.dumps(value, ensure_ascii=False, sort_keys=True)
        yield sheet_text(value) if isinstance(value, str) else value


def _line(cells: Any) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(cells)
    return out.getvalue()


@router.get("/audit/verify")
def get_verify(
    visit: Annotated[Visit, Depends(Sees(Permission.READ_AUDIT))],
) -> Response:
    """Say what verifying looks at, and offer it."""
    return draw(visit, "audit_verify.html.j2", found=None, wrong="", seconds=_limit())


@router.post("/audit/verify")
def post_verify(
    visit: Annotated[Visit, Depends(Sees(Permission.READ_AUDIT))],
) -> Response:
    """Verify the whole trail, in a process of its own, and say what was found."""
    found, wrong, status = None, "", 200
    try:
        found = auditing.verified(visit.service, visit.request.app.state.desk)
    except DeskFailed as failed:
        wrong, status = str(failed), 503
    said = {"found": found, "wrong": wrong, "seconds": _limit(), "at": clock.now()}
    return draw(visit, "audit_verify.html.j2", status, **said)


def _limit() -> int:
    return round(auditing.VERIFY_S)


@router.get("/audit/{seq}")
def get_record(
    seq: Annotated[int, Path(ge=1, le=1 << 53)],
    visit: Annotated[Visit, Depends(Sees(Permission.READ_AUDIT))],
) -> Response:
    """Show a record: what was before beside what is after, and whether it holds."""
    with visit.service.reading() as connection:
        found = auditing.record(connection, seq)
        (one,) = told(connection, [found.row])
        last = trail.last(connection)
    return draw(visit, "audit_record.html.j2", one=one, links=found, last=last)
