"""The few pages of signing in: plain HTML, without script or anything inline."""

from html import escape
from string import Template
from typing import Final
from urllib.parse import quote

from starlette.responses import HTMLResponse

_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/favicon.ico" type="image/svg+xml">
<link rel="stylesheet" href="/static/now/site.css">
$refresh<title>$title - allybin</title>
</head>
<body>
<header class="top"><span class="brand">allybin</span></header>
<main class="narrow">
<h1>$title</h1>
$content
</main>
</body>
</html>
""")

_KEY_FORM: Final = Template("""<form method="post" action="/sign-in">
<input type="hidden" name="to" value="$to">
<p><label for="key">API key</label>
<input id="key" name="key" type="password" autocomplete="off" required
aria-describedby="key-note"></p>
<p class="note" id="key-note">It begins with <code>fms_</code>. The first start of the
service printed one; an admin makes others.</p>
<p><button>Sign in</button></p>
</form>""")

_PROVIDER: Final = Template(
    '<p><a href="/sign-in/provider$query">Sign in with your organisation</a></p>'
)


def sign_in_page(
    *, provider: bool, wrong: str | None = None, status: int = 200, to: str = "/"
) -> HTMLResponse:
    """Return the page to sign in on; ``wrong`` says why it is shown again.

    ``to`` is where signing in leads on to.
    """
    form = _KEY_FORM.substitute(to=escape(to))
    said = "" if wrong is None else f'<p role="alert">{escape(wrong)}</p>\n'
    query = "" if to == "/" else f"?to={quote(to, safe='')}"
    more = _PROVIDER.substitute(query=query) if provider else ""
    return _page("Sign in", f"{said}{more}{form}", status=status)


def once_page(code: str) -> HTMLResponse:
    """Return the page that a sign-in address leads to.

    It asks for a press: what fetches addresses unasked must not use the code up.
    """
    content = (
        '<form method="post" action="/sign-in">\n'
        f'<input type="hidden" name="code" value="{escape(code)}">\n'
        "<p>This address signs one browser in, once.</p>\n"
        "<p><button autofocus>Sign in</button></p>\n</form>"
    )
    return _page("Sign in", content)


def signed_in_page(to: str) -> HTMLResponse:
    """Return the page that leads on after a provider sent the browser back.

    A redirect would still count as coming from the provider, and the browser would not
    show the new cookie, which is for our own pages alone.
    """
    there = escape(to)
    refresh = f'<meta http-equiv="refresh" content="0; url={there}">\n'
    content = f'<p>You are signed in. <a href="{there}">Go on</a></p>'
    return _page("Signed in", content, refresh=refresh)


def _page(
    title: str, content: str, *, refresh: str = "", status: int = 200
) -> HTMLResponse:
    text = _PAGE.substitute(title=title, content=content, refresh=refresh)
    return HTMLResponse(text, status)
