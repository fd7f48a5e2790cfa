"""Policies changed on a page: checked field by field, tried, saved as a new version."""

import re
from typing import Annotated, Any, Final

import tomli_w
from fastapi import APIRouter, Depends, Path
from starlette.responses import RedirectResponse, Response

from app.api.policies import Name
from app.errors import Fault, FaultCode, InputRefused
from app.jobs.trials import Trial
from app.policies import parse_policy
from app.policies.figures import changed_table
from app.storage import policies as stored
from app.use_cases import policy
from app.use_cases.access import Permission
from app.use_cases.refusals import Busy, NotAcceptable, SomeoneWasFirst
from app.use_cases.trying import MOST_SECONDS, trial_of, try_policy
from app.web.deciding import version_of
from app.web.door import Sees, Visit
from app.web.forms import Form
from app.web.policies import Version, found
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.policy_shown import (
    by_field,
    changes_between,
    sections_of,
    table_of,
)

_FIELD: Final = "at:"
"""What the name of a figure's field begins with."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SECONDS: Final = 20

router = APIRouter(route_class=PageRoute)

TrialId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


@router.get("/policies/{name}/edit")
def get_edit(
    name: Name,
    visit: Annotated[Visit, Depends(Sees(Permission.WRITE_POLICIES))],
    version: Version = None,
) -> Response:
    """Show every figure of a policy in a field, with its source beside it."""
    row = _stored(visit, name, version)
    return _fields(visit, row, row.toml, Form())


@router.get("/policies/{name}/edit/toml")
def get_edit_toml(
    name: Name,
    visit: Annotated[Visit, Depends(Sees(Permission.WRITE_POLICIES))],
    version: Version = None,
) -> Response:
    """Show a policy as TOML, to be written: stages and categories come and go here."""
    row = _stored(visit, name, version)
    return _text(visit, row, row.toml, Form())


@router.post("/policies/{name}/edit")
def post_edit(
    name: Name, visit: Annotated[Visit, Depends(Sees(Permission.WRITE_POLICIES))]
) -> Response:
    """Check, try or save what was written into the fields."""
    form, row = visit.form, _base(visit, name)
    texts = {
        field.removeprefix(_FIELD): form.text(field)
        for field in form.fields
        if field.startswith(_FIELD)
    }
    table = table_of(row.toml)
    changed = changed_table(table, texts)
    toml = row.toml if changed == table else tomli_w.dumps(changed)
    if form.text("do") == "toml":
        return _text(visit, row, toml, form)
    try:
        return _done(visit, row, toml)
    except InputRefused as refused:
        said: dict[str, Any] = {"faults": refused.faults, "texts": texts}
        return _fields(visit, row, row.toml, form, 422, **said)
    except (NotAcceptable, Busy, SomeoneWasFirst) as refusal:
        said = {"wrong": refusal.detail, "texts": texts}
        return _fields(visit, row, row.toml, form, refusal.status, **said)


@router.post("/policies/{name}/edit/toml")
def post_edit_toml(
    name: Name, visit: Annotated[Visit, Depends(Sees(Permission.WRITE_POLICIES))]
) -> Response:
    """Check, try or save what was written as TOML."""
    form, row = visit.form, _base(visit, name)
    toml = form.text("toml").replace("\r\n", "\n")
    try:
        if form.text("do") == "fields":
            parse_policy(toml.encode(), "policy")
            return _fields(visit, row, toml, form)
        return _done(visit, row, toml)
    except InputRefused as refused:
        return _text(visit, row, toml, form, 422, faults=refused.faults)
    except (NotAcceptable, Busy, SomeoneWasFirst) as refusal:
        said = refusal.detail
        return _text(visit, row, toml, form, refusal.status, wrong=said)


def _base(visit: Visit, name: str) -> stored.Row:
    """Return the version that a form was made on."""
    return _stored(visit, name, version_of(visit.form))


def _stored(visit: Visit, name: str, version: int | None) -> stored.Row:
    with visit.service.reading() as connection:
        return found(connection, name, version)


def _done(visit: Visit, row: stored.Row, toml: str) -> Response:
    """Save, try or check a policy; a name of its own makes it a new one."""
    form = visit.form
    named = parse_policy(toml.encode(), "policy").name
    if not _NAME.fullmatch(named):
        message = (
            "name has 1 to 64 lower-case letters, digits, dots, dashes and "
            "underscores, and begins with a letter or digit: it stands in an address."
        )
        fault = Fault(
            file="policy", column="name", code=FaultCode.CHOICE, message=message
        )
        raise InputRefused([fault])
    if form.text("do") == "save":
        made = policy.put(
            visit.service,
            visit.call,
            named,
            toml=toml.encode(),
            table=None,
            version=row.version if named == row.name else 0,
        ).value()
        there = f"/policies/{named}?version={made['version']}"
        return RedirectResponse(there, 303)
    if form.text("do") == "try":
        trial = try_policy(
            visit.service,
            visit.request.app.state.trials,
            visit.caller,
            name=row.name,
            text=toml,
            base=row.version,
            seconds=_seconds(form.text("seconds")),
        )
        there = f"/policies/{row.name}/trials/{trial.trial_id}"
        return RedirectResponse(there, 303)
    said = {"checked": True}
    if "toml" in form.fields:
        return _text(visit, row, toml, form, **said)
    return _fields(visit, row, toml, form, **said)


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_SECONDS):
        raise NotAcceptable(f"A trial takes 1 to {MOST_SECONDS} whole seconds.")
    return int(text)


def _fields(
    visit: Visit, row: stored.Row, toml: str, form: Form, status: int = 200, **said: Any
) -> Response:
    """Draw the fields of a policy, with what is wrong beside each."""
    table = table_of(toml)
    sections = sections_of(table, all_figures=True)
    beside, others = by_field(said.pop("faults", ()), sections)
    texts = said.pop("texts", None)
    return _drawn(
        visit, "policy_edit.html.j2", status, row, table, form,
        groups=sections, beside=beside, others=others, texts=texts or {}, **said,
    )  # fmt: skip


def _text(
    visit: Visit, row: stored.Row, toml: str, form: Form, status: int = 200, **said: Any
) -> Response:
    """Draw a policy as text, with all that is wrong with it above."""
    faults = said.pop("faults", ())
    try:
        table: Any = table_of(toml)
    except ValueError:
        table = None
    return _drawn(
        visit, "policy_toml.html.j2", status, row, table, form,
        toml=toml, others=list(faults), beside={}, **said,
    )  # fmt: skip


def _drawn(
    visit: Visit,
    template: str,
    status: int,
    row: stored.Row,
    table: Any,
    form: Form,
    **said: Any,
) -> Response:
    changes = None if table is None else changes_between(table_of(row.toml), table)
    given = {"wrong": "", "checked": False, "changes": changes, "field": _FIELD}
    return draw(
        visit,
        template,
        status,
        row=row,
        form=form,
        seconds=form.text("seconds") or str(_SECONDS),
        most_seconds=MOST_SECONDS,
        **(given | said),
    )


@router.get("/policies/{name}/trials/{trial_id}")
def get_trial(
    name: Name,
    trial_id: TrialId,
    visit: Annotated[Visit, Depends(Sees(Permission.WRITE_POLICIES))],
) -> Response:
    """Show how far a trial is, and then what the policy would come to beside today."""
    trial: Trial = trial_of(visit.request.app.state.trials, visit.caller, trial_id)
    draft = trial.about
    with visit.service.reading() as connection:
        row = found(connection, name, draft.base)
    there = f"/policies/{name}/trials/{trial_id}"
    if visit.in_part and not trial.going:
        return Response(status_code=200, headers={"HX-Redirect": there})
    template = "policy_trial_part.html.j2" if visit.in_part else "policy_trial.html.j2"
    return draw(
        visit,
        template,
        trial=trial,
        draft=draft,
        row=row,
        there=there,
        changes=changes_between(table_of(row.toml), table_of(draft.text)),
        field=_FIELD,
    )


@router.post("/policies/{name}/trials/{trial_id}/stop")
def post_stop(
    name: Name,
    trial_id: TrialId,
    visit: Annotated[Visit, Depends(Sees(Permission.WRITE_POLICIES))],
) -> Response:
    """Stop a trial; the best plan so far is shown."""
    trial = trial_of(visit.request.app.state.trials, visit.caller, trial_id)
    trial.stop_asked = True
    return RedirectResponse(f"/policies/{name}/trials/{trial_id}", 303)
