"""Long parts: searched window by window in order of arrival, bounded as a whole."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.heuristics import HOT, improve, rounds_for
from optimizer.instance import Bin, Instance, Ints
from optimizer.pricing import Stop, price
from optimizer.record import Record
from optimizer.reshape import restrict
from optimizer.selection.outcome import Selection
from optimizer.selection.parts import positions_of
from optimizer.selection.solver import COOL, FIRST_ROUNDS, Report, Search

LONG_CANDIDATES = 1_000_000
LONG_REACHES = 20
"""Candidates of all anchors together from which a part is searched by windows, where it
has at least so many times the items that an anchor has candidates."""

WINDOW_CANDIDATES = 100_000
WINDOW_ITEMS = 2_000
"""Candidates of a window, about, and items of it, at most."""

WIDER = 4
"""How many times as large windows are made once all were searched."""

MARGIN = 4
"""What part of its own items a window reaches over on either side."""

SEAM_ROUNDS = 40
"""Rounds of ruin and recreate for each item of a window and half of the one before."""

LAST_SHARE = 0.9
"""What part of the time left windows may use: plans and bounds are put together too."""

SEAM_NODES = 200
"""Search nodes of an anchor where the duals of windows are put together, and those it
leaves over what it does not need of."""

BLOCK = 500
"""Items that are put into bins together for the first plan."""


def is_long(instance: Instance) -> bool:
    """Tell whether a part is long for how far its requests may share a bin."""
    listed = len(instance.candidates)
    n = len(instance)
    return listed >= LONG_CANDIDATES and listed * LONG_REACHES <= n * n


@dataclass(frozen=True, slots=True)
class Window:
    """Items first to last - 1, looked at from low to high - 1."""

    low: int
    first: int
    last: int
    high: int


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
        self.sweeps = 0  # how often all windows were searched
        self._ended = False
        self._whole: Search | None = None
        self._said: Selection | None = None
        self._earliest = _earliest(instance)
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
                bins=tuple(
                    sorted(positions_of(self.instance, b) for b in self._bins())
                ),
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
        n = len(self.instance)
        times = 1
        while not self.closed() and not self.stop():
            windows = self._windows(times)
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
            for first in range(0, len(self.instance), BLOCK):
                if self.stop():
                    return
                self._mend(first, first + BLOCK, rounds)
                yield
            self.report(self.selection(certified=True))

    def begin(self) -> None:
        """Make a plan by insertion alone, of all there is time for."""
        for first in range(0, len(self.instance), BLOCK):
            if self.stop():
                break
            self._mend(first, first + BLOCK, 0)

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

    def _windows(self, times: int) -> list[Window]:
        """Cut the part into windows, of so many times the usual size."""
        n = len(self.instance)
        windows: list[Window] = []
        first = 0
        while first < n:
            size = self._size(first, WINDOW_CANDIDATES * times, WINDOW_ITEMS * times)
            margin = max(1, size // (MARGIN + 2))
            last = min(n, first + max(1, size - 2 * margin))
            if n - last < margin:
                last = n
            windows.append(
                Window(max(0, first - margin), first, last, min(n, last + margin))
            )
            first = last
        return windows

    def _size(self, first: int, candidates: int, items: int) -> int:
        """Return how many items from one on have so many candidates among them, about.

        Those near the beginning of a window have fewer, as the others are not in it.
        """
        at = self.instance.candidate_at
        last = min(len(self.instance), first + BLOCK)
        each = max(1.0, float(at[last] - at[first]) / (last - first))
        reach = max(each, float(last - 1 - self._earliest[last - 1]))
        short = (2 * candidates * reach / each) ** 0.5
        return int(
            min(items, short if short < reach else candidates / each + reach / 2)
        )

    def _search(self, window: Window) -> Iterator[None]:
        """Search a window; take over what it says of the plan and of the bound."""
        items = range(window.low, window.high)
        part = restrict(self.instance, items)
        left, budget = self.remaining(), self.budget()
        until = 0.0
        if left is not None:
            share = (window.last - window.first) / max(self.left, 1)
            until = left - (left if budget is None else budget) * LAST_SHARE * share

        def remaining() -> float | None:
            now = self.remaining()
            return None if now is None else max(0.0, now - until)

        def stop() -> bool:
            return self.stop() or remaining() == 0.0

        search = Search(
            part, gap=self.gap / 2, stop=stop, remaining=remaining, only_root=True
        )
        for _ in search.steps():
            yield
            if stop():
                break
        self._take_plan(window, search)
        own = slice(window.first - window.low, window.last - window.low)
        last = search.latest
        told = (
            search.record.duals(Record.ROOT),
            None if last is None else last.duals.items,
        )
        asked = [_at_scale(d[own], part, self.instance) for d in told if d is not None]
        # Without new ones, those it has: they too give way to new ones before them.
        self._take_duals(window, asked or [self.duals[window.first : window.last]])
        yield
        half = (window.last - window.first) // 2
        if not self.stop():
            self._mend(max(0, window.first - half), window.last, SEAM_ROUNDS)

    def _take_duals(self, window: Window, asked: Sequence[Ints]) -> None:
        """Put duals in the place of a window's, and have what violates them give way.

        No anchor earlier than the window holds an item of it, and none from ``beyond``
        on does. Of what is between, duals of an earlier round give way too. Where there
        are none, they are 0: what is left of a bin without these items is a bin, and no
        dearer, so that none violates. Of several duals asked for, those that prove most
        are taken.
        """
        beyond = self._beyond(window.last)
        best: Ints | None = None
        for own in asked:
            duals = self.duals.copy()
            duals[window.first : window.last] = own
            found = price(
                self.instance, duals, node_limit=SEAM_NODES, spare=SEAM_NODES,
                anchors=(window.first, beyond if self.sweeps else window.last),
                stop=self.stop,
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
            proven[window.last : beyond] = 0
        self.bound = max(
            self.bound, self.record.prove(Record.ROOT, self.instance, proven)
        )

    # -- plans -----------------------------------------------------------------

    def _bins(self) -> list[Bin]:
        return _bins_of(self.home, np.arange(len(self.home)))

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
            before, after = _bins_of(self.home, free), _bins_of(bins, free)
            if self._total(after) < self._total(before):
                self._put(before, after)

    def _mend(self, low: int, high: int, each: int) -> None:
        """Ruin and recreate the bins that lie between two items."""
        free = self._within(low, min(high, len(self.home)))
        if len(free) < 2:
            return
        part = restrict(self.instance, free.tolist())
        before = _bins_of(self.home, free)
        alone = all(len(members) == 1 for members in before)
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


def equal_shares(instance: Instance) -> Ints:
    """Return duals that no bin violates, without a search, in 1/scale thousandths.

    Each item has what it costs at least with as many as ever could share with it: its
    own cost and an equal part of every feature, as in ``bound_without_search``.
    """
    scale = instance.scale
    n = len(instance)
    most = int(min(instance.max_requests, n))
    touching = np.bincount(instance.features, minlength=len(instance.weight))
    part = instance.weight * scale // np.clip(touching, 1, most)
    sums = np.concatenate([[0], np.cumsum(part[instance.features])])
    fee = instance.pair_fee * scale // (most if instance.pair_fee > 0 else 2)
    shared = instance.own * scale + fee + np.diff(sums[instance.feature_at])
    duals: Ints = np.maximum(np.minimum(instance.alone * scale, shared), 0)
    return duals


def _earliest(instance: Instance) -> Ints:
    """Return for each item the first that it or a later one may hold as an anchor."""
    earliest = np.arange(len(instance))
    some = np.flatnonzero(np.diff(instance.candidate_at))
    earliest[some] = instance.candidates[instance.candidate_at[some]]
    first: Ints = np.minimum.accumulate(earliest[::-1])[::-1]
    return first


def _at_scale(duals: Ints, part: Instance, whole: Instance) -> Ints:
    """Return duals of a part in the scale of the whole, rounded down."""
    if part.scale > whole.scale:
        return duals // (part.scale // whole.scale)
    return duals * (whole.scale // part.scale)


def _bins_of(home: Ints, items: Ints) -> list[Bin]:
    """Return the bins of some items, by the bin of each, ascending."""
    if len(items) == 0:
        return []
    order = np.argsort(home[items], kind="stable")
    cuts = np.flatnonzero(np.diff(home[items][order])) + 1
    groups = np.split(items[order], cuts)
    return sorted(tuple(int(i) for i in members) for members in groups)
