"""Rates: counted by whoever calls, over when their time is over, bounded in memory."""

import pytest

from app.edge.problem import Problem
from app.edge.rates import Counts, Rate, counted_address, counted_credential


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_too_many_calls_are_told_when_to_try_again(clock: Clock) -> None:
    rate = Rate("3/minute", "from this address", clock)
    for _ in range(3):
        rate.hit("a")
    clock.now = 18.5

    with pytest.raises(Problem) as refused:
        rate.hit("a")

    assert refused.value.status == 429
    assert refused.value.headers == {"Retry-After": "42"}
    assert "3 per 1 minute" in refused.value.detail


def test_others_are_not_counted_with_them(clock: Clock) -> None:
    rate = Rate("1/second", "", clock)
    rate.hit("a")

    rate.hit("b")

    with pytest.raises(Problem):
        rate.hit("a")


def test_a_count_begins_anew_when_its_time_is_over(clock: Clock) -> None:
    rate = Rate("1/second", "", clock)
    rate.hit("a")
    clock.now = 1.0

    rate.hit("a")


def test_the_strictest_of_several_rates_holds(clock: Clock) -> None:
    rate = Rate("2/second; 3/minute", "", clock)
    for second in (0, 1, 2):
        clock.now = second
        rate.hit("a")
    clock.now = 3

    with pytest.raises(Problem, match="3 per 1 minute"):
        rate.hit("a")


def test_counts_of_many_keys_stay_bounded_and_forget_the_oldest(clock: Clock) -> None:
    counts = Counts(clock, most=100)
    counts.incr("first", 60)
    for number in range(1000):
        counts.incr(str(number), 60)

    assert counts.get("first") == 0
    assert counts.get("999") == 1
    assert counts.reset() <= 100


def test_counts_that_are_over_are_forgotten_before_others(clock: Clock) -> None:
    counts = Counts(clock, most=4)
    counts.incr("long", 100)
    for name in ("a", "b", "c"):
        counts.incr(name, 1)
    clock.now = 2
    counts.incr("d", 100)

    assert counts.get("long") == 1


def test_a_subscriber_with_many_addresses_is_one() -> None:
    one = counted_address("2001:db8:1:2:3:4:5:6")

    assert counted_address("2001:db8:1:2::1") == one
    assert counted_address("2001:db8:1:3::1") != one
    assert counted_address("192.0.2.1") == "192.0.2.1"
    assert counted_address("fe80::1%eth0") == counted_address("fe80::2")


def test_a_credential_is_counted_whole_and_not_kept() -> None:
    key = b"Bearer fms_0123456789ab_" + b"A" * 43

    assert counted_credential(key) != counted_credential(key[:-1] + b"B")
    assert "fms" not in counted_credential(key)
