"""Many searches on one processor: everything gets a bound early, cheap gaps first."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from optimizer.heuristics import improve
from optimizer.instance import Instance
from optimizer.pricing import Stop
from optimizer.selection.concluding import conclude, needs
from optimizer.selection.looking import EARLY_ITEMS
from optimizer.selection.outcome import Selection
from optimizer.selection.parts import positions_of
from optimizer.selection.solver import Search
from optimizer.selection.windows import LongSearch, is_hurried, is_long

FIRST_STEPS = 3
FEW_ITEMS = 500
"""Steps every search takes before any takes more; and, divided by its items, more."""

TURN = 8
"""Steps the most promising search takes before they are compared again."""

SLOWER = 10
"""How many times as much work it is to close a gap by branches."""

CARE = 1.2
"""How much more time is kept free for last proofs and plans than such took before."""

A_SEARCH = 0.005
"""Seconds for each item that the first steps of a search may take."""


def solve_all(
    instances: Sequence[Instance],
    *,
    gap: float = 0.0,
    stop: Stop = lambda: False,
    remaining: Callable[[], float | None] = lambda: None,
    report: Callable[[int, Selection], None] = lambda *_: None,
) -> tuple[Selection, ...]:
    """Solve independent instances in turns; return a selection for each, in order.

    Smaller instances go first, then long parts once, each in its share of the time, and
    then whichever has the widest gap for its size. Shortly before ``remaining`` is
    nothing, searches are concluded. What each search finds does not depend on the
    turns, so neither does the answer, unless that time comes or ``stop`` ends them
    early: then every selection is its best plan, validly bounded.

    Parameters
    ----------
    report
        Receives the number of an instance and its selection after every turn, and the
        first plans of all before any search where there may be no time to search all.
    """
    order = sorted(range(len(instances)), key=lambda n: (len(instances[n]), n))
    left = remaining()
    if left is not None and left < A_SEARCH * sum(map(len, instances)):
        for number in order:
            if stop():
                break
            report(number, _first_plan(instances[number], stop))
    searches: dict[int, Search | LongSearch] = {}
    under_way: dict[int, Iterator[None]] = {}

    def budget(number: int) -> float | None:
        """Return what seconds a long part may take of those left: by its items."""
        left = remaining()
        ahead = {n: _ahead(searches[n]) for n in under_way}
        return None if left is None else left * ahead[number] / sum(ahead.values())

    def share(number: int) -> float | None:
        """Return what seconds a part may take that is not begun: by its candidates."""
        left = remaining()
        ahead = {n for n in order if n not in searches or n in under_way}
        work = {n: 1 + len(instances[n].candidates) for n in ahead}
        return None if left is None else left * work[number] / sum(work.values())

    def whole(number: int) -> bool:
        """Tell whether a part is not searched as long ones are."""
        instance = instances[number]
        return instance.known is not None or not (
            is_long(instance) or is_hurried(instance, share(number), remaining, stop)
        )

    for number in order:
        search: Search | LongSearch
        instance = instances[number]
        if not whole(number):
            search = LongSearch(
                instance,
                gap=gap,
                stop=stop,
                remaining=remaining,
                budget=partial(budget, number),
                report=partial(report, number),
            )
        else:
            search = Search(
                instance,
                gap=gap,
                stop=stop,
                remaining=remaining,
                report=partial(_report_plan, report, number),
            )
        searches[number] = search
        under_way[number] = search.steps()
        for _ in range(FIRST_STEPS + FEW_ITEMS // len(instances[number])):
            _take_turn(number, under_way, 1)
            if number not in under_way:
                break
            if len(instances[number]) >= EARLY_ITEMS:
                report(number, search.selection(certified=True))
        report(number, search.selection(certified=True))

    for number in order:
        search = searches[number]
        while number in under_way and not stop() and not _searched_once(search):
            _take_turn(number, under_way, TURN)
            report(number, search.selection(certified=True))

    def promise(number: int) -> tuple[float, int]:
        search = searches[number]
        work = 1 + len(instances[number].candidates)
        if isinstance(search, Search) and search.branches:
            work *= SLOWER
        return (search.cost - search.bound) / work, -number

    def unconcluded(left: float) -> list[tuple[Search, int, float]]:
        """Return searches that could prove or plan more at once, and in how long."""
        usual = ((searches[n], n) for n in under_way)
        found = [(s, n, needs(s, left)) for s, n in usual if isinstance(s, Search)]
        return [one for one in found if one[2] > 0]

    def time_is_short() -> bool:
        left = remaining()
        if left is None:
            return False
        return left < CARE * sum(seconds for _, _, seconds in unconcluded(left))

    while under_way and not stop():
        if time_is_short():
            for search, number, _ in unconcluded(remaining() or 0.0):
                left = remaining() or 0.0
                if not stop() and 0 < needs(search, left) < left:
                    conclude(search, left)
                    report(number, search.selection(certified=True))
        number = max(under_way, key=promise)
        search, said = searches[number], 0
        for _ in range(TURN):
            _take_turn(number, under_way, 1)
            if number not in under_way or time_is_short():
                break
            if isinstance(search, Search) and search.slow and search.bound > said:
                said = search.bound
                report(number, search.selection(certified=True))
        report(number, searches[number].selection(certified=True))
    return tuple(searches[number].kept() for number in range(len(instances)))


def _report_plan(
    report: Callable[[int, Selection], None], number: int, selection: Selection
) -> None:
    """Report a plan at once while there is no bound: turns may be long in coming."""
    if selection.bound == 0:
        report(number, selection)


def _first_plan(instance: Instance, stop: Stop) -> Selection:
    """Return what insertion alone finds."""
    if is_long(instance):
        search = LongSearch(instance, stop=stop)
        search.begin()
        return search.selection(certified=True)
    bins = improve(instance, stop=lambda: True)
    return Selection(
        bins=tuple(sorted(positions_of(instance, members) for members in bins)),
        cost=sum(instance.cost(members) for members in bins),
        bound=0,
    )


def _ahead(search: Search | LongSearch) -> int:
    """Return how many items are still to be searched, at least 1."""
    return search.left if isinstance(search, LongSearch) else len(search.instance)


def _searched_once(search: Search | LongSearch) -> bool:
    """Tell whether a part is not long, or all its windows were searched."""
    return not isinstance(search, LongSearch) or search.sweeps > 0


def _take_turn(number: int, under_way: dict[int, Iterator[None]], steps: int) -> None:
    for _ in range(steps):
        try:
            next(under_way[number])
        except StopIteration:
            del under_way[number]
            return
