"""Long parts: searched window by window in order of arrival, bounded as a whole."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from optimizer.heuristics import improve
from optimizer.instance import Bin, Instance, Ints
from optimizer.pricing import Stop
from optimizer.record import Record
from optimizer.reshape import restrict
from optimizer.selection.concluding import FEW_ROUNDS, round_last
from optimizer.selection.long import EASED, LongPart
from optimizer.selection.lowering import (
    LOWERED,
    SAMPLE,
    USUAL,
    choose_lowered,
    seconds_each,
)
from optimizer.selection.outcome import Selection
from optimizer.selection.parts import lower, positions_of, shares
from optimizer.selection.solver import Search
from optimizer.selection.stretches import (
    Window,
    at_scale,
    bins_of,
    windows_of,
)

LONG_CANDIDATES = 1_000_000
LONG_REACHES = 20
"""Candidates of all anchors together from which a part is searched by windows, where it
has at least so many times the items that an anchor has candidates."""

SOME_CANDIDATES = 50_000
HURRIED = 1.5, 8.0
"""Candidates of all anchors together from which a part that is not long may be taken
for one, and how many times as long as one round of spreading with its proof there is
then: in less, only lowered shares are proven, and in more, column generation proves
more."""

WIDER = 4
"""How many times as large windows are made once all were searched."""

SEAM_ROUNDS = 40
"""Rounds of ruin and recreate for each item of a window and half of the one before."""

SEARCHED = 0.5
PROVEN = 0.9
"""What part of its time a window is searched, and by when its duals should be proven:
seams of the plan are mended too."""

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


def is_hurried(
    instance: Instance,
    seconds: float | None,
    remaining: Callable[[], float | None],
    stop: Stop,
) -> bool:
    """Tell whether duals are better spread than generated in so many seconds.

    By what some anchors take; never where nobody counts.
    """
    if seconds is None or len(instance.candidates) < SOME_CANDIDATES:
        return False
    plan = [positions_of(instance, members) for members in improve(instance, stop=stop)]
    each = seconds_each(
        instance, shares(instance, plan), remaining, stop, spread_first=True
    )
    low, high = (times * each * EASED * len(instance) for times in HURRIED)
    return low < seconds < high


class LongSearch(LongPart):
    """The search for the bins of least total cost of a long part, window by window.

    The relaxation of a window, of its own items and of some on either side, gives duals
    for its own items, and bins for all. Windows share what seconds the part may take by
    their items. When all are done and the gap is not closed, they are made wider. A
    window that is the whole part is a ``Search``.
    """

    rung = USUAL  # how far duals were lowered last
    _whole: Search | None = None

    def selection(self, *, certified: bool = False) -> Selection:
        """Return the best plan so far and its valid bound; see ``Search``."""
        if self._whole is not None:
            return self._whole.selection(certified=certified)
        return super().selection(certified=certified)

    def kept(self) -> Selection:
        """Return the last selection."""
        whole = self._whole
        return self.selection(certified=True) if whole is None else whole.kept()

    # -- the search ------------------------------------------------------------

    def steps(self) -> Iterator[None]:
        """Take the search on; ends when the gap is closed or it was told to stop."""
        if (yield from self._opening()):
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
        search.take(part, self._bins_within(window))
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
        free = self._free()
        if free is None:
            return None
        return free * (window.last - window.first) / max(self.left, 1)

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

    # -- plans -----------------------------------------------------------------

    def _bins_within(self, window: Window) -> list[Bin]:
        """Return the plan's bins of a window's items; those that reach out, singly."""
        free = self._within(window.low, window.high)
        bins = [tuple(i - window.low for i in b) for b in bins_of(self.home, free)]
        others = np.setdiff1d(np.arange(window.low, window.high), free)
        return [*bins, *((int(i) - window.low,) for i in others)]

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
