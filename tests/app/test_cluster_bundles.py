"""What goes to a cluster in one piece, its share of the time, and what is kept."""

from hypothesis import given
from hypothesis import strategies as st

from app.engine.cluster_bundles import (
    BUNDLE_ITEMS,
    SMALL_TASK,
    Bundle,
    better,
    bundle_of,
    bundles,
    share,
)
from optimizer.selection.outcome import Selection


@given(st.lists(st.integers(2, 3 * SMALL_TASK), max_size=60))
def test_bundles_hold_every_task_once_and_large_ones_alone(sizes):
    found = bundles(sizes)
    assert sorted(n for bundle in found for n in bundle.numbers) == [*range(len(sizes))]
    for bundle in found:
        held = [sizes[n] for n in bundle.numbers]
        assert len(held) == 1 or max(held) <= SMALL_TASK
        assert len(held) == 1 or sum(held) <= BUNDLE_ITEMS
    works = [bundle.work for bundle in found]
    assert works == sorted(works)


@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=40),
    st.integers(1, 8),
    st.floats(0.1, 1000),
)
def test_shares_of_time_never_come_to_more_than_there_is(works, workers, remaining):
    promised = 0.0
    for place, work in enumerate(works):
        seconds = share(
            Bundle(numbers=(place,), items=0, work=work),
            waiting=sum(works[place:]),
            workers=workers,
            promised=promised,
            remaining=remaining,
        )
        assert seconds is not None
        assert 0 <= seconds <= remaining
        promised += seconds
    assert promised <= workers * remaining * (1 + 1e-9)


def test_of_two_findings_the_cheaper_plan_and_the_greater_bound_are_kept():
    cheap = Selection(bins=((0, 1),), cost=10, bound=2)
    proven = Selection(bins=((0,), (1,)), cost=12, bound=9)
    assert better(None, cheap) is cheap
    assert better(cheap, proven) == Selection(bins=((0, 1),), cost=10, bound=9)
    assert better(proven, cheap) == Selection(bins=((0, 1),), cost=10, bound=9)


def test_twice_a_long_task_is_twice_the_work():
    """Beyond a wide window, work grows with length alone."""
    short, long, longer = (
        bundle_of([size], [0]).work for size in (1_000, 20_000, 40_000)
    )
    assert longer == 2 * long
    assert long > 20 * short
