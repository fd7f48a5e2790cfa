"""The last steps of searches that there is no time to take on as they would go."""

from optimizer.selection.solver import EARLY_ITEMS, ROOT_ROUNDS, Search

WORTH = 2e-4
"""What part of a bound a proof should add to be made before its turn."""

RISE = 2
"""How many times as much as a relaxation has fallen its bound may rise by then."""


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


def may_look(search: Search) -> bool:
    """Tell whether nobody has looked for plans around a point of the relaxation yet."""
    last = search.latest
    return (
        last is not None
        and not search.looked
        and last.master.instance is search.instance
        and len(search.instance) >= EARLY_ITEMS
    )


def needs(search: Search) -> float:
    """Return about how many seconds it takes to conclude a search."""
    proof = search.pace.proof if owes(search) else 0.0
    return proof + (search.pace.plan if may_look(search) else 0.0)


def conclude(search: Search) -> None:
    """Price the last duals of a search, and look for plans around its last point.

    Between two proofs of a search there are many rounds: what they found proves nothing
    if time is up before the next.
    """
    last = search.latest
    assert last is not None
    if may_look(search):
        search.looked = True
        search.rounded(last.master, last.point, ROOT_ROUNDS)
    if not owes(search):
        return
    search.latest = None
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
