"""Lines of the table of bins."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.storage.bin_table import Row
from app.use_cases import clock
from app.web import words

COLUMNS: Final = (
    "bin_id",
    "state",
    "customers",
    "systems",
    "regions",
    "category",
    "requests",
    "value_usd",
    "saved_effort_days",
    "saved_effort_days_low",
    "saved_effort_days_high",
    "starts_on",
    "forecast_on",
    "longest_wait_days",
    "first_received_on",
    "warnings",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A bin as its line shows it."""

    bin_id: str
    version: int
    state: str
    customers: tuple[str, ...]
    systems: tuple[str, ...]
    regions: tuple[str, ...]
    category: str | None
    size: int
    value_cents: int
    effort: float
    saved: float
    saved_low: float
    saved_high: float
    starts_on: str
    forecast_on: str
    longest_wait: int
    received_on: str
    age: int
    warnings: tuple[str, ...]

    def cells(self) -> tuple[str, ...]:
        """Return the line as texts, in the order of the columns."""
        return (
            self.bin_id,
            self.state,
            ";".join(self.customers),
            ";".join(self.systems),
            ";".join(self.regions),
            self.category or "",
            str(self.size),
            f"{self.value_cents / 100:.2f}",
            str(self.saved),
            str(self.saved_low),
            str(self.saved_high),
            self.starts_on,
            self.forecast_on,
            str(self.longest_wait),
            self.received_on,
            ";".join(self.warnings),
        )


def lines(rows: Sequence[Row]) -> list[Line]:
    """Return the lines of some bins."""
    today = clock.today()
    return [_line(row, today) for row in rows]


def _line(row: Row, today: date) -> Line:
    said = json.loads(row.document)
    return Line(
        bin_id=row.bin_id,
        version=row.version,
        state=row.state,
        customers=names_of(row.customers),
        systems=names_of(row.systems),
        regions=names_of(row.regions),
        category=row.category,
        size=row.size,
        value_cents=row.value_cents,
        effort=said["effort_days"],
        saved=said["saved_effort_days"],
        saved_low=said["saved_effort_days_low"],
        saved_high=said["saved_effort_days_high"],
        starts_on=said["starts_on"],
        forecast_on=said["forecast_on"],
        longest_wait=max(said["wait_days"].values(), default=0),
        received_on=row.received_on,
        age=(today - date.fromisoformat(row.received_on)).days,
        warnings=tuple(words.warning(one["code"]) for one in said["warnings"]),
    )


def names_of(text: str) -> tuple[str, ...]:
    """Return the names a stored list holds."""
    return tuple(name for name in text.split("|") if name)
