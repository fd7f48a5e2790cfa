"""What became of a bin or a plan since somebody looked at it."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.storage import bins
from app.use_cases.bin_detail import people_of


@dataclass(frozen=True, slots=True, kw_only=True)
class BinSince:
    """A bin as it was seen, what it is now, and who made it so.

    ``seen`` is None where there never was such a version; ``homes`` are the bins that
    hold now what was in it then.
    """

    seen: bins.Row | None
    now: bins.Row
    seen_members: tuple[str, ...]
    members: tuple[str, ...]
    decision: bins.Row | None
    people: dict[str, str]
    homes: dict[str, str]

    @property
    def is_gone(self) -> bool:
        """Whether there is no such bin any more."""
        return bool(self.now.state == "dissolved")

    @property
    def came(self) -> list[str]:
        """The requests that came in since."""
        return sorted({*self.members} - {*self.seen_members})

    @property
    def left(self) -> list[str]:
        """The requests that went out since."""
        return sorted({*self.seen_members} - {*self.members})


def bin_since(
    connection: Connection, proposal_id: str, bin_id: str, version: int
) -> BinSince:
    """Return a bin as it was in a version beside what it is now."""
    versions = bins.versions_of(connection, proposal_id, bin_id)
    now = versions[-1]
    seen = next((one for one in versions if one.version == version), None)
    decision = bins.last_decision(connection, proposal_id, bin_id)
    if decision is not None and decision.version <= version:
        decision = None
    seen_members = _members(seen) if seen is not None else ()
    homes = bins.homes(connection, proposal_id, seen_members)
    ids = {one.account_id for one in (seen, now, decision) if one is not None}
    return BinSince(
        seen=seen,
        now=now,
        seen_members=seen_members,
        members=_members(now),
        decision=decision,
        people=people_of(connection, ids),
        homes=homes,
    )


def _members(row: bins.Row) -> tuple[str, ...]:
    return tuple(json.loads(row.members))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSince:
    """What was changed in a plan since somebody looked at it.

    Parameters
    ----------
    edits
        The changes by hand, first to last, each with what it did.
    lines
        The bins they concern: id, requests as they were seen, and as they are now.
    """

    edits: tuple[tuple[bins.Row, list[dict[str, Any]]], ...]
    lines: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    people: dict[str, str]


def plan_since(connection: Connection, proposal_id: str, version: int) -> PlanSince:
    """Return what was changed in a plan since a version of it."""
    later = [
        row for row in bins.edits_of(connection, proposal_id) if row.version > version
    ]
    seen: dict[str, tuple[str, ...]] = {}
    for row in later:
        before = json.loads(row.before)["members"]
        for name in (*before, *json.loads(row.after)):
            seen.setdefault(name, tuple(before.get(name, ())))
    now = bins.members(connection, proposal_id)
    return PlanSince(
        edits=tuple((row, json.loads(row.edits)) for row in later),
        lines=tuple(
            (name, ids, now.get(name, ())) for name, ids in sorted(seen.items())
        ),
        people=people_of(connection, {row.account_id for row in later}),
    )
