"""The price of forcing two requests is the difference of two exhaustive searches."""

from itertools import combinations

import pytest

from optimizer.errors import NoPlan, RulingsContradict
from optimizer.propose import Serial
from optimizer.rulings import Rulings
from optimizer.why import why
from tests import oracle
from tests.factories import (
    DAY,
    Case,
    batch,
    catalogue,
    dense_case,
    policy,
    random_case,
)
from tests.factories import request as a_request
from tests.optimizer.problems import problem_of, ruled


@pytest.mark.parametrize("make", [random_case, dense_case])
@pytest.mark.parametrize("seed", range(12))
def test_price_is_the_difference_of_exhaustive_searches(make, seed):
    case = make(seed, 6)
    problem = problem_of(case)
    least, _ = oracle.best_partition(*case)
    fixed = {name for members in case.rulings.fixed for name in members}
    for one, other in combinations([r.request_id for r in case.batch.requests], 2):
        answer = why(problem, one, other)
        first, second = case.batch[one], case.batch[other]
        assert answer.may_share == (not oracle.blocks(first, second, *case[1:])) or any(
            {one, other} <= {*joined} for joined in case.rulings.together
        )
        try:
            kind = "apart" if answer.together_now else "together"
            changed, _ = oracle.best_partition(*case[:4], ruled(case, kind, one, other))
        except (RulingsContradict, NoPlan):
            assert answer.price is None
            continue
        if fixed & {one, other}:
            assert answer.price is None
        else:
            assert answer.price == changed - least
            assert (answer.price_low, answer.price_high) == (answer.price,) * 2


def two(rulings: Rulings = Rulings(), **rules) -> Case:  # noqa: B008 - it is frozen
    return Case(
        batch(a_request("R1"), a_request("R2", customer="LVA")),
        policy(**rules),
        catalogue(),
        DAY,
        rulings,
    )


def test_stopped_at_once_it_gives_an_interval_that_holds_the_price():
    case = dense_case(3, 9)
    problem = problem_of(case)
    exact = why(problem, "R001", "R002")
    hurried = why(problem, "R001", "R002", engine=Serial(stop=lambda: True))
    assert hurried.price_low <= exact.price <= hurried.price_high


def test_an_apart_ruling_leaves_no_price():
    answer = why(problem_of(two(Rulings(apart=frozenset({("R1", "R2")})))), "R1", "R2")
    assert not answer.may_share
    assert [block.code for block in answer.blocks] == ["kept_apart"]
    assert (answer.price, answer.price_low, answer.price_high) == (None, None, None)
    assert answer.texts[-1].startswith("They cannot be forced together: R1 and R2 are")


def test_a_limit_leaves_no_price():
    answer = why(problem_of(two(max_value_usd=15_000_000)), "R1", "R2")
    assert answer.may_share
    assert answer.price is None
    assert "limits.max_value_usd is 15,000,000.00" in answer.texts[-1]


def test_an_accepted_bin_has_no_price():
    answer = why(problem_of(two(Rulings(fixed=(("R1",),)))), "R1", "R2")
    assert answer.price is None
    assert answer.texts == (
        "R1 is in the accepted bin {R1}, which stays as it is: there is no price.",
    )


def test_one_request_is_no_pair():
    with pytest.raises(ValueError, match="R1 is one request: name two"):
        why(problem_of(two()), "R1", "R1")


def test_a_request_that_is_not_there_is_an_error():
    with pytest.raises(KeyError):
        why(problem_of(two()), "R1", "R9")


def test_a_together_ruling_lifts_what_would_keep_two_apart():
    far = a_request("R2", customer="LVA", document="P&A")
    case = Case(
        batch(a_request("R1"), far),
        policy(),
        catalogue(),
        DAY,
        Rulings(together=(("R1", "R2"),)),
    )
    answer = why(problem_of(case), "R1", "R2")
    assert answer.together_now
    assert answer.may_share
    assert answer.blocks == ()
    assert answer.texts[:3] == (
        "A ruling puts R1 and R2 together.",
        "It lifts what would keep them apart (document):",
        "One asks for an LOA, the other for a P&A.",
    )
