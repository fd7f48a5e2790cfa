"""Try a policy before it is saved: the last proposal, solved once more under it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection

from app.jobs.orders import Outcome, Solved
from app.jobs.trials import Trial, Trials, TrialUnderWay
from app.policies import parse_policy
from app.storage import proposals, solved
from app.storage.reach import ALL
from app.use_cases.access import Caller
from app.use_cases.material import material_of
from app.use_cases.refusals import Busy, NotAcceptable, NotThere
from app.use_cases.run import order_of
from app.use_cases.service import Service

MOST_SECONDS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a plan comes to."""

    objective: Mapping[str, Any]
    bins: int
    combined: int
    bound: float
    gap: float

    @property
    def proven(self) -> bool:
        """Whether no plan is better."""
        return self.gap <= 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A policy that is tried: its text, and the version it was made on.

    ``row`` is the proposal it is tried on, ``today`` what that came to as solved.
    """

    name: str
    text: str
    base: int
    row: proposals.Row
    today: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a policy came to; ``reason`` where it is a plan made without the solver."""

    figures: Figures
    reason: str | None
    stopped: bool


def try_policy(
    service: Service,
    trials: Trials,
    caller: Caller,
    *,
    name: str,
    text: str,
    base: int,
    seconds: int,
) -> Trial:
    """Begin to solve the last proposal under a policy that is not saved.

    Nothing is stored. It is solved as that proposal was: same requests, day, rulings.

    Raises
    ------
    InputRefused
        With every fault of the policy.
    NotAcceptable
        When there is no proposal to try it on.
    Busy
        When another policy is being tried.
    """
    policy = parse_policy(text.encode(), "policy")
    # Who changes policies sees no request: of all of them only what they come to.
    with service.within(ALL).reading() as connection:
        row = solved.last_done(connection, name) or solved.last_done(connection)
        if row is None:
            raise NotAcceptable(
                "No proposal has been solved yet, so there is nothing to try it on."
            )
        material = replace(material_of(service, connection, row), policy=policy)
        today = _today(connection, row)
    order = replace(order_of(material, row, None), time_limit_s=float(seconds))
    draft = Draft(name=name, text=text, base=base, row=row, today=today)
    try:
        return trials.begin(order, caller.account_id, draft, _tried)
    except TrialUnderWay:
        raise Busy(
            "Another policy is being tried. Try again when that is done."
        ) from None


def trial_of(trials: Trials, caller: Caller, trial_id: str) -> Trial:
    """Return a trial of a caller.

    Raises
    ------
    NotThere
        When it is another's, or forgotten.
    """
    trial = trials.find(trial_id, caller.account_id)
    if trial is None:
        raise NotThere("trial any more")
    return trial


def _today(connection: Connection, row: proposals.Row) -> Figures:
    """Return what a proposal came to as it was solved, before any change by hand."""
    result = proposals.result(connection, row.proposal_id)
    assert result is not None
    sizes = solved.sizes_as_solved(connection, row.proposal_id)
    return _figures(json.loads(result.document), sizes)


def _tried(answer: Solved) -> Tried:
    assert answer.document is not None
    sizes = [len(one["request_ids"]) for one in answer.document["bins"]]
    return Tried(
        figures=_figures(answer.document, sizes),
        reason=answer.reason if answer.outcome is Outcome.FALLBACK else None,
        stopped=answer.stopped,
    )


def _figures(document: Mapping[str, Any], sizes: Sequence[int]) -> Figures:
    return Figures(
        objective=document["objective"],
        bins=len(sizes),
        combined=sum(size > 1 for size in sizes),
        bound=document["lower_bound"],
        gap=document["gap"],
    )
