"""The first proof of a search: fair shares of its first plan."""

from typing import TYPE_CHECKING

from optimizer.pricing import price
from optimizer.record import Record
from optimizer.selection.columns import WIDE
from optimizer.selection.latest import LONGER
from optimizer.selection.master import Master
from optimizer.selection.parts import lower, shares

if TYPE_CHECKING:
    from optimizer.selection.solver import Search

FIRST_NODE_LIMIT = 100
"""Search nodes per anchor for the first bound, which should not be long in coming."""

FIRST_PART = 0.85
"""What part of its share an item has there where there are many candidates: more takes
several times as long, and proves little more."""

STEEPER = 6
"""The power of their part by which lowered duals take less time than others."""


def first_proof(search: "Search", master: Master) -> int | None:
    """Prove a bound from fair shares of the best plan; None when told to stop.

    Where there are many candidates the shares are lowered.
    """
    instance = search.instance
    duals = shares(instance, search.best)
    part = FIRST_PART if len(instance.candidates) > WIDE else 1.0
    search.pace.begin()
    found = price(
        instance, lower(duals, part), node_limit=FIRST_NODE_LIMIT, stop=search.stop
    )
    if found is None:
        return None
    search.pace.proof = search.pace.took() * LONGER / part**STEEPER
    search.record.prove(Record.ROOT, instance, found.duals)
    search.raise_bound(found.bound)
    search.keep(master, found.bins)
    return found.bound
