"""The cheapest ways to put some requests of a part, found by excluding answers.

What a plan of the part does with the requests of a bin B, the set of bins that hold
them, is its *answer*. An answer costs what the cheapest plan with it costs.

They are found by excluding answers (after Lawler, *A procedure for computing the K best
solutions to discrete optimization problems*, Management Science 18, 1972). A plan does
not answer {S1, …, Sm} exactly when, for one i, it has the bins S1 to S(i-1) and not Si;
and it does not have the bin S exactly when it parts two of its requests, or has all of
them in one bin with another request. Every such case is a few rulings more (``fixed``,
``apart``, ``together``), so that the solver itself, which is exact under rulings, finds
the cheapest plan of each. The cases are disjoint and cover all that is left: once each
is solved, or proven to cost more, the cheapest plan of all of them is the next answer.

Requests that no rule and no figure tells apart can change places at no cost. Plans that
differ in nothing else are one: the others are counted.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from optimizer import cost
from optimizer.clusters import find_clusters
from optimizer.compatibility import may_share
from optimizer.earlier import DECISIVE, Earlier
from optimizer.errors import NoPlan, RulingsContradict
from optimizer.problem import Problem
from optimizer.propose import Progress, Serial, choose_bins, fixed_bins
from optimizer.rulings import Ruling, RulingKind, settle
from optimizer.why import as_rulings

type Ids = tuple[str, ...]
type Remaining = Callable[[], float | None]
"""Tells how many seconds are left; None for no limit."""

ROUNDS = 1.4
"""Times what the cases of one answer may take that has to be left for those of more."""

MOST_EXCHANGED = 40
"""Plans that differ by an exchange of like requests, after which no more are sought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A plan of the part whose answer is another one.

    Parameters
    ----------
    bins
        All bins of the part.
    cost
        In thousandths of a staff-day.
    bound
        What every alternative but those before it costs at least, as far as is proven.
    """

    bins: tuple[Ids, ...]
    cost: int
    bound: int

    @property
    def is_proven(self) -> bool:
        """Whether no other alternative, but those before it, costs less."""
        return self.cost <= self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The cheapest alternatives for the requests of a bin, cheapest first.

    Parameters
    ----------
    part
        The requests that are looked at, under the rulings that concern them.
    bins, cost
        The part as the plan has it.
    alternatives
        Fewer than were asked for where there are no more, or the time was up.
    bound
        What every alternative that is not among them costs at least; None where there
        is none.
    exchanged
        Plans that were passed over, for they only exchange like requests.
    in_time
        Whether no case was left because the time was up.
    """

    part: Problem
    bins: tuple[Ids, ...]
    cost: int
    alternatives: tuple[Alternative, ...]
    bound: int | None
    exchanged: int
    in_time: bool


@dataclass(slots=True, kw_only=True)
class _Case:
    """Plans under some rulings: the best that is known of them, and what is proven."""

    rulings: tuple[Ruling, ...]
    bound: int
    cost: int = 0
    bins: tuple[Ids, ...] = field(default=())


