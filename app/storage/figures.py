"""What bins and plans show, in a digest: their rows change, and the trail has it.

Of rows that are many and belong to one, such as the requests of a proposal, that one
holds the digest.

A version of a bin that gives it other figures holds their digest, as the result of a
proposal and each edit hold that of what the plan states as a whole. Rows of those
tables are never changed and covered by the trail, so what is shown can be held against
them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

OF_BIN: Final = (
    "place",
    "category",
    "systems",
    "customers",
    "regions",
    "size",
    "saved",
    "value_cents",
    "received_on",
    "forecast_on",
    "document",
)
"""Columns of a bin that its figures are; level, version and state are known apart."""

OF_PLAN: Final = ("heading", "incumbent", "bound")
"""Columns of a proposal that state the plan as a whole."""


def of_bin(row: Mapping[Any, Any]) -> str:
    """Return the digest of the figures of a bin."""
    return _digest(row, OF_BIN)


def of_plan(row: Mapping[Any, Any]) -> str:
    """Return the digest of what a plan states."""
    return _digest(row, OF_PLAN)


def of_asked(
    members: Iterable[tuple[str, str, str, int]], batch_ids: Iterable[str]
) -> str:
    """Return the digest of what a proposal was asked for, each in its order.

    Parameters
    ----------
    members
        Label, customer, request_id and version of its requests, by label.
    """
    return _of_rows([*members, *((one,) for one in batch_ids)])


def of_batch(rows: Iterable[tuple[int, str, str, str]]) -> str:
    """Return the digest of a batch: place, customer, request_id, outcome; by place."""
    return _of_rows(rows)


def _of_rows(rows: Iterable[tuple[object, ...]]) -> str:
    digest = hashlib.sha256()
    for row in rows:  # no text in the store holds either character
        line = "\x1f".join(map(str, row)) + "\n"
        digest.update(line.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _digest(row: Mapping[Any, Any], names: tuple[str, ...]) -> str:
    said = json.dumps([row[name] for name in names], ensure_ascii=False)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
