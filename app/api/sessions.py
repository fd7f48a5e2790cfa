"""Signing in and out: with an API key, a sign-in address, or OpenID Connect.

The cookie is for our own pages alone (``SameSite=Strict``); a link from elsewhere opens
a page without it. While a provider is asked, a second one holds the attempt; that one
is ``Lax``, for the provider is elsewhere when it sends the browser back.
"""

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.api.sign_in_page import once_page, sign_in_page, signed_in_page
from app.edge.attempt import Attempt
from app.edge.body import JSON, media_type, parsed
from app.edge.headers import session_cookie
from app.edge.origin import check_origin, own_origin
from app.edge.problem import Problem
from app.edge.rates import Rate, counted_address
from app.settings import LOOPBACK, Settings
from app.use_cases import sessions
from app.use_cases.access import caller_of_session, hash_of
from app.use_cases.refusals import NotAllowed, NotKnown
from app.use_cases.service import Service

if TYPE_CHECKING:  # read where one is set up: its libraries take a while
    from app.edge.oidc import Provider

FORM: Final = "application/x-www-form-urlencoded"

PATHS: Final = frozenset(
    {
        "/sign-in",
        "/sign-in/once/{code}",
        "/sign-in/provider",
        "/sign-in/return",
        "/sign-out",
        "/session",
    }
)
"""Calls that need no credential: they are how one gets it, or shows it."""

_ATTEMPT_S: Final = 600
_CODE_S: Final = 3600

router = APIRouter(tags=["sessions"], include_in_schema=False)


class KeyShown(BaseModel):
    """What a program or a page with script signs in with."""

    model_config = ConfigDict(extra="forbid")
    key: str = Field(min_length=1, max_length=256)


@dataclass(frozen=True, slots=True)
class _Offer:
    key: str
    until: float


