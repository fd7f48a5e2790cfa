"""Small parts once more: every bin, by definition, against what a proof claims.

Bins come from trying every set of requests with the rules and limits of the verifier,
and their costs from its figures. No code of the solving path takes part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np
import numpy.typing as npt

from optimizer.certificate import Proof
from optimizer.policy import EffortCase
from optimizer.verify import figures
from optimizer.verify.facts import Fact, Members, Setting
from optimizer.verify.rules import broken_limits, broken_rules

FEW_BINS = 20_000
"""Bins up to which every one of a part is looked at."""

FEW_ITEMS = 200
"""Items up to which it is tried at all: every two of them are asked first."""


def cost_of(setting: Setting, members: Members) -> int:
    """Return c(B) in thousandths of a staff-day, as the model defines it."""
    effort = figures.effort_by_stage(setting.policy, EffortCase.DEFAULT, members)
    return sum(effort.values()) + figures.waiting(setting.policy, members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """A bin that costs less than a proof claims, in thousandths of a staff-day."""

    positions: tuple[int, ...]
    cost: int
    claimed: Fraction


@dataclass(frozen=True, kw_only=True)
class EveryBin:
    """Every bin of a small part.

    Parameters
    ----------
    positions
        The part's requests, ascending: the columns of ``holds``.
    holds
        One row a bin: 1 where it holds the request.
    costs
        Of the bins, in thousandths of a staff-day.
    """

    positions: tuple[int, ...]
    holds: npt.NDArray[np.int64]
    costs: npt.NDArray[np.int64]

    def violated(
        self,
        proof: Proof,
        together: Sequence[tuple[int, int]],
        apart: Sequence[tuple[int, int]],
    ) -> "Contradiction | None":
        """Return the bin that contradicts a proof most, if one does.

        Parameters
        ----------
        together, apart
            The pairs the branch requires in one bin, and not in one bin.
        """
        column = {position: at for at, position in enumerate(self.positions)}
        allowed = np.ones(len(self.costs), dtype=bool)
        for one, other in together:
            allowed &= self.holds[:, column[one]] == self.holds[:, column[other]]
        for one, other in apart:
            allowed &= self.holds[:, column[one]] + self.holds[:, column[other]] < 2
        claimed = self.holds @ np.array(proof.duals, dtype=np.int64) + proof.tau
        for fine in proof.fines:
            held = self.holds[:, [column[p] for p in fine.positions]].sum(axis=1)
            claimed -= fine.penalty * (held >= 2)
        beyond = np.where(allowed, claimed - proof.scale * self.costs, 0)
        if not len(beyond) or beyond.max() <= 0:
            return None
        worst = int(beyond.argmax())
        return Contradiction(
            positions=tuple(np.array(self.positions)[self.holds[worst] == 1].tolist()),
            cost=int(self.costs[worst]),
            claimed=Fraction(int(claimed[worst]), proof.scale),
        )


def every_bin(
    setting: Setting, facts: Sequence[Fact], positions: tuple[int, ...]
) -> EveryBin | None:
    """Return every bin of a part, or None where there are too many.

    Parameters
    ----------
    facts
        By position, for the whole batch.
    """
    items = _items(setting, facts, positions)
    if len(items) > FEW_ITEMS:
        return None
    pairs = {
        (i, j)
        for i, j in combinations(range(len(items)), 2)
        if not any(broken_rules(setting, a, b) for a in items[i] for b in items[j])
    }
    found: list[Members] = []
    ahead: list[tuple[tuple[int, ...], Members]] = [((), ())]
    while ahead:
        chosen, members = ahead.pop()
        for i in range(chosen[-1] + 1 if chosen else 0, len(items)):
            larger = members + items[i]
            if not all((j, i) in pairs for j in chosen):
                continue
            if broken_limits(setting, larger):
                continue
            found.append(larger)
            ahead.append(((*chosen, i), larger))
        if len(found) > FEW_BINS:
            return None
    column = {facts[p].request.request_id: at for at, p in enumerate(positions)}
    holds = np.zeros((len(found), len(positions)), dtype=np.int64)
    for row, members in enumerate(found):
        holds[row, [column[fact.request.request_id] for fact in members]] = 1
    costs = np.array([cost_of(setting, members) for members in found], dtype=np.int64)
    return EveryBin(positions=positions, holds=holds, costs=costs)


def _items(
    setting: Setting, facts: Sequence[Fact], positions: tuple[int, ...]
) -> list[Members]:
    """Return what is chosen as one: a request, or those that are ruled together."""
    groups: dict[object, list[Fact]] = {}
    for position in positions:
        fact = facts[position]
        name = fact.request.request_id
        groups.setdefault(setting.joined.get(name, name), []).append(fact)
    return [tuple(members) for members in groups.values()]


def facts_by_position(setting: Setting) -> tuple[Fact, ...]:
    """Return the facts of the batch's requests in their order."""
    return tuple(setting.facts[r.request_id] for r in setting.batch.requests)
