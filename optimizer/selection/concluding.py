"""The last steps of searches that there is no time to take on as they would go."""

from optimizer.selection.first import FIRST_NODE_LIMIT
from optimizer.selection.looking import EARLY_ITEMS, ROOT_ROUNDS, rounded
from optimizer.selection.solver import Search

WORTH = 2e-4
"""What part of a bound a proof should add to be made before its turn."""

RISE = 2
"""How many times as much as a relaxation has fallen its bound may rise by then."""


HURRIED = 0.94
SOONER = 0.25
"""To what part last duals are lowered where there is no time to price them as they are,
and what part of that time it takes then, with few search nodes."""

LOSS = 0.1
"""What part of it lowered duals fall short of the relaxation, about."""

FEW_ROUNDS = 24
"""Rounds of column generation until its duals prove more than shares of a plan do."""


def owes(search: Search) -> int:
    """Return about what a search's last duals prove beyond its bound, in thousandths.

    0 where that is not worth its time.
    """
    last = search.latest
    if last is None:
        return 0
    more = min(last.point.value, search.elsewhere) - search.bound
    if search.priced is not None:
        more = min(more, RISE * (search.priced - last.point.value))
    return int(more) if more > WORTH * search.bound else 0


def may_hurry(search: Search) -> bool:
    """Tell whether last duals may prove more than the bound even when lowered."""
    return search.pace.rounds >= FEW_ROUNDS and owes(search) > LOSS * search.bound


def may_look(search: Search) -> bool:
    """Tell whether nobody has looked for plans around a point of the relaxation yet."""
    last = search.latest
    return (
        last is not None
        and not search.looked
        and last.master.instance is search.instance
        and len(search.instance) >= EARLY_ITEMS
    )


def needs(search: Search, left: float) -> float:
    """Return about how many seconds it takes to conclude a search, of those left."""
    plan = search.pace.plan if may_look(search) else 0.0
    proof = search.pace.proof if owes(search) else 0.0
    if plan + proof >= left:
        proof = SOONER * search.pace.proof if may_hurry(search) else 0.0
    return plan + proof


def conclude(search: Search, left: float) -> None:
    """Price the last duals of a search, and look for plans around its last point.

    Between two proofs of a search there are many rounds: what they found proves nothing
    if time is up before the next. Where so few seconds are left that they cannot be
    priced, lower ones are, with few search nodes.
    """
    last = search.latest
    assert last is not None
    plan = search.pace.plan if may_look(search) else 0.0
    hurried = plan + search.pace.proof >= left
    if may_look(search):
        round_last(search)
    if not (may_hurry(search) if hurried else owes(search)):
        return
    search.latest = None
    if hurried:
        found = last.price_lowered(HURRIED, FIRST_NODE_LIMIT, search.stop)
    else:
        found = last.price(search.stop)
    if found is None:
        return
    search.priced = last.point.value
    master, duals = last.master, last.duals
    search.record.prove(
        last.node, master.instance, found.duals, master.cuts, duals.sigma, duals.tau
    )
    search.raise_bound(min(found.bound, search.elsewhere))
    search.keep(master, found.bins)


def round_last(search: Search) -> None:
    """Look for plans around the last point of a search."""
    if may_look(search):
        assert search.latest is not None
        search.looked = True
        rounded(search, search.latest.master, search.latest.point, ROOT_ROUNDS)
