"""Duals that were spread, raised and spread again: what they prove, and when."""

from collections.abc import Generator
from typing import cast

import numpy as np
import pytest

from optimizer.instance import Instance
from optimizer.selection import long
from optimizer.selection.long import LongPart, Times
from optimizer.selection.lowering import FIRST_NODES
from optimizer.selection.parts import shares
from optimizer.spreading import Spread, spread
from tests.factories import dense_case
from tests.optimizer.test_concluding import Clock
from tests.optimizer.test_windows import short_windows
from tests.solving import instances, problem_of

_ = short_windows  # a fixture for all


def dense(seed: int, requests: int) -> Instance:
    return max(instances(problem_of(dense_case(seed, requests))), key=len)


def ended[T](steps: Generator[None, None, T]) -> T:
    """Take all steps; return what comes of them."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast("T", end.value)


def begun(instance: Instance) -> LongPart:
    """Return a long part with its first plan and duals."""
    part = LongPart(instance)
    ended(part._opening())
    return part


def test_raised_duals_prove_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over dense cases together, from the same plans."""
    found = []
    for rounds in (0, 2, 8):
        monkeypatch.setattr(long, "RAISES", rounds)
        opened = [begun(dense(seed, 120)) for seed in range(4)]
        found.append(sum(part.bound for part in opened))
        assert all(part.bound <= part.cost for part in opened)
    assert found[0] < found[1] < found[2]


def raised(
    instance: Instance, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, np.ndarray]:
    """Raise duals of all alone by a clock; return blocks spread, and the duals.

    Every block takes a second to be spread, as the first time did, and nothing to be
    proven.
    """
    clock = Clock(seconds, 0.0)
    calls = 0

    def slow(*given: object, **more: object) -> Spread | None:
        nonlocal calls
        calls += 1
        clock.left -= 1.0
        return spread(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(long, "spread", slow)
    monkeypatch.setattr(LongPart, "_took", lambda *_, **__: 0.0)
    part = LongPart(instance, remaining=clock)
    times = Times(few=True, until=2.0, usual=0.0, spread_to=len(instance))
    blocks = -(-len(instance) // long.BLOCK)
    duals = shares(instance, part._plan()) // 2
    after, nodes = ended(part._raise(duals, times, clock.left + blocks))
    assert nodes == (long.RAISED_NODES if calls else FIRST_NODES)
    return calls, after


def test_there_are_as_many_rounds_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = dense(0, 60)
    blocks = -(-len(instance) // long.BLOCK)
    assert blocks >= 4
    each = long.RAISING * blocks
    for rounds in (0, 1, 3, long.RAISES):
        enough = 2.0 + each * rounds + 0.1
        assert raised(instance, enough, monkeypatch)[0] == rounds * blocks
    assert raised(instance, 1e6, monkeypatch)[0] == long.RAISES * blocks


def test_a_round_that_takes_longer_than_it_was_to_ends_when_proofs_are_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it has not come to by then is not raised."""
    instance = dense(0, 60)
    before = shares(instance, LongPart(instance)._plan()) // 2
    monkeypatch.setattr(long, "RAISING", 0.1)
    calls, duals = raised(instance, 2.0 + 2.5, monkeypatch)
    assert calls == 3
    seen = calls * long.BLOCK
    assert (duals[:seen] > before[:seen]).any()
    assert np.array_equal(duals[seen:], before[seen:])
    assert (duals <= instance.alone * instance.scale).all()