class SignIn:
    """What signing in needs beside the store; kept in ``app.state.sign_in``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rate = Rate(settings.rate_sign_in, "to sign in")
        self.provider = _provider_of(settings) if settings.oidc_issuer else None
        self._offers: dict[str, _Offer] = {}

    def offer(self, key: str, code: str) -> str:
        """Return the path of an address that signs one browser in with a key, once.

        It is good for an hour, in this process.
        """
        self._offers[hash_of(code)] = _Offer(key, time.monotonic() + _CODE_S)
        return f"/sign-in/once/{code}"

    def take(self, code: str) -> str:
        """Return the key that a code was offered for, and forget the code.

        Raises
        ------
        NotKnown
            When it was taken, is too old, or never was.
        """
        offer = self._offers.pop(hash_of(code), None)
        if offer is None or offer.until <= time.monotonic():
            raise NotKnown
        return offer.key

    @property
    def cookie(self) -> str:
        """The name of the cookie that holds a session."""
        return session_cookie(self.settings)

    @property
    def attempt_cookie(self) -> str:
        """The name of the cookie that holds an attempt."""
        return f"{self.cookie}-attempt"


@router.get("/sign-in")
def get_sign_in(request: Request) -> Response:
    """Show the page to sign in on."""
    to = own_path(request.query_params.get("to", "/"))
    return sign_in_page(provider=_parts(request).provider is not None, to=to)


@router.get("/sign-in/once/{code}")
def get_once(code: str) -> Response:
    """Show the page of a sign-in address."""
    return once_page(code)


@router.post("/sign-in")
async def post_sign_in(request: Request) -> Response:
    """Sign a browser in with a key or the code of a sign-in address."""
    parts = _parts(request)
    _check_browser(request, parts)
    if media_type(request, JSON, FORM) == JSON:
        shown: KeyShown = await _shown(request)
        begun = await _begin(request, parts, shown.key)
        said = {
            "account": begun.name,
            "expires_at": begun.expires_at,
            "form_token": begun.form_token,
        }
        return _with_session(JSONResponse(said), parts, begun)
    fields = await _form(request)
    to = own_path(fields.get("to", "/"))
    try:
        begun = await _begin(request, parts, fields.get("key", ""), fields.get("code"))
    except NotKnown:
        wrong = "This does not sign anyone in: it is wrong, ended, or was used before."
        provider = parts.provider is not None
        return sign_in_page(provider=provider, wrong=wrong, status=401, to=to)
    return _with_session(RedirectResponse(to, 303), parts, begun)


@router.get("/sign-in/provider")
def get_provider(request: Request) -> Response:
    """Send a browser to the provider."""
    parts = _parts(request)
    provider = _provider(parts)
    _check_connection(request, parts)
    attempt = Attempt.new(own_path(request.query_params.get("to", "/")))
    address = provider.address(attempt, _return_address(request, parts))
    answer = RedirectResponse(address, 303)
    answer.set_cookie(
        parts.attempt_cookie,
        str(attempt),
        max_age=_ATTEMPT_S,
        secure=parts.settings.over_tls,
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get("/sign-in/return")
def get_return(request: Request) -> Response:
    """Sign a browser in that comes back from the provider."""
    parts = _parts(request)
    provider = _provider(parts)
    _check_connection(request, parts)
    parts.rate.hit(_address(request))
    attempt = Attempt.read(request.cookies.get(parts.attempt_cookie, ""))
    if attempt is None:
        raise Problem.of(401, "This browser did not begin to sign in, or too long ago.")
    back = _return_address(request, parts)
    subject = provider.subject(attempt, back, dict(request.query_params))
    with _counted(request, parts):
        begun = sessions.begin_with_subject(
            _service(request),
            provider.issuer,
            subject,
            _client(request),
            _address(request),
        )
    answer = _with_session(signed_in_page(own_path(attempt.to)), parts, begun)
    _drop(answer, parts, parts.attempt_cookie, "lax")
    return answer


@router.post("/sign-out")
async def post_sign_out(request: Request) -> Response:
    """Sign a browser out; its form token shows that a page of ours asks for it."""
    parts = _parts(request)
    cookie = request.cookies.get(parts.cookie)
    if cookie is not None:
        given = request.headers.get("x-form-token")
        if given is None:
            given = (await _form(request)).get("form_token", "")
        await run_in_threadpool(_end, request, cookie, given)
    answer = RedirectResponse("/sign-in", 303)
    _drop(answer, parts, parts.cookie, "strict")
    return answer


@router.get("/session")
def get_session(request: Request) -> Any:
    """Tell a page who is signed in, and the token its changes have to show."""
    cookie = request.cookies.get(_parts(request).cookie)
    if cookie is None:
        raise NotKnown
    with _service(request).reading() as connection:
        caller = caller_of_session(connection, cookie)
    return {
        "account": caller.name,
        "roles": sorted(caller.roles),
        "form_token": caller.form_token,
    }


def own_path(text: str) -> str:
    """Return a path of ours to go on to; the first page where it is none."""
    safe = re.fullmatch(r"/[A-Za-z0-9_.~!$&'()*+,;=:@%?/-]{0,2000}", text)
    return text if safe and not text.startswith("//") else "/"


_shown = parsed(KeyShown)


def _parts(request: Request) -> SignIn:
    found: SignIn = request.app.state.sign_in
    return found


def _service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


def _provider_of(settings: Settings) -> "Provider":
    from app.edge.oidc import Provider

    return Provider(settings)


def _provider(parts: SignIn) -> "Provider":
    if parts.provider is None:
        raise Problem.of(404, "No OpenID Connect provider is set up.")
    return parts.provider


def _client(request: Request) -> str | None:
    return request.client.host if request.client else None


def _address(request: Request) -> str:
    return counted_address(_client(request) or "")


def _own(request: Request, parts: SignIn) -> str:
    host = request.headers["host"]  # the front knows it as one of ours
    return own_origin(parts.settings, request.url.scheme, host)


def _return_address(request: Request, parts: SignIn) -> str:
    return f"{_own(request, parts)}/sign-in/return"


def _check_browser(request: Request, parts: SignIn) -> None:
    """Refuse to sign in for another site, over an open wire, or too often."""
    check_origin(request.scope["headers"], _own(request, parts))
    _check_connection(request, parts)
    parts.rate.hit(_address(request))


def _check_connection(request: Request, parts: SignIn) -> None:
    name = urlsplit(_own(request, parts)).hostname
    if not parts.settings.over_tls and name not in LOOPBACK:
        raise Problem.of(
            403,
            "Signing in from another machine needs https: ALLYBIN_PUBLIC_URL names the "
            "address. API keys work without.",
        )


async def _begin(
    request: Request, parts: SignIn, key: str, code: str | None = None
) -> sessions.Begun:
    service, client = _service(request), _client(request)
    key_id = sessions.meant(key) if code is None else None

    def attempt() -> sessions.Begun:
        with _counted(request, parts, key_id):
            shown = key.strip() if code is None else parts.take(code)
            return sessions.begin_with_key(service, shown, client, _address(request))

    begun = await run_in_threadpool(attempt)
    before = request.cookies.get(parts.cookie)
    if before is not None:
        await run_in_threadpool(sessions.end, service, before, client)
    return begun


@contextmanager
def _counted(
    request: Request, parts: SignIn, key_id: str | None = None
) -> Iterator[None]:
    """Record an attempt that fails, and refuse one where too many did, at any server.

    They are counted in the store, by the address and by the key that was meant; the
    rate in this process counts every attempt.
    """
    service, address = _service(request), _address(request)
    parts.rate.refuse(lambda seconds: sessions.failures(service, address, seconds))
    if key_id is not None:
        parts.rate.refuse(
            lambda seconds: sessions.failures_for(service, key_id, address, seconds)
        )
    try:
        yield
    except (NotKnown, NotAllowed):
        sessions.note_failure(service, address, _client(request), key_id)
        raise


def _end(request: Request, cookie: str, form_token: str) -> None:
    service = _service(request)
    try:
        with service.reading() as connection:
            caller = caller_of_session(connection, cookie)
    except NotKnown:
        return  # it has ended already
    if not _same(form_token, caller.form_token or ""):
        raise Problem.of(403, "The form token does not belong to this session.")
    sessions.end(service, cookie, _client(request))


def _same(given: str, expected: str) -> bool:
    return bool(expected) and (
        hashlib.sha256(given.encode()).digest()
        == hashlib.sha256(expected.encode()).digest()
    )


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a small form."""
    raw = await request.body()
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=10,
        )
    except ValueError:
        raise Problem.of(400, "The body is not a form.") from None
    return dict(pairs)


def _with_session(answer: Response, parts: SignIn, begun: sessions.Begun) -> Response:
    ends = datetime.fromisoformat(begun.expires_at)
    answer.set_cookie(
        parts.cookie,
        begun.cookie,
        max_age=max(0, int((ends - datetime.now(UTC)).total_seconds())),
        secure=parts.settings.over_tls,
        httponly=True,
        samesite="strict",
    )
    return answer


def _drop(answer: Response, parts: SignIn, name: str, same_site: Any) -> None:
    answer.delete_cookie(
        name, secure=parts.settings.over_tls, httponly=True, samesite=same_site
    )
