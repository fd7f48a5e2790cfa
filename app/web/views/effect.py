"""What a decision on many bins would do, and what it did."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from app.storage import bin_table, deciding, proposals
from app.use_cases.access import Caller
from app.use_cases.bin_detail import people_of
from app.use_cases.decide import STATE_AFTER
from app.use_cases.decide_many import Aside, Sorted, effect, waits_for_another
from app.use_cases.service import Service
from app.web.views.table import Line, lines

STATES: Final = ("open", "accepted", "returned", "rejected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What some bins come to; amounts in cents, effort and saving in staff-days."""

    bins: int
    requests: int
    value_cents: int
    effort: float
    saved: float
    saved_low: float
    saved_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLine:
    """Bins, requests and saving in one state, before a decision and after it."""

    state: str
    bins: tuple[int, int]
    requests: tuple[int, int]
    saved: tuple[float, float]


def effect_view(
    connection: Connection, proposal_id: str, found: Sorted, decision: str
) -> dict[str, Any]:
    """Return what the page of the effect says."""
    rows = found.goes or found.waits
    shown = _lines(connection, proposal_id, [row.bin_id for row in rows])
    warned = [line for line in shown if line.warnings]
    return {
        "goes": len(found.goes),
        "waits": len(found.waits),
        "waits_for": found.waits_for,
        "aside": found.aside,
        "people": _people(connection, found.aside),
        "lines": shown,
        "warned": warned,
        "figures": _figures(shown),
        "states": _states(connection, proposal_id, found.goes, STATE_AFTER[decision]),
    }


def outcome_view(
    service: Service,
    connection: Connection,
    caller: Caller,
    row: proposals.Row,
    made: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the page of what was done says, as it stands by now."""
    seen = {one["bin_id"]: one["version"] for one in made["done"]}
    back: Sorted | None = None
    waits_for = waits_for_another(service, connection, caller, row)
    may = not waits_for and row.superseded_by is None and made["decision"] != "reopen"
    if seen and may:
        back = effect(service, connection, caller, row.proposal_id, seen, "reopen")
    shown = _lines(connection, row.proposal_id, [*seen])
    aside = [Aside(**one) for one in made["aside"]]
    return {
        "lines": shown,
        "figures": _figures(shown),
        "aside": aside,
        "people": _people(connection, aside),
        "back": None if back is None else len(back.goes),
        "moved_on": 0 if back is None else len(back.aside),
        "states": _states(connection, row.proposal_id, (), ""),
    }


def _lines(
    connection: Connection, proposal_id: str, names: Sequence[str]
) -> list[Line]:
    """Return lines of the table of bins for some, the largest saving first."""
    rows = bin_table.named(connection, proposal_id, names)
    return sorted(lines(rows), key=lambda line: (-line.saved, line.bin_id))


def _figures(shown: Iterable[Line]) -> Figures:
    found = [*shown]
    return Figures(
        bins=len(found),
        requests=sum(one.size for one in found),
        value_cents=sum(one.value_cents for one in found),
        effort=round(sum(one.effort for one in found), 3),
        saved=round(sum(one.saved for one in found), 3),
        saved_low=round(sum(one.saved_low for one in found), 3),
        saved_high=round(sum(one.saved_high for one in found), 3),
    )


def _states(
    connection: Connection,
    proposal_id: str,
    moving: Sequence[deciding.Row],
    state: str,
) -> list[StateLine]:
    """Return how the plan is split into states, before bins move into one and after."""
    standing = {one.state: one for one in deciding.standing(connection, proposal_id)}
    found = []
    for name in STATES:
        one = standing.get(name)
        bins = one.bins if one else 0
        requests = int(one.requests) if one else 0
        saved = int(one.saved) if one else 0
        out = [row for row in moving if row.state == name]
        into = moving if name == state else ()
        found.append(
            StateLine(
                state=name,
                bins=(bins, bins - len(out) + len(into)),
                requests=(requests, requests - _sizes(out) + _sizes(into)),
                saved=(
                    saved / 1000,
                    (saved - _saved(out) + _saved(into)) / 1000,
                ),
            )
        )
    return found


def _sizes(rows: Iterable[deciding.Row]) -> int:
    return sum(row.size for row in rows)


def _saved(rows: Iterable[deciding.Row]) -> int:
    return sum(int(row.saved) for row in rows)


def _people(connection: Connection, aside: Iterable[Aside]) -> dict[str, str]:
    return people_of(connection, {one.by for one in aside if one.by is not None})
