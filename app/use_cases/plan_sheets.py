"""A sheet of a plan that was edited and sent back: what it changes, and at what price.

A sheet says of each request which bin its reader saw it in, and which they want. What
differs is worked out as edits, on the plan as it was seen; they are priced and saved
like any others.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from app.catalogue import nearest
from app.errors import Fault, FaultCode, InputRefused, quoted
from app.export.sheet_text import sheet_text
from app.intake import Limits, PlanRow, Source, read_plan_rows
from app.jobs.desk import Desk
from app.storage import bins
from app.use_cases import edit
from app.use_cases.access import Caller
from app.use_cases.pricing import Made, PricedOn, plan_of, preview
from app.use_cases.refusals import NotAcceptable, SomeoneWasFirst
from app.use_cases.service import Answer, Call, Service
from optimizer.arranged import Arranged, arrange

MOST_EDITS: Final = 200
"""Edits that one sheet may come to; the API takes as many in a call."""

_NEAREST: Final = 5
"""Unknown requests that are told which one is nearest; finding it takes a while."""

NO_CHANGE: Final = "The sheet changes nothing: every request is in the bin it was in."

type Shown = dict[str, Any]
type Bins = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedOn:
    """A bin that the sheet changes, and that is in another version by now."""

    bin_id: str
    seen: int
    now: bins.Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What a sheet comes to.

    Parameters
    ----------
    edits
        The edits that lead from the plan as it was seen to the one that is wanted.
    seen, current
        The version of the plan the sheet was made of, and the one it is in now.
    named
        The id that each bin of a new name will have.
    moved_on
        Bins the edits touch that were changed or decided since.
    """

    edits: tuple[Made, ...]
    seen: int
    current: int
    named: Mapping[str, str]
    moved_on: tuple[MovedOn, ...]

    @property
    def is_stale(self) -> bool:
        """Whether the plan is not what the reader of the sheet saw."""
        return self.seen != self.current or bool(self.moved_on)

    def shown(self) -> Shown:
        """Return the edits as callers see them."""
        return {
            "edits": [one.model_dump() for one in self.edits],
            "named": dict(self.named),
            "version": self.seen,
        }


def work_out(
    service: Service,
    caller: Caller,
    proposal_id: str,
    source: Source,
    limits: Limits | None,
) -> Worked:
    """Return what a sheet changes, on the plan as its reader saw it.

    Raises
    ------
    NotThere, Conflict
        When there is no plan to edit.
    InputRefused
        With a fault for each row that makes no sense; nothing is stored.
    """
    plan = plan_of(service, caller, proposal_id)
    rows = read_plan_rows(source, limits)
    with service.reading() as connection:
        states = bins.states(connection, proposal_id)
        seen = _seen_version(rows, plan, source.label)
        before = plan_at(connection, proposal_id, seen)
    checking = _Checking(source.label, rows, before, states)
    wanted = checking.wanted()
    found = arrange(before, wanted, used=plan.used)
    checking.limit(found)
    versions = {row.was_in: row.bin_version for row in rows}
    return Worked(
        edits=tuple(Made(one) for one in found.edits),
        seen=seen,
        current=plan.row.version,
        named={
            str(name): bin_id
            for name, bin_id in found.bins.items()
            if name not in before and bin_id not in before
        },
        moved_on=tuple(
            MovedOn(bin_id=name, seen=versions[name], now=states[name])
            for name in sorted(_touched(before, wanted))
            if states[name].version != versions[name]
        ),
    )


def _touched(before: Bins, wanted: Mapping[str, str]) -> set[str]:
    """Return the bins that a request leaves or comes to."""
    touched = set()
    for name, ids in before.items():
        for request_id in ids:
            if wanted[request_id] != name:
                touched |= {name, wanted[request_id]}
    return touched & before.keys()


def plan_at(connection: Connection, proposal_id: str, version: int) -> Bins:
    """Return the requests of each bin as they were in a version of the plan."""
    found = bins.members(connection, proposal_id)
    for row in reversed(bins.edits_of(connection, proposal_id)):
        if row.version <= version:
            break
        before: dict[str, list[str]] = json.loads(row.before)["members"]
        for name in (*json.loads(row.after), *before):
            found.pop(name, None)
        found |= {name: tuple(sorted(ids)) for name, ids in before.items() if ids}
    return found


def require_fresh(worked: Worked) -> None:
    """Refuse a sheet of a plan that is not what its reader saw any more.

    Raises
    ------
    SomeoneWasFirst
        With the edits that the sheet comes to.
    """
    if worked.seen != worked.current:
        refusal = SomeoneWasFirst("proposal", current=worked.current)
    elif worked.moved_on:
        (first, *_) = worked.moved_on
        refusal = SomeoneWasFirst(f"bin {first.bin_id}", current=first.now.version)
    else:
        return
    refusal.extra |= worked.shown()
    raise refusal


def priced(
    service: Service, desk: Desk, caller: Caller, proposal_id: str, worked: Worked
) -> Shown:
    """Return what a sheet would change, with its price; nothing is saved.

    Raises
    ------
    SomeoneWasFirst
        When it is stale.
    """
    require_fresh(worked)
    if not worked.edits:
        return {**worked.shown(), "change": 0.0, "may_be_saved": False}
    said, version = preview(service, desk, caller, proposal_id, worked.edits)
    if version != worked.seen:
        raise SomeoneWasFirst("proposal", current=version)
    return {**said, **worked.shown()}


