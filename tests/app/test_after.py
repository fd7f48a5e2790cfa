"""What follows a search is reckoned from how fast this machine finds facts."""

import time

import pytest

from app.engine import after
from app.engine.after import seconds_after
from tests.factories import dense_case
from tests.solving import problem_of


def test_of_very_many_requests_some_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = problem_of(dense_case(1, 40))
    clock = iter((10.0, 10.5))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    assert seconds_after(asked) == pytest.approx(0.5 * after.AFTER_FACTS)
    monkeypatch.setattr(after, "SAMPLE", 10)
    clock = iter((10.0, 10.5))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    expected = 0.5 * (after.AFTER_FACTS + 3 * after.FOR_MORE)
    assert seconds_after(asked) == pytest.approx(expected)
    assert "alike" in vars(asked)  # the whole of it was found at first
