"""Pages of lists: a cursor says where the next begins, and is nobody's business."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import JSONResponse, Response

from app.use_cases.refusals import NotAcceptable

LONGEST: Final = 1000

type Limit = Annotated[
    int, Query(ge=1, le=LONGEST, description="Entries on a page.", examples=[100])
]
type Cursor = Annotated[
    str | None,
    Query(
        max_length=512,
        description="Where the page begins: `next` of the page before.",
    ),
]


def cursor_of(*place: str | int) -> str:
    """Return a place as a cursor."""
    text = json.dumps(place, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """Return the place of a cursor.

    Raises
    ------
    NotAcceptable
        When it is none of ours.
    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        place = None
    if (
        not isinstance(place, list)
        or len(place) != len(kinds)
        or any(
            type(value) is not kind for value, kind in zip(place, kinds, strict=True)
        )
        or any(isinstance(value, int) and abs(value) > 1 << 62 for value in place)
    ):
        raise NotAcceptable("The cursor is not one that a page gave.")
    return tuple(place)


def page[Row](
    rows: Sequence[Row],
    limit: int,
    shown: Callable[[Row], Any],
    place: Callable[[Row], tuple[str | int, ...]],
) -> Response:
    """Return a page of rows, one more of which was asked for than it holds."""
    more = len(rows) > limit
    said = {
        "items": [shown(row) for row in rows[:limit]],
        "next": cursor_of(*place(rows[limit - 1])) if more else None,
    }
    return JSONResponse(said)
