"""Synthetic batches of any size, the same on every machine for the same seed.

Rows are drawn one after another, so that a million need no more memory than one. Of
Python's generator only ``random()`` is used, whose sequence is promised to stay. The
weights are in ``reference/generator_weights.csv``. Of each column:

customer, system
    By weight: twice the number of real notifications of 2016 to 2026 that name it, and
    1 for a NATO member or system family that none names. Independent of each other.
configuration
    The family itself or one of up to three variants among its listed aliases, each half
    as likely as the one before.
received_on
    Three in five fall in a season of their planning region and capability area: about
    two seasons a year, each within 30 days of its middle and densest there, so that
    neighbours ask in the same months. The others fall on any day alike.
value_usd, mde_value_usd
    Log-normal with the median of the system's row and a sigma of 1.1, to whole
    thousands from 50,000 to 20 billion. The medians are a quarter of those of the
    notified cases of the capability area, since only large cases are notified; the
    quarter and the sigma are assumptions. Three in five state a share of major defense
    equipment, from half to all of the value.
priority
    80 % routine, 15 % priority, 5 % urgent.
quantity, lines
    70 % state a quantity, from 1 to 500, small ones likelier; 1 to 12 lines likewise.
needed_by
    30 % state it: half a year to four years after ``received_on``.
technology_review
    No for two in three sustainment, training and infrastructure requests, and for one
    in ten others.
end_use_monitoring
    Yes for the systems so marked, such as Stinger and Javelin.
document
    6 % ask for price and availability.
force
    4 % of the requests of a region that has a multinational headquarters name it.
keep_apart_from
    A quarter of Greece's requests name Türkiye and the reverse.
"""

import csv
import operator
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal
from functools import cache
from itertools import accumulate, repeat
from random import Random
from typing import TextIO

from app.catalogue import read_table

COLUMNS = (
    "request_id",
    "customer",
    "system",
    "configuration",
    "received_on",
    "value_usd",
    "mde_value_usd",
    "quantity",
    "lines",
    "needed_by",
    "priority",
    "force",
    "technology_review",
    "end_use_monitoring",
    "document",
    "keep_apart_from",
)
FIRST_DAY = date(2026, 1, 1)

_FORCES = {
    "Baltic": "Multinational Division North",
    "Nordic": "Multinational Division North",
    "Central Europe": "Multinational Division North East",
    "Black Sea": "Multinational Division South East",
}
_SELDOM_REVIEWED = {"sustainment", "training", "infrastructure"}
_KEPT_APART = {"GRC": "TUR", "TUR": "GRC"}
_SEASON_DAYS = 30
_SIGMA = 1.1
_ARITHMETIC = Context(prec=12)  # decimal, since a machine's own exp() may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighted:
    """One row of the weights: a customer (group: its region) or a system (its area)."""

    name: str
    group: str
    median_usd: int
    variants: tuple[str, ...]
    end_use_monitoring: bool


@dataclass(frozen=True, slots=True)
class _Urn:
    """Rows to draw from, each as likely as its weight."""

    entries: tuple[_Weighted, ...]
    cumulated: tuple[int, ...]

    def draw(self, rng: Random) -> _Weighted:
        """Draw one row."""
        mark = rng.random() * self.cumulated[-1]
        return self.entries[bisect_right(self.cumulated, mark)]


