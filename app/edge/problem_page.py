"""Problems as people read them, where no page of the application can be drawn.

Plain HTML without script or anything inline: it is made in front of the application,
for calls that never get there.
"""

from collections.abc import Iterable
from html import escape
from string import Template
from typing import Final

from starlette.responses import Response

from app.edge.headers import header
from app.edge.problem import Problem
from app.errors import safe_text

MEDIA_TYPE: Final = "text/html; charset=utf-8"

_LONGEST: Final = 1_000

_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/favicon.ico" type="image/svg+xml">
<link rel="stylesheet" href="/static/now/site.css">
<title>$title - allybin</title>
</head>
<body>
<header class="top"><a class="brand" href="/">allybin</a></header>
<main id="main">
<h1>$title</h1>
<p class="lead">$detail</p>
<p>$then</p>
<p class="note">Answer $status$call.</p>
</main>
</body>
</html>
""")

_THEN: Final = {
    408: "Send it once more; a form acts once, however often it is sent.",
    413: 'Go back and send less, or <a href="/batches/new">send a file</a> in parts.',
    421: "Use the address that the administrator of the service names.",
    429: "Wait as long as it says, then load the page again. Nothing was lost.",
    503: "Wait a moment, then load the page again. Nothing was lost.",
}
_ELSE: Final = 'Go back, or to <a href="/">the first page</a>.'


def for_people(headers: Iterable[tuple[bytes, bytes]], path: str) -> bool:
    """Tell whether somebody at a browser looks for a page."""
    accepted = header(headers, b"accept")
    return (
        accepted is not None
        and b"text/html" in accepted
        and not path.startswith("/v1/")
    )


def page_of(problem: Problem, call_id: str = "") -> bytes:
    """Return a problem as a page that stands by itself."""
    call = f"; in the log this call is <code>{escape(call_id)}</code>"
    return _PAGE.substitute(
        title=escape(problem.title),
        detail=escape(safe_text(problem.detail, _LONGEST)),
        then=_THEN.get(problem.status, _ELSE),
        status=problem.status,
        call=call if call_id else "",
    ).encode()


def page_response(problem: Problem, call_id: str) -> Response:
    """Return a problem as an answer to somebody at a browser."""
    return Response(
        page_of(problem, call_id),
        problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )
