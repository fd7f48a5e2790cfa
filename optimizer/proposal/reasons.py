"""Why each request that is left alone is alone, in terms a reviewer can check."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from optimizer import cost
from optimizer.compatibility import RULES
from optimizer.compatibility import category as category_rule
from optimizer.cost import Feature
from optimizer.policy import EffortCase
from optimizer.proposal.ledger import Alike, Ledger
from optimizer.proposal.neighbours import Neighbours
from optimizer.proposal.values import Reason
from optimizer.proposal.wording import dollars, listed, staff_days

type Members = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Standing:
    """A bin of the proposal as it stands, and what decides whom it could take in."""

    members: Members
    features: dict[Feature, int]
    customers: frozenset[str]
    start: int
    slope: int  # waiting cost of all members per day


@dataclass(frozen=True, slots=True, order=True)
class _Change:
    """A way for a request not to be alone: the change of total cost, and its bin."""

    price: int
    members: Members


class Reasons:
    """Reasons for the requests that one set of bins leaves alone."""

    def __init__(self, ledger: Ledger, bins: Sequence[Members]) -> None:
        self.ledger = ledger
        self.problem = ledger.problem
        self.bins = bins
        self._neighbours = Neighbours(ledger.problem)
        self._standing: dict[int, _Standing] = {}
        self._leaving: dict[int, int] = {}
        self._pair_efforts: dict[tuple[Alike, Alike], int] = {}
        self._joined = {
            ledger.problem.batch.position(request_id)
            for members in ledger.problem.rulings.together
            for request_id in members
        }

    @cached_property
    def _home(self) -> dict[int, int]:
        return {i: number for number, members in enumerate(self.bins) for i in members}

    def why_alone(self, position: int) -> tuple[Reason, ...]:
        """Return why a request is alone: category, rules, limits or cost.

        Parameters
        ----------
        position
            A request that is a bin by itself, and not of a ``fixed`` ruling.
        """
        problem = self.problem
        request = problem.requests[position]
        if problem.category_of[request.customer] is None:
            text = category_rule(problem, position, position) or ""
            return (Reason(code="category", text=text),)
        if len(problem) == 1:
            text = f"{request.request_id} is the only request of the batch."
            return (Reason(code="only_request", text=text),)
        sharing = set(self._neighbours.sharing(position))
        best, full = self._ways(position, sharing)
        if best is not None:
            return (self._dearer(position, best),)
        if full is not None:
            return (self._over_limits(position, full),)
        return self._blocked(position, sharing)

    # -- sharing would cost more, or break a limit ---------------------------------

    def _ways(
        self, position: int, sharing: set[int]
    ) -> tuple[_Change | None, Members | None]:
        """Return the cheapest way not to be alone, and a bin that breaks a limit.

        The ways are joining a bin as it stands, and a pair with one request taken out
        of its bin.
        """
        best: _Change | None = None
        full: Members | None = None
        for number in sorted({self._home[other] for other in sharing}):
            for change in self._ways_with(position, self._stand(number), sharing):
                if best is not None and best < change:
                    continue
                if self._limit_broken(change.members) is None:
                    best = change
                elif full is None:
                    full = change.members
        return best, full

    def _ways_with(
        self, position: int, bin_: _Standing, sharing: set[int]
    ) -> Iterator[_Change]:
        if sharing.issuperset(bin_.members):
            whole = tuple(sorted((*bin_.members, position)))
            yield _Change(self._joining(position, bin_), whole)
        if len(bin_.members) == 1:
            return
        for other in bin_.members:
            if other in sharing and other not in self._joined:
                price = self._pairing(position, other) + self._leave(other, bin_)
                yield _Change(price, (min(position, other), max(position, other)))

    def _stand(self, number: int) -> _Standing:
        if number not in self._standing:
            problem, members = self.problem, self.bins[number]
            features: dict[Feature, int] = {}
            for i in members:
                features |= self.ledger.features(i)
            requests = [problem.requests[i] for i in members]
            self._standing[number] = _Standing(
                members=members,
                features=features,
                customers=frozenset(r.customer for r in requests),
                start=cost.start_day(problem, members),
                slope=sum(problem.policy.wait_cost[r.priority] for r in requests),
            )
        return self._standing[number]

    def _joining(self, position: int, bin_: _Standing) -> int:
        """Return c(D + r) - c(D) - c(r)."""
        problem = self.problem
        request = problem.requests[position]
        shared = self.ledger.features(position).keys() & bin_.features.keys()
        saved = sum(bin_.features[feature] for feature in shared)
        rates = problem.policy.coordination[EffortCase.DEFAULT]
        together = rates.bin if len(bin_.members) == 1 else 0
        if request.customer not in bin_.customers:
            together += rates.customer_beyond_first
        later = problem.ready[position] - bin_.start
        slope = bin_.slope if later > 0 else problem.policy.wait_cost[request.priority]
        return together - saved + slope * abs(later)

    def _pairing(self, position: int, other: int) -> int:
        """Return c({r, s}) - c({r}) - c({s})."""
        alike = self.ledger.alike
        pair = (min(position, other), max(position, other))
        key = (alike[pair[0]], alike[pair[1]])
        if key not in self._pair_efforts:
            alone = self.ledger.effort(pair[:1]) + self.ledger.effort(pair[1:])
            self._pair_efforts[key] = self.ledger.effort(pair) - alone
        return self._pair_efforts[key] + cost.waiting(self.problem, pair)

    def _leave(self, other: int, bin_: _Standing) -> int:
        """Return c({s}) + c(D - s) - c(D)."""
        if other not in self._leaving:
            rest = tuple(i for i in bin_.members if i != other)
            self._leaving[other] = (
                self.ledger.cost((other,))
                + self.ledger.cost(rest)
                - self.ledger.cost(bin_.members)
            )
        return self._leaving[other]

    def _dearer(self, position: int, change: _Change) -> Reason:
        others = self._ids(i for i in change.members if i != position)
        names = listed(self._ids(change.members))
        if change.price < 0:
            text = (
                f"The search ended before it looked here: the bin {{{names}}} would "
                f"cost {staff_days(-change.price)} staff-days less."
            )
        else:
            text = (
                f"Sharing would cost more: the best bin {{{names}}} costs "
                f"+{staff_days(change.price)} staff-days."
            )
        return Reason(code="cost", text=text, others=others)

    def _limit_broken(self, members: Members) -> str | None:
        """Return what a bin has too much of, as the rest of a sentence, or None."""
        limits = self.problem.policy.limits
        requests = [self.problem.requests[i] for i in members]
        if len(members) > limits.max_requests:
            return (
                f"{len(members)} requests, and limits.max_requests is "
                f"{limits.max_requests}"
            )
        customers = len({r.customer for r in requests})
        if customers > limits.max_customers:
            return (
                f"{customers} customers, and limits.max_customers is "
                f"{limits.max_customers}"
            )
        value = sum(r.value_cents for r in requests)
        if value > limits.max_value_cents:
            return (
                f"{dollars(value)}, and limits.max_value_usd is "
                f"{dollars(limits.max_value_cents)}"
            )
        return None

    def _over_limits(self, position: int, members: Members) -> Reason:
        others = self._ids(i for i in members if i != position)
        text = (
            "Every bin it could join is over a limit: with "
            f"{listed(others)} it would come to {self._limit_broken(members)}."
        )
        return Reason(code="limits", text=text, others=others)

    # -- rules keep everyone away ----------------------------------------------------

    def _blocked(self, position: int, sharing: set[int]) -> tuple[Reason, ...]:
        """Return the rules that block the nearest candidates, grouped by code.

        Where a request it may share with is held in a bin by a ruling, the candidates
        are those of that bin it may not share with.
        """
        held = {
            i
            for other in sharing
            for i in self.bins[self._home[other]]
            if i not in sharing
        }
        near = (
            self._neighbours.looked_at(position, held)
            if held
            else self._neighbours.nearest(position)
        )
        if not near:
            text = "Every other request of the batch is in an accepted bin."
            return (Reason(code="others_fixed", text=text),)
        reasons: list[Reason] = []
        for code, rule in RULES:
            blocked = [n.position for n in near if code in n.codes]
            if blocked:
                named: dict[str, list[str]] = {}  # sentence -> whom it is about
                for i in blocked:
                    text = str(rule(self.problem, min(position, i), max(position, i)))
                    named.setdefault(text, []).append(
                        self.problem.requests[i].request_id
                    )
                texts = [f"{', '.join(ids)}: {text}" for text, ids in named.items()]
                reasons.append(
                    Reason(code=code, text=" ".join(texts), others=self._ids(blocked))
                )
        return tuple(reasons)

    def _ids(self, members: Iterable[int]) -> tuple[str, ...]:
        return tuple(self.problem.requests[i].request_id for i in members)
