"""Which parts a process takes first: those that end in a moment, then all others."""

from app.engine.local import QUICK_TASK, _Queue


def test_no_part_waits_for_one_that_may_take_long() -> None:
    """Thirty-five requests that may all share take half a minute: not before others."""
    sizes = [500, 35, QUICK_TASK + 1, QUICK_TASK, 3]
    queue = _Queue(sizes, workers=2)
    groups = []
    while (group := queue.take()) is not None:
        groups.append(group)
    assert groups == [(3,), (4,), (0,), (1, 2)]
    assert QUICK_TASK < 30


def test_one_process_has_all_that_may_take_long_at_once() -> None:
    queue = _Queue([40, 35, 30, 5], workers=1)
    assert queue.take() == (3,)
    assert queue.take() == (0, 1, 2)
    assert queue.take() is None
