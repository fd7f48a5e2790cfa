"""What goes to a Dask cluster in one piece, and how much time each piece gets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isqrt
from typing import Final

from optimizer.selection.outcome import Selection

SMALL_TASK: Final = 24
"""Items of a task up to which it travels with others."""

BUNDLE_ITEMS: Final = 60
"""Items of small tasks that travel together, about."""

LONG: Final = 2_500
"""Items from which more of them do not make each more work: about a wide window's."""

ITEM_SECONDS: Final = 0.05
LEAST_SECONDS: Final = 2.0
"""What an item is given at least, and a bundle at most so: most small tasks are proven
optimal within it, and being cut off just before that would waste what they had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Tasks that one worker solves in turns, by number, and how much work they are.

    The work is a guess from the number of items, to share out time by. ``had`` is how
    many seconds an earlier attempt was given, 0 for none.
    """

    numbers: tuple[int, ...]
    items: int
    work: int
    had: float = 0.0


def bundles(sizes: Sequence[int]) -> list[Bundle]:
    """Return bundles of tasks of so many items, the least work first."""
    order = sorted(range(len(sizes)), key=lambda number: (-sizes[number], number))
    groups: list[list[int]] = []
    room = 0
    for number in order:
        if sizes[number] > SMALL_TASK or sizes[number] > room:
            groups.append([])
            room = BUNDLE_ITEMS if sizes[number] <= SMALL_TASK else 0
        groups[-1].append(number)
        room -= sizes[number]
    found = [bundle_of(sizes, group) for group in groups]
    return sorted(found, key=lambda bundle: (bundle.work, bundle.numbers))


def bundle_of(sizes: Sequence[int], numbers: Iterable[int], had: float = 0.0) -> Bundle:
    """Return some tasks as a bundle."""
    chosen = tuple(numbers)
    return Bundle(
        numbers=chosen,
        items=sum(sizes[n] for n in chosen),
        work=sum(sizes[n] * (1 + isqrt(min(sizes[n], LONG))) for n in chosen),
        had=had,
    )


def share(
    bundle: Bundle,
    *,
    waiting: int,
    workers: int,
    promised: float,
    remaining: float | None,
) -> float | None:
    """Return the seconds a bundle may take so that all others get theirs.

    Small ones may take more than that would be: they hardly ever do.

    Parameters
    ----------
    waiting
        Work of all bundles not yet sent, this one included.
    workers
        How many solve at a time.
    promised
        Seconds that bundles already sent may still take, in sum.
    remaining
        Seconds left in all; None without a limit, and then there is none here.
    """
    if remaining is None:
        return None
    free = max(0.0, remaining * workers - promised)
    least = min(LEAST_SECONDS, ITEM_SECONDS * bundle.items)
    return min(remaining, max(least, free * bundle.work / waiting))


def better(known: Selection | None, found: Selection) -> Selection:
    """Return the cheaper plan with the greater bound and what proves it."""
    if known is None:
        return found
    plan = known if known.cost < found.cost else found
    proof = known if known.bound > found.bound else found
    if plan is proof:
        return plan
    return replace(plan, bound=proof.bound, certificate=proof.certificate)


def closed(selection: Selection | None, gap: float) -> bool:
    """Tell whether a task is solved to the gap asked for."""
    return selection is not None and (
        selection.cost - selection.bound <= gap * selection.cost
    )
