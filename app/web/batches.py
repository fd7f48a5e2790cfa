"""Batches: sent as a file or pasted, every fault shown, and listed."""

import hashlib
from io import BytesIO
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from app.api.batches import BatchId
from app.api.pages import Cursor, cursor_of, place_of
from app.errors import InputRefused
from app.intake import Format, Intake, Limits, Source, read_request_sources
from app.storage import requests as stored
from app.storage.plain import shown_request
from app.use_cases.access import Permission
from app.use_cases.refusals import NotThere, Refusal
from app.use_cases.send import Sent, send
from app.use_cases.service import Answer
from app.web.door import Sees, Visit
from app.web.forms import Form
from app.web.pasted import as_csv, corrected, shown
from app.web.render import draw
from app.web.route import PageRoute

PAGE: Final = 100
MOST_EDITABLE: Final = 500_000
"""Bytes of a text file that is shown to be put right on the page."""

router = APIRouter(route_class=PageRoute)


@router.get("/batches")
def get_batches(
    visit: Annotated[Visit, Depends(Sees(Permission.READ_REQUESTS))],
    cursor: Cursor = None,
) -> Response:
    """List batches, newest first."""
    after = place_of(cursor, str, str)
    with visit.service.reading() as connection:
        rows = stored.batch_page(
            connection,
            visit.caller.scope,
            after=None if after is None else (after[0], after[1]),
            limit=PAGE + 1,
        )
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    following = None if last is None else cursor_of(last.created_at, last.batch_id)
    return draw(visit, "batches.html.j2", batches=rows[:PAGE], following=following)


@router.get("/batches/new")
def get_new(visit: Annotated[Visit, Depends(Sees(Permission.SEND))]) -> Response:
    """Ask for a file, or for rows."""
    return _asked(visit, Form())


@router.post("/batches/new")
def post_new(visit: Annotated[Visit, Depends(Sees(Permission.SEND))]) -> Response:
    """Store a batch if it is clean, or show every fault beside its cell."""
    form = visit.form
    source, text = _source(form)
    if form.text("fix"):
        text = corrected(text, form.text("fix"))
        source = _of_text(text, source.label if source else "pasted rows")
    if source is None:
        return _asked(visit, form, 422, wrong="Choose a file, or paste rows.")
    only_check = form.text("do") != "send"
    try:
        intake = _read(visit, form, source)
        sent = Sent(
            intake=intake,
            format=str(source.format or _format_word(source)),
            label=source.label,
            sha256=hashlib.sha256(source.stream.getvalue()).hexdigest(),  # type: ignore[attr-defined]
        )
        answer = send(visit.service, visit.call, sent, dry_run=only_check)
    except InputRefused as refused:
        return _asked(
            visit,
            form,
            422,
            text=text,
            faults=shown(refused.faults),
            bad_rows=refused.bad_rows,
            good_rows=refused.good_rows,
            unlisted=refused.unlisted_rows,
        )
    except Refusal as refusal:
        conflicts = [one["message"] for one in refusal.errors]
        return _asked(
            visit,
            form,
            refusal.status,
            text=text,
            wrong=refusal.detail,
            conflicts=conflicts,
        )
    if only_check:
        clean = answer.value()
        return _asked(visit, form, text=text, clean=clean, faults=shown(intake.skipped))
    return RedirectResponse(_place(answer), 303)


@router.get("/batches/{batch_id}")
def get_batch(
    batch_id: BatchId,
    visit: Annotated[Visit, Depends(Sees(Permission.READ_REQUESTS))],
    cursor: Cursor = None,
) -> Response:
    """Show a batch and its requests, in the order of its rows."""
    after = place_of(cursor, int)
    scope = visit.caller.scope
    with visit.service.reading() as connection:
        batch = stored.batch(connection, scope, batch_id)
        if batch is None:
            raise NotThere("batch")
        rows = stored.batch_members(
            connection,
            scope,
            batch_id,
            after=None if after is None else after[0],
            limit=PAGE + 1,
        )
    following = cursor_of(rows[PAGE - 1].place) if len(rows) > PAGE else None
    members = [(row, shown_request(row.content)) for row in rows[:PAGE]]
    return draw(
        visit, "batch.html.j2", batch=batch, members=members, following=following
    )


def _asked(visit: Visit, form: Form, status: int = 200, **said: Any) -> Response:
    given: dict[str, Any] = {
        "form": form,
        "text": form.text("rows"),
        "wrong": "",
        "faults": [],
        "conflicts": [],
        "clean": None,
        "bad_rows": 0,
        "good_rows": 0,
        "unlisted": 0,
        "limits": visit.service.settings,
    }
    return draw(visit, "send.html.j2", status, **(given | said))


def _source(form: Form) -> tuple[Source | None, str]:
    """Return what was sent, and its text where the page can show it."""
    file = form.files.get("file")
    if file is not None and (file.content or file.name):
        source = Source(label=file.name or "file", stream=BytesIO(file.content))
        return source, _editable(file.name, file.content)
    text = as_csv(form.text("rows").replace("\r\n", "\n"))
    if not text.strip():
        return None, ""
    return _of_text(text, form.text("label") or "pasted rows"), text


def _of_text(text: str, label: str) -> Source:
    start = text.lstrip()[:1]
    kind = Format.JSON if start == "[" else Format.CSV
    if start == "{":
        lines = [line for line in text.splitlines() if line.strip()]
        alone = len(lines) > 1 and all(line.startswith("{") for line in lines)
        kind = Format.NDJSON if alone else Format.JSON
    return Source(label=label, stream=BytesIO(text.encode()), format=kind)


def _editable(name: str, content: bytes) -> str:
    if not name.lower().endswith((".csv", ".txt", ".tsv")):
        return ""
    if len(content) > MOST_EDITABLE:
        return ""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""


def _format_word(source: Source) -> str:
    return source.label.rpartition(".")[2].lower()[:16] or "csv"


def _read(visit: Visit, form: Form, source: Source) -> Intake:
    codes: Any = form.text("customer_codes") or None
    if codes not in (None, "iso", "samm"):
        codes = None
    return read_request_sources(
        [source],
        customer_codes=codes,
        keep_extra_columns=form.checked("keep"),
        on_error="skip" if form.checked("good_only") else "refuse",
        limits=Limits.of(visit.service.settings),
    )


def _place(answer: Answer) -> str:
    return f"/batches/{answer.value()['batch_id']}"
