"""One file out of a form, from a body that is there already."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import python_multipart
from fastapi import Request
from python_multipart.exceptions import FormParserError

from app.edge.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of a form: its bytes, and what the sender says of it."""

    name: str | None
    content_type: str
    content: bytes


def one_file(request: Request, body: bytes) -> Part:
    """Return the one file a form has.

    Raises
    ------
    Problem
        400 where the form cannot be read, 422 where it has no file, or more than one.
    """
    files: list[Any] = []
    try:
        python_multipart.parse_form(
            {"Content-Type": request.headers.get("content-type", "").encode()},
            BytesIO(body),
            lambda _: None,
            files.append,
        )
    except (FormParserError, ValueError):
        raise Problem.of(
            400, "The form cannot be read: it is cut or damaged."
        ) from None
    if len(files) != 1:
        raise Problem.of(422, "The form has to hold one file, and holds none or more.")
    (found,) = files
    found.file_object.seek(0)
    name = found.file_name
    return Part(
        name=None if name is None else name.decode("utf-8", "replace"),
        content_type=(found.content_type or "").partition(";")[0].strip().lower(),
        content=found.file_object.read(),
    )
