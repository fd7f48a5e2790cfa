"""Who is near a request: whom it may share with, and who comes nearest to that.

Rules that do not look at days are asked of cells, one against all others at once, and
days are found by bisection among the requests for systems that interoperate, so that
no batch needs all its pairs compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from optimizer.classes import classes_of
from optimizer.compatibility import RULES
from optimizer.policy import SystemRule
from optimizer.problem import Problem

NEAREST: Final = 3

LOOKED_AT: Final = 64
"""Requests before and after another that are looked at first for the nearest."""

type Ints = npt.NDArray[np.int64]

_CODES: Final = tuple(code for code, _ in RULES)
_WINDOW: Final = 1 << _CODES.index("window")
_WAIT: Final = 1 << _CODES.index("wait")
_KEPT_APART: Final = 1 << _CODES.index("kept_apart")
_BROKEN: Final = np.array([mask.bit_count() for mask in range(1 << len(_CODES))])


@dataclass(frozen=True, slots=True)
class Near:
    """A candidate, and the codes of the rules that keep it away, in their order."""

    position: int
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """Requests in order of arrival, their days and their cells.

    ``least`` is, by the cell of a request, how few rules of cells one of them breaks.
    """

    positions: Ints
    days: Ints
    cells: Ints
    least: dict[int, int]


class Neighbours:
    """Neighbours of requests among those that are free, fixed bins left out."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        fixed = {name for members in problem.rulings.fixed for name in members}
        self._free = [
            i for i, r in enumerate(problem.requests) if r.request_id not in fixed
        ]
        self._received = np.array(problem.received, dtype=np.int64)
        self._ready = np.array(problem.ready, dtype=np.int64)
        waits = problem.policy.pairing.max_wait_days
        self._patience = np.array(
            [waits[r.priority] for r in problem.requests], dtype=np.int64
        )
        self._classes = classes_of(problem)
        self._cell = self._classes.cell[self._classes.of]
        self._cells = np.arange(int(self._cell.max(initial=-1)) + 1)
        self._masks: dict[int, Ints] = {}  # by cell, rules that others break with it
        self._asked_for: dict[str, list[int]] = {}  # by system, who is free
        for i in self._free:
            system = problem.requests[i].system
            self._asked_for.setdefault(system, []).append(i)
        self._systems: dict[str, _Run] = {}
        self._everyone: _Run | None = None
        self._ruled: dict[int, set[int]] = {}
        for pair in problem.rulings.apart:
            one, other = map(problem.batch.position, pair)
            self._ruled.setdefault(one, set()).add(other)
            self._ruled.setdefault(other, set()).add(one)

    def sharing(self, position: int) -> Ints:
        """Return the free requests that every rule lets a request share with."""
        span = self.problem.policy.pairing.window_days
        day = self._received[position]
        near = self._near(self.problem.requests[position].system)
        low = np.searchsorted(near.days, day - span)
        high = np.searchsorted(near.days, day + span, "right")
        others = near.positions[low:high]
        open_ = self._mask(position)[self._cell[others]] == 0  # for few, as a rule
        others = others[open_ & (others != position)]
        found: Ints = others[self._broken(position, others) == 0]
        return found

    def nearest(self, position: int) -> tuple[Near, ...]:
        """Return the candidates nearest to a request that none may share with.

        Nearest is who breaks the fewest rules, then arrives the fewest days apart,
        then has the first id. Requests for the same system, or one it interoperates
        with, come before all others.
        """
        near = self._near(self.problem.requests[position].system)
        found = self._nearest(position, near)
        if not found:
            self._everyone = self._everyone or self._run(self._free)
            found = self._nearest(position, self._everyone)
        return found

    def looked_at(self, position: int, others: Iterable[int]) -> tuple[Near, ...]:
        """Return the nearest of some requests that a request may not share with."""
        return self._best(position, np.array(sorted(others), dtype=np.int64))

    def _near(self, system: str) -> "_Run":
        """Return the free requests for a system or one it interoperates with."""
        if system not in self._systems:
            systems = self.problem.catalogue.systems
            wanted = {system}
            if self.problem.policy.pairing.system is SystemRule.INTEROPERABILITY_GROUP:
                groups = systems[system].groups
                wanted |= {s for s, found in systems.items() if found.groups & groups}
            asked = [
                self._asked_for[name] for name in wanted if name in self._asked_for
            ]
            self._systems[system] = self._run(sorted(chain.from_iterable(asked)))
        return self._systems[system]

    def _run(self, positions: list[int]) -> "_Run":
        found = np.array(positions, dtype=np.int64)
        cells = np.unique(self._cell[found])
        return _Run(found, self._received[found], cells, {})

    def _nearest(self, position: int, run: "_Run") -> tuple[Near, ...]:
        """Return the nearest requests of a run, looking ever further around."""
        among, days = run.positions, run.days
        day = int(self._received[position])
        place = int(np.searchsorted(among, position))
        cell = int(self._cell[position])
        if cell not in run.least:
            broken = _BROKEN[self._mask(position)[run.cells]]
            run.least[cell] = int(broken.min(initial=len(_CODES)))
        least = run.least[cell]
        reach = LOOKED_AT
        while True:
            low, high = max(0, place - reach), min(len(among), place + reach + 1)
            if low > 0:  # whole days: of one day the first id counts
                low = int(np.searchsorted(days, days[low]))
            if high < len(among):
                high = int(np.searchsorted(days, days[high - 1], "right"))
            others = among[low:high]
            best = self._best(position, others[others != position])
            if low == 0 and high == len(among):
                return best
            beyond = min(
                day - int(days[low - 1]) if low > 0 else 2**40,
                int(days[high]) - day if high < len(among) else 2**40,
            )
            if len(best) == NEAREST:
                last = best[-1]
                apart = abs(int(self._received[last.position]) - day)
                if len(last.codes) <= least and apart < beyond:
                    return best
            reach *= 8

    def _best(self, position: int, others: Ints) -> tuple[Near, ...]:
        """Return the nearest of some requests, the nearest first."""
        if not len(others):
            return ()
        masks = self._broken(position, others)
        away = np.abs(self._received[others] - self._received[position])
        order = np.lexsort((away, _BROKEN[masks]))
        last = order[min(NEAREST, len(order)) - 1]
        key = (_BROKEN[masks[last]], away[last])
        count = len(order)
        while (
            count > NEAREST
            and (_BROKEN[masks[order[count - 1]]], away[order[count - 1]]) > key
        ):
            count -= 1
        found = sorted(
            order[:count].tolist(),
            key=lambda at: (
                _BROKEN[masks[at]],
                away[at],
                self.problem.requests[others[at]].request_id,
            ),
        )
        return tuple(
            Near(int(others[at]), _codes(int(masks[at]))) for at in found[:NEAREST]
        )

    def _broken(self, position: int, others: Ints) -> Ints:
        """Return the rules each of some requests breaks with one, a bit for each."""
        masks = self._mask(position)[self._cell[others]]
        days = np.abs(self._received[others] - self._received[position])
        masks |= np.where(days > self.problem.policy.pairing.window_days, _WINDOW, 0)
        waits = np.abs(self._ready[others] - self._ready[position])
        patience = np.where(
            others < position, self._patience[others], self._patience[position]
        )
        masks |= np.where(waits > patience, _WAIT, 0)
        of = self._classes.of
        apart = self._classes.kept_apart(int(of[position]), of[others])
        if position in self._ruled:
            apart |= np.isin(others, [*self._ruled[position]])
        masks |= np.where(apart, _KEPT_APART, 0)
        return masks

    def _mask(self, position: int) -> Ints:
        """Return the rules of cells that every cell breaks with that of a request."""
        cell = int(self._cell[position])
        if cell not in self._masks:
            self._masks[cell] = self._classes.cells.broken(cell, self._cells)
        return self._masks[cell]


def _codes(mask: int) -> tuple[str, ...]:
    return tuple(code for bit, code in enumerate(_CODES) if mask >> bit & 1)
