"""What a form said: fields by name, and files; out of a body that is there already."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

import python_multipart
from python_multipart.exceptions import FormParserError

from app.edge.problem import Problem

_MOST_FIELDS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a form: its name as the sender says it, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields of a form, each with all its values, and its files by field."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return the last value of a field; empty where there is none."""
        return self.fields.get(name, ("",))[-1]

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field."""
        return self.fields.get(name, ())

    def checked(self, name: str) -> bool:
        """Tell whether a box was ticked."""
        return name in self.fields

    def digest(self) -> str:
        """Return what the form is known by: the same however it was sent."""
        said = {name: list(values) for name, values in sorted(self.fields.items())}
        files = {
            name: [file.name, hashlib.sha256(file.content).hexdigest()]
            for name, file in sorted(self.files.items())
        }
        return hashlib.sha256(json.dumps([said, files]).encode()).hexdigest()


def read_form(content_type: str, body: bytes) -> Form:
    """Return the form a body holds; an empty body is an empty form.

    Raises
    ------
    Problem
        400 where it cannot be read, 415 where it is no form.
    """
    if not body:
        return Form()
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _plain(body)
    if kind == "multipart/form-data":
        return _of_parts(content_type, body)
    raise Problem.of(415, "A page takes what its own forms send, and nothing else.")


def _plain(body: bytes) -> Form:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise Problem.of(400, "The form cannot be read.") from None
    return Form(fields=_gathered(pairs))


def _of_parts(content_type: str, body: bytes) -> Form:
    fields: list[Any] = []
    files: list[Any] = []
    try:
        python_multipart.parse_form(
            {"Content-Type": content_type.encode()},
            BytesIO(body),
            fields.append,
            files.append,
        )
        pairs = [
            (one.field_name.decode(), (one.value or b"").decode()) for one in fields
        ]
        found = {one.field_name.decode(): _file(one) for one in files}
    except (FormParserError, ValueError):
        message = "The form cannot be read: it is cut or damaged."
        raise Problem.of(400, message) from None
    return Form(
        fields=_gathered(pairs),
        files={name: file for name, file in found.items() if file.name or file.content},
    )


def _file(part: Any) -> File:
    part.file_object.seek(0)
    name = (part.file_name or b"").decode("utf-8", "replace")
    return File(name=name, content=part.file_object.read())


def _gathered(pairs: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found
