"""A proposal read back line by line: what a measurement needs, whatever its size."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEADING = ("status", "input", "objective", "lower_bound", "gap", "solve_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a proposal says of itself; costs in staff-days."""

    status: str
    requests: int
    requests_in_bins: int
    total: float
    lower_bound: float
    gap: float
    solve_seconds: float


def read_outcome(path: Path) -> Outcome:
    """Read the figures of a whole proposal."""
    heading = {}
    shared = 0
    for key, value in _entries(path):
        if key == "bins":
            ids = len(json.loads(value)["request_ids"])
            shared += ids if ids > 1 else 0
        elif key in _HEADING:
            heading[key] = json.loads(value)
    return Outcome(
        status=heading["status"],
        requests=heading["input"]["requests"],
        requests_in_bins=shared,
        total=heading["objective"]["total"],
        lower_bound=heading["lower_bound"],
        gap=heading["gap"],
        solve_seconds=heading["solve_seconds"],
    )


def read_bins(path: Path) -> list[list[str]]:
    """Read the request ids of every bin."""
    return [
        json.loads(value)["request_ids"]
        for key, value in _entries(path)
        if key == "bins"
    ]


def _entries(path: Path) -> Iterator[tuple[str, str]]:
    """Yield keys of the top level with their values, a list's items one by one.

    The command writes one key a line and one line for each item of a list.
    """
    inside: str | None = None
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            text = line.strip().removesuffix(",")
            if inside is not None:
                if text == "]":
                    inside = None
                else:
                    yield inside, text
            elif text not in ("{", "}"):
                key, _, value = text.partition(": ")
                if value == "[":
                    inside = json.loads(key)
                else:
                    yield json.loads(key), value
