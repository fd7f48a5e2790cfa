"""Searches without time to go on prove and plan what they can, and nothing untrue."""

from itertools import count, pairwise

import pytest

from optimizer.certify import checking
from optimizer.selection import concluding, looking, schedule, solver
from optimizer.selection.concluding import conclude, needs, owes
from optimizer.selection.outcome import Selection
from optimizer.selection.schedule import solve_all
from optimizer.selection.solver import Search, solve
from tests.factories import dense_case
from tests.optimizer.test_certify import written
from tests.optimizer.test_selection import check
from tests.solving import instances, problem_of


@pytest.fixture(autouse=True)
def _early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat small parts as large: plans are looked for before the bound is done."""
    monkeypatch.setattr(solver, "EARLY_ITEMS", 1)
    monkeypatch.setattr(looking, "EARLY_ITEMS", 1)
    monkeypatch.setattr(concluding, "EARLY_ITEMS", 1)


def test_concluded_at_any_step_a_search_states_what_is_true_and_goes_on() -> None:
    raised = owed = 0
    for seed in range(6):
        asked = problem_of(dense_case(seed, 16))
        instance = max(instances(asked), key=len)
        optimum = solve(instance).cost
        for concluded in range(3, 13, 3):
            search = Search(instance)
            for step, _ in zip(count(1), search.steps(), strict=False):
                if step != concluded or search.latest is None:
                    continue
                before = search.selection()
                owed += owes(search) > 0
                conclude(search, 1000.0)
                after = search.selection(certified=True)
                check(instance, after)
                assert before.bound <= after.bound <= optimum
                assert optimum <= after.cost <= before.cost
                raised += after.bound > before.bound
                if after.certificate is not None:
                    assert after.certificate.bound >= after.bound
                    checked = checking.check(asked, written(asked, [after.certificate]))
                    assert checked.by_every_bin == checked.proofs >= 1
            end = search.selection(certified=True)
            check(instance, end)
            assert (end.cost, end.bound) == (optimum, optimum)
    assert owed >= raised >= 5


def test_what_is_priced_owes_nothing_until_the_relaxation_falls() -> None:
    owed = 0
    for seed in range(6):
        search = Search(max(instances(problem_of(dense_case(seed, 16))), key=len))
        assert (owes(search), needs(search, 1000.0)) == (0, 0)
        for _ in search.steps():
            if owes(search):
                owed += 1
                conclude(search, 1000.0)
                assert owes(search) == 0
    assert owed >= 3


class Clock:
    """Seconds left: fewer at every question."""

    def __init__(self, seconds: float, each: float) -> None:
        self.left = seconds
        self.each = each

    def __call__(self) -> float:
        self.left = max(0.0, self.left - self.each)
        return self.left


def test_before_time_is_up_searches_are_concluded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cases = [problem_of(dense_case(seed, 40)) for seed in range(3)]
    together = [max(instances(asked), key=len) for asked in cases]
    optima = [solve(instance).cost for instance in together]
    concluded: list[Search] = []

    def told(search: Search, left: float) -> None:
        concluded.append(search)
        conclude(search, left)

    def long(search: Search, _: float) -> float:
        """Return what a proof takes of this clock, about: it counts questions."""
        return 0.012 if owes(search) else 0.0

    monkeypatch.setattr(schedule, "needs", long)
    monkeypatch.setattr(schedule, "FEW_ITEMS", 0)
    monkeypatch.setattr(schedule, "conclude", told)
    for seconds in (0.03, 0.04, 0.05, 0.06, 0.07, 0.08):
        clock = Clock(seconds, 0.001)
        heard: dict[int, list[Selection]] = {}
        found = solve_all(
            together,
            stop=lambda clock=clock: clock.left <= 0,
            remaining=clock,
            report=lambda n, said, heard=heard: heard.setdefault(n, []).append(said),
        )
        for instance, optimum, selection in zip(together, optima, found, strict=True):
            check(instance, selection)
            assert selection.bound <= optimum <= selection.cost
        for said in heard.values():
            for earlier, now in pairwise(said):
                assert now.bound >= earlier.bound
                assert now.cost <= earlier.cost
    assert len(concluded) >= 2
