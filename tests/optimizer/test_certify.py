"""Checking certificates: true ones prove their bound, changed ones are found out."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import cost
from optimizer.certificate import Certificate, Proof
from optimizer.certify.checking import check
from optimizer.certify.crossing import crossing_pair
from optimizer.certify.every_bin import cost_of, every_bin, facts_by_position
from optimizer.certify.reading import plain, read_parts
from optimizer.certify.tree import Refuted, proven_by
from optimizer.problem import Problem
from optimizer.tasks import bound_without_search
from optimizer.verify.facts import Members, settle_facts
from tests.factories import request, stage
from tests.oracle import best_partition, feasible_bins
from tests.proving import searched
from tests.solving import CASES, instances, problem_of
from tests.solving import problem as solving_problem

type Plain = list[dict[str, Any]]
type Tamper = Callable[[Plain, Random], bool]


@cache
def asked(seed: int, kind: int, n: int = 8) -> Problem:
    return problem_of(CASES[kind](seed, n))


def certified(asked: Problem, draw: Random) -> list[Certificate]:
    made = [
        searched(part, draw).certificate() for part in instances(asked) if len(part) > 1
    ]
    return [one for one in made if one is not None]


def written(asked: Problem, certificates: list[Certificate]) -> Plain:
    ids = [r.request_id for r in asked.requests]
    return json.loads(json.dumps(plain(certificates, ids)))


def optimum(asked: Problem) -> int:
    return best_partition(
        asked.batch, asked.policy, asked.catalogue, asked.as_of, asked.rulings
    )[0]


def expected(asked: Problem, certificates: list[Certificate]) -> int:
    """Return what certificates say they prove, with all that needs no search."""
    known = {one.positions: one.bound for one in certificates}
    total = sum(
        cost.cost(asked, tuple(asked.batch.position(i) for i in ids))
        for ids in asked.rulings.fixed
    )
    for part in instances(asked):
        positions = tuple(sorted(p for item in part.items for p in item))
        if len(part) == 1:
            total += cost.cost(asked, positions)
        else:
            total += max(known.get(positions, 0), bound_without_search(part))
    return total


quick = settings(max_examples=40, deadline=None)
CASE = {"seed": st.integers(0, 10_000), "kind": st.integers(0, len(CASES) - 1)}


@quick
@given(**CASE)
def test_what_a_search_records_checks_and_is_no_higher_than_the_optimum(
    seed: int, kind: int
) -> None:
    problem = asked(seed, kind)
    certificates = certified(problem, Random(f"search {seed}"))
    told: list[tuple[int, int]] = []

    checked = check(
        problem,
        written(problem, certificates),
        progress=lambda done, of: told.append((done, of)),
    )

    assert checked.findings == ()
    # A part by itself may have a coarser grain than in the whole: more is proven.
    assert expected(problem, certificates) <= checked.bound <= optimum(problem)
    assert told == [(at + 1, checked.proofs) for at in range(checked.proofs)]
    assert checked.by_every_bin == checked.proofs >= len(certificates)


@quick
@given(**CASE)
def test_nothing_recorded_proves_what_needs_no_search(seed: int, kind: int) -> None:
    problem = asked(seed, kind)

    checked = check(problem, [])

    assert checked.findings == ()
    assert expected(problem, []) <= checked.bound <= optimum(problem)


@quick
@given(**CASE)
def test_writing_and_reading_change_nothing(seed: int, kind: int) -> None:
    problem = asked(seed, kind)
    certificates = certified(problem, Random(f"words {seed}"))

    read, faults = read_parts(written(problem, certificates), problem.batch)

    assert faults == []
    assert [(c.positions, c.steps) for c in read] == [
        (c.positions, c.steps) for c in certificates
    ]


@quick
@given(**CASE)
def test_every_bin_is_every_bin(seed: int, kind: int) -> None:
    case = CASES[kind](seed, 8)
    problem = problem_of(case)
    setting = settle_facts(*case)
    facts = facts_by_position(setting)
    for part in instances(problem):
        positions = tuple(sorted(p for item in part.items for p in item))
        inside = {problem.requests[p].request_id for p in positions}

        found = every_bin(setting, facts, positions)

        assert found is not None
        rows = {
            tuple(problem.requests[p].request_id for p in np.array(positions)[row == 1])
            for row in found.holds
        }
        bins = {ids for ids in feasible_bins(*case) if set(ids) <= inside}
        assert rows == bins
        assert len(found.costs) == len(bins)
        for row, price_ in zip(found.holds, found.costs, strict=True):
            members = tuple(facts[p] for p in np.array(positions)[row == 1])
            assert price_ == cost_of(setting, members)


# --- what has been changed is found out --------------------------------------------


def proofs_of(parts: Plain) -> list[dict[str, Any]]:
    return [s for part in parts for s in part["steps"] if "duals" in s]


def raise_a_dual(parts: Plain, draw: Random) -> bool:
    proof = draw.choice(proofs_of(parts))
    at = max(range(len(proof["duals"])), key=lambda i: proof["duals"][i])
    proof["duals"][at] += 10**6 * proof["scale"] + 1
    return True


def raise_tau(parts: Plain, draw: Random) -> bool:
    proof = draw.choice(proofs_of(parts))
    proof["tau"] += 10**6 * proof["scale"]
    return True


def drop_a_step(parts: Plain, draw: Random) -> bool:
    steps = draw.choice(parts)["steps"]
    steps.pop(draw.randrange(len(steps)))
    return True


def add_a_step(parts: Plain, draw: Random) -> bool:
    steps = draw.choice(parts)["steps"]
    steps.append(steps[-1])
    return True


def move_a_part(parts: Plain, draw: Random) -> bool:
    part = draw.choice(parts)
    part["request_ids"] = part["request_ids"][1:]
    for proof in proofs_of([part]):
        proof["duals"] = proof["duals"][1:]
        proof["fines"] = []
    return not any("pair" in step for step in part["steps"])


def double_a_part(parts: Plain, draw: Random) -> bool:
    parts.append(draw.choice(parts))
    return True


TAMPERS = (raise_a_dual, raise_tau, drop_a_step, add_a_step, move_a_part, double_a_part)


@pytest.mark.parametrize("tamper", TAMPERS)
@quick
@given(**CASE)
def test_a_change_that_cannot_be_true_is_found(
    tamper: Tamper, seed: int, kind: int
) -> None:
    problem = asked(seed, kind)
    draw = Random(f"tamper {seed}")
    parts = written(problem, certified(problem, draw))
    if parts and tamper(parts, draw):
        assert check(problem, parts).findings != ()


@quick
@given(changes=st.integers(1, 3), **CASE)
def test_no_change_whatever_makes_a_false_bound_pass(
    changes: int, seed: int, kind: int
) -> None:
    problem = asked(seed, kind)
    draw = Random(f"change {seed} {changes}")
    parts = written(problem, certified(problem, draw))
    if not parts:
        return
    for _ in range(changes):
        proof = draw.choice(proofs_of(parts))
        what = draw.choice(["duals", "duals", "tau", "fines", "scale", "step"])
        step = draw.choice([1, 50, 1000, 4000]) * proof["scale"]
        if what == "duals":
            at = draw.randrange(len(proof["duals"]))
            proof["duals"][at] += draw.choice([step, -step])
        elif what == "tau":
            proof["tau"] += draw.choice([step, -step])
        elif what == "fines" and proof["fines"]:
            proof["fines"].pop()
        elif what == "scale" and proof["scale"] > 1:
            proof["scale"] //= 2
        elif what == "step":
            steps = draw.choice(parts)["steps"]
            numbers = [s for s in steps if "most_bins" in s]
            if numbers:
                draw.choice(numbers)["most_bins"] += draw.choice([-1, 1])

    checked = check(problem, parts)

    assert checked.bound <= optimum(problem)


@quick
@given(**CASE)
def test_pricing_and_every_bin_refute_the_same_proofs(seed: int, kind: int) -> None:
    problem = asked(seed, kind)
    setting = settle_facts(*CASES[kind](seed, 8))
    draw = Random(f"agree {seed}")
    for part in instances(problem):
        if len(part) < 3:
            continue
        sound = searched(part, draw, depth=0).certificate()
        if sound is None:
            continue
        (proof,) = sound.steps
        assert isinstance(proof, Proof)
        changes = [draw.choice([0, 0, 0, 1, 40, -40]) for _ in proof.duals]
        duals = tuple(
            dual + change * proof.scale
            for dual, change in zip(proof.duals, changes, strict=True)
        )
        changed = replace(sound, steps=(replace(proof, duals=duals),))
        bins = every_bin(setting, facts_by_position(setting), sound.positions)
        assert bins is not None
        contradicted = bins.violated(replace(proof, duals=duals), (), ()) is not None

        try:
            proven_by(changed, part, None, str, lambda: None)
        except Refuted:
            assert contradicted
        else:
            assert not contradicted


@quick
@given(**CASE)
def test_a_pair_that_crosses_two_parts_is_found(seed: int, kind: int) -> None:
    problem = asked(seed, kind)
    setting = settle_facts(*CASES[kind](seed, 8))
    facts = facts_by_position(setting)
    parts = [
        [tuple(facts[p] for p in item) for item in part.items]
        for part in instances(problem)
    ]
    assert crossing_pair(setting, parts) == ()

    pairs = [part for part in parts if len(part) > 1]
    if not pairs:
        return
    torn = pairs[0]
    rest = [part for part in parts if part is not torn]
    found = crossing_pair(setting, [torn[:1], torn[1:], *rest])
    assert not found or {*torn[0]} <= {*found}
    alone = [[item] for item in torn]
    names = {fact.request.request_id for item in torn for fact in item}
    bins = feasible_bins(*CASES[kind](seed, 8))
    some = any(len(ids) > 1 and names >= {*ids} and not _one_item(ids, torn)
               for ids in bins)  # fmt: skip
    assert bool(crossing_pair(setting, [*alone, *rest])) == some


def _one_item(ids: Sequence[str], items: Sequence[Members]) -> bool:
    return any({*ids} == {f.request.request_id for f in item} for item in items)


# --- by hand -------------------------------------------------------------------------


def triangle() -> Problem:
    """Return three requests of which any two make a bin that costs 5.8.

    Alone each costs 4.0: with two in a bin and one alone, a plan costs 9.8 at least.
    Half of each pair would cost 8.7 in sum, so that duals alone prove no more.
    """
    return solving_problem(
        request("R1", customer="EST"),
        request("R2", customer="LVA"),
        request("R3", customer="LTU"),
        max_requests=2,
        coordination=(0, 0),
        stages=(stage("S1", "all", {"bin": 2200, "request": 1800}),),
    )


def by_hand(**proof: Any) -> Plain:
    fields = {"scale": 1, "duals": [], "fines": [], "tau": 0} | proof
    return [{"request_ids": ["R1", "R2", "R3"], "steps": [fields]}]


def test_the_duals_of_the_triangle_prove_the_relaxation() -> None:
    checked = check(triangle(), by_hand(duals=[2900, 2900, 2900]))

    assert (checked.findings, checked.bound) == (
        (),
        8800,
    )  # 8.7, up to the grain of 0.2
    assert (checked.parts, checked.proofs, checked.by_every_bin) == (1, 1, 1)


def test_a_fine_closes_the_triangle() -> None:
    fined = by_hand(duals=[4000] * 3, fines=[["R1", "R2", "R3", 2200]])

    checked = check(triangle(), fined)
    assert (checked.findings, checked.bound) == ((), 9800)

    too_low = by_hand(duals=[4000, 4000, 3999], fines=[["R1", "R2", "R3", 2199]])
    (finding,) = check(triangle(), too_low).findings
    assert finding == (
        "The proof of the part of R1, R2, R3 does not hold: the bin R1, R2 costs 5.800 "
        "staff-days, and the duals claim 5.801000."
    )


def test_the_number_of_bins_closes_the_triangle_too() -> None:
    part = by_hand(duals=[1800] * 3, tau=2200)  # at least two bins of two at most
    checked = check(triangle(), part)

    assert (checked.findings, checked.bound) == ((), 9800)
