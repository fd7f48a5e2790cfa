"""Who is near a request, and the cheapest way not to be alone, by their definitions."""

from random import Random
from typing import Any

import numpy as np
import pytest

from optimizer import cost
from optimizer.clusters import find_clusters
from optimizer.compatibility import RULES, blocks, may_share
from optimizer.policy import SystemRule
from optimizer.problem import Problem
from optimizer.proposal import neighbours
from optimizer.proposal.ledger import Ledger
from optimizer.proposal.neighbours import NEAREST, Neighbours
from optimizer.proposal.ways import Change, Ways, limit_broken
from tests.solving import CASES, problem_of

SEEDS = range(25)
ORDER = [code for code, _ in RULES]


def free_requests(asked: Problem) -> list[int]:
    """Return the requests that are in no accepted bin."""
    fixed = {name for members in asked.rulings.fixed for name in members}
    return [i for i, r in enumerate(asked.requests) if r.request_id not in fixed]


def interoperate(asked: Problem, one: int, other: int) -> bool:
    """Tell whether two requests are for systems that pass for near."""
    first, second = asked.requests[one].system, asked.requests[other].system
    if asked.policy.pairing.system is not SystemRule.INTEROPERABILITY_GROUP:
        return first == second
    systems = asked.catalogue.systems
    return first == second or bool(systems[first].groups & systems[second].groups)


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_sharing_is_what_every_rule_allows(make: Any, seed: int) -> None:
    asked = problem_of(make(seed, 25))
    found = Neighbours(asked)
    free = free_requests(asked)
    for position in free:
        assert found.sharing(position).tolist() == [
            other for other in free if other != position and
            may_share(asked, position, other)
        ]  # fmt: skip


@pytest.mark.parametrize("looked_at", [1, 64])
@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_nearest_break_fewest_rules_then_are_nearest_in_days(
    make: Any, seed: int, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "LOOKED_AT", looked_at)
    asked = problem_of(make(seed, 40))
    found = Neighbours(asked)
    for position in free_requests(asked):
        others = [i for i in free_requests(asked) if i != position]
        near = [i for i in others if interoperate(asked, position, i)] or others
        codes = {i: tuple(b.code for b in blocks(asked, position, i)) for i in near}

        def nearness(
            i: int,
            codes: dict[int, tuple[str, ...]] = codes,
            day: int = asked.received[position],
        ) -> tuple[int, int, str]:
            away = abs(asked.received[i] - day)
            return len(codes[i]), away, asked.requests[i].request_id

        wanted = [(i, codes[i]) for i in sorted(near, key=nearness)[:NEAREST]]
        stated = found.nearest(position)
        assert [(n.position, n.codes) for n in stated] == wanted
        assert all([*n.codes] == sorted(n.codes, key=ORDER.index) for n in stated)


def some_plan(asked: Problem, draw: Random) -> list[tuple[int, ...]]:
    """Return a partition that the rules and limits allow, by chance."""
    bins: list[list[int]] = []
    for cluster in find_clusters(asked):
        for item in cluster.items:
            open_ = [
                members for members in bins
                if all(may_share(asked, i, j) for i in members for j in item)
                and limit_broken(asked, (*members, *item)) is None
            ]  # fmt: skip
            if open_ and draw.random() < 0.6:
                draw.choice(open_).extend(item)
            else:
                bins.append([*item])
    return [tuple(sorted(members)) for members in bins]


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_cheapest_way_is_the_least_change_of_cost(make: Any, seed: int) -> None:
    """Every bin to join and every pair to make is costed by the definition."""
    asked = problem_of(make(seed, 25))
    fixed = [{*map(asked.batch.position, ids)} for ids in asked.rulings.fixed]
    plan = some_plan(asked, Random(seed))
    ways = Ways(Ledger(asked), [*plan, *(tuple(sorted(f)) for f in fixed)])
    joined = {asked.batch.position(name) for s in asked.rulings.together for name in s}
    near = Neighbours(asked)
    for (position,) in (members for members in plan if len(members) == 1):
        sharing = near.sharing(position)
        wanted: list[Change] = []
        full = False
        for members in plan:
            before = cost.cost(asked, members) + cost.cost(asked, (position,))
            reach = {*members} & {*sharing.tolist()}
            changes = []
            if reach == {*members}:
                changes.append((*members, position))
            if len(members) > 1:
                changes += [(i, position) for i in reach - joined]
            for changed in changes:
                rest = tuple({*members} - {*changed})
                after = cost.cost(asked, tuple(sorted(changed)))
                after += cost.cost(asked, rest) if rest else 0
                if limit_broken(asked, changed) is None:
                    wanted.append(Change(after - before, tuple(sorted(changed))))
                else:
                    full = True
        best, broken = ways.of(position, sharing) if len(sharing) else (None, None)
        assert best == min(wanted, default=None)
        assert (broken is not None) is (full and not wanted)


def test_nobody_is_near_the_only_free_request() -> None:
    asked = problem_of(CASES[0](1, 1))
    assert Neighbours(asked).nearest(0) == ()
    assert Neighbours(asked).looked_at(0, []) == ()
    assert np.array_equal(Neighbours(asked).sharing(0), [])
