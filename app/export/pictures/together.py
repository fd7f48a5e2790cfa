"""Picture 3: which customers are reviewed together, as a triangle of counts."""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from typing import Final

from markupsafe import Markup

from app.export.numbers import counted
from app.export.pictures import svg

MOST_CUSTOMERS: Final = 32
_ROW: Final = 25
_WIDEST_STEP: Final = 8.0  # percent
_SPAN: Final = 76.0  # percent; the rest is for the last customer's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two customers, in the order of their codes, and the reviews they share."""

    first: str
    second: str
    bin_ids: tuple[str, ...]


def shared_reviews(bins: list[tuple[str, tuple[str, ...]]]) -> list[Pair]:
    """Return every pair of customers with a review in common, most reviews first."""
    found: dict[tuple[str, str], list[str]] = {}
    for bin_id, customers in bins:
        for pair in combinations(sorted(set(customers)), 2):
            found.setdefault(pair, []).append(bin_id)
    pairs = [
        Pair(first=one, second=other, bin_ids=tuple(bin_ids))
        for (one, other), bin_ids in found.items()
    ]
    return sorted(pairs, key=lambda p: (-len(p.bin_ids), p.first, p.second))


def order_customers(pairs: list[Pair]) -> list[str]:
    """Return customers so that those who share much stand next to one another.

    Each next customer is the one that shares most with those placed last, later ones
    counting more; a new group begins where none shares anything.
    """
    shares: dict[tuple[str, str], int] = {}
    strength: Counter[str] = Counter()
    for pair in pairs:
        count = len(pair.bin_ids)
        shares[pair.first, pair.second] = shares[pair.second, pair.first] = count
        strength[pair.first] += count
        strength[pair.second] += count
    left = sorted(strength, key=lambda code: (-strength[code], code))[:MOST_CUSTOMERS]
    placed: list[str] = []
    pull = dict.fromkeys(left, 0.0)
    while left:
        best = max(left, key=lambda code: (pull[code], strength[code], code))
        left.remove(best)
        placed.append(best)
        for code in left:
            pull[code] = pull[code] * 0.5 + shares.get((best, code), 0)
    return placed


def draw(pairs: list[Pair], names: dict[str, str]) -> tuple[Markup, int]:
    """Draw the triangle; return it with the least width in pixels to read it at."""
    order = order_customers(pairs)
    place = {code: number for number, code in enumerate(order)}
    step = min(_SPAN / max(len(order), 1), _WIDEST_STEP)
    body = _grid(order, step, names)
    most = max((len(pair.bin_ids) for pair in pairs), default=1)
    for pair in pairs:
        if pair.first in place and pair.second in place:
            column, row = sorted((place[pair.first], place[pair.second]))
            body += _dot(len(pair.bin_ids), most, column, row, step)
    everybody = {code for pair in pairs for code in (pair.first, pair.second)}
    picture = svg.picture(
        "together-picture",
        title="Which customers are reviewed together",
        description=(
            f"A triangle of {len(order)} of {counted(len(everybody), 'customer')} "
            "that share a review. The number where two customers cross is how many "
            "reviews they share; no number, none. The table below lists every pair."
        ),
        height=len(order) * _ROW + 6,
        body=body,
    )
    return picture, round(22 / step * 100) if len(order) > 9 else 0


def _grid(order: list[str], step: float, names: dict[str, str]) -> list[Markup]:
    parts = []
    last = len(order) * _ROW
    for number, code in enumerate(order):
        middle = number * _ROW + _ROW / 2
        x = svg.percent((number + 0.5) * step)
        if number:
            end = svg.percent(number * step)
            parts.append(
                svg.tag("line", x1="0", x2=end, y1=middle, y2=middle, class_="grid")
            )
        if number < len(order) - 1:
            parts.append(
                svg.tag(
                    "line", x1=x, x2=x, y1=middle + 8, y2=last - _ROW / 2, class_="grid"
                )
            )
        parts.append(
            svg.tag(
                "text",
                code,
                svg.tag("tspan", f"  {names[code]}", class_="muted"),
                x=svg.percent(number * step),
                dx=4,
                y=middle + 4,
                class_="label on-paper",
            )
        )
    return parts


def _dot(count: int, most: int, column: int, row: int, step: float) -> list[Markup]:
    x, y = svg.percent((column + 0.5) * step), row * _ROW + _ROW / 2
    radius = 7 + 4 * sqrt(count / most)
    return [
        svg.tag("circle", cx=x, cy=y, r=radius, class_="dot"),
        svg.tag("text", str(count), x=x, y=y + 4, class_="dot-figure"),
    ]
