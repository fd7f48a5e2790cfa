"""The nearest alternatives are those that an enumeration of all partitions finds."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from optimizer.earlier import Earlier
from optimizer.nearest import Nearest, nearest
from optimizer.propose import plan_bins
from optimizer.rulings import Rulings
from tests import oracle
from tests.factories import DAY, Case, batch, catalogue, dense_case, policy, random_case
from tests.factories import request as a_request
from tests.optimizer.problems import problem_of, ruled

type Plan = tuple[tuple[str, ...], ...]

MANY = 10**6


def covers(ids: Sequence[str], bins: Sequence[tuple[str, ...]]) -> Iterator[Plan]:
    """Yield every plan of some requests that is put together from some bins."""
    if not ids:
        yield ()
        return
    for members in bins:
        if ids[0] in members and {*members} <= {*ids}:
            rest = [one for one in ids if one not in members]
            for plan in covers(rest, bins):
                yield (members, *plan)


def answers(case: Case, found: Nearest, asked: tuple[str, ...]) -> dict[object, int]:
    """Return the least cost of each answer but the plan's own, by enumeration."""
    part = sorted(name for ids in found.bins for name in ids)
    bins = [
        tuple(sorted(ids)) for ids in oracle.feasible_bins(*case) if {*ids} <= {*part}
    ]
    least: dict[object, int] = {}
    for plan in covers(part, bins):
        answer = frozenset(ids for ids in plan if not {*asked}.isdisjoint(ids))
        spent = sum(oracle.bin_cost(ids, *case[:4]) for ids in plan)
        least[answer] = min(spent, least.get(answer, spent))
    least.pop(frozenset({asked}), None)
    return least


def check(case: Case, plan: Plan, asked: tuple[str, ...], count: int) -> Nearest:
    """Hold the alternatives for a bin against an enumeration of all partitions."""
    found = nearest(problem_of(case), plan, asked, count=count)
    assert {*asked} <= {name for ids in found.bins for name in ids}
    assert found.cost == sum(oracle.bin_cost(ids, *case[:4]) for ids in found.bins)
    least = answers(case, found, asked)
    wanted = sorted(least.values())
    given = []
    for one in found.alternatives:
        answer = frozenset(ids for ids in one.bins if not {*asked}.isdisjoint(ids))
        assert one.cost == least.pop(answer), "the cheapest plan with its answer, once"
        assert one.cost == sum(oracle.bin_cost(ids, *case[:4]) for ids in one.bins)
        assert one.bound == one.cost
        assert one.is_proven
        given.append(one.cost)
    assert given == sorted(given)
    if not found.exchanged:
        assert given == wanted[:count]
        assert found.bound is not None or len(wanted) <= count
    else:
        looked = wanted[: len(given) + found.exchanged]
        for spent in given:
            looked.remove(spent)
    if least and found.bound is not None:
        assert found.bound <= min(least.values())
    return found


@pytest.mark.parametrize("make", [random_case, dense_case])
@pytest.mark.parametrize("seed", range(10))
def test_alternatives_are_those_of_an_enumeration(make, seed):
    case = make(seed, 7)
    _, plan = oracle.best_partition(*case)
    plan = tuple(tuple(sorted(ids)) for ids in plan)
    fixed = {tuple(sorted(ids)) for ids in case.rulings.fixed}
    for asked in plan:
        if asked in fixed:
            with pytest.raises(ValueError, match="stays as it is"):
                nearest(problem_of(case), plan, asked)
        else:
            check(case, plan, asked, 3)


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_that_is_not_the_best_has_alternatives_that_cost_less(seed):
    case = dense_case(seed, 6)
    gone = {name for ids in case.rulings.fixed for name in ids}
    bins = [tuple(sorted(ids)) for ids in oracle.feasible_bins(*case)]
    free = sorted(r.request_id for r in case.batch.requests if r.request_id not in gone)
    plans = [*covers(free, bins)]
    worst = max(plans, key=lambda p: sum(oracle.bin_cost(ids, *case[:4]) for ids in p))
    for asked in worst:
        check(case, worst, asked, 2)


@pytest.mark.parametrize("seed", range(6))
def test_every_answer_is_found_where_as_many_are_asked_for(seed):
    case = random_case(seed, 5)
    _, plan = oracle.best_partition(*case)
    fixed = {tuple(sorted(ids)) for ids in case.rulings.fixed}
    for asked in (tuple(sorted(ids)) for ids in plan):
        if asked not in fixed:
            assert check(case, plan, asked, MANY).bound is None


