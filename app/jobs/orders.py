"""What the solver desk is asked, and what it answers: plain values, no process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from app.catalogue import load_catalogue
from app.export.document import Document, InputHashes
from optimizer.batch import Batch, Precedent, Request
from optimizer.edits import Edit
from optimizer.errors import EditFault
from optimizer.policy import Policy
from optimizer.problem import Problem
from optimizer.rulings import Ruling, settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A proposal to be made.

    Parameters
    ----------
    rulings
        The standing rulings, accepted bins (``fixed``) included.
    hashes, created_at
        As the proposal is to state them.
    time_limit_s
        For search, putting together and writing; checking it comes on top.
    earlier
        What was kept of an earlier solve (``Solved.kept``), for a warm start. Only
        what the desk itself gave back may be handed in: it is believed.
    only_changed
        Whether a part that has not changed since is left as it is even where its gap
        is wider than ``gap``.
    """

    requests: tuple[Request, ...]
    policy: Policy
    as_of: date
    hashes: InputHashes
    created_at: datetime
    precedents: tuple[Precedent, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    time_limit_s: float = 60.0
    gap: float = 0.0
    earlier: str | None = None
    only_changed: bool = False

    def problem(self) -> Problem:
        """Return the problem this asks.

        Raises
        ------
        RulingsContradict
            When the rulings do.
        """
        batch = Batch(requests=self.requests, precedents=self.precedents)
        return Problem(
            batch=batch,
            policy=self.policy,
            catalogue=load_catalogue(),
            as_of=self.as_of,
            rulings=settle(self.rulings, batch),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a solve is; costs in thousandths of a staff-day, the gap a fraction."""

    elapsed_s: float
    clusters_done: int
    clusters: int
    incumbent: int
    bound: int

    @property
    def gap(self) -> float:
        """How much of the incumbent's cost is not proven to be needed."""
        return (self.incumbent - self.bound) / self.incumbent if self.incumbent else 0.0


class Outcome(StrEnum):
    """What became of a solve."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    """A plan with a gap: the time was up, it was stopped, or a gap was allowed."""
    FALLBACK = "fallback"
    """The solver failed, and this is a plan made without it; ``reason`` says why."""
    NO_PLAN = "no plan"
    """No plan can obey the rulings and the limits; ``reason`` says why."""
    FAILED = "failed"
    """There is nothing; ``reason`` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """What came of a solve. A document here has passed the independent verification.

    Parameters
    ----------
    document
        The proposal without its ``certificate``; None where there is no plan.
    certificate, kept
        As JSON text: the proof of the bound, and what a later solve may begin with.
    cost, bound
        In thousandths of a staff-day.
    reproducible
        Whether the same order gives the same bins anywhere: the search ended by
        itself, not by the clock, by a stop or by a failure.
    proof_rechecked
        Whether every proof of the bound was priced again. A proposal too large for the
        time there is has its bound checked against plans alone.
    stopped
        Whether it was asked to stop.
    reason
        A sentence on what went wrong.
    """

    outcome: Outcome
    document: Document | None = None
    certificate: str | None = None
    kept: str | None = None
    cost: int = 0
    bound: int = 0
    reproducible: bool = False
    proof_rechecked: bool = False
    stopped: bool = False
    solve_seconds: float = 0.0
    reason: str | None = None


type Load = Callable[[], Order]
"""Returns the order a proposal was made by, ``earlier`` being what was kept of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOrder:
    """What would some edits of a plan cost?

    Parameters
    ----------
    key
        Names the proposal: its requests, precedents, policy, day and what was kept.
        What ``load`` returns for one key must never change.
    load
        Asked when the desk does not have the proposal at hand.
    bins
        The plan as it is now, by bin id.
    standing
        The rulings in force, accepted bins included.
    used
        Ids of bins that are no more.
    """

    key: str
    load: Load
    bins: Mapping[str, tuple[str, ...]]
    edits: Sequence[Edit]
    standing: tuple[Ruling, ...] = ()
    used: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRule:
    """What a bin breaks; a ruling lifts it where it is ``liftable``, else nothing."""

    bin_id: str
    code: str
    text: str
    request_ids: tuple[str, ...]
    liftable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best plan that honours the edits and the standing rulings.

    Parameters
    ----------
    finished
        Whether the search ended by itself, and not because the time was up.
    cost, bound
        In thousandths; the bound is proven.
    bins
        The bins that are not in the edited plan, as they would stand in proposal.json,
        with ids of the best plan itself.
    gone
        Ids of bins of the edited plan that are not in the best one.
    objective
        As in proposal.json.
    """

    finished: bool
    cost: int
    bound: int
    bins: tuple[Document, ...]
    gone: tuple[str, ...]
    objective: Document

    @property
    def gap(self) -> float:
        """How much of the cost is not proven to be needed."""
        return (self.cost - self.bound) / self.cost if self.cost else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What edits of a plan cost, exactly, in thousandths of a staff-day.

    Parameters
    ----------
    touched, new, gone
        Bin ids, as :class:`optimizer.edits.Edited` has them.
    members
        The requests of touched and new bins.
    rulings
        For each edit, the rulings that it would leave.
    broken
        What touched and new bins break, under the rulings that stood before.
    contradictions
        What cannot be ruled: such edits are to be refused.
    bins
        Touched and new bins as they would stand in proposal.json.
    objective
        Of the edited plan, as in proposal.json.
    best
        None where there is none: ``best_missing`` says why.
    """

    cost_before: int
    cost_after: int
    touched: tuple[str, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]
    rulings: tuple[tuple[Ruling, ...], ...]
    broken: tuple[BrokenRule, ...]
    contradictions: tuple[EditFault, ...]
    bins: tuple[Document, ...]
    objective: Document
    best: Best | None = None
    best_missing: str | None = None

    @property
    def change(self) -> int:
        """By how much the edits change the cost of the plan."""
        return self.cost_after - self.cost_before

    @property
    def refused(self) -> bool:
        """Whether the edits cannot be saved: a limit or a ruling forbids them."""
        return bool(self.contradictions) or any(not b.liftable for b in self.broken)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyOrder:
    """May two requests share a bin, and at what price? Fields as in ``PriceOrder``."""

    key: str
    load: Load
    first_id: str
    second_id: str
    standing: tuple[Ruling, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestOrder:
    """What else could be done with the requests of a bin? Fields as in ``PriceOrder``.

    ``members`` are the requests of the bin.
    """

    key: str
    load: Load
    bins: Mapping[str, tuple[str, ...]]
    members: tuple[str, ...]
    standing: tuple[Ruling, ...] = ()


type Plain = dict[str, Any]
