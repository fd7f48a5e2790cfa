"""Who is near a request: whom it may share with, and who comes nearest to that.

Requests are sorted into *kinds*: those of one kind are told apart by time alone. Rules
that do not look at days are asked once per pair of kinds, and days are found by
bisection, so that no batch needs all its pairs compared.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from optimizer.compatibility import CELL_RULES, RULES, kept_apart, wait, window
from optimizer.graph import CellKey, cell_key
from optimizer.policy import SystemRule
from optimizer.problem import Problem

NEAREST = 3

type Nearness = tuple[int, int, str]
"""Rules broken, days between, request id: the order candidates come in."""


@dataclass(frozen=True, slots=True)
class Near:
    """A candidate, and the codes of the rules that keep it away, in their order."""

    position: int
    codes: tuple[str, ...]


class Neighbours:
    """Neighbours of requests among those that are free, fixed bins left out."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        fixed = {name for members in problem.rulings.fixed for name in members}
        ruled = {name for pair in problem.rulings.apart for name in pair}
        self.kind_of: dict[int, int] = {}
        self.kinds: list[list[int]] = []  # positions, ascending
        self._cells: list[CellKey] = []
        numbers: dict[object, int] = {}
        for position, r in enumerate(problem.requests):
            if r.request_id in fixed:
                continue
            cell = cell_key(problem, r)
            marked = r.request_id if r.request_id in ruled else ""
            key = (cell, r.customer, r.keep_apart_from, r.priority, marked)
            number = numbers.setdefault(key, len(self.kinds))
            if number == len(self.kinds):
                self.kinds.append([])
                self._cells.append(cell)
            self.kinds[number].append(position)
            self.kind_of[position] = number
        self._days = [[problem.received[i] for i in kind] for kind in self.kinds]
        self._cell_codes: dict[tuple[CellKey, CellKey], tuple[str, ...]] = {}
        self._codes: dict[tuple[int, int], tuple[str, ...]] = {}
        self._near_kinds: dict[int, tuple[int, ...]] = {}
        self._levels: dict[int, list[tuple[int, list[int]]]] = {}

    # -- whom a request may share with ---------------------------------------------

    def sharing(self, position: int) -> Iterator[int]:
        """Yield the free requests that every rule lets a request share with."""
        problem = self.problem
        span = problem.policy.pairing.window_days
        day = problem.received[position]
        mine = self.kind_of[position]
        for kind in self._alike(mine):
            if self._broken(mine, kind):
                continue
            days = self._days[kind]
            for place in range(
                bisect_left(days, day - span), bisect_right(days, day + span)
            ):
                other = self.kinds[kind][place]
                early, late = min(position, other), max(position, other)
                if other != position and wait(problem, early, late) is None:
                    yield other

    # -- who comes nearest to it ---------------------------------------------------

    def nearest(self, position: int) -> tuple[Near, ...]:
        """Return the candidates nearest to a request that none may share with.

        Nearest is who breaks the fewest rules, then arrives the fewest days apart,
        then has the first id. Requests for the same system, or one it interoperates
        with, come before all others.
        """
        mine = self.kind_of[position]
        return self._nearest(position, self._alike(mine), mine) or self._nearest(
            position, range(len(self.kinds)), -1
        )

    def looked_at(self, position: int, others: Iterable[int]) -> tuple[Near, ...]:
        """Return the nearest of some requests that a request may not share with."""
        found = sorted(
            (self._look(position, other) for other in others),
            key=lambda entry: entry[0],
        )
        return tuple(near for _, near in found[:NEAREST])

    def _nearest(
        self, position: int, kinds: tuple[int, ...] | range, memory: int
    ) -> tuple[Near, ...]:
        mine = self.kind_of[position]
        levels = self._levels.get(memory)
        if levels is None:
            found: dict[int, list[int]] = defaultdict(list)
            for kind in kinds:
                found[len(self._broken(mine, kind))].append(kind)
            levels = sorted(found.items())
            if memory >= 0:
                self._levels[memory] = levels
        best: list[tuple[Nearness, Near]] = []
        for broken, level in levels:
            if len(best) == NEAREST and best[-1][0][0] < broken:
                break
            for kind in level:
                close = self._close(kind, position)
                best += [self._look(position, other) for other in close]
            best.sort(key=lambda entry: entry[0])
            del best[NEAREST:]
        return tuple(near for _, near in best)

    def _look(self, position: int, other: int) -> tuple[Nearness, Near]:
        problem = self.problem
        mine, kind = self.kind_of[position], self.kind_of[other]
        early, late = min(position, other), max(position, other)
        codes = {*self._broken(mine, kind)}
        for code, rule in (("window", window), ("wait", wait)):
            if rule(problem, early, late) is not None:
                codes.add(code)
        days = abs(problem.received[position] - problem.received[other])
        ordered = tuple(code for code, _ in RULES if code in codes)
        nearness = (len(codes), days, problem.requests[other].request_id)
        return nearness, Near(other, ordered)

    def _close(self, kind: int, position: int) -> list[int]:
        """Return the members of a kind nearest in days, enough of them on each side."""
        positions, days = self.kinds[kind], self._days[kind]
        place = bisect_left(positions, position)
        after = place + (place < len(positions) and positions[place] == position)
        found = positions[after : after + NEAREST]
        before = place
        while before > 0 and place - before < NEAREST:
            end = before
            before = bisect_left(days, days[before - 1])  # where that day begins
            found = [*positions[before : min(before + NEAREST, end)], *found]
        return found

    # -- rules that do not look at days --------------------------------------------

    def _broken(self, kind: int, other: int) -> tuple[str, ...]:
        """Return the codes of such rules that two kinds break."""
        key = (min(kind, other), max(kind, other))
        if key not in self._codes:
            first, second = self.kinds[key[0]][0], self.kinds[key[1]][0]
            codes = self._broken_by_cells(key, first, second)
            if kept_apart(self.problem, first, second) is not None:
                codes = (*codes, "kept_apart")
            self._codes[key] = codes
        return self._codes[key]

    def _broken_by_cells(
        self, key: tuple[int, int], first: int, second: int
    ) -> tuple[str, ...]:
        one, other = self._cells[key[0]], self._cells[key[1]]
        cells = (min(one, other), max(one, other))
        if cells not in self._cell_codes:
            self._cell_codes[cells] = tuple(
                code
                for code, rule in CELL_RULES
                if rule(self.problem, first, second) is not None
            )
        return self._cell_codes[cells]

    def _alike(self, kind: int) -> tuple[int, ...]:
        """Return the kinds for the same system or one it interoperates with."""
        if kind not in self._near_kinds:
            r = self.problem.requests[self.kinds[kind][0]]
            found: set[int] = set()
            for bucket in self._buckets(r.system):
                found.update(self._by_bucket[bucket])
            self._near_kinds[kind] = tuple(sorted(found))
        return self._near_kinds[kind]

    @cached_property
    def _by_bucket(self) -> dict[str, list[int]]:
        buckets: dict[str, list[int]] = defaultdict(list)
        for kind, positions in enumerate(self.kinds):
            for bucket in self._buckets(self.problem.requests[positions[0]].system):
                buckets[bucket].append(kind)
        return buckets

    def _buckets(self, family: str) -> tuple[str, ...]:
        buckets = [f"family {family}"]
        if self.problem.policy.pairing.system is SystemRule.INTEROPERABILITY_GROUP:
            groups = self.problem.catalogue.systems[family].groups
            buckets += [f"group {group}" for group in sorted(groups)]
        return tuple(buckets)
