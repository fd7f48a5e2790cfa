"""Careless searches that record what they prove: certificates to test with."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np

from optimizer.instance import Instance
from optimizer.pricing import Cut, price
from optimizer.propose import Serial, TaskReport
from optimizer.record import Record
from optimizer.reshape import join, keep_apart
from optimizer.selection.outcome import Selection
from optimizer.selection.parts import fewest_bins
from tests.solving import candidate_pairs


def recording(
    tasks: Sequence[Instance], *, gap: float, report: TaskReport
) -> tuple[Selection, ...]:
    """Solve tasks, and record proofs that are mostly weaker than the search's own."""
    return tuple(
        replace(
            selection,
            bound=certificate.bound if certificate else 0,
            certificate=certificate,
        )
        for selection, task in zip(
            Serial()(tasks, gap=gap, report=report), tasks, strict=True
        )
        for certificate in [searched(task, Random(f"{task.items}")).certificate()]
    )


def searched(part: Instance, draw: Random, *, depth: int = 2) -> Record:
    """Return what is recorded of proofs at every node of a small random tree."""
    record = Record(part, least=fewest_bins(part))
    ahead = [(Record.ROOT, part, (fewest_bins(part), len(part)), 0)]
    while ahead:
        node, instance, (least, most), level = ahead.pop()
        prove(record, node, instance, least, most, draw)
        pairs = sorted(candidate_pairs(instance))
        if level == depth or not pairs or len(instance) < 3:
            continue
        if draw.random() < 0.3 and most - least > 1:
            cut = draw.randint(least, most - 1)
            few, many = record.branch_on_number(node, cut)
            ahead += [
                (few, instance, (least, cut), level + 1),
                (many, instance, (cut + 1, most), level + 1),
            ]
        else:
            first, second = draw.choice(pairs)
            one, two = record.branch_on_pair(node, instance, first, second)
            limits = (least, most)
            ahead += [
                (one, join(instance, first, second), limits, level + 1),
                (two, keep_apart(instance, first, second), limits, level + 1),
            ]
    return record


def prove(
    record: Record,
    node: int,
    instance: Instance,
    least: int,
    most: int,
    draw: Random,
) -> None:
    unit = instance.scale
    for _ in range(3):
        duals = np.array(
            [int(draw.uniform(0.5, 1.1) * int(a) * unit) for a in instance.alone]
        )
        cuts: tuple[Cut, ...] = ()
        if len(instance) > 3 and draw.random() < 0.7:
            cuts = (Cut(items=(0, 1, 3)), Cut(items=(1, 2, 3)))
        sigma = np.array([draw.randint(0, 2000 * unit) for _ in cuts], dtype=np.int64)
        tau = draw.choice([0, 0, 3000 * unit + 1, -1500 * unit - 1])
        found = price(instance, duals, cuts, sigma, tau, least=least, most=most)
        assert found is not None
        record.prove(node, instance, found.duals, cuts, sigma, tau)
