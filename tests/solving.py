"""Ways into the solving path for its tests: problems, instances, all their bins."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from optimizer.batch import Batch, Precedent, Request
from optimizer.builder import build_instance
from optimizer.clusters import find_clusters
from optimizer.errors import RulingsContradict
from optimizer.instance import Bin, Instance
from optimizer.policy import Policy
from optimizer.problem import Problem
from optimizer.reshape import restrict, split
from optimizer.rulings import Ruling, RulingKind, Rulings, settle
from tests.factories import (
    DAY,
    Case,
    batch,
    catalogue,
    dense_case,
    policy,
    random_case,
)

CASES = (random_case, dense_case)


def problem_of(case: Case) -> Problem:
    """Return the problem a case asks."""
    given, rules, world, as_of, rulings = case
    return Problem(
        batch=given, policy=rules, catalogue=world, as_of=as_of, rulings=rulings
    )


def problem(
    *requests: Request,
    as_of: Any = DAY,
    precedents: Sequence[Precedent] = (),
    rulings: Sequence[Ruling] = (),
    **rules: Any,
) -> Problem:
    """Return a problem of these requests under the usual policy with changes."""
    given: Batch = batch(*requests, precedents=precedents)
    asked: Policy = policy(**rules)
    return Problem(
        batch=given,
        policy=asked,
        catalogue=catalogue(),
        as_of=as_of,
        rulings=settle(rulings, given),
    )


def with_ruling(case: Case, kind: RulingKind, *ids: str) -> Case | None:
    """Return a case under one more ruling, None where it contradicts another."""
    standing = [
        *(
            Ruling(kind=RulingKind.TOGETHER, request_ids=s)
            for s in case.rulings.together
        ),
        *(Ruling(kind=RulingKind.APART, request_ids=p) for p in case.rulings.apart),
        *(Ruling(kind=RulingKind.FIXED, request_ids=s) for s in case.rulings.fixed),
    ]
    try:
        rulings = settle([*standing, Ruling(kind=kind, request_ids=ids)], case.batch)
    except RulingsContradict:
        return None
    return case._replace(rulings=rulings)


def without_rulings(case: Case) -> Case:
    """Return a case in which no reviewer has ruled anything yet."""
    return case._replace(rulings=Rulings())


def whole_instances(asked: Problem) -> tuple[Instance, ...]:
    """Return one instance for every cluster, not split."""
    return tuple(build_instance(asked, cluster) for cluster in find_clusters(asked))


def instances(asked: Problem) -> tuple[Instance, ...]:
    """Return the connected parts of all clusters, as they are solved."""
    return tuple(
        restrict(whole, part)
        for whole in whole_instances(asked)
        for part in split(whole)
    )


def some_instances(n: int, count: int, *, least: int = 3) -> Iterator[Instance]:
    """Yield parts of at least so many items from cases of n requests."""
    found = 0
    seed = 0
    while found < count:
        for make in CASES:
            for part in instances(problem_of(make(seed, n))):
                if len(part) >= least and found < count:
                    found += 1
                    yield part
        seed += 1


def candidate_pairs(instance: Instance) -> set[tuple[int, int]]:
    """Return the pairs of items an instance lets share a bin, ascending."""
    return {
        (int(i), k) for k in range(len(instance)) for i in instance.candidates_of(k)
    }


def all_bins(instance: Instance) -> list[Bin]:
    """Return every bin of an instance, by trying every set of items that may share."""
    pairs = candidate_pairs(instance)
    found: list[Bin] = []

    def grow(chosen: Bin, first: int) -> None:
        for i in range(first, len(instance)):
            larger = (*chosen, i)
            if all((j, i) in pairs for j in chosen) and obeys_limits(instance, larger):
                found.append(larger)
                grow(larger, i + 1)

    grow((), 0)
    return found


def obeys_limits(instance: Instance, members: Bin) -> bool:
    """Tell whether items in one bin keep its limits; one item always does."""
    if len(members) == 1:
        return True
    buyers = {int(c) for i in members for c in instance.customers_of(i)}
    return (
        sum(int(instance.size[i]) for i in members) <= instance.max_requests
        and sum(int(instance.value[i]) for i in members) <= instance.max_value
        and len(buyers) <= instance.max_customers
    )


def is_partition(instance: Instance, bins: Sequence[Bin]) -> bool:
    """Tell whether bins of items hold every item once and are all allowed."""
    pairs = candidate_pairs(instance)
    return sorted(i for members in bins for i in members) == [
        *range(len(instance))
    ] and all(
        obeys_limits(instance, members)
        and all(pair in pairs for pair in combinations(sorted(members), 2))
        for members in bins
    )


def positions(instance: Instance, members: Bin) -> tuple[int, ...]:
    """Return the requests of a bin of items."""
    return tuple(sorted(p for i in members for p in instance.items[i]))
