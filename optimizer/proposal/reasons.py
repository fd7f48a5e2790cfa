"""Why each request that is left alone is alone, in terms a reviewer can check."""

from collections.abc import Iterable, Sequence

from optimizer.compatibility import RULES
from optimizer.compatibility import category as category_rule
from optimizer.proposal.ledger import Ledger
from optimizer.proposal.neighbours import Neighbours
from optimizer.proposal.values import Reason
from optimizer.proposal.ways import Change, Members, Ways, limit_broken
from optimizer.proposal.wording import listed, staff_days


class Reasons:
    """Reasons for the requests that one set of bins leaves alone."""

    def __init__(self, ledger: Ledger, bins: Sequence[Members]) -> None:
        self.ledger = ledger
        self.problem = ledger.problem
        self.bins = bins
        self._neighbours = Neighbours(ledger.problem)
        self._ways = Ways(ledger, bins)

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
        sharing = self._neighbours.sharing(position)
        if len(sharing):
            best, full = self._ways.of(position, sharing)
            if best is not None:
                return (self._dearer(position, best),)
            if full is not None:
                return (self._over_limits(position, full),)
        return self._blocked(position, {*sharing.tolist()})

    # -- sharing would cost more, or break a limit ---------------------------------

    def _dearer(self, position: int, change: Change) -> Reason:
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

    def _over_limits(self, position: int, members: Members) -> Reason:
        others = self._ids(i for i in members if i != position)
        text = (
            "Every bin it could join is over a limit: with "
            f"{listed(others)} it would come to {limit_broken(self.problem, members)}."
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
            for i in self.bins[int(self._ways.home[other])]
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
