"""allybin --server URL batches: what a service was sent."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from app.commands.remote import Place, Remote
from app.commands.screen import say
from app.errors import WrongUsage, quoted, safe_text

type Json = Any

_ID: Final = frozenset("0123456789abcdef-")

BATCHES: Final = (
    ("batch_id", 36),
    ("created_at", 27),
    ("customer", 8),
    ("stored", 7),
    ("unchanged", 9),
    ("refused", 7),
    ("format", 7),
    ("label", 0),
)
"""Columns of the list of batches, and how wide they are; the last is as it comes."""

REQUESTS: Final = (
    ("request_id", 20),
    ("customer", 8),
    ("system", 16),
    ("received_on", 11),
    ("value_usd", 15),
    ("state", 9),
    ("version", 7),
    ("uid", 0),
)
"""Columns of the list of a batch's requests."""


def run(place: Place, batch_id: str | None, *, as_json: bool) -> None:
    """Print the batches a key may see, newest first, or the requests of one."""
    if batch_id is not None and not (len(batch_id) == 36 and _ID.issuperset(batch_id)):
        raise WrongUsage(
            f"{quoted(batch_id)} is no id of a batch: allybin batches lists them."
        )
    with Remote(place) as remote:
        path = "batches" if batch_id is None else f"batches/{batch_id}/requests"
        pages = remote.pages(path)
        if as_json:
            _print_json(pages)
        else:
            _print(pages, BATCHES if batch_id is None else REQUESTS)


def _print_json(pages: Iterator[list[Json]]) -> None:
    """Print a JSON list, an entry a line, as the pages come."""
    before = "[\n"
    for items in pages:
        for item in items:
            sys.stdout.write(f"{before} {json.dumps(item, ensure_ascii=False)}")
            before = ",\n"
    sys.stdout.write("[]\n" if before == "[\n" else "\n]\n")


def _print(pages: Iterator[list[Json]], columns: Sequence[tuple[str, int]]) -> None:
    for number, items in enumerate(pages):
        if number == 0:
            say(_line([name for name, _ in columns], columns))
        for item in items:
            say(_line([_cell(item.get(name)) for name, _ in columns], columns))


def _line(cells: Sequence[str], columns: Sequence[tuple[str, int]]) -> str:
    padded = (
        f"{cell:<{width}}" for cell, (_, width) in zip(cells, columns, strict=True)
    )
    return "  ".join(padded).rstrip()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return "" if value is None else safe_text(value, 132)
