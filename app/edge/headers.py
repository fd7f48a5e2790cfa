"""Headers that every answer carries, and cookies' names."""

from collections.abc import Iterable
from typing import Final

from app.settings import Settings

type Headers = list[tuple[bytes, bytes]]

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""What a page of ours may load and do: its own files, no inline script, no frame."""

_ALWAYS: Final = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}
_VARY: Final = (b"vary", b"Authorization, Cookie")
_TLS_ONLY: Final = (b"strict-transport-security", b"max-age=31536000")


class SecurityHeaders:
    """Adds to an answer the headers it does not set itself."""

    def __init__(self, settings: Settings) -> None:
        self._always = dict(_ALWAYS)
        if settings.over_tls:
            self._always.update([_TLS_ONLY])
        self._all = [*self._always.items(), _VARY]

    def complete(self, given: Iterable[tuple[bytes, bytes]], call_id: str) -> Headers:
        """Return the headers of an answer with those that were missing."""
        headers: Headers = list(given)
        headers.append((b"x-request-id", call_id.encode()))
        names = {name.lower() for name, _ in headers}
        if names.isdisjoint(self._always):
            headers += self._all
        else:
            headers += [pair for pair in self._always.items() if pair[0] not in names]
            headers.append(_VARY)
        return headers


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Return a header of a call, the first where there are several."""
    for known, value in headers:
        if known == name:
            return value
    return None


def session_cookie(settings: Settings) -> str:
    """Return the name of the cookie that holds a session.

    With the prefix, browsers take it over TLS alone, from this host alone.
    """
    return "__Host-allybin" if settings.over_tls else "allybin"
