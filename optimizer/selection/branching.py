"""Branching: on the number of bins, then on whether two items share one."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from optimizer.instance import Instance
from optimizer.pricing import Cut
from optimizer.record import Record
from optimizer.reshape import join, keep_apart
from optimizer.selection.master import LinearPoint, Master
from optimizer.selection.parts import count_undecided, most_undecided


@dataclass(order=True)
class Node:
    """A part of the search: the instance under the branchings made so far."""

    bound: int
    number: int
    instance: Instance = field(compare=False)
    record: int = field(compare=False, default=Record.ROOT)
    cuts: tuple[Cut, ...] = field(compare=False, default=())
    least: int = field(compare=False, default=0)  # bins, at least
    most: int | None = field(compare=False, default=None)  # bins, at most
    exact: bool = field(compare=False, default=False)  # a partition, not a cover


def branch(
    record: Record,
    tickets: Iterator[int],
    node: Node,
    master: Master,
    point: LinearPoint,
    bound: int,
) -> list[Node]:
    """Branch on the number of bins, or on a pair most undecided about sharing."""
    cuts = tuple(master.cuts)
    if count_undecided(point):
        bins = float(point.weights.sum())
        fewer, more = math.floor(bins), math.ceil(bins)
        few, many = record.branch_on_number(node.record, fewer)
        return [
            replace(
                node,
                bound=bound,
                number=next(tickets),
                record=few,
                cuts=cuts,
                most=fewer,
            ),
            replace(
                node,
                bound=bound,
                number=next(tickets),
                record=many,
                cuts=cuts,
                least=more,
                exact=True,
            ),
        ]
    instance = node.instance
    first, second = most_undecided(master, point)
    together, apart = record.branch_on_pair(node.record, instance, first, second)
    return [
        replace(
            node,
            bound=bound,
            number=next(tickets),
            record=together,
            instance=join(instance, first, second),
            cuts=tuple(
                cut.moved(first)
                for cut in cuts
                if first not in cut.items and second not in cut.items
            ),
        ),
        replace(
            node,
            bound=bound,
            number=next(tickets),
            record=apart,
            instance=keep_apart(instance, first, second),
            cuts=cuts,
        ),
    ]
