"""Solve a proposal that waits: the job behind ``POST /proposals``.

The job may run more than once: after a crash it is begun again. What it finds is stored
in one transaction, which only one attempt can make: a proposal has one result.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection

from app.audit.chain import Entry, append
from app.export.document import days
from app.jobs.desk import Desk
from app.jobs.orders import Order, Outcome, Progress, Solved
from app.storage import bins, proposals
from app.storage.errors import StoreUnavailable
from app.storage.figures import of_bin, of_plan
from app.storage.plain import ordered_text_of, text_of
from app.use_cases import clock
from app.use_cases.material import Material, material_of
from app.use_cases.results import Figures, bin_row, heading_of, members_of
from app.use_cases.service import Service

TELL_S: Final = 0.5
"""How often, at most, progress is stored."""

LOOK_S: Final = 0.5
"""How often a job looks whether it was asked to stop."""

STORE_S: Final = 120.0
"""How long a job waits for a store that is away, before this attempt has failed."""

STORE_PAUSE_S: Final = 0.5

type Key = frozenset[tuple[str, str]]
"""The requests of a bin, by customer and request_id."""


def run(
    service: Service,
    desk: Desk,
    proposal_id: str,
    attempt: int,
    *,
    abandoned: Callable[[], bool] = lambda: False,
) -> None:
    """Solve a proposal and store what came of it.

    Parameters
    ----------
    attempt
        Which attempt this is, from 1.
    abandoned
        Tells that the service stops: the job is left to be taken up again.
    """
    job = _Job(service, desk, proposal_id, attempt, abandoned)
    order = job.patiently(job.begin)
    if order is None:
        return
    solved = desk.solve(order, tell=job.tell, stopped=job.stopped)
    if abandoned() and not job.asked_to_stop:
        return
    job.patiently(lambda: job.finish(solved))
    service.news.tell(proposal_id)


def give_up(service: Service, proposal_id: str, reason: str) -> None:
    """Say of a proposal whose attempts are used up that it failed, and why."""
    with service.writing() as connection:
        at = clock.now()
        failed = proposals.move_on(
            connection,
            proposal_id,
            ("queued", "solving"),
            state="failed",
            failure=reason,
            failure_code="solver",
            finished_at=at,
        )
        if failed:
            proposals.tell(connection, proposal_id)
            said = {"reason": reason}
            append(connection, _entry(proposal_id, "proposal.failed", said))


def _code_of(solved: Solved) -> str:
    """Return what a reason is about: the rulings and limits, or who solved."""
    return "no_plan" if solved.outcome is Outcome.NO_PLAN else "solver"


class _Job:
    """One attempt to solve a proposal."""

    def __init__(
        self,
        service: Service,
        desk: Desk,
        proposal_id: str,
        attempt: int,
        abandoned: Callable[[], bool],
    ) -> None:
        self.service = service
        self.desk = desk
        self.proposal_id = proposal_id
        self.attempt = attempt
        self.asked_to_stop = False
        self._abandoned = abandoned
        self._figures: Figures = {}
        self._told = time.monotonic()
        self._looked = float("-inf")
        self._untold: Progress | None = None

    def patiently[Found](self, act: Callable[[], Found]) -> Found:
        """Return what an act returns, once the store is there for it.

        What took minutes to find is not thrown away because the store is started again.
        """
        give_up = time.monotonic() + STORE_S
        while True:
            try:
                return act()
            except StoreUnavailable:
                if self._abandoned() or time.monotonic() > give_up:
                    raise
                time.sleep(STORE_PAUSE_S)

    def begin(self) -> Order | None:
        """Return what to solve; None where there is nothing to do any more."""
        with self.service.writing() as connection:
            taken = proposals.move_on(
                connection,
                self.proposal_id,
                ("queued", "solving"),
                state="solving",
                attempts=self.attempt,
            )
            if not taken:
                return None
        with self.service.reading() as connection:
            row = proposals.row(connection, self.proposal_id)
            material = material_of(self.service, connection, row)
            kept = None
            if row.parent_id is not None:
                parent = proposals.result(connection, row.parent_id)
                kept = None if parent is None else parent.kept
        self._figures = {
            one.request_id: (one.value_cents, one.received_on.isoformat())
            for one in material.requests
        }
        return order_of(material, row, kept)

    def tell(self, progress: Progress) -> None:
        """Note how far it is; that is stored now and then, and at the end."""
        self._untold = progress
        self._tell_what_is_due()

    def _tell_what_is_due(self) -> None:
        """Store how far it is; a store that is away misses it."""
        if self._untold is None or time.monotonic() - self._told < TELL_S:
            return
        with (
            suppress(StoreUnavailable),
            self.service.writing() as connection,
        ):
            self._tell(connection)
        self._told = time.monotonic()

    def _tell(self, connection: Connection) -> None:
        progress, self._untold = self._untold, None
        if progress is None:
            return
        said = {
            "elapsed_s": round(progress.elapsed_s, 1),
            "clusters_done": progress.clusters_done,
            "clusters": progress.clusters,
            "incumbent": days(progress.incumbent),
            "bound": days(progress.bound),
            "gap": progress.gap,
        }
        proposals.change(
            connection,
            self.proposal_id,
            clusters=progress.clusters,
            clusters_done=progress.clusters_done,
            incumbent=progress.incumbent,
            bound=progress.bound,
        )
        proposals.add_event(
            connection,
            self.proposal_id,
            at=clock.now(),
            kind="progress",
            data=json.dumps(said),
        )

    def stopped(self) -> bool:
        """Tell whether someone asked to stop, or the service does."""
        self._tell_what_is_due()
        if self.asked_to_stop or self._abandoned():
            return True
        moment = time.monotonic()
        if moment - self._looked >= LOOK_S:
            self._looked = moment
            with suppress(StoreUnavailable), self.service.reading() as connection:
                row = proposals.row(connection, self.proposal_id)
                self.asked_to_stop = row.stop_asked_at is not None
        return self.asked_to_stop

    def finish(self, solved: Solved) -> None:
        """Store what came of it, once."""
        state = "cancelled" if self.asked_to_stop else "done"
        if solved.document is None:
            state = "cancelled" if self.asked_to_stop else "failed"
        ready = None if solved.document is None else _Ready(solved, self._figures)
        with self.service.writing() as connection:
            row = proposals.row(connection, self.proposal_id)
            self._tell(connection)
            values: dict[str, Any] = {"state": state, "finished_at": clock.now()}
            if solved.reason is not None:
                values["failure"] = solved.reason
                values["failure_code"] = _code_of(solved)
            if ready is not None:
                values |= self._result(connection, row, solved, ready)
            moved = proposals.move_on(
                connection, self.proposal_id, ("solving",), **values
            )
            if not moved:  # another attempt was first: nothing of this one is kept
                raise SecondResult(self.proposal_id)
            proposals.tell(connection, self.proposal_id)
            if row.parent_id is not None and solved.document is not None:
                proposals.change(
                    connection, row.parent_id, superseded_by=self.proposal_id
                )
                proposals.tell(connection, row.parent_id)
            said = {
                "outcome": str(solved.outcome),
                "attempt": self.attempt,
                "cost": solved.cost,
                "bound": solved.bound,
                "reproducible": solved.reproducible,
                "proof_rechecked": solved.proof_rechecked,
                "reason": solved.reason,
            }
            append(connection, _entry(self.proposal_id, f"proposal.{state}", said))

    def _result(
        self,
        connection: Connection,
        row: proposals.Row,
        solved: Solved,
        ready: "_Ready",
    ) -> dict[str, Any]:
        stated, members = ready.stated, ready.members
        succession = _succession(connection, row, members)
        carried = _carried(connection, row, members, succession)
        proposals.add_result(
            connection,
            self.proposal_id,
            result={
                "attempt": f"{self.proposal_id} {self.attempt}",
                "certificate": solved.certificate or "null",
                "kept": solved.kept or "null",
                "document": stated["heading"],
                "stated_sha256": of_plan(stated),
            },
            bin_rows=ready.bin_rows,
            members=members,
            states=carried,
            shown=ready.shown,
            plain_members={name: text_of([*ids]) for name, ids in members.items()},
            at=clock.now(),
            account_id=row.account_id,
        )
        changes = None if succession is None else _changes(row, succession)
        return {
            **stated,
            **({} if changes is None else {"changes": text_of(changes)}),
        }


class _Ready:
    """A result made ready to be stored, before others have to wait for that."""

    def __init__(self, solved: Solved, figures: Figures) -> None:
        document = solved.document
        assert document is not None
        self.bin_rows = [
            bin_row(one, figures, place=place)
            for place, one in enumerate(document["bins"], start=1)
        ]
        self.shown = {row["bin_id"]: of_bin(row) for row in self.bin_rows}
        self.members = members_of(document["bins"])
        heading = {
            **heading_of(document),
            "reproducible": solved.reproducible,
            "proof_rechecked": solved.proof_rechecked,
            "made_without_solver": solved.outcome is Outcome.FALLBACK,
        }
        self.stated = {
            "heading": ordered_text_of(heading),
            "incumbent": solved.cost,
            "bound": solved.bound,
        }


class SecondResult(Exception):
    """A proposal has its result already; what another attempt found is dropped."""


def order_of(material: Material, row: proposals.Row, kept: str | None) -> Order:
    """Return what the desk is asked for a proposal."""
    return Order(
        requests=material.requests,
        precedents=material.precedents,
        policy=material.policy,
        as_of=material.as_of,
        rulings=material.rulings,
        hashes=material.hashes,
        created_at=datetime.now(UTC),
        time_limit_s=float(row.time_limit_s),
        gap=float(row.gap_wanted),
        earlier=None if kept in (None, "null") else kept,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Succession:
    """The bins of a proposal, and of the one it replaces, by their requests."""

    before: Mapping[Key, str]
    after: Mapping[Key, str]


def _succession(
    connection: Connection,
    row: proposals.Row,
    members: Mapping[str, Sequence[str]],
) -> _Succession | None:
    """Return how the bins follow those of an earlier proposal; None without one."""
    if row.parent_id is None:
        return None
    return _Succession(
        before=_by_requests(
            connection, row.parent_id, bins.members(connection, row.parent_id)
        ),
        after=_by_requests(connection, row.proposal_id, members),
    )


def _by_requests(
    connection: Connection, proposal_id: str, members: Mapping[str, Sequence[str]]
) -> dict[Key, str]:
    """Return the bins of a proposal by the requests they hold."""
    key = proposals.labels(connection, proposal_id)
    return {
        frozenset(key[name] for name in ids): bin_id for bin_id, ids in members.items()
    }


def _carried(
    connection: Connection,
    row: proposals.Row,
    members: Mapping[str, Sequence[str]],
    succession: _Succession | None,
) -> dict[str, str]:
    """Return the state of bins that were decided before, with the same requests."""
    fixed = {
        frozenset(one["request_ids"])
        for one in json.loads(row.rulings)
        if one["kind"] == "fixed"
    }
    carried = {
        bin_id: "accepted" for bin_id, ids in members.items() if frozenset(ids) in fixed
    }
    if succession is None:
        return carried
    states = bins.states(connection, row.parent_id)
    for key, bin_id in succession.after.items():
        home = succession.before.get(key)
        if home is not None and states[home].state in ("returned", "rejected"):
            carried.setdefault(bin_id, states[home].state)
    return carried


def _changes(row: proposals.Row, succession: _Succession) -> dict[str, Any]:
    """Return what differs from the proposal this one takes the place of."""
    before, after = succession.before, succession.after
    there = {one for bin_ in before for one in bin_}
    here = {one for bin_ in after for one in bin_}
    return {
        "parent_id": row.parent_id,
        "unchanged_bins": len(before.keys() & after.keys()),
        "new_bins": sorted(after[k] for k in after.keys() - before.keys()),
        "gone_bins": sorted(before[k] for k in before.keys() - after.keys()),
        "requests_added": sorted(f"{c} {r}" for c, r in here - there),
        "requests_gone": sorted(f"{c} {r}" for c, r in there - here),
    }


def _entry(proposal_id: str, action: str, said: Mapping[str, Any]) -> Entry:
    return Entry(
        actor="service",
        role="service",
        scope="*",
        action=action,
        object=f"proposal/{proposal_id}",
        version_after=1,
        after=said,
    )
