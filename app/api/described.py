"""What the description of every call has in common: its errors, and examples."""

from typing import Any, Final

from fastapi import Header

from app.api.models import ProblemDetails

EXAMPLES: Final[dict[int, tuple[str, str]]] = {
    400: ("unreadable", "The body is not one JSON document: a fault at line 1."),
    401: ("not-signed-in", "A valid API key or a signed-in session is needed."),
    403: ("not-allowed", "Your roles do not let you decide bins: approver may."),
    404: ("not-there", "There is no such bin."),
    409: ("conflict", "The request was withdrawn; send a new one."),
    412: ("stale-version", "The bin is at version 3 by now. Read it again."),
    413: ("too-large", "The file is larger than the size limit of 20 MiB."),
    415: ("type-not-accepted", "Content-Type says nothing; this call takes a file."),
    422: ("not-acceptable", "There is no open request to propose for."),
    428: ("version-missing", "Say with If-Match which version this was made on."),
    429: ("too-many", "Too many calls; try again in a second."),
    503: ("busy", "20 proposals wait to be solved, which is as many as may."),
}
"""Code and detail of an example for each status a call may be refused with."""

MEANINGS: Final = {
    400: "The body or the form cannot be parsed.",
    401: "There is no credential, or one that does not count.",
    403: "The roles of the caller do not give it.",
    404: "There is no such thing, or none the caller may know of.",
    409: "It goes against what is stored.",
    412: "Someone was first: the version is not the last one any more.",
    413: "The body is larger than it may be, packed or unpacked.",
    415: "The type is not accepted, or the content is not of that type.",
    422: "It was understood, and is wrong; `errors` says where.",
    428: "`If-Match` is missing.",
    429: "Too many calls; `Retry-After` says when to try again.",
    503: "Not now; `Retry-After` says when to try again.",
}
"""What each status means, whatever the call."""

_ALWAYS: Final = (400, 401, 403, 413, 422, 429, 503)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the errors of a call: those of every call, and its own."""
    return {
        status: {
            "model": ProblemDetails,
            "description": MEANINGS[status],
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/ProblemDetails"},
                    "example": {
                        "type": f"/problems/{EXAMPLES[status][0]}",
                        "title": EXAMPLES[status][0].replace("-", " ").capitalize(),
                        "status": status,
                        "detail": EXAMPLES[status][1],
                    },
                }
            },
        }
        for status in sorted({*_ALWAYS, *statuses})
    }


def example(value: object) -> dict[str, Any]:
    """Return how an answer is described by an example of it."""
    return {"content": {"application/json": {"example": value}}}


IDEMPOTENCY_KEY: Final = Header(
    None,
    alias="Idempotency-Key",
    max_length=255,
    description="A name for this call, unique for its caller. The same call with the "
    "same name again is answered as the first time, and done once.",
)

IF_MATCH: Final = Header(
    None,
    alias="If-Match",
    description='The version this was made on: its ETag, such as `"3"`.',
    examples=['"3"'],
)
