"""A long part: its plan run by run, and duals that hold for all of it at any moment."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.heuristics import HOT, improve, rounds_for
from optimizer.instance import Bin, Instance, Ints
from optimizer.pricing import Stop, price
from optimizer.record import Record
from optimizer.reshape import restrict
from optimizer.selection.looking import COOL, FIRST_ROUNDS
from optimizer.selection.lowering import FIRST_NODES, LOWERED, TOP, USUAL, seconds_each
from optimizer.selection.outcome import Selection
from optimizer.selection.parts import lower, positions_of, shares
from optimizer.selection.solver import Report
from optimizer.selection.stretches import (
    BLOCK,
    bins_of,
    blocks_of,
    earliest_held,
    equal_shares,
    over_seams,
)
from optimizer.spreading import spread

LONG_ROUNDS = 400
PLANNED = 0.15
"""Rounds for each item of a long part at most, and what part of its time they may take:
many make its plan several per cent cheaper, as much as a bound that is as much better
does, which takes longer."""

FIRST_DUALS = 0.4
SEARCHED_FROM = 12
ALL_BUT = 0.98
"""What part of the time left the first duals of a long part may take, and how many
times as long windows must have to be searched at all: else such duals prove more, and
may take this part."""

FIRST_TIMES = {2: 0.0, 3: 0.3, 4: 0.7, 5: 1.5, 6: 3.0}
"""How long all anchors take for shares lowered to each of ``LOWERED``, about, of what
they take for the ``USUAL`` one while no dual gives way: where violations are not spread
for want of time."""

EASED = 0.5
"""How long all anchors take whose violations are spread, of what some take that none
before has given way to, about."""

RAISED_MOST = 0.2
RAISED_LEAST = 0.05
RAISES = 8
"""By what part of what it is above its item's own cost a dual is raised in the first
and in the last round, before violations are spread once more; and such rounds, at most.
"""

RAISED_NODES = 200
"""Search nodes of an anchor whose duals were raised: hardly slower than few."""

PROVING = 2.0
RAISING = 1.3
"""How long duals take to be proven once they were raised, and to be raised and spread,
of what that takes before, about."""

LATE = 1.2
"""How many times as long as there is the others may take until shares are lowered more:
neighbours prove most when lowered alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long first duals may take: by when so many seconds are left they are due.

    ``few`` tells whether windows have too little time to be searched, ``usual`` is what
    an anchor takes for the ``USUAL`` shares, and of the items before ``spread_to``
    there is time to spread violations.
    """

    few: bool
    until: float
    usual: float
    spread_to: int


def highest(each: float, usual: float) -> int:
    """Return to which of ``LOWERED`` shares are lowered, for so many seconds an item.

    ``usual`` is what the ``USUAL`` one takes while no dual gives way.
    """
    return max(at for at, times in FIRST_TIMES.items() if times * usual <= each)


class LongPart:
    """What is known of a long part, and how that begins.

    Duals of the whole are feasible at any moment: once those of some items are new, the
    anchors that may hold one of them are priced again in order, and give way where a
    bin over a seam violates (proposition 4 of ``docs/method.md``). So every bound is
    one on the whole part, and is certified like any other.

    Parameters
    ----------
    budget
        Seconds that this part may take from now on, or None.

    Others are those of ``Search``, and so is what may be asked between two steps.
    """

    def __init__(
        self,
        instance: Instance,
        *,
        gap: float = 0.0,
        stop: Stop = lambda: False,
        report: Report = lambda _: None,
        remaining: Callable[[], float | None] = lambda: None,
        budget: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.instance = instance
        self.gap = gap
        self.stop = stop
        self.report = report
        self.remaining = remaining
        self.budget = budget
        self.record = Record(instance, least=0)
        self.duals = equal_shares(instance)
        self.bound = self.record.prove(Record.ROOT, instance, self.duals.copy())
        self.home = np.arange(len(instance))  # the bin of each item, by its first item
        self.cost = int(instance.alone.sum())
        self.left = len(instance)  # items still to be searched, at least 1
        self.sweeps = 0  # how often all windows were searched
        self._ended = False
        self._said: Selection | None = None
        self._earliest = earliest_held(instance)
        self._place = {item[0]: i for i, item in enumerate(instance.items)}

    # -- what is known ---------------------------------------------------------

    def selection(self, *, certified: bool = False) -> Selection:
        """Return the best plan so far and its valid bound; see ``Search``."""
        said = self._said
        bound = min(self.bound, self.cost)
        if (
            said is None
            or (said.cost, said.bound) != (self.cost, bound)
            or (certified and said.certificate is None)
        ):
            said = Selection(
                bins=tuple(sorted(self._plan())),
                cost=self.cost,
                bound=bound,
                certificate=self.record.certificate(bound) if certified else None,
            )
            self._said = said
        return said

    def closed(self) -> bool:
        """Tell whether the gap is good enough."""
        return self.cost - self.bound <= self.gap * self.cost

    # -- how it begins ---------------------------------------------------------

    def begin(self) -> None:
        """Make a plan by insertion alone, of all there is time for."""
        for first, last in blocks_of(self.instance):
            if self.stop():
                break
            self._mend(first, last, 0)

    def _opening(self) -> Generator[None, None, bool]:
        """Find a plan and first duals; tell if that is all there is time for."""
        seconds = (yield from self._first_plan()) / FIRST_ROUNDS
        free, each = self._free(), LONG_ROUNDS
        if free is not None and seconds > 0:
            each = min(each, int(PLANNED * free / seconds))
        heat = HOT if each > FIRST_ROUNDS else COOL
        yield from self._plan_longer(over_seams(self.instance), each, heat)
        times = yield from self._first_duals()
        now = self.remaining()
        if times.few and now is not None and seconds > 0:
            each = min(LONG_ROUNDS, int((now - times.until) / seconds))
            yield from self._plan_longer(blocks_of(self.instance), each, COOL)
        return times.few or self._ended

    def _first_plan(self) -> Generator[None, None, float]:
        """Plan run by run; return how many seconds the first rounds took."""
        took = 0.0
        for rounds in (0, FIRST_ROUNDS):
            took = 0.0
            for first, last in blocks_of(self.instance):
                if self.stop():
                    return took
                begun = self.remaining() or 0.0
                self._mend(first, last, rounds, anew=True)
                took += begun - (self.remaining() or 0.0)
                yield
            self.report(self.selection(certified=True))
        return took

    def _plan_longer(
        self, runs: Iterable[tuple[int, int]], each: int, heat: int
    ) -> Iterator[None]:
        """Ruin and recreate runs of the plan, so many rounds for each item."""
        for low, high in runs:
            if self.stop() or each <= 0:
                return
            self._mend(low, high, each, heat=heat)
            yield
        self.report(self.selection(certified=True))

    def _first_duals(self) -> Generator[None, None, Times]:
        """Prove shares of the plan; return what time there was for that.

        Violations are spread in as many items as there is time for, and shares of the
        others lowered: in all the time where there is none for windows. Where even
        those have too little, the others remain equal shares.
        """
        n = len(self.instance)
        lowered = shares(self.instance, self._plan())
        times = self._times(lowered)
        until, usual, spread_to = times.until, times.usual, times.spread_to
        begun = self.remaining()
        eased = yield from self._spread(lowered, spread_to)
        nodes = FIRST_NODES
        if spread_to == n:
            eased, nodes = yield from self._raise(eased, times, begun)
        rung, begun, done = TOP, self.remaining(), 0
        for first in range(0, n, BLOCK):
            now = self.remaining()
            if self._ended or self.stop() or (now is not None and now <= until):
                # Equal shares of what has some with lowered ones may violate.
                self.duals[first : self._beyond(first)] = 0
                break
            if begun is not None and now is not None:
                each = (begun - now) / max(1, first - done)
                ahead = each * (n - first)
                if first < spread_to:
                    ahead = each * (spread_to - first)
                    ahead += usual * FIRST_TIMES[USUAL] * (n - spread_to)
                late = first > done and ahead > LATE * (now - until)
                if first == spread_to or (late and first < spread_to):
                    spread_to, begun, done = first, now, first
                    rung = highest((now - until) / (n - first), usual)
                elif late and rung > min(FIRST_TIMES):
                    rung, begun, done = rung - 1, now, first
            last = min(n, first + BLOCK)
            asked = eased[first:last]
            if first >= spread_to:
                asked, nodes = lower(lowered[first:last], LOWERED[rung]), FIRST_NODES
            self._take_duals(first, last, [asked], nodes)
            yield
        self.report(self.selection(certified=True))
        return times

    def _times(self, duals: Ints) -> Times:
        """Share the time there is for first duals, by what some anchors take."""
        n = len(self.instance)
        left, free = self.remaining(), self._free()
        whole = n * self._took(duals, spread_first=True) * EASED
        if left is None or free is None:
            return Times(few=False, until=0.0, usual=0.0, spread_to=n)
        few = whole * SEARCHED_FROM > free
        until = left - free * (ALL_BUT if few else FIRST_DUALS)
        usual = self._took(lower(duals, LOWERED[USUAL]))
        cheap = n * usual * FIRST_TIMES[USUAL]
        part = 1.0
        if whole > left - until:
            over = left - until - cheap
            part = over / (whole - cheap) if over > 0 else 0.0
        spread_to = n if part == 1.0 else int(part * n / BLOCK) * BLOCK
        return Times(few=few, until=until, usual=usual, spread_to=spread_to)

    def _raise(
        self, duals: Ints, times: Times, begun: float | None
    ) -> Generator[None, None, tuple[Ints, int]]:
        """Raise duals that were spread, and spread them again, as time allows.

        So many seconds were left when they were first spread. What was given up for
        bins that others have given way to since comes back. Returns also the search
        nodes that an anchor has to prove them: more would be slow for duals that no
        round has come to.
        """
        now, rounds = self.remaining(), RAISES
        due = 0.0
        if now is not None and begun is not None:
            due = times.until + PROVING * self._took(duals) * len(duals)
            rounds = min(rounds, int((now - due) / (RAISING * (begun - now) + 1e-9)))
        for part in np.geomspace(RAISED_MOST, RAISED_LEAST, max(0, rounds)):
            duals = yield from self._spread(duals, len(duals), part, due)
        return duals, RAISED_NODES if rounds > 0 else FIRST_NODES

    def _spread(
        self, duals: Ints, until: int, raised: float = 0.0, due: float = 0.0
    ) -> Generator[None, None, Ints]:
        """Lower duals of all members of violating bins of the first items.

        Before that those are raised, until so many seconds are left.
        """
        own = self.instance.own * self.instance.scale
        alone = self.instance.alone * self.instance.scale
        for first in range(0, until, BLOCK):
            anchors = first, min(until, first + BLOCK)
            some = slice(*anchors)
            if raised > 0:
                now = self.remaining()
                if now is not None and now <= due:
                    break
                duals = duals.copy()
                duals[some] += ((duals[some] - own[some]) * raised).astype(np.int64)
                duals[some] = np.minimum(duals[some], alone[some])
            found = spread(self.instance, duals, anchors=anchors, stop=self.stop)
            if found is None:
                break
            duals = found.duals
            yield
        return duals

    def _took(self, duals: Ints, *, spread_first: bool = False) -> float:
        """Return about how many seconds an anchor takes for some duals."""
        return seconds_each(
            self.instance, duals, self.remaining, self.stop, spread_first=spread_first
        )

    def _free(self) -> float | None:
        """Return what seconds this part may take from now on."""
        left, budget = self.remaining(), self.budget()
        return left if left is None or budget is None else min(left, budget)

    def _take_duals(
        self, first: int, last: int, asked: Sequence[Ints], nodes: int
    ) -> None:
        """Put duals in the place of some items', and have what violates them give way.

        No anchor earlier than these items holds one of them, and none from ``beyond``
        on does. Of what is between, duals of an earlier round give way too. In the
        first round they are 0: what is left of a bin without these items is a bin, and
        no dearer, so that none violates. Of several duals asked for, those that prove
        most are taken; where none prove more, those that were, if they still hold.
        """
        beyond = self._beyond(last)
        had = self.duals[first:last]
        best: Ints | None = None
        for own in (*asked, had):
            if own is had and best is not None and best.sum() >= self.duals.sum():
                break
            duals = self.duals.copy()
            duals[first:last] = own
            found = price(
                self.instance, duals, node_limit=nodes, spare=nodes,
                anchors=(first, beyond if self.sweeps else last), stop=self.stop,
            )  # fmt: skip
            if found is None:
                break
            if best is None or found.duals.sum() > best.sum():
                best = found.duals
        if best is None:  # stopped: later windows would build on what may violate
            self._ended = True
            return
        if self.sweeps and best.sum() <= self.duals.sum():
            return
        self.duals = best
        proven = best.copy()
        if not self.sweeps:
            proven[last:beyond] = 0
        self.bound = max(
            self.bound, self.record.prove(Record.ROOT, self.instance, proven)
        )

    # -- plans -----------------------------------------------------------------

    def _plan(self) -> list[tuple[int, ...]]:
        """Return the bins as positions of requests."""
        return [positions_of(self.instance, b) for b in self._bins()]

    def _bins(self) -> list[Bin]:
        return bins_of(self.home, np.arange(len(self.home)))

    def _within(self, low: int, high: int) -> Ints:
        """Return the items of bins that lie between two items, ascending."""
        before = int(self._earliest[low])
        near = slice(before, self._beyond(high))
        outside = np.ones(near.stop - near.start, dtype=bool)
        outside[low - before : high - before] = False
        crossing = np.unique(self.home[near][outside])
        inside = np.arange(low, high)
        kept: Ints = inside[~np.isin(self.home[low:high], crossing)]
        return kept

    def _beyond(self, item: int) -> int:
        """Return the first anchor from which none holds an item before this one."""
        return int(np.searchsorted(self._earliest, item, "left"))

    def _mend(
        self, low: int, high: int, each: int, *, heat: int = COOL, anew: bool = False
    ) -> None:
        """Ruin and recreate the bins that lie between two items, or plan them anew."""
        free = self._within(low, min(high, len(self.home)))
        if len(free) < 2:
            return
        part = restrict(self.instance, free.tolist())
        before = bins_of(self.home, free)
        alone = anew or all(len(members) == 1 for members in before)
        place = {int(i): at for at, i in enumerate(free)}
        better = improve(
            part,
            () if alone else [tuple(place[i] for i in b) for b in before],
            rounds=rounds_for(part, each),
            heat=HOT if alone else heat,
            stop=self.stop,
        )
        after = [tuple(int(free[i]) for i in members) for members in better]
        if self._total(after) < self._total(before):
            self._put(before, after)

    def _put(self, before: Sequence[Bin], after: Sequence[Bin]) -> None:
        self.cost += self._total(after) - self._total(before)
        for members in after:
            self.home[list(members)] = members[0]

    def _total(self, bins: Sequence[Bin]) -> int:
        return sum(map(self.instance.cost, bins))
