"""Proposals are optimal, obey every rule, and depend on nothing but the question."""

import subprocess
import sys
from dataclasses import replace
from random import Random

import pytest

from app.export.document import verify_document
from optimizer.batch import Batch
from optimizer.builder import build_instance
from optimizer.clusters import find_clusters
from optimizer.errors import NoPlan
from optimizer.propose import (
    Progress,
    Serial,
    plan_without_search,
    propose,
)
from optimizer.rulings import Rulings
from optimizer.tasks import bound_without_search
from tests import oracle
from tests.factories import DAY, Case, batch, catalogue, dense_case, policy, random_case
from tests.factories import request as a_request
from tests.optimizer.problems import document_of, problem_of

CASES = [(make, seed) for make in (random_case, dense_case) for seed in range(25)]
ids = [f"{make.__name__}-{seed}" for make, seed in CASES]


def size(seed: int) -> int:
    return 4 + seed % 5


@pytest.mark.parametrize(("make", "seed"), CASES, ids=ids)
def test_total_is_what_exhaustive_search_finds_and_the_proof_is_complete(make, seed):
    case = make(seed, size(seed))
    proposal = propose(problem_of(case))
    least, _ = oracle.best_partition(*case)
    assert (proposal.total, proposal.bound) == (least, least)


@pytest.mark.parametrize(("make", "seed"), CASES, ids=ids)
def test_independent_verification_finds_nothing(make, seed):
    problem = problem_of(make(seed, 12))
    assert verify_document(document_of(propose(problem)), problem) == ()


def test_shuffled_requests_give_the_same_document():
    case = dense_case(4, 16)
    first = document_of(propose(problem_of(case)))
    for seed in range(5):
        requests = list(case.batch.requests)
        Random(seed).shuffle(requests)
        shuffled = Batch(requests=tuple(requests), precedents=case.batch.precedents)
        again = propose(problem_of(case._replace(batch=shuffled)))
        assert document_of(again) == first


@pytest.mark.parametrize("seed", range(12))
def test_told_to_stop_at_once_there_is_still_a_valid_plan_and_bound(seed):
    case = dense_case(seed, 9)
    problem = problem_of(case)
    proposal = propose(problem, engine=Serial(stop=lambda: True))
    least, _ = oracle.best_partition(*case)
    assert proposal.bound <= least <= proposal.total
    assert verify_document(document_of(proposal), problem) == ()


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("make", [random_case, dense_case])
def test_bound_without_search_is_never_above_the_least_cost(make, seed):
    case = make(seed, 7)
    problem = problem_of(case._replace(rulings=replace(case.rulings, fixed=())))
    clusters = [build_instance(problem, c) for c in find_clusters(problem)]
    least, _ = oracle.best_partition(
        case.batch, case.policy, case.catalogue, case.as_of, problem.rulings
    )
    bounds = [bound_without_search(instance) for instance in clusters]
    plans = [plan_without_search(instance) for instance in clusters]
    alone = [plan_without_search(instance, good=False) for instance in clusters]
    assert 0 < sum(bounds) <= least
    assert least <= sum(p.cost for p in plans) <= sum(p.cost for p in alone)
    assert [p.bound for p in plans] == bounds


def test_progress_starts_with_everyone_alone_and_ends_with_the_proof():
    seen: list[Progress] = []
    case = dense_case(7, 14)._replace(rulings=Rulings())
    proposal = propose(problem_of(case), on_progress=seen.append)
    assert seen[0].incumbent == proposal.baseline_effort.default
    assert seen[-1].clusters_done == seen[-1].clusters
    assert seen[-1].incumbent == seen[-1].bound == proposal.total
    bounds = [progress.bound for progress in seen]
    assert bounds == sorted(bounds)


def test_a_looser_gap_is_never_worse_than_it_says():
    problem = problem_of(dense_case(3, 16))
    exact = propose(problem)
    loose = propose(problem, gap=0.2)
    assert loose.bound <= exact.total <= loose.total
    assert (loose.total - loose.bound) <= 0.2 * loose.total


def test_together_over_a_limit_leaves_no_plan():
    given = batch(*(a_request(f"R{i}") for i in range(4)))
    rulings = Rulings(together=(("R0", "R1", "R2"),))
    case = Case(given, policy(max_requests=2), catalogue(), DAY, rulings)
    with pytest.raises(NoPlan, match=r"limits\.max_requests is 2"):
        propose(problem_of(case))


def test_requests_that_must_stay_alone_need_no_compiled_code():
    code = (
        "import sys\n"
        "from optimizer.rulings import Rulings\n"
        "from tests.factories import *\n"
        "from tests.optimizer.problems import problem_of\n"
        "from optimizer.propose import propose\n"
        "given = batch(request('R1'), request('R2', customer='SAU'),"
        " request('R3', system='Javelin'))\n"
        "case = Case(given, policy(), catalogue(), DAY, Rulings())\n"
        "assert len(propose(problem_of(case)).bins) == 3\n"
        "print([m for m in ('numba', 'pulp', 'highspy') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_hash_seed_changes_nothing():
    code = (
        "import json\n"
        "from tests.factories import dense_case\n"
        "from tests.optimizer.problems import document_of, problem_of\n"
        "from optimizer.propose import propose\n"
        "print(json.dumps(document_of(propose(problem_of(dense_case(11, 18))))))\n"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(answers) == 1