def alike() -> Case:
    """Return three requests of one kind and day, two of which share best."""
    made = [
        a_request(name, received_on=DAY - timedelta(days=1)) for name in ("A", "B", "C")
    ]
    return Case(
        batch(*made),
        policy(max_requests=2),
        catalogue(),
        DAY,
        Rulings(),
    )


def test_an_exchange_of_like_requests_is_no_alternative():
    case = alike()
    _, plan = oracle.best_partition(*case)
    plan = tuple(tuple(sorted(ids)) for ids in plan)
    pair = max(plan, key=len)
    assert len(pair) == 2, "two of the three share"
    found = check(case, plan, pair, 3)
    assert found.exchanged
    (only,) = found.alternatives
    assert {len(ids) for ids in only.bins} == {1}


def test_who_is_ruled_is_like_nobody():
    case = alike()
    _, plan = oracle.best_partition(*case)
    pair = max((tuple(sorted(ids)) for ids in plan), key=len)
    (third,) = {"A", "B", "C"} - {*pair}
    under = case._replace(rulings=ruled(case, "apart", pair[0], third))
    found = check(under, plan, pair, 3)
    assert len(found.alternatives) == 2


def test_without_time_nothing_is_found_and_nothing_wrong_is_said():
    case = dense_case(1, 7)
    _, plan = oracle.best_partition(*case)
    problem = problem_of(case)
    asked = max((ids for ids in plan if ids not in case.rulings.fixed), key=len)
    found = nearest(problem, plan, asked, remaining=lambda: 0.0)
    least = answers(case, found, tuple(sorted(asked)))
    assert found.alternatives == ()
    assert found.bound is not None
    assert found.bound <= min(least.values())


def test_what_is_kept_of_a_solve_changes_nothing():
    case = dense_case(3, 8)
    problem = problem_of(case)
    plan = plan_bins(problem, earlier=Earlier())
    names = [
        tuple(sorted(problem.requests[at].request_id for at in members))
        for members in plan.bins
    ]
    fixed = {tuple(sorted(ids)) for ids in case.rulings.fixed}
    asked = max((ids for ids in names if ids not in fixed), key=len)
    cold = nearest(problem, names, asked)
    warm = nearest(problem, names, asked, earlier=plan.kept)
    assert [one.cost for one in warm.alternatives] == [
        one.cost for one in cold.alternatives
    ]


@pytest.mark.parametrize("seed", range(6))
def test_to_look_around_the_bin_first_changes_nothing_that_is_proven(seed):
    case = dense_case(seed, 7)
    _, plan = oracle.best_partition(*case)
    plan = tuple(tuple(sorted(ids)) for ids in plan)
    fixed = {tuple(sorted(ids)) for ids in case.rulings.fixed}
    for asked in plan:
        if asked not in fixed:
            problem = problem_of(case)
            whole = nearest(problem, plan, asked)
            first = nearest(problem, plan, asked, remaining=lambda: 1e6, around=3)
            assert first.in_time
            assert [one.cost for one in first.alternatives] == [
                one.cost for one in whole.alternatives
            ]


def test_what_is_found_around_the_bin_is_there_when_the_time_is_up():
    case = dense_case(2, 8)
    _, plan = oracle.best_partition(*case)
    plan = tuple(tuple(sorted(ids)) for ids in plan)
    fixed = {tuple(sorted(ids)) for ids in case.rulings.fixed}
    asked = max((ids for ids in plan if ids not in fixed), key=len)
    given = iter([1e6] * 200)  # looks at a clock that then runs out

    found = nearest(
        problem_of(case),
        plan,
        asked,
        remaining=lambda: next(given, 0.0),
        around=len(asked) + 1,
    )
    least = answers(case, found, asked)
    assert found.alternatives
    for one in found.alternatives:
        answer = frozenset(ids for ids in one.bins if not {*asked}.isdisjoint(ids))
        assert one.cost >= least[answer]
        assert one.cost == sum(oracle.bin_cost(ids, *case[:4]) for ids in one.bins)
        assert one.bound <= one.cost


def test_a_set_that_is_no_bin_has_no_alternatives():
    case = dense_case(1, 5)
    with pytest.raises(ValueError, match="no bin of the plan"):
        nearest(problem_of(case), [], ["R1"])
