"""Long parts: searched window by window in order of arrival, bounded as a whole."""

from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import pairwise

import numpy as np

from optimizer.heuristics import HOT, improve, rounds_for
from optimizer.instance import Bin, Instance, Ints
from optimizer.pricing import Stop, price
from optimizer.record import Record
from optimizer.reshape import restrict
from optimizer.selection.concluding import FEW_ROUNDS, round_last
from optimizer.selection.lowering import (
    FIRST_NODES,
    LOWERED,
    SAMPLE,
    TOP,
    USUAL,
    choose_lowered,
    seconds_each,
)
from optimizer.selection.outcome import Selection
from optimizer.selection.parts import lower, positions_of, shares
from optimizer.selection.solver import COOL, FIRST_ROUNDS, Report, Search
from optimizer.selection.stretches import (
    BLOCK,
    Window,
    at_scale,
    bins_of,
    blocks_of,
    earliest_held,
    equal_shares,
    windows_of,
)
from optimizer.spreading import spread

LONG_CANDIDATES = 1_000_000
LONG_REACHES = 20
"""Candidates of all anchors together from which a part is searched by windows, where it
has at least so many times the items that an anchor has candidates."""

WIDER = 4
"""How many times as large windows are made once all were searched."""

SEAM_ROUNDS = 40
"""Rounds of ruin and recreate for each item of a window and half of the one before."""

SEARCHED = 0.5
PROVEN = 0.9
"""What part of its time a window is searched, and by when its duals should be proven:
seams of the plan are mended too."""

FIRST_DUALS = 0.2
SEARCHED_FROM = 4
"""What part of the time left the first duals of a long part may take, and how many
times as long windows must have to be searched at all: else such duals prove more."""

FIRST_TIMES = {2: 0.0, 3: 0.3, 4: 0.7, 5: 1.5, 6: 3.0}
"""How long all anchors take for shares lowered to each of ``LOWERED``, about, of what
they take for the ``USUAL`` one while no dual gives way: where violations are not spread
for want of time."""

EASED = 0.5
"""How long all anchors take whose violations are spread, of what some take that none
before has given way to, about."""

LATE = 1.2
"""How many times as long as there is the others may take until shares are lowered more:
neighbours prove most when lowered alike."""

SHORT = 0.05
"""Seconds for each item of a window below which nothing is proven within it."""

SEAM_NODES = 200
"""Search nodes of an anchor where the duals of windows are put together, and those it
leaves over what it does not need of."""


def is_long(instance: Instance) -> bool:
    """Tell whether a part is long for how far its requests may share a bin."""
    listed = len(instance.candidates)
    n = len(instance)
    return listed >= LONG_CANDIDATES and listed * LONG_REACHES <= n * n


