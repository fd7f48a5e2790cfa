"""The door of every call: who it is, what it may, and the body it brought.

A route names the permission it needs with ``Depends(Needs(Permission.…))``; a route
that does not is refused when the application is put together.
"""

import re
from typing import Any, Final, cast

from fastapi import Request
from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.api.quick import Quick
from app.api.together import Together
from app.edge.body import JSON, media_type, strict_json
from app.edge.handlers import not_valid
from app.edge.headers import session_cookie
from app.edge.origin import SAFE
from app.edge.query import known_query
from app.use_cases.access import (
    Caller,
    Permission,
    caller_of_key,
    caller_of_session,
)
from app.use_cases.keys import note_use, used_first_today
from app.use_cases.refusals import NotAcceptable, NotKnown, VersionMissing
from app.use_cases.service import Answer, Call, Service, body_hash

_LONGEST_OBJECT: Final = 200  # characters of an address in the trail
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_ETAG: Final = re.compile(r'"(?:v)?([0-9]{1,15})"')


class Entrance:
    """A call that was let in."""

    def __init__(self, request: Request, caller: Caller, body: bytes) -> None:
        self.request = request
        self.caller = caller
        self.body = body
        self.service = _service(request).within(caller.reach)
        """The store, as far as the caller reaches, and how it may be changed."""

    @property
    def call(self) -> Call:
        """The call as something that may change the store.

        Raises
        ------
        NotAcceptable
            When its Idempotency-Key is not one.
        """
        key = self.request.headers.get("idempotency-key")
        if key is not None and not _KEY.fullmatch(key):
            raise NotAcceptable(
                "An Idempotency-Key has 1 to 255 visible ASCII characters."
            )
        url = self.request.url
        query = f"?{url.query}" if url.query else ""
        return Call(
            caller=self.caller,
            what=f"{self.request.method} {url.path}{query}",
            body=body_hash(self.body + (self._condition or "").encode()),
            key=key,
            client=self.request.client.host if self.request.client else None,
        )

    @property
    def _condition(self) -> str | None:
        return self.request.headers.get("if-match")

    def version(self, thing: str) -> int:
        """Return the version that If-Match names.

        Raises
        ------
        VersionMissing
            Without one.
        NotAcceptable
            When it is no version of ours.
        """
        given = self._condition
        if given is None:
            raise VersionMissing(thing)
        found = _ETAG.fullmatch(given.strip())
        if found is None:
            raise NotAcceptable(
                'If-Match names one version, as the ETag did, such as "3".'
            )
        return int(found[1])

    def parsed[Model: BaseModel](self, model: type[Model]) -> Model:
        """Return the JSON body as a model.

        Raises
        ------
        Problem
            400, 415 or 422, naming every field that is wrong.
        """
        media_type(self.request, JSON)
        strict_json(self.body)
        try:
            return model.model_validate_json(self.body, strict=True)
        except ValidationError as wrong:
            faults = wrong.errors(include_url=False, include_context=False)
            raise not_valid(cast("Any", faults)) from None

    @property
    def content_type(self) -> str:
        """The media type of the body, without its parameters."""
        given = self.request.headers.get("content-type", "")
        return given.partition(";")[0].strip().lower()


class Needs:
    """The permission a route needs; without one there is no route.

    Parameters
    ----------
    body
        The model of the JSON body the route takes, for the API's description.
    """

    def __init__(
        self, permission: Permission, body: type[BaseModel] | None = None
    ) -> None:
        self.permission = permission
        self.body_type = body

    async def __call__(self, request: Request) -> Entrance:
        """Let a call in, or raise why not; its body is read once it is in."""
        caller = await _let_in(request)
        if used_first_today(caller):
            await run_in_threadpool(note_use, _service(request), caller)
        if not caller.may(self.permission):
            await run_in_threadpool(_refuse, request, caller, self.permission)
        await known_query(request)
        return Entrance(request, caller, await request.body())


def _service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


async def _let_in(request: Request) -> Caller:
    """Return who calls; keys that come in together are asked for together."""
    credential = _credential(request)
    if credential is not None and not _service(request).database.read_at_once:
        callers: Together[str, Caller] = request.app.state.callers
        return await callers(credential)
    quick: Quick = request.app.state.quick
    return await quick(lambda: _caller(request, credential))


def _caller(request: Request, credential: str | None) -> Caller:
    with _service(request).reading() as connection:
        if credential is not None:
            return caller_of_key(connection, credential)
        cookie = request.cookies.get(session_cookie(_service(request).settings))
        if not cookie:
            raise NotKnown
        return _of_session(connection, request, cookie)


def _credential(request: Request) -> str | None:
    """Return the key that a call brings, None where it brings none."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "bearer":
        raise NotKnown
    return credential.strip()


def _refuse(request: Request, caller: Caller, permission: Permission) -> None:
    """Refuse what a caller may not do; an attempt to change something is recorded."""
    if request.method in SAFE:
        caller.require(permission)
        return
    path = request.url.path
    client = request.client.host if request.client else None
    what = f"{request.method} {path}"
    call = Call(caller=caller, what=what, body=body_hash(b""), client=client)
    thing = path[:_LONGEST_OBJECT]
    with _service(request).recording_refusals(call, f"call.{request.method}", thing):
        caller.require(permission)


def _of_session(connection: Connection, request: Request, cookie: str) -> Caller:
    """Let a session in; a page that changes something shows its form token."""
    caller = caller_of_session(connection, cookie)
    shown = request.headers.get("x-form-token", "")
    if request.method not in ("GET", "HEAD") and shown != caller.form_token:
        raise NotKnown
    return caller


def response(answer: Answer) -> Response:
    """Return an answer as it goes out."""
    return Response(
        answer.body, answer.status, dict(answer.headers), "application/json"
    )
