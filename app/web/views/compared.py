"""Two plans side by side: figures, what moved and why, and each request as a line."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from app.export import numbers
from app.export.policy_words import policy_words
from app.storage import bin_table, compared
from app.use_cases.compare import Comparison, Group, Key, Reason, Side, reasons
from app.web import words

COLUMNS: Final = (
    "customer",
    "request_id",
    "moved",
    "first_bin",
    "second_bin",
    "first_with",
    "second_with",
    "first_forecast_on",
    "second_forecast_on",
    "days_later",
    "first_wait_days",
    "second_wait_days",
    "why",
)

type Document = Mapping[str, Any]
type Documents = Mapping[str, Document]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A figure of both plans, and how it changes from the first to the second."""

    name: str
    first: str
    second: str
    change: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """Requests that are put together otherwise: bins before and after, and why."""

    number: int
    group: Group
    first: tuple[Document, ...]
    second: tuple[Document, ...]
    change: Mapping[str, float]
    comparable: bool
    reasons: tuple[Reason, ...]
    days: tuple[tuple[str, str, str, int], ...]  # request, forecasts, days later


def facts(found: Comparison, combined: tuple[int, int]) -> list[Fact]:
    """Return the figures of two plans side by side."""
    sides = (found.first, found.second)
    told = [side.heading["objective"] for side in sides]

    def days(name: str, key: str) -> Fact:
        one, other = (each[key] for each in told)
        change = numbers.signed_days(round(other - one, 3))
        return Fact(
            name=name,
            first=numbers.days(one),
            second=numbers.days(other),
            change=change,
        )

    def count(name: str, one: int, other: int) -> Fact:
        change = numbers.signed_whole(other - one)
        return Fact(
            name=name,
            first=numbers.whole(one),
            second=numbers.whole(other),
            change=change,
        )

    def text(name: str, *both: str) -> Fact:
        return Fact(name=name, first=both[0], second=both[1])

    rows = [side.row for side in sides]
    gaps = [side.heading["gap"] for side in sides]
    bounds = [side.heading["lower_bound"] for side in sides]
    return [
        text("Policy", *(f"{r.policy_name}, version {r.policy_version}" for r in rows)),
        text("As of", *(words.weekday(row.as_of) for row in rows)),
        count("Requests", *(row.requests for row in rows)),
        count("Reviews", *(len(side.bins) for side in sides)),
        count("of them combined", *combined),
        days("Total cost, staff-days", "total"),
        text("Proven bound, staff-days", *map(numbers.days, bounds)),
        text("Gap", *map(numbers.percent, gaps)),
        days("Effort, staff-days", "effort_days"),
        days("Effort, low assumptions", "effort_days_low"),
        days("Effort, high assumptions", "effort_days_high"),
        days("Saving against country by country", "saved_effort_days"),
        days("Charge for waiting, staff-days", "wait_cost"),
    ]


def policy_differences(first: Side, second: Side) -> list[Fact]:
    """Return what the policies of two plans say otherwise, in words."""
    one, other = (dict(policy_words(side.policy)) for side in (first, second))
    found = [
        Fact(name=name, first=one.get(name, "–"), second=other.get(name, "–"))
        for name in {**one, **other}
        if one.get(name) != other.get(name)
    ]
    if first.policy.stages != second.policy.stages:
        found.append(
            Fact(
                name="Effort of the stages",
                first=_stages(first, second),
                second=_stages(second, first),
            )
        )
    return found


def _stages(side: Side, other: Side) -> str:
    there = {*other.policy.stages}
    names = [one.name for one in side.policy.stages if one not in there]
    return (
        f"its own for {words.listed(names)}" if names else "the same where it has any"
    )


def group_views(
    connection: Connection,
    found: Comparison,
    groups: Sequence[Group],
    first_number: int,
) -> list[GroupView]:
    """Return some groups with their bins, what they trade, and why."""
    ones, others = documents(connection, found, groups)
    said = reasons(connection, found, groups)
    return [
        _group_view(found, group, ones, others, why, number)
        for number, (group, why) in enumerate(
            zip(groups, said, strict=True), start=first_number
        )
    ]


def documents(
    connection: Connection, found: Comparison, groups: Sequence[Group]
) -> tuple[Documents, Documents]:
    """Return the bins of some groups as in proposal.json, of either plan."""
    read = []
    for side, names in (
        (found.first, [name for group in groups for name in group.first]),
        (found.second, [name for group in groups for name in group.second]),
    ):
        rows = bin_table.named(connection, side.row.proposal_id, names)
        read.append({row.bin_id: json.loads(row.document) for row in rows})
    return read[0], read[1]


