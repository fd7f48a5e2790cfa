"""What is kept of solved parts, so that the next problem need not solve them again.

A part is known again by its key: a digest of everything that decides which bins it has
and what they cost. Nothing outside the part is in it but the policy, the catalogue and
the day, so that it is the same whatever becomes of the rest of the batch.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from hashlib import sha256
from operator import attrgetter
from typing import Final, cast

from optimizer.batch import Request
from optimizer.certificate import Certificate, Proof, Step, relabelled
from optimizer.digest import digest
from optimizer.known import Known
from optimizer.problem import Problem

type Item = tuple[int, ...]

WITHOUT_EFFECT: Final = frozenset(
    {"quantity", "needed_by", "remarks", "defaulted", "extra"}
)
"""Fields of a request that decide neither who may share nor what a bin costs."""

DECISIVE: Final = tuple(
    each.name for each in fields(Request) if each.name not in WITHOUT_EFFECT
)
"""Fields that do."""

_decisive = attrgetter(*DECISIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvedPart:
    """A part that was solved, by its own numbers: 0 is its first request.

    Parameters
    ----------
    key
        What it is known again by.
    request_ids
        Its requests, in order of arrival.
    bins, columns
        The plan, and further bins that a later search may begin with.
    cost, bound
        Of the plan, and what no plan costs less than, in thousandths.
    certificate
        What proves the bound; None where it needs no search.
    """

    key: str
    request_ids: tuple[str, ...]
    bins: tuple[tuple[int, ...], ...]
    cost: int
    bound: int
    certificate: Certificate | None
    columns: tuple[tuple[int, ...], ...] = ()

    def closed(self, gap: float) -> bool:
        """Tell whether the part was solved to a gap."""
        return self.cost - self.bound <= gap * self.cost


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What is kept of an earlier plan. With no parts: nothing is known, all is kept."""

    parts: tuple[SolvedPart, ...] = ()

    @cached_property
    def by_key(self) -> Mapping[str, SolvedPart]:
        """The parts by their keys."""
        return {part.key: part for part in self.parts}

    @cached_property
    def holding(self) -> Mapping[str, SolvedPart]:
        """The part of each request."""
        return {name: part for part in self.parts for name in part.request_ids}


class Keys:
    """Makes the keys of the parts of one problem."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._context = digest(
            problem.policy, problem.catalogue.digest, problem.as_of.isoformat()
        )
        self._apart: dict[str, list[str]] = {}
        for one, other in sorted(problem.rulings.apart):
            self._apart.setdefault(one, []).append(other)
        position = problem.batch.position
        self._ruled = {position(i) for pair in problem.rulings.apart for i in pair}
        self._known = cast(
            "dict[tuple[Item, ...], str]", problem.remembered.setdefault("keys", {})
        )

    def of(self, items: Sequence[Item]) -> str:
        """Return the key of the part of some items.

        Where no ruling is about them it is remembered for as long as the problem is.
        """
        part = tuple(items)
        ruled = any(len(i) > 1 or i[0] in self._ruled for i in part)
        if ruled:
            return self._made(part)
        if part not in self._known:
            self._known[part] = self._made(part)
        return self._known[part]

    def _made(self, items: Sequence[Item]) -> str:
        problem = self._problem
        requests, precedent = problem.requests, problem.has_precedent
        positions = sorted(p for item in items for p in item)
        ids = {requests[p].request_id for p in positions}
        facts = [(_decisive(requests[p]), precedent[p]) for p in positions]
        joined = [[requests[p].request_id for p in i] for i in items if len(i) > 1]
        apart = [
            (one, other)
            for one in sorted(ids & self._apart.keys())
            for other in self._apart[one]
            if other in ids
        ]
        told = repr((self._context, facts, sorted(joined), apart))
        return sha256(told.encode()).hexdigest()


def solved_part(
    problem: Problem,
    key: str,
    items: Sequence[Item],
    bins: Iterable[Item],
    *,
    cost: int,
    bound: int,
    certificate: Certificate | None,
    columns: Iterable[Item] = (),
) -> SolvedPart:
    """Return what is kept of a part that was solved, given by request positions."""
    positions = sorted(p for item in items for p in item)
    place = {position: at for at, position in enumerate(positions)}
    return SolvedPart(
        key=key,
        request_ids=tuple(problem.requests[p].request_id for p in positions),
        bins=tuple(tuple(place[p] for p in members) for members in bins),
        cost=cost,
        bound=bound,
        certificate=None if certificate is None else relabelled(certificate, place),
        columns=tuple(tuple(place[p] for p in members) for members in columns),
    )


def at_positions(
    problem: Problem, part: SolvedPart
) -> tuple[tuple[Item, ...], Certificate | None]:
    """Return bins and proof of an unchanged part, where its requests now stand."""
    place = {at: problem.batch.position(r) for at, r in enumerate(part.request_ids)}
    proof = part.certificate
    return (
        tuple(tuple(place[at] for at in members) for members in part.bins),
        None if proof is None else relabelled(proof, place),
    )


def known_of(problem: Problem, items: Sequence[Item], earlier: Earlier) -> Known:
    """Return what earlier parts say of the requests of a part that has changed.

    Requests that have left the part are below 0: nothing has their numbers.
    """
    ids = {problem.requests[p].request_id: p for item in items for p in item}
    parts = {
        part.key: part
        for name in ids
        if (part := earlier.holding.get(name)) is not None
    }
    bins: list[Item] = []
    columns: list[Item] = []
    proofs: list[Certificate] = []
    gone = 0
    for part in parts.values():
        place: dict[int, int] = {}
        for at, name in enumerate(part.request_ids):
            gone -= name not in ids
            place[at] = ids.get(name, gone)
        bins += _left(part.bins, place)
        columns += _left(part.columns, place)
        if part.certificate is not None:
            proofs.append(relabelled(part.certificate, place))
    return Known(
        bins=tuple(dict.fromkeys(bins)),
        columns=tuple(dict.fromkeys(columns)),
        certificate=_together(proofs),
    )


def _left(bins: Iterable[Item], place: Mapping[int, int]) -> list[Item]:
    """Return bins without the requests that have left."""
    found = (tuple(sorted(p for at in b if (p := place[at]) >= 0)) for b in bins)
    return [members for members in found if members]


def _together(proofs: Sequence[Certificate]) -> Certificate | None:
    """Return one hint of several proofs: the longest, its duals joined by the others'.

    It proves nothing of the parts together.
    """
    if not proofs:
        return None
    longest = max(proofs, key=lambda proof: len(proof.steps))
    others = [
        (proof.positions, step)
        for proof in proofs
        if proof is not longest
        for step in [step for step in proof.steps if isinstance(step, Proof)][:1]
    ]
    found = (*longest.steps, *(step for _, step in others))
    scale = max((step.scale for step in found if isinstance(step, Proof)), default=1)
    more = [dual * (scale // step.scale) for _, step in others for dual in step.duals]
    steps: list[Step] = [
        replace(
            step,
            duals=(*(dual * (scale // step.scale) for dual in step.duals), *more),
            fines=tuple(
                replace(fine, penalty=fine.penalty * (scale // step.scale))
                for fine in step.fines
            ),
            tau=step.tau * (scale // step.scale),
            scale=scale,
        )
        if isinstance(step, Proof)
        else step
        for step in longest.steps
    ]
    return replace(
        longest,
        positions=(*longest.positions, *(p for named, _ in others for p in named)),
        steps=tuple(steps),
    )
