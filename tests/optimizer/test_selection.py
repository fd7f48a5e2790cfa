"""The search: proven optima, valid bounds at every step, the same answer every way."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise
from random import Random
from typing import Any

import highspy
import pytest

from optimizer import cost
from optimizer.instance import Bin, Instance
from optimizer.problem import Problem
from optimizer.selection import solver
from optimizer.selection.branching import Node
from optimizer.selection.master import LinearPoint, Master
from optimizer.selection.model import choose, highs, set_partition
from optimizer.selection.outcome import Selection
from optimizer.selection.parts import fewest_bins, is_bin
from optimizer.selection.schedule import solve_all
from optimizer.selection.solver import Search, solve
from tests import oracle
from tests.factories import dense_case, random_case, request
from tests.solving import (
    CASES,
    all_bins,
    instances,
    is_partition,
    problem,
    problem_of,
    some_instances,
    whole_instances,
    without_rulings,
)


@cache
def best_known(instance_key: tuple[int, int, int]) -> tuple[Instance, int]:
    """Return the largest part of a dense case and its optimum by enumeration.

    Every bin is a column and HiGHS chooses among them: neither pricing nor branching
    nor bounds of ours have a part in it.
    """
    seed, n, max_requests = instance_key
    case = dense_case(seed, n)
    limits = replace(case.policy.limits, max_requests=max_requests)
    case = case._replace(policy=replace(case.policy, limits=limits))
    instance = max(instances(problem_of(case)), key=len)
    bins = all_bins(instance)
    costs = [instance.cost(members) for members in bins]
    model, chosen = set_partition(bins, costs, range(len(instance)), integer=True)
    model.solve(highs(mip_rel_gap=0.0, mip_abs_gap=0.0005))
    status = model.solverModel.getModelStatus()
    assert status == highspy.HighsModelStatus.kOptimal
    picked = [j for j, x in enumerate(chosen) if x.varValue > 0.5]
    assert {i for j in picked for i in bins[j]} == {*range(len(instance))}
    return instance, sum(costs[j] for j in picked)


def as_items(instance: Instance, selection: Selection) -> list[Bin]:
    """Return the bins of a selection as items of its instance."""
    home = {p: i for i, item in enumerate(instance.items) for p in item}
    bins = [tuple(sorted({home[p] for p in members})) for members in selection.bins]
    for members, chosen in zip(selection.bins, bins, strict=True):
        assert sum(len(instance.items[i]) for i in chosen) == len(members)
    return bins


def check(instance: Instance, selection: Selection) -> None:
    """Require a plan that is allowed and costs what it says, and bound at most cost."""
    bins = as_items(instance, selection)
    assert is_partition(instance, bins)
    assert selection.cost == sum(instance.cost(members) for members in bins)
    assert selection.bound <= selection.cost
    assert list(selection.bins) == sorted(selection.bins)


def fixed_cost(asked: Problem) -> int:
    return sum(
        cost.cost(asked, [asked.batch.position(r) for r in ids])
        for ids in asked.rulings.fixed
    )


# --- against the definition ---


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", range(100))
def test_cost_and_bound_are_the_optimum_of_the_oracle(make: Any, seed: int) -> None:
    """Nine requests: rulings, limits, precedents and every rule take part."""
    case = make(seed, 9)
    asked = problem_of(case)
    optimum, _ = oracle.best_partition(*case)
    found = [solve(instance) for instance in instances(asked)]
    for instance, selection in zip(instances(asked), found, strict=True):
        check(instance, selection)
    total = fixed_cost(asked) + sum(
        cost.cost(asked, members) for one in found for members in one.bins
    )
    bound = fixed_cost(asked) + sum(one.bound for one in found)
    assert total == bound == optimum


def test_cases_bring_into_play_what_they_should() -> None:
    """Else the test above would say little."""
    cases = [make(seed, 9) for make in CASES for seed in range(100)]
    assert sum(bool(case.rulings.together) for case in cases) >= 40
    assert sum(bool(case.rulings.apart) for case in cases) >= 40
    assert sum(bool(case.rulings.fixed) for case in cases) >= 40
    assert sum(any(problem_of(case).has_precedent) for case in cases) >= 60


# --- branching ---

HARD = [(3, 16, 4), (4, 16, 4), (5, 16, 4), (7, 16, 4), (5, 24, 4), (7, 14, 3)]


class Bare(Search):
    """A search without luck: no local search, no rounding; it notes its branchings."""

    kinds: tuple[str, ...] = ()

    def look_for_plans(
        self,
        master: Master,  # noqa: ARG002 - as the search asks
        point: LinearPoint,  # noqa: ARG002
        bound: int,  # noqa: ARG002
        *,
        root: bool,  # noqa: ARG002
    ) -> Iterator[None]:
        """Find nothing."""
        yield

    def branch(
        self, node: Node, master: Master, point: LinearPoint, bound: int
    ) -> list[Node]:
        """Branch as ever."""
        children = super().branch(node, master, point, bound)
        counted = children[0].most != node.most or children[1].least != node.least
        self.kinds = (*self.kinds, "number" if counted else "pair")
        return children


@pytest.mark.parametrize("key", HARD)
def test_hard_cases_are_solved_to_the_optimum_of_all_bins(
    key: tuple[int, int, int],
) -> None:
    instance, optimum = best_known(key)
    selection = solve(instance)
    check(instance, selection)
    assert selection.cost == selection.bound == optimum


@pytest.mark.parametrize("cut_rounds", [0, 12])
def test_branching_alone_proves_the_optimum(
    cut_rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both kinds of branching must take part: on the number of bins and on pairs."""
    monkeypatch.setattr(solver, "CUT_ROUNDS", cut_rounds)
    kinds: list[str] = []
    for key in HARD:
        instance, optimum = best_known(key)
        search = Bare(instance)
        for _ in search.steps():
            assert search.bound <= optimum
        check(instance, search.selection())
        assert search.cost == search.bound == optimum
        kinds += search.kinds
    if cut_rounds == 0:
        assert kinds.count("number") >= 2
        assert kinds.count("pair") >= 4