def weighed(connection: Connection, found: Comparison) -> list[Group]:
    """Return the groups, those first whose saving changes most."""
    ones, others = (
        compared.savings(connection, side.row.proposal_id)
        for side in (found.first, found.second)
    )

    def weight(group: Group) -> tuple[int, int, list[Key]]:
        change = sum(others[name] for name in group.second)
        change -= sum(ones[name] for name in group.first)
        return -abs(change), -len(group.keys), sorted(group.keys)

    return sorted(found.groups, key=weight)


def _of(known: Documents, names: Sequence[str]) -> tuple[Document, ...]:
    return tuple(known[name] for name in names)


def _change(first: Sequence[Document], second: Sequence[Document]) -> dict[str, float]:
    def total(some: Sequence[Document], name: str) -> float:
        if name == "wait_days":
            return sum(sum(one[name].values()) for one in some)
        return float(sum(one[name] for one in some))

    wanted = ("effort_days", "effort_days_low", "effort_days_high", "wait_cost")
    change = {
        name: round(total(second, name) - total(first, name), 3)
        for name in (*wanted, "wait_days")
    }
    change["cost"] = round(change["effort_days"] + change["wait_cost"], 3)
    return change


def _group_view(
    found: Comparison,
    group: Group,
    ones: Documents,
    others: Documents,
    why: Sequence[Reason],
    number: int,
) -> GroupView:
    first, second = _of(ones, group.first), _of(others, group.second)
    both = found.first.home.keys() & found.second.home.keys()
    moved = []
    for key in sorted(group.keys & both):
        one = ones[found.first.home[key]]["forecast_on"]
        other = others[found.second.home[key]]["forecast_on"]
        if one != other:
            moved.append((found.second.label[key], one, other, _later(one, other)))
    return GroupView(
        number=number,
        group=group,
        first=first,
        second=second,
        change=_change(first, second),
        comparable=group.keys <= both,
        reasons=tuple(why),
        days=tuple(sorted(moved, key=lambda each: (each[3], each[0]))),
    )


def _later(one: str, other: str) -> int:
    return (date.fromisoformat(other) - date.fromisoformat(one)).days


def request_lines(
    connection: Connection, found: Comparison
) -> Iterator[tuple[str, ...]]:
    """Yield every request of either plan as a line of the file."""
    whole = _whole(found)
    ones, others = documents(connection, found, whole)
    why = {
        group.keys: "; ".join(_worded(found, each) for each in said)
        for group, said in zip(
            found.groups, reasons(connection, found, found.groups), strict=True
        )
    }
    group_of = {key: group for group in found.groups for key in group.keys}
    for key in sorted({*found.first.home, *found.second.home}):
        group = group_of.get(key)
        yield _line(found, key, ones, others, "" if group is None else why[group.keys])


def _whole(found: Comparison) -> tuple[Group, ...]:
    """Return both plans as one group."""
    keys = frozenset({*found.first.home, *found.second.home})
    return (Group(first=(*found.first.bins,), second=(*found.second.bins,), keys=keys),)


def _line(
    found: Comparison, key: Key, ones: Documents, others: Documents, why: str
) -> tuple[str, ...]:
    shown: list[tuple[str, str, str, str]] = []
    for side, known in ((found.first, ones), (found.second, others)):
        name = side.home.get(key)
        if name is None:
            shown.append(("", "", "", ""))
            continue
        stated, label = known[name], side.label[key]
        mates = ";".join(sorted({*stated["request_ids"]} - {label}))
        wait = str(stated["wait_days"][label])
        shown.append((name, mates, stated["forecast_on"], wait))
    (one, with_one, on_one, wait_one), (other, with_other, on_other, wait_other) = shown
    later = str(_later(on_one, on_other)) if on_one and on_other else ""
    moved = "yes" if found.moved(key) else "no"
    return (
        key[0],
        key[1],
        moved,
        one,
        other,
        with_one,
        with_other,
        on_one,
        on_other,
        later,
        wait_one,
        wait_other,
        why if moved == "yes" else "",
    )


def _worded(found: Comparison, why: Reason) -> str:
    side = found.second if why.in_second else found.first
    pairs = numbers.counted(why.pairs, "pair")
    names = " and ".join(why.pair)
    text = (
        why.text or f"No rule keeps {names} apart there: a matter of cost or a limit."
    )
    return f"{side.row.policy_name}: {words.reason_apart(why.code)} ({pairs}): {text}"