def save(
    service: Service,
    desk: Desk,
    call: Call,
    proposal_id: str,
    worked: Worked,
    reason: str | None,
) -> Answer:
    """Save what a sheet changes, all of it or nothing.

    Raises
    ------
    SomeoneWasFirst, NotAcceptable
        When it is stale, or changes nothing; else as for edits.
    """
    thing = f"proposal/{proposal_id}"
    with service.recording_refusals(call, "proposal.edit", thing):
        require_fresh(worked)
        if not worked.edits:
            raise NotAcceptable(NO_CHANGE)
    return edit.save(
        service, desk, call, proposal_id, worked.seen, worked.edits, reason
    )


def _seen_version(rows: Sequence[PlanRow], plan: PricedOn, file: str) -> int:
    """Return the version of the plan that a sheet was made of.

    Raises
    ------
    InputRefused
        When its rows name another proposal, or versions that cannot be.
    """
    first, faults = rows[0], []
    for row in rows:
        for column, value, right in (
            ("proposal_id", row.proposal_id, plan.row.proposal_id),
            ("plan_version", str(row.plan_version), str(first.plan_version)),
        ):
            if value != right:
                what = (
                    f"{column} is {quoted(right)} for this sheet, not {quoted(value)}"
                )
                faults.append(_fault(file, row, column, FaultCode.NOT_AS_SENT, what))
    if not faults and not 1 <= first.plan_version <= plan.row.version:
        what = (
            f"The plan is in version {plan.row.version}: "
            f"there is no version {first.plan_version}"
        )
        faults.append(_fault(file, first, "plan_version", FaultCode.NOT_AS_SENT, what))
    if faults:
        raise _refused(faults, rows)
    return first.plan_version


def _fault(file: str, row: PlanRow, column: str, code: str, what: str) -> Fault:
    value = str(getattr(row, column))
    return Fault(
        file=file,
        row=row.number,
        column=column,
        code=code,
        message=f"{what}.",
        value=value,
    )


def _refused(faults: Sequence[Fault], rows: Sequence[PlanRow]) -> InputRefused:
    bad = {fault.row for fault in faults if fault.row is not None}
    listed = {*sorted(bad)[:100]}
    shown = [one for one in faults if one.row is None or one.row in listed]
    shown.sort(key=lambda one: (one.row is not None, one.row or 0))
    return InputRefused(shown, len(rows) - len(bad), len(bad))


class _Checking:
    """The rows of a sheet against the plan as their reader saw it."""

    def __init__(
        self,
        file: str,
        rows: Sequence[PlanRow],
        before: Bins,
        states: Mapping[str, bins.Row],
    ) -> None:
        self._file = file
        self._rows = rows
        self._before = before
        self._home = {one: name for name, ids in before.items() for one in ids}
        self._written = {sheet_text(one): one for one in self._home}
        self._accepted = {n for n, one in states.items() if one.state == "accepted"}
        self._names = {name.casefold(): name for name in before}
        self._faults: list[Fault] = []

    def wanted(self) -> dict[str, str]:
        """Return the bin that each request is wanted in.

        Raises
        ------
        InputRefused
            With every fault, beside its row where it has one.
        """
        found: dict[str, str] = {}
        for row in self._rows:
            request_id = self._written.get(row.request_id)
            if request_id is None:
                self._unknown(row)
                continue
            name = self._names.setdefault(row.bin.casefold(), row.bin)
            found[request_id] = name
            self._compare(row, self._home[request_id], name)
        self._count_missing(found)
        if self._faults:
            raise _refused(self._faults, self._rows)
        return found

    def limit(self, arranged: Arranged) -> None:
        """Refuse a sheet that comes to more edits than a call may have."""
        if len(arranged.edits) > MOST_EDITS:
            message = (
                f"The sheet comes to {len(arranged.edits):,} changes; "
                f"{MOST_EDITS} at most are made at once."
            )
            fault = Fault(file=self._file, code=FaultCode.EDIT_LIMIT, message=message)
            raise InputRefused([fault])

    def _add(self, row: PlanRow, column: str, code: str, what: str) -> None:
        self._faults.append(_fault(self._file, row, column, code, what))

    def _unknown(self, row: PlanRow) -> None:
        what = f"{quoted(row.request_id)} is not a request of this proposal"
        if len(self._faults) < _NEAREST:
            near = nearest(row.request_id, tuple(self._written))
            what += f"; nearest: {near[0]}" if near else ""
        self._add(row, "request_id", FaultCode.UNKNOWN_REQUEST, what)

    def _compare(self, row: PlanRow, home: str, wanted: str) -> None:
        if row.was_in != home:
            what = (
                f"was_in was {home} when the sheet was made: leave it, and write the "
                "bin that is wanted into bin"
            )
            self._add(row, "was_in", FaultCode.NOT_AS_SENT, what)
        elif wanted != home:
            fixed = {home, wanted} & self._accepted
            for name in sorted(fixed):
                what = f"{name} is accepted: it stays as it is"
                self._add(row, "bin", FaultCode.ACCEPTED_BIN, what)

    def _count_missing(self, found: Mapping[str, str]) -> None:
        gone: dict[str, list[str]] = defaultdict(list)
        for request_id, name in self._home.items():
            if request_id not in found:
                gone[name].append(request_id)
        for name, ids in sorted(gone.items())[:100]:
            message = (
                f"{', '.join(ids[:20])} of {name} "
                f"{'has' if len(ids) == 1 else 'have'} no row: a sheet comes back with "
                "every row it had."
            )
            self._faults.append(
                Fault(file=self._file, code=FaultCode.MISSING_ROW, message=message)
            )