def generate(
    requests: int, seed: int, days: int = 365, first_day: date = FIRST_DAY
) -> Iterator[dict[str, str]]:
    """Draw a synthetic batch, one row at a time, as ``COLUMNS`` of text.

    The first rows of a longer batch are those of a shorter one of the same seed.
    Raises ``ValueError`` when ``requests`` or ``days`` is not positive.
    """
    for name, number in (("requests", requests), ("days", days)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1; it is {number}.")
    return _rows(requests, seed, days, first_day)


def write_batch(
    out: TextIO, requests: int, seed: int, days: int = 365, first_day: date = FIRST_DAY
) -> None:
    """Write a synthetic batch as CSV with LF line ends."""
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(generate(requests, seed, days, first_day))


def _rows(
    requests: int, seed: int, days: int, first_day: date
) -> Iterator[dict[str, str]]:
    rng = Random(f"allybin {seed}")  # as text: an integer's sign would be lost
    customers, systems = _urn("customer"), _urn("system")
    seasons: dict[tuple[str, str], tuple[int, ...]] = {}
    for number in range(1, requests + 1):
        customer, system = customers.draw(rng), systems.draw(rng)
        key = (customer.group, system.group)
        if key not in seasons:
            seasons[key] = _season_middles(seed, key, days)
        received = first_day + timedelta(days=_day(rng, seasons[key], days))
        yield {
            "request_id": f"G{number:07d}",
            "customer": customer.name,
            "system": system.name,
            **_amounts(rng, system),
            **_handling(rng, customer, system, received),
        }


def _amounts(rng: Random, system: _Weighted) -> dict[str, str]:
    """Draw what is asked for: variant, value, counts."""
    variant = system.variants[_skewed(rng, len(system.variants), 0.5) - 1]
    value = _value(rng, system.median_usd)
    share = 0.5 + 0.5 * rng.random()
    mde = str(int(value * share)) if rng.random() < 0.6 else ""
    share_of_most = rng.random()
    quantity = 1 + int(500 * share_of_most * share_of_most * share_of_most)
    return {
        "configuration": "" if variant == system.name else variant,
        "value_usd": str(value),
        "mde_value_usd": mde,
        "quantity": str(quantity) if rng.random() < 0.7 else "",
        "lines": str(_skewed(rng, 12, 0.7)),
    }


def _handling(
    rng: Random, customer: _Weighted, system: _Weighted, received: date
) -> dict[str, str]:
    """Draw how it is to be handled: when, how fast, under which reviews."""
    mark = rng.random()
    priority = "routine" if mark < 0.8 else "priority" if mark < 0.95 else "urgent"
    needed = received + timedelta(days=180 + int(1281 * rng.random()))
    unreviewed = 2 / 3 if system.group in _SELDOM_REVIEWED else 0.1
    force = _FORCES.get(customer.group, "")
    apart = _KEPT_APART.get(customer.name, "")
    return {
        "received_on": received.isoformat(),
        "needed_by": needed.isoformat() if rng.random() < 0.3 else "",
        "priority": priority,
        "technology_review": "false" if rng.random() < unreviewed else "true",
        "end_use_monitoring": "true" if system.end_use_monitoring else "false",
        "document": "P&A" if rng.random() < 0.06 else "LOA",
        "force": force if rng.random() < 0.04 else "",
        "keep_apart_from": apart if rng.random() < 0.25 else "",
    }


def _season_middles(seed: int, key: tuple[str, str], days: int) -> tuple[int, ...]:
    """Return the middle days of a region's and area's seasons, whoever asks first."""
    rng = Random(f"allybin {seed} season {key[0]} {key[1]}")
    count = max(1, round(2 * days / 365))
    return tuple(int(rng.random() * days) for _ in range(count))


def _day(rng: Random, middles: Sequence[int], days: int) -> int:
    """Draw a day from 0 to ``days`` - 1; a season goes on at the other end."""
    if rng.random() >= 0.6:
        return int(rng.random() * days)
    middle = middles[int(rng.random() * len(middles))]
    offset = int((rng.random() + rng.random() - 1) * _SEASON_DAYS)
    return (middle + offset) % days


def _value(rng: Random, median: int) -> int:
    """Draw a log-normal amount in whole thousands, the same on every machine.

    The sum of twelve uniform numbers less 6 stands in for a normal one.
    """
    normal = sum(rng.random() for _ in range(12)) - 6
    factor = _ARITHMETIC.exp(Decimal(_SIGMA * normal))
    thousands = int(_ARITHMETIC.multiply(factor, Decimal(median))) // 1000
    return 1000 * min(max(thousands, 50), 20_000_000)


def _skewed(rng: Random, most: int, ratio: float) -> int:
    """Draw from 1 to ``most``, each ``ratio`` times as likely as the one before."""
    ladder = _ladder(most, ratio)
    return 1 + bisect_right(ladder, rng.random() * ladder[-1], hi=most - 1)


@cache
def _ladder(most: int, ratio: float) -> tuple[float, ...]:
    """Cumulate 1, ratio, ratio squared, ...: by products, since pow() may differ."""
    weights = accumulate(repeat(ratio, most - 1), operator.mul, initial=1.0)
    return tuple(accumulate(weights))


@cache
def _urn(kind: str) -> _Urn:
    rows = [row for row in read_table("generator_weights.csv") if row["kind"] == kind]
    return _Urn(
        tuple(_weighted(row) for row in rows),
        tuple(accumulate(int(row["weight"]) for row in rows)),
    )


def _weighted(row: dict[str, str]) -> _Weighted:
    return _Weighted(
        name=row["name"],
        group=row["group"],
        median_usd=int(row["median_usd"] or 0),
        variants=tuple(row["variants"].split(";")),
        end_use_monitoring=row["end_use_monitoring"] == "1",
    )
