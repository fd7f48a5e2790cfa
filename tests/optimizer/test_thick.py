"""Parts with many candidates: cuts before branches, points that are no optimum yet."""

from collections.abc import Sequence
from typing import Any

import pytest

from optimizer.certify import checking
from optimizer.instance import Bin
from optimizer.pricing import CHUNK, MANY_NODES, UNLIMITED, Pricing, price
from optimizer.selection import (
    columns,
    cutting,
    long,
    looking,
    schedule,
    solver,
    windows,
)
from optimizer.selection.master import LinearPoint, Master
from optimizer.selection.schedule import solve_all
from optimizer.selection.solver import Search, solve
from tests.factories import dense_case
from tests.optimizer.test_certify import written
from tests.optimizer.test_concluding import Clock
from tests.optimizer.test_selection import HARD, best_known, check
from tests.solving import instances, problem_of


@pytest.fixture
def _thick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat small parts as large and thick ones."""
    for module in (solver, looking):
        monkeypatch.setattr(module, "EARLY_ITEMS", 1)
    monkeypatch.setattr(solver, "THICK", 0)
    monkeypatch.setattr(solver, "SLOW", 0)
    monkeypatch.setattr(solver, "FEW_GRAINS", 0)


class Unlucky(Search):
    """A search that finds plans by branching alone, and counts rounds of few cuts."""

    sparing = 0

    def look_for_plans(self, *_: object, **__: object) -> Sequence[None]:  # type: ignore[override]
        """Find nothing."""
        return ()

    def add_cuts(
        self, master: Master, point: LinearPoint, *, sparing: bool = False
    ) -> bool:
        """Add cuts as ever."""
        before = len(master.cuts)
        added = super().add_cuts(master, point, sparing=sparing)
        if sparing:
            new = master.cuts[before:]
            assert len(new) <= len(master.instance) // solver.THICK_CUTS
            assert len({i for cut in new for i in cut.items}) == 3 * len(new)
            self.sparing += len(new) > 0
        return added


@pytest.mark.usefixtures("_thick")
@pytest.mark.parametrize("tail", [0.0, 0.1, 0.9, 1.0])
def test_cuts_of_points_that_are_no_optimum_keep_every_bound_true(
    tail: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However far from its optimum a relaxation is when cuts are added to it."""
    monkeypatch.setattr(solver, "TAIL", tail)
    monkeypatch.setattr(solver, "THICK_CUTS", 4)
    monkeypatch.setattr(solver, "FIRST_ROUNDS", 1)
    monkeypatch.setattr(solver, "rounded", lambda *_: ())
    rounds = 0
    for key in HARD:
        instance, optimum = best_known(key)
        for kind in (Search, Unlucky):
            search = kind(instance)
            before = 0
            for _ in search.steps():
                now = search.selection()
                check(instance, now)
                assert before <= now.bound <= optimum <= now.cost
                before = now.bound
            assert search.cost == search.bound == optimum
            rounds += search.sparing if isinstance(search, Unlucky) else 0
    assert rounds >= 5


@pytest.mark.usefixtures("_thick")
def test_a_gap_of_few_possible_costs_is_left_to_branches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(solver, "FEW_GRAINS", 10**12)
    monkeypatch.setattr(solver, "THICK_CUTS", 4)
    for key in HARD:
        instance, optimum = best_known(key)
        search = Unlucky(instance)
        for _ in search.steps():
            pass
        assert (search.cost, search.sparing) == (optimum, 0)


def test_few_cuts_are_the_worst_of_many() -> None:
    """No item in two of them, and the most violated of all among them."""
    seen = 0
    for seed in range(20):
        instance = max(instances(problem_of(dense_case(seed, 24))), key=len)
        search = Unlucky(instance)
        for _ in search.steps():
            last = search.latest
            if last is None or last.node != 0:
                continue
            bins, weights = last.master.bins, last.point.weights
            many = cutting.violated_cuts(bins, weights, set())
            few = cutting.violated_cuts(bins, weights, set(), most=2, each=1)
            assert few[:1] == many[:1]
            assert len(few) <= 2
            assert len({i for cut in few for i in cut.items}) == 3 * len(few)
            seen += len(few) > 1
    assert seen >= 5


