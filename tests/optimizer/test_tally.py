"""Figures counted for many bins are those of the definitions, one bin at a time."""

from itertools import combinations
from random import Random
from typing import Any

import pytest

from optimizer.policy import EffortCase
from optimizer.rulings import Rulings
from optimizer.verify import figures
from optimizer.verify.facts import Fact, Members, Setting, settle_facts
from optimizer.verify.tally import Tally, Totals, totals_alone
from tests.factories import DAY, Case, batch, catalogue, policy, request, stage
from tests.rich_case import EVERYONE
from tests.solving import CASES

SEEDS = range(25)


def settled(make: Any, seed: int, n: int) -> Setting:
    """Return what a case's documents are checked against."""
    return settle_facts(*make(seed, n))


def some_bins(setting: Setting, seed: int) -> list[Members]:
    """Return every request alone, and sets of two to seven by chance."""
    draw = Random(seed)
    facts = [*setting.facts.values()]
    sizes = [min(len(facts), draw.randint(2, 7)) for _ in range(12)]
    return [*((f,) for f in facts), *(tuple(draw.sample(facts, n)) for n in sizes)]


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_efforts_and_forecasts_are_those_of_the_definitions(
    make: Any, seed: int
) -> None:
    setting = settled(make, seed, 9)
    tally = Tally(setting.policy)
    for members in some_bins(setting, seed):
        assert tally.efforts(members) == figures.efforts_of(setting.policy, members)
        assert tally.forecast_on(members) == figures.forecast_on(
            setting.policy, members
        )


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_shares_are_those_of_the_definition(make: Any, seed: int) -> None:
    setting = settled(make, seed, 9)
    tally = Tally(setting.policy)
    for members in some_bins(setting, seed):
        solo = {
            fact.request.request_id: sum(
                figures.effort_by_stage(
                    setting.policy, EffortCase.DEFAULT, (fact,)
                ).values()
            )
            for fact in members
        }
        effort = figures.effort_by_stage(setting.policy, EffortCase.DEFAULT, members)
        saved = sum(solo.values()) - sum(effort.values())
        assert tally.fair_shares(members, solo, saved) == figures.fair_shares(
            setting.policy, members, solo
        )


def cost_of(setting: Setting, members: Members) -> int:
    """Return c(B) by the definitions."""
    effort = figures.effort_by_stage(setting.policy, EffortCase.DEFAULT, members)
    return sum(effort.values()) + figures.waiting(setting.policy, members)


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_cheapest_split_is_the_least_of_all_with_one_request_out(
    make: Any, seed: int
) -> None:
    setting = settled(make, seed, 9)
    tally = Tally(setting.policy)
    for members in some_bins(setting, seed):
        whole = cost_of(setting, members)
        assert tally.cost(members) == whole
        splits = [whole, sum(cost_of(setting, (fact,)) for fact in members)]
        for rest in combinations(members, len(members) - 1):
            (out,) = (fact for fact in members if fact not in rest)
            if rest:
                splits.append(cost_of(setting, (out,)) + cost_of(setting, rest))
        assert tally.cheapest_split(members, whole) == min(splits)


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", range(5))
def test_totals_are_the_sums(make: Any, seed: int) -> None:
    setting = settled(make, seed, 20)
    tally = Tally(setting.policy)
    facts: list[Fact] = [*setting.facts.values()]
    one_by_one = Totals(tally)
    for fact in facts:
        one_by_one.add(figures.efforts_of(setting.policy, (fact,)))
    assert totals_alone(tally, facts).by_case == one_by_one.by_case


def test_sums_beyond_64_bits_are_exact() -> None:
    """A shared unit of 10^17 thousandths times 8! and 2^8 exceeds 64 bits."""

    codes = EVERYONE[0].include[:8]
    rules = policy(categories=EVERYONE, stages=(stage("S", "all", {"bin": 10**17}),))
    asked = batch(*(request(f"R{code}", customer=code) for code in codes))
    setting = settle_facts(*Case(asked, rules, catalogue(), DAY, Rulings()))
    members = tuple(setting.facts.values())
    solo = {fact.request.request_id: 10**17 for fact in members}
    effort = figures.effort_by_stage(rules, EffortCase.DEFAULT, members)
    found = Tally(rules).fair_shares(members, solo, 8 * 10**17 - sum(effort.values()))
    assert found == figures.fair_shares(rules, members, solo)
