"""What a call has to be before anything looks at what it wants."""

import re
from typing import Final

from starlette.types import Scope

from app.edge.headers import Headers, header, session_cookie
from app.edge.origin import SAFE, check_origin, own_origin
from app.edge.problem import Problem
from app.edge.rates import Rate, counted_address, counted_credential
from app.errors import quoted
from app.settings import Settings

ADDRESS_BYTES: Final = 8 << 10
HEADER_BYTES: Final = 32 << 10
HEADER_COUNT: Final = 200

BODY_TYPES: Final = frozenset(
    {
        b"application/json",
        b"application/x-ndjson",
        b"application/ndjson",
        b"application/toml",
        b"application/x-www-form-urlencoded",
        b"application/vnd.apache.parquet",
        b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        b"multipart/form-data",
        b"text/csv",
    }
)
"""Media types that any call takes; each call takes some of them."""

UNCOUNTED: Final = frozenset({"/healthz", "/readyz", "/v1/healthz", "/v1/readyz"})
"""Calls that a watcher makes and that no rate may refuse."""

_HOST: Final = re.compile(rb"([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.I)


class Gate:
    """Lets in what has a known host, fits the limits and is not too much."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = {name.encode() for name in settings.hosts}
        self._seen_hosts: set[bytes] = set()
        self._per_address = Rate(settings.rate_per_address, "from this address")
        self._per_credential = Rate(settings.rate_per_key, "with this credential")
        cookie = re.escape(session_cookie(settings).encode())
        self._cookie = re.compile(rb"(?:^|; ?)" + cookie + rb"=([^;]+)")
        self._settings = settings

    def admit(self, scope: Scope) -> None:
        """Let a call in.

        Raises
        ------
        Problem
            400, 403, 414, 415, 421, 429 or 431, saying what is allowed.
        """
        headers: Headers = scope["headers"]
        self._check_size(scope, headers)
        host = self._check_host(headers)
        credential = header(headers, b"authorization")
        if credential is None:
            cookie = header(headers, b"cookie")
            session = None if cookie is None else self._cookie.search(cookie)
            if session is not None:
                credential = session[1]
                if scope["method"] not in SAFE:
                    own = own_origin(
                        self._settings, scope["scheme"], host.decode("ascii")
                    )
                    check_origin(headers, own)
        if scope["path"] not in UNCOUNTED:
            client = scope.get("client")
            if client is not None:
                self._per_address.hit(counted_address(client[0]))
            if credential is not None:
                self._per_credential.hit(counted_credential(credential))
        _check_body(headers)

    def _check_size(self, scope: Scope, headers: Headers) -> None:
        address = len(scope.get("raw_path") or b"") + len(scope["query_string"]) + 1
        if address > ADDRESS_BYTES:
            detail = f"The address is longer than {ADDRESS_BYTES:,} bytes."
            raise Problem.of(414, detail)
        if len(headers) > HEADER_COUNT:
            detail = f"There are more than {HEADER_COUNT} headers."
            raise Problem.of(431, detail)
        if sum(len(name) + len(value) + 4 for name, value in headers) > HEADER_BYTES:
            detail = f"The headers are larger than {HEADER_BYTES:,} bytes."
            raise Problem.of(431, detail)

    def _check_host(self, headers: Headers) -> bytes:
        given = [value for name, value in headers if name == b"host"]
        if len(given) != 1:
            raise Problem.of(400, "A call names its host, once.")
        host = given[0]
        if host in self._seen_hosts:
            return host
        match = _HOST.fullmatch(host)
        if match is None or match[1].lower() not in self._hosts:
            shown = quoted(host.decode("latin-1"))
            raise Problem.of(421, f"{shown} is not a name of this service.")
        if len(self._seen_hosts) < 100:
            self._seen_hosts.add(host)
        return host


def _check_body(headers: Headers) -> None:
    length = kind = None
    chunked = False
    for name, value in headers:
        if name == b"content-encoding" and value.strip().lower() != b"identity":
            shown = quoted(value.decode("latin-1"))
            detail = f"The body is encoded as {shown}; send it as it is."
            raise Problem.of(415, detail, headers={"Accept-Encoding": "identity"})
        if name == b"transfer-encoding":
            chunked = True
        elif name == b"content-length":
            length = value
        elif name == b"content-type":
            kind = value
    if chunked and length is not None:
        detail = "The length of the body is given in two ways."
        raise Problem.of(400, detail, headers={"Connection": "close"})
    if (chunked or length not in {None, b"0"}) and (
        kind is None or kind.partition(b";")[0].strip().lower() not in BODY_TYPES
    ):
        given = "nothing" if kind is None else quoted(kind.decode("latin-1"))
        detail = f"Content-Type says {given}, which no call takes."
        raise Problem.of(415, detail)
