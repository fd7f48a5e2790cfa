"""Keys and accounts: who may come in, as what; made and ended by an admin."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ValidationError
from starlette.responses import RedirectResponse, Response

from app.api.keys import AccountId, GrantId, KeyId
from app.api.models import AccountWanted, KeyWanted, RoleWanted
from app.edge.handlers import not_valid
from app.use_cases import granting, keys
from app.use_cases.access import Permission, Role
from app.use_cases.refusals import NotAcceptable, NotThere
from app.use_cases.sessions import subject_of
from app.web.door import Sees, Visit
from app.web.forms import Form
from app.web.render import draw
from app.web.route import PageRoute
from app.web.views.people import AccountShown, People, follows, people_shown

router = APIRouter(route_class=PageRoute)

type Wrong = Mapping[str, str]
"""What is wrong with a form, by field; under no name what is wrong as a whole."""

_NO_FIELD: Final = ""


@router.get("/keys")
def get_keys(
    visit: Annotated[Visit, Depends(Sees(Permission.READ_KEYS))],
) -> Response:
    """List keys and accounts."""
    people = _people(visit)
    may = visit.caller.may(Permission.WRITE_KEYS)
    return draw(visit, "keys.html.j2", people=people, may_change=may)


def _people(visit: Visit) -> People:
    with visit.service.reading() as connection:
        return people_shown(connection)


def _account(people: People, account_id: str) -> AccountShown:
    for one in people.accounts:
        if one.said["account_id"] == account_id:
            return one
    raise NotThere("account")


@router.get("/keys/new")
def get_new_key(
    visit: Annotated[Visit, Depends(Sees(Permission.WRITE_KEYS))],
) -> Response:
    """Ask what a key is to be for."""
    return _key_asked(visit, Form())


@router.post("/keys/new")
def post_new_key(
    visit: Annotated[Visit, Depends(Sees(Permission.WRITE_KEYS))],
) -> Response:
    """Make a key and show it, this once."""
    form = visit.form
    try:
        wanted = _read(
            KeyWanted,
            name=form.text("name").strip(),
            role=form.text("role"),
            customers=_customers(form),
            regions=_regions(form),
            expires_on=form.text("expires_on") or None,
        )
        answer, key = keys.make_key(
            visit.service,
            visit.call,
            name=wanted.name,
            role=Role(wanted.role),
            customers=wanted.customers,
            regions=wanted.regions,
            expires_on=wanted.expires_on,
        )
    except _Wrong as wrong:
        return _key_asked(visit, form, 422, wrong.fields)
    except NotAcceptable as refusal:
        return _key_asked(visit, form, 422, _of_use_case(refusal))
    return draw(visit, "key_made.html.j2", made=answer.value(), key=key)


def _key_asked(
    visit: Visit, form: Form, status: int = 200, wrong: Wrong | None = None
) -> Response:
    return draw(visit, "key_new.html.j2", status, form=form, wrong=wrong or {})


@router.get("/keys/{key_id}/revoke")
def get_revoke(
    key_id: KeyId, visit: Annotated[Visit, Depends(Sees(Permission.WRITE_KEYS))]
) -> Response:
    """Say what follows from ending a key, and ask whether it is meant."""
    people = _people(visit)
    one = next((one for one in people.keys if one.said["key_id"] == key_id), None)
    if one is None:
        raise NotThere("key")
    said = follows(people, visit.caller, one.said["account_id"], key_id)
    return draw(visit, "key_end.html.j2", one=one, follows=said)


@router.post("/keys/{key_id}/revoke")
def post_revoke(
    key_id: KeyId, visit: Annotated[Visit, Depends(Sees(Permission.WRITE_KEYS))]
) -> Response:
    """End a key at once."""
    keys.revoke_key(visit.service, visit.call, key_id)
    return RedirectResponse(f"/keys#key-{key_id}", 303)


@router.get("/accounts/new")
def get_new_account(
    visit: Annotated[Visit, Depends(Sees(Permission.WRITE_KEYS))],
) -> Response:
    """Ask whom an account is for."""
    issuer = visit.service.settings.oidc_issuer
    given = Form(fields={"issuer": (issuer,)} if issuer else {})
    return _account_asked(visit, given)


@router.post("/accounts/new")
def post_new_account(
    visit: Annotated[Visit, Depends(Sees(Permission.WRITE_KEYS))],
) -> Response:
    """Make an account for a person of the provider."""
    form = visit.form
    try:
        wanted = _read(
            AccountWanted,
            name=form.text("name").strip(),
            role=form.text("role"),
            customers=_customers(form),
            regions=_regions(form),
            issuer=form.text("issuer").strip(),
            subject=form.text("subject").strip(),
        )
        answer = keys.make_account(
            visit.service,
            visit.call,
            name=wanted.name,
            role=Role(wanted.role),
            customers=wanted.customers,
            regions=wanted.regions,
            subject=subject_of(wanted.issuer, wanted.subject),
        )
    except _Wrong as wrong:
        return _account_asked(visit, form, 422, wrong.fields)
    except NotAcceptable as refusal:
        return _account_asked(visit, form, 422, _of_use_case(refusal))
    there = f"/keys#account-{answer.value()['account_id']}"
    return RedirectResponse(there, 303)


def _account_asked(
    visit: Visit, form: Form, status: int = 200, wrong: Wrong | None = None
) -> Response:
    said = {"form": form, "wrong": wrong or {}}
    issuer = visit.service.settings.oidc_issuer
    return draw(visit, "account_new.html.j2", status, issuer=issuer, **said)


@router.get("/accounts/{account_id}/end")
def get_end(
    account_id: AccountId, visit: Annotated[Visit, Depends(Sees(Permission.WRITE_KEYS))]
) -> Response:
    """Say what follows from ending an account, and ask whether it is meant."""
    people = _people(visit)
    one = _account(people, account_id)
    said = follows(people, visit.caller, account_id)
    return draw(visit, "account_end.html.j2", one=one, follows=said)


@router.post("/accounts/{account_id}/end")
def post_end(
    account_id: AccountId, visit: Annotated[Visit, Depends(Sees(Permission.WRITE_KEYS))]
) -> Response:
    """Let an account in no more."""
    keys.disable_account(visit.service, visit.call, account_id)
    return RedirectResponse(f"/keys#account-{account_id}", 303)


@router.get("/accounts/{account_id}/role")
def get_role(
    account_id: AccountId, visit: Annotated[Visit, Depends(Sees(Permission.WRITE_KEYS))]
) -> Response:
    """Ask what an account is to be from now on."""
    one = _account(_people(visit), account_id)
    customers = " ".join(one.said["customers"] or ())
    role = one.said["role"]
    given = Form(fields={"role": (role,), "customers": (customers,)})
    return _role_asked(visit, one.said, given)


@router.post("/accounts/{account_id}/role")
def post_role(
    account_id: AccountId, visit: Annotated[Visit, Depends(Sees(Permission.WRITE_KEYS))]
) -> Response:
    """Change the role of an account, or ask a second admin to confirm it."""
    form, one = visit.form, _account(_people(visit), account_id)
    try:
        wanted = _read(
            RoleWanted,
            role=form.text("role"),
            customers=_customers(form),
            regions=_regions(form),
        )
        granting.change_role(
            visit.service,
            visit.call,
            account_id,
            role=Role(wanted.role),
            customers=wanted.customers,
            regions=wanted.regions,
        )
    except _Wrong as wrong:
        return _role_asked(visit, one.said, form, 422, wrong.fields)
    except NotAcceptable as refusal:
        return _role_asked(visit, one.said, form, 422, _of_use_case(refusal))
    return RedirectResponse(f"/keys#account-{account_id}", 303)


def _role_asked(
    visit: Visit,
    account: Mapping[str, Any],
    form: Form,
    status: int = 200,
    wrong: Wrong | None = None,
) -> Response:
    said = {"account": account, "form": form, "wrong": wrong or {}}
    return draw(visit, "account_role.html.j2", status, **said)


@router.post("/grants/{grant_id}/confirm")
def post_confirm(
    grant_id: GrantId, visit: Annotated[Visit, Depends(Sees(Permission.WRITE_KEYS))]
) -> Response:
    """Give a role that another admin asked for."""
    given = granting.confirm(visit.service, visit.call, grant_id).value()
    return RedirectResponse(f"/keys#account-{given['account_id']}", 303)


@router.post("/grants/{grant_id}/refuse")
def post_refuse(
    grant_id: GrantId, visit: Annotated[Visit, Depends(Sees(Permission.WRITE_KEYS))]
) -> Response:
    """Refuse a role that was asked for."""
    given = granting.refuse(visit.service, visit.call, grant_id).value()
    return RedirectResponse(f"/keys#account-{given['account_id']}", 303)


class _Wrong(Exception):
    """What is wrong with a form, by field."""

    def __init__(self, fields: Wrong) -> None:
        super().__init__()
        self.fields = fields


def _read[Model: BaseModel](model: type[Model], **given: Any) -> Model:
    """Return what a form says as the API takes it; what it says wrong, by field."""
    try:
        return model.model_validate(given, strict=True)
    except ValidationError as invalid:
        faults: Any = invalid.errors(include_url=False, include_context=False)
        found = not_valid(faults).errors
        fields = {
            str(one["column"] or "").partition(".")[0]: str(one["message"])
            for one in reversed(found)
        }
        raise _Wrong(fields) from None


def _of_use_case(refusal: NotAcceptable) -> Wrong:
    """Return the field a refusal of the use case is about."""
    for field, hint in (
        ("expires_on", "expires_on"),
        ("regions", "region"),
        ("customers", "customer"),
        ("subject", "This person"),
    ):
        if hint in refusal.detail:
            return {field: refusal.detail.replace("expires_on", "This")}
    return {_NO_FIELD: refusal.detail}


def _customers(form: Form) -> list[str] | None:
    """Return the customers that a field names, with commas or spaces between."""
    found = form.text("customers").replace(",", " ").split()
    return found or None


def _regions(form: Form) -> list[str] | None:
    """Return the regions that a field names, with commas between."""
    named = (one.strip() for one in form.text("regions").split(","))
    return [one for one in named if one] or None
