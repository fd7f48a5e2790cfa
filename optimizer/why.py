"""May two requests share a bin, and what would it cost if they had to, or could not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from optimizer.clusters import Cluster, find_clusters
from optimizer.compatibility import Block, blocks, may_share
from optimizer.earlier import Earlier
from optimizer.errors import NoPlan, RulingsContradict
from optimizer.problem import Problem
from optimizer.proposal.wording import listed, staff_days
from optimizer.propose import Engine, Plan, Serial, choose_bins, fixed_bins
from optimizer.rulings import Ruling, RulingKind, Rulings, settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether two requests may share a bin, and the price of deciding otherwise.

    ``blocks`` are the rules that keep them apart, ``together_now`` whether the plan
    has them in one bin. The price is the change of total cost, in thousandths, if they
    had to be together, or apart where they are together now. ``price`` is exact and
    None unless both plans are proven optimal; then ``price_low`` and ``price_high``
    hold what is proven. All three are None where there is no such plan; ``texts`` say
    why.
    """

    first_id: str
    second_id: str
    may_share: bool
    blocks: tuple[Block, ...]
    together_now: bool
    price: int | None
    price_low: int | None
    price_high: int | None
    texts: tuple[str, ...]


def why(
    problem: Problem,
    first_id: str,
    second_id: str,
    *,
    gap: float = 0.0,
    engine: Engine | None = None,
    earlier: Earlier | None = None,
    only_changed: bool = False,
) -> Answer:
    """Answer for two requests whether they may share, and the price of forcing it.

    Only the clusters that the two are in, and those a new ruling would join them to,
    are solved: under the standing rulings, and under one more. What is known of an
    ``earlier`` plan is not solved again; with ``only_changed`` not even where it was
    left with a wider gap than asked for.

    Raises
    ------
    KeyError
        When a request is not in the batch.
    ValueError
        When both are the same request.
    NoPlan, FiguresTooLarge
        As :func:`optimizer.propose.propose`.
    """
    if first_id == second_id:
        raise ValueError(f"{first_id} is one request: name two.")
    first, second = (problem.batch.position(name) for name in (first_id, second_id))
    found = blocks(problem, first, second)
    solve = engine or Serial()
    clusters = find_clusters(problem)
    choose = partial(
        choose_bins,
        gap=gap,
        engine=solve,
        earlier=earlier,
        only_changed=only_changed,
    )
    now, together = _standing(problem, clusters, (first, second), choose)
    low, high, text = _price(
        problem,
        clusters,
        (first, second),
        now,
        together=together,
        choose=choose,
    )
    exact = low if low == high else None
    lifted: tuple[str, ...] = ()
    if any({first_id, second_id} <= {*ids} for ids in problem.rulings.together):
        lifted = (f"A ruling puts {first_id} and {second_id} together.",)
        if found:
            codes = ", ".join(block.code for block in found)
            lifted = (*lifted, f"It lifts what would keep them apart ({codes}):")
    return Answer(
        first_id=first_id,
        second_id=second_id,
        may_share=not found or bool(lifted),
        blocks=() if lifted else found,
        together_now=together,
        price=exact,
        price_low=low,
        price_high=high,
        texts=(*lifted, *(block.text for block in found), text),
    )


type _Pair = tuple[int, int]
type _Choose = Callable[[Problem, Sequence[Cluster]], Plan]


def _standing(
    problem: Problem,
    clusters: Sequence[Cluster],
    pair: _Pair,
    choose: _Choose,
) -> tuple[Plan, bool]:
    """Return the plan of the clusters of two requests, and whether they share a bin."""
    touched = [c for c in clusters if not {*pair}.isdisjoint(c.positions)]
    plan = choose(problem, touched)
    bins = [*plan.bins, *fixed_bins(problem)]
    return plan, any({*pair} <= {*members} for members in bins)


def _price(
    problem: Problem,
    clusters: Sequence[Cluster],
    pair: _Pair,
    now: Plan,
    *,
    together: bool,
    choose: _Choose,
) -> tuple[int | None, int | None, str]:
    """Return the least and greatest proven change of total cost, and a sentence."""
    ids = tuple(problem.requests[i].request_id for i in pair)
    names = f"{ids[0]} and {ids[1]}"
    for members in problem.rulings.fixed:
        for name in ids:
            if name in members:
                text = f"{name} is in the accepted bin {{{listed(members)}}}"
                return None, None, f"{text}, which stays as it is: there is no price."
    kind = RulingKind.APART if together else RulingKind.TOGETHER
    try:
        ruled = _under(problem, Ruling(kind=kind, request_ids=ids))
        changed = find_clusters(ruled)
    except (RulingsContradict, NoPlan) as refused:
        return None, None, f"They cannot be forced {kind}: {refused}"
    before, after = _same_requests(clusters, changed, {*pair})
    touched = [c for c in before if not {*pair}.isdisjoint(c.positions)]
    old = now
    if len(touched) < len(before):
        old = choose(problem, before)
    new = choose(ruled, after)
    low, high = new.bound - old.cost, new.cost - old.bound
    joined = {name for members in problem.rulings.together for name in members}
    if together or (may_share(problem, *pair) and joined.isdisjoint(ids)):
        low = max(low, 0)  # a ruling that lifts no rule only takes plans away
    return low, high, _sentence(names, kind, low, high)


def _under(problem: Problem, ruling: Ruling) -> Problem:
    """Return the problem under one more ruling.

    Raises
    ------
    RulingsContradict
        When the ruling contradicts those that stand.
    """
    given = [*as_rulings(problem.rulings), ruling]
    return problem.under(settle(given, problem.batch))


def as_rulings(rulings: Rulings) -> tuple[Ruling, ...]:
    """Return settled rulings as the instructions they came from."""
    sets = (
        (RulingKind.TOGETHER, rulings.together),
        (RulingKind.APART, sorted(rulings.apart)),
        (RulingKind.FIXED, rulings.fixed),
    )
    return tuple(
        Ruling(kind=kind, request_ids=ids) for kind, found in sets for ids in found
    )


def _same_requests(
    before: Sequence[Cluster], after: Sequence[Cluster], wanted: set[int]
) -> tuple[list[Cluster], list[Cluster]]:
    """Return the fewest clusters of both kinds that cover the same requests."""
    covered = set(wanted)
    while True:
        old, new = (
            [c for c in clusters if not covered.isdisjoint(c.positions)]
            for clusters in (before, after)
        )
        reached = covered.union(*(c.positions for c in (*old, *new)))
        if reached == covered:
            return old, new
        covered = reached


def _sentence(names: str, kind: RulingKind, low: int, high: int) -> str:
    where = "in one bin" if kind is RulingKind.TOGETHER else "in different bins"
    if low == high:
        change = f"{'-' if low < 0 else '+'}{staff_days(abs(low))} staff-days"
        return f"With {names} {where}, the total cost changes by exactly {change}."
    ends = [f"{'-' if end < 0 else '+'}{staff_days(abs(end))}" for end in (low, high)]
    return (
        f"With {names} {where}, the total cost changes by {ends[0]} to {ends[1]} "
        "staff-days: the search ended before the exact price was proven."
    )