@pytest.mark.parametrize("seed", range(40))
def test_branching_alone_agrees_with_the_oracle(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above on cases with rulings: joined items are branched on as well."""
    monkeypatch.setattr(solver, "CUT_ROUNDS", 0)
    case = random_case(seed, 10) if seed % 2 else dense_case(seed, 10)
    asked = problem_of(case)
    total = bound = fixed_cost(asked)
    for instance in instances(asked):
        search = Bare(instance)
        for _ in search.steps():
            pass
        total += search.cost
        bound += search.bound
    assert total == bound == oracle.best_partition(*case)[0]


def test_bins_taken_twice_do_not_make_up_their_number() -> None:
    """Three items, any two of which may share but not all, and a fourth alone.

    Halves of the three pairs and the fourth are two and a half bins; asked for three,
    a cover would take the fourth once and a half and prove too little.
    """
    case = without_rulings(random_case(6523, 9))
    found = [solve(instance) for instance in instances(problem_of(case))]
    optimum, _ = oracle.best_partition(*case)
    assert sum(one.cost for one in found) == optimum
    assert sum(one.bound for one in found) == optimum


# --- stopping ---


@pytest.mark.parametrize("key", HARD)
def test_after_every_step_the_plan_is_allowed_and_the_bound_true(
    key: tuple[int, int, int],
) -> None:
    instance, optimum = best_known(key)
    search = Search(instance)
    before = search.selection()
    check(instance, before)
    for _ in search.steps():
        now = search.selection()
        check(instance, now)
        assert now.cost <= before.cost
        assert before.bound <= now.bound <= optimum <= now.cost
        before = now


@pytest.mark.parametrize("asked_before", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55])
@pytest.mark.parametrize("key", HARD[:4])
def test_stopped_at_any_question_it_answers_truly(
    key: tuple[int, int, int], asked_before: int
) -> None:
    """The search asks whether to stop also inside a step: between chunks of pricing."""
    instance, optimum = best_known(key)
    questions = 0

    def stop() -> bool:
        nonlocal questions
        questions += 1
        return questions > asked_before

    selection = solve(instance, stop=stop)
    check(instance, selection)
    assert selection.bound <= optimum <= selection.cost


@pytest.mark.parametrize("seed", range(6))
def test_larger_cases_are_bounded_truly_all_the_way(seed: int) -> None:
    """Thirty to forty requests: every bound on the way is at most the proven end."""
    asked = problem_of(dense_case(seed, 30 + 2 * seed))
    for instance in instances(asked):
        search = Search(instance)
        bounds, costs = [search.bound], [search.cost]
        for _ in search.steps():
            check(instance, search.selection())
            bounds.append(search.bound)
            costs.append(search.cost)
        assert bounds == sorted(bounds)
        assert costs == sorted(costs, reverse=True)
        assert search.bound == search.cost


@pytest.mark.parametrize("gap", [0.001, 0.01, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("key", HARD)
def test_gap_asked_for_is_met_and_the_bound_still_true(
    key: tuple[int, int, int], gap: float
) -> None:
    instance, optimum = best_known(key)
    for search in (Search(instance, gap=gap), Bare(instance, gap=gap)):
        for _ in search.steps():
            pass
        selection = search.selection()
        check(instance, selection)
        assert selection.cost - selection.bound <= gap * selection.cost
        assert selection.bound <= optimum <= selection.cost


# --- the same answer every way ---


def several() -> list[Instance]:
    asked = [problem_of(dense_case(seed, 14)) for seed in range(6)]
    return [instance for one in asked for instance in instances(one)]


def test_all_at_once_are_solved_as_one_by_one() -> None:
    together = several()
    one_by_one = tuple(solve(instance) for instance in together)
    assert len(together) >= 6
    assert solve_all(together) == one_by_one
    assert solve_all(together[::-1]) == one_by_one[::-1]


@pytest.mark.parametrize("kind", [Search, Bare])
def test_between_steps_all_that_is_proven_is_stated(kind: type[Search]) -> None:
    """Below the root too, and never less than before; the certificate proves it."""
    steps = 0
    for seed in range(9):
        instance = max(instances(problem_of(dense_case(seed, 14))), key=len)
        optimum = solve(instance).cost
        search, before = kind(instance), 0
        for _ in search.steps():
            found = search.selection(certified=True)
            assert before <= found.bound <= optimum <= found.cost
            assert found.bound == min(search.record.bound(), found.cost)
            proven = 0 if found.certificate is None else found.certificate.bound
            assert proven >= found.bound
            before = found.bound
            steps += 1
    assert steps >= 60


def test_order_of_turns_does_not_matter() -> None:
    together = several()
    expected = [solve(instance) for instance in together]
    for seed in range(3):
        draw = Random(seed)
        searches = [Search(instance) for instance in together]
        under_way = {n: search.steps() for n, search in enumerate(searches)}
        while under_way:
            number = draw.choice(sorted(under_way))
            if next(under_way[number], "ended") == "ended":
                del under_way[number]
        assert [s.selection(certified=True) for s in searches] == expected


def test_reports_get_better_and_end_with_the_answer() -> None:
    together = several()
    heard: dict[int, list[Selection]] = {}
    found = solve_all(together, report=lambda n, s: heard.setdefault(n, []).append(s))
    for number, instance in enumerate(together):
        said = heard[number]
        assert said[-1] == found[number]
        for earlier, now in pairwise(said):
            assert now.cost <= earlier.cost
            assert now.bound >= earlier.bound
        check(instance, said[0])


def test_what_there_may_be_no_time_to_search_has_a_plan_first() -> None:
    together = several()
    heard: list[tuple[int, Selection]] = []
    solve_all(
        together,
        remaining=lambda: 0.001,
        report=lambda number, selection: heard.append((number, selection)),
    )
    first = heard[: len(together)]
    assert sorted(number for number, _ in first) == [*range(len(together))]
    for number, selection in first:
        check(together[number], selection)
        assert selection.bound == 0
    assert sum(selection.cost for _, selection in first) < sum(
        int(instance.alone.sum()) for instance in together
    )


def test_a_large_part_tells_of_its_first_plan_before_it_is_searched() -> None:
    large = max(instances(problem_of(dense_case(3, 160))), key=len)
    assert len(large) >= solver.EARLY_ITEMS
    heard: list[Selection] = []
    solve_all([large], stop=lambda: bool(heard), report=lambda _, s: heard.append(s))
    check(large, heard[0])
    assert heard[0].cost < int(large.alone.sum())
    assert heard[0].bound == 0


def test_all_at_once_stopped_early_still_have_plans() -> None:
    together = several()
    best = [solve(instance).cost for instance in together]
    for selection, instance, optimum in zip(
        solve_all(together, stop=lambda: True), together, best, strict=True
    ):
        check(instance, selection)
        assert selection.bound <= optimum <= selection.cost


def test_every_plan_and_bound_is_reported_as_found() -> None:
    instance, optimum = best_known(HARD[0])
    heard: list[Selection] = []
    final = solve(instance, report=heard.append)
    assert heard[-1] == replace(final, certificate=None)
    assert all(one.bound <= optimum <= one.cost for one in heard)


def test_items_that_may_not_share_need_no_search() -> None:
    asked = problem(request("A"), request("B", system="Javelin"), coordination=(0, 0))
    for instance in whole_instances(asked):
        found = solve(instance)
        assert found.certificate is not None
        assert replace(found, certificate=None) == Selection(
            bins=((instance.items[0][0],),),
            cost=int(instance.alone[0]),
            bound=int(instance.alone[0]),
        )


# --- the parts ---


def test_no_partition_has_fewer_bins_than_the_fewest() -> None:
    """The fewest bins that cover, by enumeration with every bin at the same price."""
    for instance in some_instances(10, 25):
        bins = all_bins(instance)
        chosen = choose(
            bins, [1000] * len(bins), range(len(instance)), start=[], node_limit=10_000,
            time_limit=None,
        )  # fmt: skip
        assert chosen is not None
        assert 1 <= fewest_bins(instance) <= len(chosen)


def test_bins_are_recognized() -> None:
    for instance in some_instances(9, 25):
        bins = {*all_bins(instance)}
        for size in range(1, 5):
            for members in combinations(range(len(instance)), size):
                assert is_bin(instance, members) is (members in bins)


def test_model_covers_every_item_and_names_its_rows() -> None:
    bins = [(0,), (1,), (0, 1)]
    model, _ = set_partition(bins, [3000, 4000, 5000], range(2), integer=True)
    model.solve(highs())
    assert {row.name for row in model.constraints()} == {
        "review_once_0",
        "review_once_1",
    }
    assert model.objective.value() == 5.0
    picked = choose(
        bins, [3000, 4000, 7001], range(2), start=[2], node_limit=9, time_limit=5
    )
    assert picked == (0, 1)