class Search:
    """Looks for the cheapest answers, one after another."""

    def __init__(
        self,
        part: Problem,
        asked: Ids,
        remaining: Remaining,
        earlier: Earlier,
        plans: tuple[tuple[Ids, ...], ...],
    ) -> None:
        self._part = part
        self._asked = frozenset(asked)
        self._remaining = remaining
        self._earlier = earlier
        self._base = as_rulings(part.rulings)
        self._like = _like(part)
        self._solved: list[_Case] = []  # with a plan, not yet given out
        self._unseen: list[int] = []  # bounds of cases without a plan
        self._plans = [(sum(map(self._cost, bins)), bins) for bins in sorted(plans)]
        self._in_time = True

    def found(self, own: tuple[Ids, ...], count: int) -> Nearest:
        """Return the alternatives to a plan of the part."""
        seen = {self._shape(own)}
        given: list[Alternative] = []
        exchanged = 0
        whole = _Case(rulings=(), bound=0)
        self._solve(whole, None, count + 1, only_changed=True)
        self._solved.clear()
        self._exclude(whole, (tuple(sorted(self._asked)),), count)
        while self._solved and len(given) < count and exchanged < MOST_EXCHANGED:
            best = min(self._solved, key=lambda case: (case.cost, case.bins))
            bound = min(self._bounds())
            shape = self._shape(best.bins)
            if shape in seen:
                exchanged += 1
            else:
                seen.add(shape)
                given.append(Alternative(bins=best.bins, cost=best.cost, bound=bound))
            self._solved.remove(best)
            wanted = count - len(given)
            self._exclude(best, self._answer(best.bins), wanted)
        bounds = self._bounds()
        return Nearest(
            part=self._part,
            bins=own,
            cost=sum(self._cost(ids) for ids in own),
            alternatives=tuple(given),
            bound=min(bounds) if bounds else None,
            exchanged=exchanged,
            in_time=self._in_time,
        )

    def _bounds(self) -> list[int]:
        return [*(case.bound for case in self._solved), *self._unseen]

    def _answer(self, bins: Iterable[Ids]) -> tuple[Ids, ...]:
        return tuple(ids for ids in bins if not self._asked.isdisjoint(ids))

    def _exclude(self, case: _Case, answer: Sequence[Ids], wanted: int) -> None:
        """Solve what is left of a case without an answer, as far as it can matter."""
        cases = [
            _Case(rulings=rulings, bound=case.bound)
            for rulings in self._without(case.rulings, answer)
        ]
        for place, one in enumerate(cases):
            cutoff = self._cutoff(wanted) if wanted else one.bound
            if cutoff is not None and one.bound >= cutoff:
                self._unseen.append(one.bound)
                continue
            if self._late():
                self._in_time = False
                self._without_search(one)
                continue
            self._solve(one, cutoff, (len(cases) - place) * ROUNDS)

    def _without_search(self, case: _Case) -> None:
        """Take a plan that is known for a case that there is no time for."""
        spent, bins = self._known_plan(case)
        if bins:
            case.cost, case.bins = spent, bins
            self._solved.append(case)
        else:
            self._unseen.append(case.bound)

    def _known_plan(self, case: _Case) -> tuple[int, tuple[Ids, ...]]:
        """Return the cheapest plan that is known and belongs to a case."""
        fits = (one for one in self._plans if _obeys(one[1], case.rulings))
        return min(fits, default=(0, ()))

    def _late(self) -> bool:
        seconds = self._remaining()
        return seconds is not None and seconds <= 0

    def _cutoff(self, wanted: int) -> int | None:
        """Return what a plan has to cost less than to be among those wanted."""
        costs = sorted(case.cost for case in self._solved)
        return costs[wanted - 1] if 0 < wanted <= len(costs) else None

    def _solve(
        self,
        case: _Case,
        cutoff: int | None,
        shared_by: float,
        *,
        only_changed: bool = False,
    ) -> None:
        """Find the cheapest plan of a case, or what it costs at least.

        The time that is left is for as many cases as share it.
        """
        try:
            ruled = self._under(case.rulings)
            clusters = find_clusters(ruled)
        except (RulingsContradict, NoPlan):
            return  # there is no such plan
        accepted = fixed_bins(ruled)
        spent = sum(cost.cost(ruled, at) for at in accepted)
        seconds = self._remaining()
        ends = None if seconds is None else seconds - seconds / shared_by

        def note(progress: Progress) -> None:
            case.bound = max(case.bound, progress.bound + spent)

        def stop() -> bool:
            if cutoff is not None and case.bound >= cutoff:
                return True
            left = self._remaining()
            late = ends is not None and left is not None and left <= ends
            self._in_time &= not late
            return late

        def left() -> float | None:
            now = self._remaining()
            return None if now is None or ends is None else max(0.0, now - ends)

        plan = choose_bins(
            ruled,
            clusters,
            gap=0.0,
            engine=Serial(stop=stop, remaining=left),
            on_progress=note,
            earlier=self._earlier,
            only_changed=only_changed,
        )
        names = self._part.requests
        case.bins = tuple(
            sorted(
                tuple(sorted(names[at].request_id for at in members))
                for members in (*plan.bins, *accepted)
            )
        )
        case.cost = plan.cost + spent
        better, known = self._known_plan(case)
        if known and better < case.cost:
            case.cost, case.bins = better, known
        case.bound = max(case.bound, plan.bound + spent)
        self._solved.append(case)

    def _under(self, rulings: Iterable[Ruling]) -> Problem:
        return self._part.under(settle((*self._base, *rulings), self._part.batch))

    def _without(
        self, rulings: tuple[Ruling, ...], answer: Sequence[Ids]
    ) -> Iterator[tuple[Ruling, ...]]:
        """Yield rulings under which some bins are not all there, each plan once."""
        there = rulings
        for ids in sorted(answer, key=lambda ids: (len(ids), ids)):
            for more in self._not_a_bin(there, ids):
                yield (*there, *more)
            there = (*there, Ruling(kind=RulingKind.FIXED, request_ids=ids))

    def _not_a_bin(
        self, rulings: tuple[Ruling, ...], ids: Ids
    ) -> Iterator[tuple[Ruling, ...]]:
        """Yield rulings under which a set is no bin: it is parted, or a larger one."""
        first = ids[0]
        for place, other in enumerate(ids[1:], start=1):
            apart = Ruling(kind=RulingKind.APART, request_ids=(first, other))
            if place == 1:
                yield (apart,)
            else:
                whole = Ruling(kind=RulingKind.TOGETHER, request_ids=ids[:place])
                yield (whole, apart)
        shunned: list[Ruling] = []
        for group in self._joining(rulings, ids):
            joined = Ruling(kind=RulingKind.TOGETHER, request_ids=(*ids, *group))
            yield (joined, *shunned)
            shunned.append(Ruling(kind=RulingKind.APART, request_ids=(first, group[0])))

    def _joining(self, rulings: tuple[Ruling, ...], ids: Ids) -> Iterator[Ids]:
        """Yield what may join all of some requests: others alone or ruled together."""
        try:
            ruled = self._under(rulings)
        except RulingsContradict:
            return
        gone = {name for fixed in ruled.rulings.fixed for name in fixed}
        grouped = {name for group in ruled.rulings.together for name in group}
        lone = [(r.request_id,) for r in ruled.requests if r.request_id not in grouped]
        position = ruled.batch.position
        for group in (*ruled.rulings.together, *lone):
            if not gone.isdisjoint(group) or not {*ids}.isdisjoint(group):
                continue
            if all(
                may_share(ruled, position(one), position(other))
                for one in ids
                for other in group
            ):
                yield group

    def _cost(self, ids: Ids) -> int:
        return cost.cost(
            self._part, sorted(self._part.batch.position(name) for name in ids)
        )

    def _shape(self, bins: Iterable[Ids]) -> object:
        """Return what a plan is but for exchanges of like requests."""
        kinds = (tuple(sorted(self._like[name] for name in ids)) for ids in bins)
        return frozenset(Counter(kinds).items())


def _obeys(bins: Iterable[Ids], rulings: Iterable[Ruling]) -> bool:
    """Tell whether a plan keeps to rulings."""
    sets = {frozenset(ids) for ids in bins}
    home = {name: ids for ids in sets for name in ids}
    for one in rulings:
        homes = {home[name] for name in one.request_ids}
        if one.kind is RulingKind.APART:
            kept = len(homes) == len({*one.request_ids})
        elif one.kind is RulingKind.FIXED:
            kept = frozenset(one.request_ids) in sets
        else:
            kept = len(homes) == 1
        if not kept:
            return False
    return True


def _like(part: Problem) -> Mapping[str, int]:
    """Number requests: the same for those that no rule and no figure tells apart."""
    ruled = {name for one in as_rulings(part.rulings) for name in one.request_ids}
    facts = attrgetter(*(name for name in DECISIVE if name != "request_id"))
    number: dict[object, int] = {}
    found = {}
    for request, known in zip(part.requests, part.has_precedent, strict=True):
        name = request.request_id
        key: object = name if name in ruled else (facts(request), known)
        found[name] = number.setdefault(key, len(number))
    return found
