"""The door of every page: who it is, what it may, and what its form said.

A page names its permission with ``Depends(Sees(Permission.…))``, as a call of the API
does with ``Needs``: one that does not is refused when the application is put together.
A person comes in by the cookie of a session; a form shows the token it was drawn with.
"""

import hmac

from fastapi import Request
from sqlalchemy import Connection

from app.api.entrance import Entrance, Needs
from app.api.quick import Quick
from app.edge.headers import session_cookie
from app.edge.problem import Problem
from app.edge.query import known_query
from app.use_cases.access import Caller, Permission, caller_of_session
from app.use_cases.refusals import NotKnown
from app.use_cases.service import Call, Service
from app.web.forms import Form, read_form

TOKEN = "form_token"
KEY = "form_key"
"""The hidden fields of every form: whose it is, and which drawing of it."""

OLD_FORM = (
    "This form was drawn for another session. Go back, load the page again, and send "
    "it once more. Nothing was changed."
)


class Visit(Entrance):
    """A person's call to a page that was let in."""

    def __init__(
        self, request: Request, caller: Caller, body: bytes, form: Form
    ) -> None:
        super().__init__(request, caller, body)
        self.form = form

    @property
    def call(self) -> Call:
        """The form as something that may change the store, once for each drawing."""
        path = self.request.url.path
        return Call(
            caller=self.caller,
            what=f"{self.request.method} {path}",
            body=self.form.digest(),
            key=self.form.text(KEY)[:255] or None,
            client=self.request.client.host if self.request.client else None,
        )

    @property
    def in_part(self) -> bool:
        """Whether only a part of the page is asked for, by the script."""
        return self.request.headers.get("hx-request") == "true"


class Sees(Needs):
    """The permission a page needs; without one there is no page."""

    async def __call__(self, request: Request) -> Visit:
        """Let a person in, or raise why not; a form is read once they are in."""
        quick: Quick = request.app.state.quick
        caller = await quick(lambda: _visitor(request, self.permission))
        await known_query(request)
        body = await request.body()
        form = read_form(request.headers.get("content-type", ""), body)
        if request.method not in ("GET", "HEAD"):
            _check_token(caller, form)
        return Visit(request, caller, body, form)


def _visitor(request: Request, permission: Permission) -> Caller:
    service: Service = request.app.state.service
    with service.reading() as connection:
        caller = signed_in(connection, request)
    caller.require(permission)
    return caller


def signed_in(connection: Connection, request: Request) -> Caller:
    """Return who has signed in with this browser.

    Raises
    ------
    NotKnown
        When nobody has, or it does not count any more.
    """
    service: Service = request.app.state.service
    cookie = request.cookies.get(session_cookie(service.settings))
    if not cookie:
        raise NotKnown
    return caller_of_session(connection, cookie)


def _check_token(caller: Caller, form: Form) -> None:
    shown = form.text(TOKEN).encode()
    if not hmac.compare_digest(shown, (caller.form_token or "").encode()):
        raise Problem.of(403, OLD_FORM)
