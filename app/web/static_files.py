"""Static files: read once, named by what they hold, so that browsers keep them."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.use_cases.refusals import NotThere

PATH: Final = "/static/{digest}/{name:path}"
"""Where files are; the digest ``now`` stands for whatever they are now."""

ICON: Final = "/favicon.ico"
"""What browsers ask for unasked, as on pages that are not drawn here."""

_KINDS: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@cache
def contents() -> dict[str, bytes]:
    """Return every static file by its path."""
    found: dict[str, bytes] = {}
    places = [("", files("app.web").joinpath("static"))]
    while places:
        at, folder = places.pop()
        for one in folder.iterdir():
            if one.is_dir():
                places.append((f"{at}{one.name}/", one))
            else:
                found[f"{at}{one.name}"] = one.read_bytes()
    return found


@cache
def digest_of_all() -> str:
    """Return what the files are known by, all together."""
    whole = hashlib.sha256()
    for name, content in sorted(contents().items()):
        whole.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return whole.hexdigest()[:16]


def address_of(name: str) -> str:
    """Return where a file is served as it is now."""
    assert name in contents(), name
    return f"/static/{digest_of_all()}/{name}"


@router.get(PATH)
async def get_static(digest: str, name: str, request: Request) -> Response:
    """Return a file; for good where it is asked for as it is now."""
    content = contents().get(name)
    if content is None:
        raise NotThere("file")
    tag = f'"{digest_of_all()}"'
    kept = _FOR_EVER if digest == digest_of_all() else "no-cache"
    headers = {"ETag": tag, "Cache-Control": kept}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, 200, headers, media_type=_kind_of(name))


@router.get(ICON)
async def get_icon() -> Response:
    """Return the icon."""
    return Response(contents()["icon.svg"], media_type=_kind_of("icon.svg"))


def _kind_of(name: str) -> str:
    suffix = name[name.rfind(".") :]
    return _KINDS.get(suffix, "text/plain; charset=utf-8")
