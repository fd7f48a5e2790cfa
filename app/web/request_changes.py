"""A request changed or withdrawn by whoever may, in the version that was seen."""

import csv
import io
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from app.api.batches import Uid
from app.catalogue import planning_regions
from app.errors import InputRefused
from app.intake import Format, Source, read_request_sources
from app.intake.records import REQUESTS, Kind
from app.storage import requests as stored
from app.storage.plain import shown_request
from app.use_cases.access import Permission
from app.use_cases.refusals import Conflict, NotAcceptable, NotThere, SomeoneWasFirst
from app.use_cases.send import replace_request, require_own, withdraw_request
from app.web import words
from app.web.deciding import version_of
from app.web.door import Sees, Visit
from app.web.render import draw
from app.web.route import PageRoute

KEPT: Final = ("request_id", "customer")
"""What a request keeps for good."""

router = APIRouter(route_class=PageRoute)


@router.get("/requests/{uid}/change")
def get_change(
    uid: Uid, visit: Annotated[Visit, Depends(Sees(Permission.WITHDRAW))]
) -> Response:
    """Show a request in fields."""
    row = _open_row(visit, uid)
    return _fields(visit, row, _texts(row))


@router.post("/requests/{uid}/change")
def post_change(
    uid: Uid, visit: Annotated[Visit, Depends(Sees(Permission.WITHDRAW))]
) -> Response:
    """Put what was written in the place of what is stored."""
    form, row = visit.form, _open_row(visit, uid)
    texts = _texts(row)
    texts |= {name: form.text(name) for name in texts if name in form.fields}
    texts |= {name: _texts(row)[name] for name in KEPT}
    try:
        request = _read(texts, shown_request(row.content)["extra"])
        require_own(visit.caller, [request])
        replace_request(visit.service, visit.call, uid, version_of(form), request)
    except InputRefused as refused:
        beside = {
            fault.column: fault.message
            for fault in reversed(refused.faults)
            if fault.column in texts
        }
        rest = [f.message for f in refused.faults if f.column not in texts]
        return _fields(visit, row, texts, 422, wrong=beside, said=" ".join(rest))
    except (SomeoneWasFirst, Conflict, NotAcceptable) as refusal:
        return _fields(visit, row, texts, refusal.status, said=refusal.detail)
    return RedirectResponse(f"/requests/{uid}", 303)


@router.get("/requests/{uid}/withdraw")
def get_withdraw(
    uid: Uid, visit: Annotated[Visit, Depends(Sees(Permission.WITHDRAW))]
) -> Response:
    """Ask whether it is meant."""
    return draw(visit, "request_withdraw.html.j2", row=_open_row(visit, uid), wrong="")


@router.post("/requests/{uid}/withdraw")
def post_withdraw(
    uid: Uid, visit: Annotated[Visit, Depends(Sees(Permission.WITHDRAW))]
) -> Response:
    """Withdraw a request; it is kept."""
    try:
        withdraw_request(visit.service, visit.call, uid, version_of(visit.form))
    except (SomeoneWasFirst, Conflict) as refusal:
        row, wrong = _row(visit, uid), refusal.detail
        status = refusal.status
        return draw(visit, "request_withdraw.html.j2", status, row=row, wrong=wrong)
    return RedirectResponse(f"/requests/{uid}", 303)


def _row(visit: Visit, uid: str) -> stored.Row:
    with visit.service.reading() as connection:
        row = stored.request(connection, visit.caller.scope, uid)
    if row is None:
        raise NotThere("request")
    return row


def _open_row(visit: Visit, uid: str) -> stored.Row:
    row = _row(visit, uid)
    if row.state == "withdrawn":
        raise Conflict("The request was withdrawn; send a new one.")
    return row


def _texts(row: stored.Row) -> dict[str, str]:
    """Return the fields of a stored request as a form shows them."""
    content = shown_request(row.content)
    return {name: _text(content[name]) for name in REQUESTS.fields}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return str(value)


def _read(texts: Mapping[str, str], extra: Mapping[str, str]) -> Any:
    """Return the request that fields name, read as a file would be.

    Raises
    ------
    InputRefused
        With every fault, by the field it is in.
    """
    said = {**extra, **texts}
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(said)
    writer.writerow(" ".join(text.splitlines()) for text in said.values())
    source = Source(
        label="form", stream=io.BytesIO(out.getvalue().encode()), format=Format.CSV
    )
    intake = read_request_sources(
        [source], customer_codes=None, keep_extra_columns=True
    )
    return intake.requests[0]


def _fields(
    visit: Visit,
    row: stored.Row,
    texts: Mapping[str, str],
    status: int = 200,
    *,
    wrong: Mapping[str, str] | None = None,
    said: str = "",
) -> Response:
    choices = {
        "priority": words.PRIORITIES,
        "implementing_agency": words.AGENCIES,
        "document": words.DOCUMENTS,
        "region": sorted(planning_regions()),
        "technology_review": ("yes", "no"),
        "end_use_monitoring": ("yes", "no"),
    }
    fields = [name for name in REQUESTS.fields if name not in KEPT]
    return draw(
        visit,
        "request_change.html.j2",
        status,
        row=row,
        version=visit.form.text("version") or row.version,
        fields_=fields,
        dates=[n for n, kind in REQUESTS.kinds.items() if kind is Kind.DATE],
        needed=REQUESTS.required,
        texts=texts,
        choices=choices,
        wrong=wrong or {},
        said=said,
    )
