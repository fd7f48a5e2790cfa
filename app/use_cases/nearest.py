"""The nearest alternatives to what a plan does with a bin, and what each trades."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from app.export.document import days
from app.jobs.desk import Desk
from app.jobs.orders import NearestOrder
from app.storage import bins
from app.use_cases.access import Caller
from app.use_cases.pricing import Made, load_of, standing_of
from app.use_cases.read_proposals import require
from app.use_cases.refusals import Conflict, NotThere
from app.use_cases.service import Service
from optimizer.arranged import arrange
from optimizer.rulings import Ruling, RulingKind

SEARCH_S: Final = 5.0
"""How long alternatives are looked for; what is known by then is what is shown."""

PATIENCE_S: Final = 20.0
"""Seconds after which an answer comes too late."""

type Shown = dict[str, Any]
type Members = Mapping[str, tuple[str, ...]]


def nearest(
    service: Service, desk: Desk, caller: Caller, proposal_id: str, bin_id: str
) -> tuple[Shown, int]:
    """Return the nearest alternatives for the requests of a bin, and its version.

    Raises
    ------
    NotThere
        When there is no such bin for the caller.
    Conflict
        When there can be no alternative: the bin is accepted, or a request of it is in
        one that is.
    """
    with service.reading() as connection:
        row = require(connection, caller, proposal_id)
        found = bins.one(connection, proposal_id, bin_id)
        if row.heading is None or found is None:
            raise NotThere("bin")
        members = bins.members(connection, proposal_id)
        used = bins.names(connection, proposal_id)
        standing = standing_of(connection, proposal_id)
    _require_free(bin_id, found.state, members[bin_id], standing)
    order = NearestOrder(
        key=proposal_id,
        load=lambda: load_of(service, row),
        bins=members,
        members=members[bin_id],
        standing=standing,
    )
    said = desk.nearest(order, seconds=PATIENCE_S, search=SEARCH_S)
    return _shown(said, bin_id, members, used), found.version


def _require_free(
    bin_id: str, state: str, members: Sequence[str], standing: Iterable[Ruling]
) -> None:
    """Refuse where the requests of a bin cannot be put otherwise."""
    if state == "accepted":
        raise Conflict(
            f"{bin_id} is accepted and stays as it is: there is no alternative. Take "
            "the decision back first."
        )
    accepted = {
        name
        for one in standing
        if one.kind is RulingKind.FIXED
        for name in one.request_ids
    }
    taken = sorted(accepted.intersection(members))
    if taken:
        raise Conflict(
            f"Request {taken[0]} is in an accepted bin of another proposal. Solve "
            "again, and ask there."
        )


def _shown(said: Shown, bin_id: str, members: Members, used: tuple[str, ...]) -> Shown:
    """Return alternatives as callers see them; costs in staff-days."""
    name_of = {tuple(sorted(ids)): name for name, ids in members.items()}
    stated = {tuple(sorted(one["request_ids"])): one for one in said["bins"]}
    alternatives = []
    for one in said["alternatives"]:
        gone = [_named(stated, name_of, tuple(ids)) for ids in one["gone"]]
        change, bound = one["cost"] - said["cost"], one["bound"] - said["cost"]
        alternatives.append(
            {
                "change": days(change),
                "bound_change": days(bound),
                "is_proven": change <= bound,
                **_trades(gone, one["bins"]),
                "gone": gone,
                "new": [_without_id(new) for new in one["bins"]],
                "requests": _moved(gone, one["bins"]),
                "edits": _edits(members, gone, one["bins"], used),
            }
        )
    bound = said["bound"]
    return {
        "bin_id": bin_id,
        "request_ids": [*members[bin_id]],
        "part_requests": said["requests"],
        "part_cost": days(said["cost"]),
        "in_time": said["in_time"],
        "alternatives": alternatives,
        "further_bound_change": (None if bound is None else days(bound - said["cost"])),
        "exchanged": said["exchanged"],
    }


def _named(
    stated: Mapping[tuple[str, ...], Shown],
    name_of: Mapping[tuple[str, ...], str],
    ids: tuple[str, ...],
) -> Shown:
    return {**stated[ids], "bin_id": name_of.get(ids)}


def _without_id(one: Shown) -> Shown:
    return {name: value for name, value in one.items() if name != "bin_id"}


def _trades(gone: Sequence[Shown], new: Sequence[Shown]) -> Shown:
    """Return by how much figures change when some bins take the place of others."""

    def change(name: str) -> float:
        after, before = (sum(one[name] for one in some) for some in (new, gone))
        return float(round(after - before, 3))

    waits = [
        sum(sum(one["wait_days"].values()) for one in some) for some in (new, gone)
    ]
    return {
        "effort_change": change("effort_days"),
        "effort_change_low": change("effort_days_low"),
        "effort_change_high": change("effort_days_high"),
        "wait_cost_change": change("wait_cost"),
        "wait_days_change": waits[0] - waits[1],
        "bins_change": len(new) - len(gone),
    }


def _moved(gone: Sequence[Shown], new: Sequence[Shown]) -> list[Shown]:
    """Return what becomes of each request: whom it is with, and which days it has."""
    before = {name: one for one in gone for name in one["request_ids"]}
    found = [
        {
            "request_id": name,
            "from_bin": before[name]["bin_id"],
            "with_before": _others(before[name], name),
            "with_after": _others(one, name),
            "wait_days_before": before[name]["wait_days"][name],
            "wait_days_after": one["wait_days"][name],
            "forecast_before": before[name]["forecast_on"],
            "forecast_after": one["forecast_on"],
            "days_later": (
                date.fromisoformat(one["forecast_on"])
                - date.fromisoformat(before[name]["forecast_on"])
            ).days,
        }
        for one in new
        for name in one["request_ids"]
    ]
    return sorted(found, key=lambda one: (-one["days_later"], one["request_id"]))


def _others(one: Shown, name: str) -> list[str]:
    return sorted({*one["request_ids"]} - {name})


def _edits(
    members: Members, gone: Sequence[Shown], new: Sequence[Shown], used: tuple[str, ...]
) -> list[Shown]:
    """Return the edits that lead there; none where a bin is not the plan's own."""
    if any(one["bin_id"] is None for one in gone):
        return []
    touched = {one["bin_id"]: members[one["bin_id"]] for one in gone}
    wanted = {name: at for at, one in enumerate(new) for name in one["request_ids"]}
    found = arrange(touched, wanted, used=used)
    return [Made(edit).model_dump() for edit in found.edits]
