"""The trail by day: the first and the last day are among what is asked for."""

import pytest

from app.use_cases import clock
from tests.service.world import World, problem_of


def test_records_of_a_day_are_found_by_it(world: World) -> None:
    world.stored()
    everything = world.records()
    today = everything[0]["at"][:10]
    assert clock.today().isoformat() >= today
    later = everything[-1]["at"][:10]
    assert world.records(since=today, until=later) == everything
    assert world.records(since=today) == everything
    assert world.records(until="2020-01-01") == []
    assert world.records(since="2900-01-01") == []


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("day", ["2026-02-30", "9999-12-31", "0001-01-01"])
def test_a_day_that_is_none_is_refused(world: World, name: str, day: str) -> None:
    assert problem_of(world.get(f"/audit?{name}={day}"))["status"] == 422


@pytest.mark.parametrize("day", ["1767571200", "2026-1-5", "٢٠٢٦-٠١-٠٥", "today"])
def test_a_day_has_one_form(world: World, day: str) -> None:
    assert problem_of(world.get("/audit", params={"since": day}))["status"] == 422