def test_a_node_limit_that_strikes_rarely_is_raised_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As soon as a bound falls behind the best, with the same optimum in the end."""
    monkeypatch.setattr(columns, "NODE_LIMITS", (2, 100_000, 2**40))
    monkeypatch.setattr(columns, "SPARE", 0)
    monkeypatch.setattr(columns, "RARELY", 1)
    generated = columns.generate
    passes: list[tuple[int, int, int]] = []
    best: list[int] = []
    raised = 0

    def begun(*args: Any, bound: int, **others: Any) -> Any:
        """Begin a node: its passes are compared with one another only."""
        passes.clear()
        best[:] = [bound]
        return generated(*args, bound=bound, **others)

    def noted(*args: Any, node_limit: int, **others: Any) -> Pricing | None:
        """Price as ever, with the limit that the pass before asks for."""
        nonlocal raised
        if passes and passes[-1][0] == 2 and passes[-1][1] < best[0] and passes[-1][2]:
            assert node_limit > 2
            raised += 1
        found = price(*args, node_limit=node_limit, **others)
        assert found is not None
        best[0] = max([best[0], *(bound for _, bound, _ in passes)])
        passes.append((node_limit, found.bound, found.struck))
        return found

    monkeypatch.setattr(solver, "generate", begun)
    monkeypatch.setattr(columns, "price", noted)
    for seed in range(8):
        instance = max(instances(problem_of(dense_case(seed, 24))), key=len)
        search = Search(instance)
        for _ in search.steps():
            pass
        assert search.cost == search.bound
        check(instance, search.selection())
    assert raised >= 3


@pytest.mark.usefixtures("_thick")
def test_plans_around_points_that_were_priced_are_columns_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Sequence[Bin]] = []
    kept: list[Sequence[Bin]] = []

    def noted(*args: Any) -> Sequence[Bin]:
        """Round a point as ever."""
        made.append(looking.rounded(*args))
        return made[-1]

    class Noting(Search):
        def keep(self, master: Master, bins: Sequence[Bin]) -> None:
            """Keep bins as ever."""
            super().keep(master, bins)
            kept.append(bins)

    monkeypatch.setattr(solver, "rounded", noted)
    for seed in range(3):
        made.clear()
        kept.clear()
        search = Noting(max(instances(problem_of(dense_case(seed, 20))), key=len))
        for _ in search.steps():
            pass
        assert search.cost == search.bound
        assert len(made) >= 1
        assert all(any(bins is one for one in kept) for bins in made)


def test_many_nodes_are_asked_more_often_whether_to_stop() -> None:
    instance = max(instances(problem_of(dense_case(3, 60))), key=len)
    asked = {}
    for limit in (MANY_NODES, MANY_NODES + 1, UNLIMITED):
        questions = 0

        def stop() -> bool:
            nonlocal questions
            questions += 1
            return False

        found = price(instance, instance.alone * 1, node_limit=limit, stop=stop)
        assert found is not None
        asked[limit] = questions
    n = len(instance)
    assert asked[MANY_NODES] == -(-n // CHUNK)
    assert asked[MANY_NODES + 1] == n > 3 * asked[MANY_NODES] == 3 * asked[UNLIMITED]


def test_parts_are_hurried_between_too_little_time_and_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By what a sample of anchors takes; never where nobody counts, or for a few."""
    instance = max(instances(problem_of(dense_case(3, 40))), key=len)
    monkeypatch.setattr(windows, "seconds_each", lambda *_, **__: 2.0)
    round_and_proof = 2.0 * long.EASED * len(instance)
    least, most = windows.HURRIED

    def hurried(times: float | None) -> bool:
        seconds = None if times is None else times * round_and_proof
        return windows.is_hurried(instance, seconds, lambda: seconds, lambda: False)

    assert not hurried(least + 0.1)  # it has too few candidates
    monkeypatch.setattr(windows, "SOME_CANDIDATES", len(instance.candidates))
    assert not hurried(None)
    asked = (least - 0.1, least + 0.1, most - 0.1, most + 0.1)
    assert [hurried(times) for times in asked] == [False, True, True, False]


@pytest.mark.parametrize("seed", range(6))
def test_hurried_parts_are_bounded_truly_among_others(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever time there is, each answer is a plan with a proof of its bound."""
    asked = problem_of(dense_case(seed, 16))
    parts = instances(asked)
    optima = [solve(instance) for instance in parts]
    begun: list[bool] = []

    def hurried(*_: Any) -> bool:
        """Hurry every other part."""
        begun.append(len(begun) % 2 == seed % 2)
        return begun[-1]

    monkeypatch.setattr(schedule, "is_hurried", hurried)
    for seconds in (0.5, 5.0, 50.0):
        found = solve_all(parts, remaining=Clock(seconds, 0.001))
        for instance, answer, best in zip(parts, found, optima, strict=True):
            check(instance, answer)
            assert answer.bound <= best.cost <= answer.cost
            if answer.bound > 0 and len(instance) > 1:
                assert answer.certificate is not None
                checked = checking.check(asked, written(asked, [answer.certificate]))
                assert checked.by_every_bin == checked.proofs >= 1
    assert len(begun) == 3 * len(parts)
    assert len(set(begun)) == min(2, len(begun))
