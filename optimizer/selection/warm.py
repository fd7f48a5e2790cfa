"""Where a search begins that knows an earlier one: its plan, its bins, its proof."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from optimizer.certificate import OnNumber, OnPair, Proof
from optimizer.instance import LARGEST, Bin, Instance
from optimizer.known import Known
from optimizer.pricing import Cut, nearby_bins
from optimizer.record import Record
from optimizer.reshape import join, keep_apart
from optimizer.selection.columns import Duals
from optimizer.selection.parts import is_bin

MOST_STEPS = 60
"""Steps of an earlier proof up to which its branchings are made again."""

MARGINS = (64, 16)
"""Bins are looked for that cost at most so small a part of what an item costs alone, on
average, more than their duals: an optimum is made of such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A part of a search that an earlier one ended with, and the duals it had there."""

    record: int
    instance: Instance
    least: int
    most: int | None = None
    exact: bool = False
    cuts: tuple[Cut, ...] = ()
    duals: Duals | None = None


def first_plan(instance: Instance, known: Known) -> tuple[Bin, ...]:
    """Return what is left of an earlier plan: bins that are allowed, as items."""
    home = {p: i for i, item in enumerate(instance.items) for p in item}
    taken: set[int] = set()
    plan: list[Bin] = []
    for positions in sorted(known.bins, key=lambda bin_: (-len(bin_), bin_)):
        members: list[int] = []
        for i in sorted({home[p] for p in positions if p in home} - taken):
            if is_bin(instance, (*members, i)):
                members.append(i)
        if members:
            plan.append(tuple(members))
            taken.update(members)
    return tuple(sorted(plan))


def begin_again(
    instance: Instance, known: Known, record: Record, least: int
) -> list[Branch]:
    """Make the branchings of an earlier proof again, as far as they still can be.

    Whatever the branchings are, every plan is in one of the branches that come of them:
    only how long the search takes depends on where they came from.
    """
    whole = Branch(record=Record.ROOT, instance=instance, least=least)
    proof = known.certificate
    if proof is None:
        return [whole]
    steps = proof.steps
    if len(steps) > MOST_STEPS:
        steps = tuple(step for step in steps if isinstance(step, Proof))[:1]
    ends: list[Branch] = []
    ahead: list[Branch | None] = [whole]  # None where nothing can be any more
    for step in steps:
        if not ahead:
            break
        branch = ahead.pop()
        if isinstance(step, Proof):
            if branch is not None:
                ends.append(_with_duals(branch, step, proof.positions))
        elif branch is None:
            ahead += (None, None)
        else:
            ahead += reversed(_branched(branch, step, record))
    ends += [branch for branch in ahead if branch is not None]
    return ends


def _branched(
    branch: Branch, step: OnPair | OnNumber, record: Record
) -> tuple[Branch | None, Branch | None]:
    instance = branch.instance
    if isinstance(step, OnNumber):
        if step.most < branch.least:
            return None, branch
        if step.most >= (len(instance) if branch.most is None else branch.most):
            return branch, None
        few, many = record.branch_on_number(branch.record, step.most)
        most = step.most if branch.most is None else min(step.most, branch.most)
        least = max(step.most + 1, branch.least)
        return (
            replace(branch, record=few, most=most),
            replace(branch, record=many, least=least, exact=True),
        )
    home = {p: i for i, item in enumerate(instance.items) for p in item}
    ends = sorted(home[p] for p in (step.first, step.second) if p in home)
    if len(ends) == 2 and ends[0] == ends[1]:
        return branch, None
    if len(ends) < 2 or not is_bin(instance, (ends[0], ends[1])):
        return None, branch
    if len(instance) - 1 < branch.least:  # too few items for the bins there must be
        return None, branch
    first, second = ends
    together, apart = record.branch_on_pair(branch.record, instance, first, second)
    return (
        replace(branch, record=together, instance=join(instance, first, second)),
        replace(branch, record=apart, instance=keep_apart(instance, first, second)),
    )


def _with_duals(branch: Branch, proof: Proof, positions: Sequence[int]) -> Branch:
    """Return a branch with the duals of an earlier proof: a new item's is its cost."""
    instance = branch.instance
    if proof.scale > instance.scale:
        return branch
    factor = instance.scale // proof.scale
    dual = dict(zip(positions, proof.duals, strict=True))
    duals = []
    for item, alone in zip(instance.items, instance.alone.tolist(), strict=True):
        old = [factor * dual[p] for p in item if p in dual]
        duals.append(sum(old) if len(old) == len(item) else instance.scale * alone)
    home = {p: i for i, item in enumerate(instance.items) for p in item}
    fines: dict[Cut, int] = {}
    for fine in proof.fines:
        held = sorted({home[p] for p in fine.positions if p in home})
        if len(held) == 3:
            a, b, c = held
            fines.setdefault(Cut(items=(a, b, c)), factor * fine.penalty)
    tau = factor * proof.tau
    if tau < 0 and branch.most is None:
        tau = 0
    largest = sum(map(abs, duals)) + sum(fines.values()) + abs(tau)
    if largest * (instance.max_requests + instance.max_customers + 2) > LARGEST:
        return branch
    return replace(
        branch,
        cuts=tuple(fines),
        duals=Duals(
            np.array(duals, dtype=np.int64),
            np.array([*fines.values()], dtype=np.int64),
            tau,
        ),
    )


def likely_columns(branch: Branch, plan: Sequence[Bin]) -> list[Bin]:
    """Return bins that cost little more than the duals a branch begins with."""
    duals = branch.duals
    if duals is None:
        return []
    instance = branch.instance
    starts = [*plan, *((i,) for i in range(len(instance)))]
    average = instance.scale * int(instance.alone.sum()) // len(instance)
    found: dict[Bin, None] = {}
    for part in MARGINS:
        near = nearby_bins(
            instance, duals.items, branch.cuts, duals.sigma,
            duals.tau + average // part, starts,
        )  # fmt: skip
        found.update(dict.fromkeys(near))
    return [*found]
