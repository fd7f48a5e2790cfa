"""Calls that a browser makes with its cookie, but that another site asked it for."""

from typing import Final

from app.edge.headers import Headers, header
from app.edge.problem import Problem
from app.settings import Settings

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""


def check_origin(headers: Headers, own: str) -> None:
    """Refuse a changing call that does not come from a page of ours.

    Browsers say where a call comes from in ``Sec-Fetch-Site``; older ones in ``Origin``
    alone. A client that sends neither is no browser: nobody else makes it call.

    Raises
    ------
    Problem
        403.
    """
    site = header(headers, b"sec-fetch-site")
    origin = header(headers, b"origin")
    if site is not None:
        ours = site == b"same-origin"
    else:
        ours = origin is None or origin.decode("latin-1").casefold() == own.casefold()
    if not ours:
        detail = "A signed-in browser may change things from our own pages only."
        raise Problem.of(403, detail)


def own_origin(settings: Settings, scheme: str, host: str) -> str:
    """Return the origin of our pages for who asks by a host that is one of ours."""
    return settings.public_url or f"{scheme}://{host}"
