"""A record: what a search proves, and the least that proves it again."""

import pickle
from random import Random

import numpy as np
import pytest

from optimizer.certificate import Fine, OnNumber, OnPair, Proof, proven
from optimizer.instance import Instance
from optimizer.pricing import Cut, price
from optimizer.record import Record
from optimizer.reshape import join, keep_apart
from tests.solving import candidate_pairs, some_instances

KNOWN = [*some_instances(9, 40, least=4)]


def feasible(instance: Instance, draw: Random) -> np.ndarray:
    """Return duals around each item's own cost, repaired."""
    rough = [
        int(draw.uniform(0.3, 1.2) * int(a) * instance.scale) for a in instance.alone
    ]
    found = price(instance, np.array(rough, dtype=np.int64))
    assert found is not None
    return found.duals


def total(proof: Proof, bins: int) -> int:
    fines = sum(fine.penalty for fine in proof.fines)
    return sum(proof.duals) - fines + proof.tau * bins


def test_the_bound_rounds_up_to_the_grain() -> None:
    assert proven(1, scale=4, grain=50) == 50
    assert proven(200, scale=4, grain=50) == 50
    assert proven(201, scale=4, grain=50) == 100
    assert proven(0, scale=4, grain=50) == 0


@pytest.mark.parametrize("seed", range(len(KNOWN)))
def test_a_root_proof_keeps_its_bound_at_the_coarsest_scale(seed: int) -> None:
    instance, draw = KNOWN[seed], Random(f"root {seed}")
    duals = feasible(instance, draw)
    cuts = (Cut(items=(0, 1, 2)),)
    sigma = np.array([draw.randint(0, 900_000)])
    tau = draw.choice([0, 700_001, -700_001])
    record = Record(instance, least=2)

    bound = record.prove(Record.ROOT, instance, duals, cuts, sigma, tau)
    certificate = record.certificate()

    assert bound == record.bound() > 0
    assert certificate is not None
    assert certificate.bound == bound
    (proof,) = certificate.steps
    assert isinstance(proof, Proof)
    bins = 2 if tau > 0 else len(instance)
    assert proven(total(proof, bins), scale=proof.scale, grain=instance.grain) == bound
    if proof.scale > 1:
        shift = (instance.scale // proof.scale).bit_length()
        less = int((duals >> shift).sum()) - -(-int(sigma[0]) >> shift)
        less += (tau >> shift) * bins
        assert proven(less, scale=proof.scale // 2, grain=instance.grain) < bound


@pytest.mark.parametrize("seed", range(len(KNOWN)))
def test_a_weaker_bound_needs_no_finer_scale(seed: int) -> None:
    instance = KNOWN[seed]
    record = Record(instance, least=1)
    record.prove(Record.ROOT, instance, feasible(instance, Random(f"weak {seed}")))
    whole, weak = record.certificate(), record.certificate(1)

    assert whole is not None
    assert weak is not None
    assert weak.bound == 1
    assert weak.steps[0].scale <= whole.steps[0].scale


def test_only_the_branches_that_are_needed_are_kept() -> None:
    instance = next(i for i in KNOWN if len(candidate_pairs(i)) > 2 and i.grain == 1)
    first, second = min(candidate_pairs(instance))
    joined = join(instance, first, second)
    parted = keep_apart(instance, first, second)
    unit = instance.scale

    def worth(of: Instance, bound: int) -> np.ndarray:
        return np.array([bound * unit] + [0] * (len(of) - 1))

    record = Record(instance, least=1)
    record.prove(Record.ROOT, instance, worth(instance, 100))
    together, apart = record.branch_on_pair(Record.ROOT, instance, first, second)
    record.prove(together, joined, worth(joined, 300))
    assert record.bound() == 100  # nothing is known of the other branch
    few, many = record.branch_on_number(apart, 3)
    record.prove(few, parted, worth(parted, 200))
    record.prove(many, parted, worth(parted, 250))
    record.prove(many, parted, worth(parted, 240))  # less than is known

    assert record.bound() == 200
    certificate = record.certificate()
    assert certificate is not None
    ends = (instance.items[first][0], instance.items[second][0])
    pair, *proofs = certificate.steps
    assert pair == OnPair(first=ends[0], second=ends[1])
    assert [type(step) for step in proofs] == [Proof, OnNumber, Proof, Proof]
    assert [sum(p.duals) for p in proofs if isinstance(p, Proof)] == [300, 200, 250]
    assert pickle.loads(pickle.dumps(certificate)) == certificate

    lesser = record.certificate(100)
    assert lesser is not None
    assert [sum(p.duals) for p in lesser.steps] == [100]

    record.prove(apart, parted, worth(parted, 220))
    better = record.certificate()
    assert better is not None
    assert (better.bound, len(better.steps)) == (220, 3)


def test_fines_name_a_request_of_each_item_and_round_up() -> None:
    instance = KNOWN[0]
    scale = instance.scale
    record = Record(instance, least=1)
    duals = np.full(len(instance), 1000 * scale + 1)
    sigma = np.array([5 * scale + 1, 0])
    cuts = (Cut(items=(0, 2, 3)), Cut(items=(0, 1, 2)))
    record.prove(Record.ROOT, instance, duals, cuts, sigma)
    certificate = record.certificate(instance.grain)

    assert certificate is not None
    (proof,) = certificate.steps
    named = sorted(instance.items[i][0] for i in (0, 2, 3))
    assert proof.fines == (Fine(positions=tuple(named), penalty=6),)
    assert proof.scale == 1
    assert sorted(proof.duals)[-1] == 1000


def test_nothing_proven_is_no_certificate_and_no_node_branches_twice() -> None:
    instance = KNOWN[0]
    record = Record(instance, least=1)

    assert (record.bound(), record.certificate()) == (0, None)
    record.prove(Record.ROOT, instance, np.full(len(instance), -5))
    assert (record.bound(), record.certificate()) == (0, None)
    record.branch_on_number(Record.ROOT, 2)
    with pytest.raises(ValueError, match="branched already"):
        record.branch_on_number(Record.ROOT, 2)