class LongSearch:
    """The search for the bins of least total cost of a long part, window by window.

    The relaxation of a window, of its own items and of some on either side, gives duals
    for its own items, and bins for all. Duals of the whole are feasible at any moment:
    once those of a window are new, the anchors that may hold an item of it are priced
    again in order, and give way where a bin over a seam violates (proposition 4 of
    ``docs/method.md``). So every bound is one on the whole part, and is certified like
    any other.

    When all windows are done and the gap is not closed, they are made wider. A window
    that is the whole part is a ``Search``.

    Parameters
    ----------
    budget
        Seconds that this part may take from now on, or None: windows share them by
        their items.

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
        self.left = len(instance)  # items of windows not yet searched, at least 1
        self.rung = USUAL  # how far duals were lowered last
        self.sweeps = 0  # how often all windows were searched
        self._ended = False
        self._whole: Search | None = None
        self._said: Selection | None = None
        self._earliest = earliest_held(instance)
        self._place = {item[0]: i for i, item in enumerate(instance.items)}

    # -- what is known ---------------------------------------------------------

    def selection(self, *, certified: bool = False) -> Selection:
        """Return the best plan so far and its valid bound; see ``Search``."""
        if self._whole is not None:
            return self._whole.selection(certified=certified)
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

    def kept(self) -> Selection:
        """Return the last selection."""
        whole = self._whole
        return self.selection(certified=True) if whole is None else whole.kept()

    def closed(self) -> bool:
        """Tell whether the gap is good enough."""
        return self.cost - self.bound <= self.gap * self.cost

    # -- the search ------------------------------------------------------------

    def steps(self) -> Iterator[None]:
        """Take the search on; ends when the gap is closed or it was told to stop."""
        yield from self._first_plan()
        if (yield from self._first_duals()):
            return
        n = len(self.instance)
        times = 1
        while not self.closed() and not self.stop():
            windows = windows_of(self.instance, self._earliest, times)
            if len(windows) == 1:
                yield from self._search_whole()
                return
            self.left = n
            for window in windows:
                yield from self._search(window)
                self.left = max(1, n - window.last)
                self.report(self.selection(certified=True))
                if self._ended or self.stop() or self.closed():
                    return
            self.sweeps += 1
            times *= WIDER

    def _first_plan(self) -> Iterator[None]:
        for rounds in (0, FIRST_ROUNDS):
            for first, last in blocks_of(self.instance):
                if self.stop():
                    return
                self._mend(first, last, rounds, anew=True)
                yield
            self.report(self.selection(certified=True))

    def _first_duals(self) -> Generator[None, None, bool]:
        """Prove lowered shares of the plan; tell if there is no time for windows.

        Where there is none they have most of the time, and seams of the plan the rest.
        Where even they have too little, those of other items remain equal shares.
        """
        n = len(self.instance)
        duals = shares(self.instance, self._plan())
        left, budget = self.remaining(), self.budget()
        free = left if budget is None or left is None else min(left, budget)
        whole = n * self._took(duals, spread_first=True) * EASED
        few = free is not None and whole * SEARCHED_FROM > free
        until, rung = 0.0, TOP
        if left is not None and free is not None:
            until = left - (PROVEN if few else FIRST_DUALS) * free
        if left is not None and whole > left - until:
            usual = n * self._took(lower(duals, LOWERED[USUAL]))
            rung = max(
                at for at, times in FIRST_TIMES.items()
                if times * usual <= left - until
            )  # fmt: skip
        else:
            duals = yield from self._spread(duals)
        begun, done = self.remaining(), 0
        for first in range(0, n, BLOCK):
            now = self.remaining()
            if self._ended or self.stop() or (now is not None and now <= until):
                # Equal shares of what has some with lowered ones may violate.
                self.duals[first : self._beyond(first)] = 0
                break
            if begun is not None and now is not None and first > done:
                ahead = (begun - now) / (first - done) * (n - first)
                if ahead > LATE * (now - until) and rung > min(FIRST_TIMES):
                    rung, begun, done = rung - 1, now, first
            last = min(n, first + BLOCK)
            asked = lower(duals[first:last], LOWERED[rung])
            self._take_duals(first, last, [asked], FIRST_NODES)
            yield
        self.report(self.selection(certified=True))
        if few:
            yield from self._mend_seams()
        return few or self._ended

    def _spread(self, duals: Ints) -> Generator[None, None, Ints]:
        """Lower duals of all members of violating bins, until told to stop."""
        n = len(self.instance)
        for first in range(0, n, BLOCK):
            anchors = first, min(n, first + BLOCK)
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

    def _mend_seams(self) -> Iterator[None]:
        """Ruin and recreate the plan over the seams of its blocks."""
        blocks = list(blocks_of(self.instance))
        for (low, seam), (_, high) in pairwise(blocks):
            if self.stop():
                return
            self._mend((low + seam) // 2, (seam + high) // 2, SEAM_ROUNDS)
            yield
        self.report(self.selection(certified=True))

    def _lowered(
        self, first: int, last: int, asked: Sequence[Ints], nodes: int, until: float
    ) -> list[Ints]:
        """Return which of some duals prove most, and lowered as far as there is time.

        Those of items from the first to before the last; nothing when told to stop.
        """
        begin = first or last // 2  # the very first have few to share with
        seen = min(last, begin + SAMPLE)
        left = self.remaining()
        seconds = None
        if left is not None:
            seconds = max(0.0, left - until) * (seen - begin) / (last - first)
        choice = choose_lowered(
            self.instance, self.duals, (first, last), asked, anchors=(begin, seen),
            nodes=nodes, rung=max(self.rung - 1, 0), seconds=seconds,
            remaining=self.remaining, stop=self.stop,
        )  # fmt: skip
        if choice is None:
            return []
        self.rung = choice.rung
        return [lower(asked[choice.which], LOWERED[choice.rung])]

    def begin(self) -> None:
        """Make a plan by insertion alone, of all there is time for."""
        for first, last in blocks_of(self.instance):
            if self.stop():
                break
            self._mend(first, last, 0)

    def _search_whole(self) -> Iterator[None]:
        search = Search(
            self.instance, gap=self.gap, stop=self.stop,
            remaining=self.remaining,
        )  # fmt: skip
        search.take(self.instance, self._bins())
        proven = self.record.duals(Record.ROOT)
        assert proven is not None  # equal shares were
        search.raise_bound(search.record.prove(Record.ROOT, self.instance, proven))
        self._whole = search
        for _ in search.steps():
            self.cost, self.bound = search.cost, search.bound
            yield
        self.cost, self.bound = search.cost, search.bound

    def _search(self, window: Window) -> Iterator[None]:
        """Search a window; take over what it says of the plan and of the bound."""
        part = restrict(self.instance, range(window.low, window.high))
        left, seconds = self.remaining(), self._seconds(window)

        def remaining() -> float | None:
            now = self.remaining()
            if now is None or left is None or seconds is None:
                return None
            return max(0.0, now - left + seconds * SEARCHED)

        def stop() -> bool:
            return self.stop() or remaining() == 0.0

        search = Search(
            part, gap=self.gap / 2, stop=stop, remaining=remaining, only_root=True,
            hurried=seconds is not None and seconds < SHORT * len(part),
        )  # fmt: skip
        for _ in search.steps():
            yield
            if stop():
                break
            if (remaining() or search.pace.plan) < search.pace.plan:
                round_last(search)
                break
        self._take_plan(window, search)
        due = None if left is None or seconds is None else left - seconds * PROVEN
        self._prove(window, search, due)
        yield
        half = (window.last - window.first) // 2
        if not self.stop():
            self._mend(max(0, window.first - half), window.last, SEAM_ROUNDS)

    def _seconds(self, window: Window) -> float | None:
        """Return what a window may take of the time left: by its items."""
        left, budget = self.remaining(), self.budget()
        if left is None:
            return None
        share = (window.last - window.first) / max(self.left, 1)
        return (left if budget is None else min(left, budget)) * share

    def _prove(self, window: Window, search: Search, due: float | None) -> None:
        """Take over what duals of a window prove, by when so many seconds are left.

        Where time is limited, those that prove most by a sample, once lowered.
        """
        part = search.instance
        last, proven = search.latest, search.record.duals(Record.ROOT)
        told = [] if proven is None else [proven]
        if last is not None and (due is None or search.pace.rounds >= FEW_ROUNDS):
            told.append(last.duals.items)
        if due is not None:
            told = told[-1:] or [shares(part, search.best)]
        own = slice(window.first - window.low, window.last - window.low)
        asked = [at_scale(duals[own], part, self.instance) for duals in told]
        if due is not None:
            asked = self._lowered(window.first, window.last, asked, SEAM_NODES, due)
        self._take_duals(window.first, window.last, asked, SEAM_NODES)

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

    def _take_plan(self, window: Window, search: Search) -> None:
        """Take over the bins of a window, if they are cheaper with what they leave.

        Bins that reach into it from earlier windows stay. Those that reach out of it
        stay too, or lose what the window puts elsewhere, whichever comes to less.
        """
        new = np.full(len(self.home), -1, dtype=np.int64)
        for positions in search.best:
            members = [self._place[p] for p in positions if p in self._place]
            new[members] = min(members)
        for high in (self._beyond(window.high), window.high):
            free = self._within(window.low, high)
            taken = free[free < window.high]
            if len(taken) == 0:
                continue
            bins = self.home.copy()
            bins[taken] = new[taken] + len(new)  # unlike the numbers of those that stay
            before, after = bins_of(self.home, free), bins_of(bins, free)
            if self._total(after) < self._total(before):
                self._put(before, after)

    def _mend(self, low: int, high: int, each: int, *, anew: bool = False) -> None:
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
            heat=HOT if alone else COOL,
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
