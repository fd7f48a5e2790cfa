"""Standing instructions of reviewers: together, apart, fixed (model.md section 1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from optimizer.batch import Batch
from optimizer.errors import RulingsContradict


class RulingKind(StrEnum):
    """What a ruling asks for."""

    TOGETHER = "together"
    APART = "apart"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One instruction over requests of the batch."""

    kind: RulingKind
    request_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulings:
    """Rulings settled against a batch: disjoint sets, no contradiction.

    ``together`` holds the joined sets of two or more requests, ``apart`` unordered
    pairs as sorted tuples, ``fixed`` the accepted bins. All in canonical order.
    """

    together: tuple[tuple[str, ...], ...] = ()
    apart: frozenset[tuple[str, str]] = frozenset()
    fixed: tuple[tuple[str, ...], ...] = ()

    def kept_apart(self, first: str, second: str) -> bool:
        """Tell whether an ``apart`` ruling names this pair."""
        return (min(first, second), max(first, second)) in self.apart


def settle(rulings: Iterable[Ruling], batch: Batch) -> Rulings:
    """Join, check and order rulings.

    ``together`` joins through shared members. A joined set inside one fixed bin is
    already obeyed and is dropped; one that only overlaps a fixed bin contradicts it.

    Raises
    ------
    RulingsContradict
        With a sentence for every unknown request, every pair apart inside a joined
        set or fixed bin, and every request in two fixed bins.
    """
    rulings = tuple(rulings)
    faults: list[str] = []
    for number, ruling in enumerate(rulings, start=1):
        faults += [
            f"Ruling {number} ({ruling.kind}) names {request_id}, "
            "which is not a request of the batch."
            for request_id in ruling.request_ids
            if request_id not in batch
        ]
    if faults:
        raise RulingsContradict(tuple(faults))

    joined = _join(r.request_ids for r in rulings if r.kind is RulingKind.TOGETHER)
    apart = frozenset(
        (min(pair), max(pair))
        for ruling in rulings
        if ruling.kind is RulingKind.APART
        for pair in combinations(sorted(set(ruling.request_ids)), 2)
    )
    fixed = sorted(
        {
            tuple(sorted(set(r.request_ids)))
            for r in rulings
            if r.kind is RulingKind.FIXED
        }
    )

    bin_of: dict[str, tuple[str, ...]] = {}
    for members in fixed:
        for request_id in members:
            if request_id in bin_of:
                faults.append(f"{request_id} is in two fixed bins.")
            bin_of[request_id] = members
    for kind, sets in (("together", joined), ("fixed", fixed)):
        faults += [
            f"{first} and {second} are ruled apart and, by a {kind} ruling, in one bin."
            for members in sets
            for first, second in combinations(members, 2)
            if (first, second) in apart
        ]
    free: list[tuple[str, ...]] = []
    for members in joined:
        homes = {bin_of.get(request_id) for request_id in members}
        if homes == {None}:
            free.append(members)
        elif len(homes) > 1:
            inside = next(r for r in members if r in bin_of)
            outside = next(r for r in members if bin_of.get(r) != bin_of[inside])
            faults.append(
                f"{outside} is ruled together with {inside}, "
                f"which is in the fixed bin {{{', '.join(bin_of[inside])}}}."
            )
    if faults:
        raise RulingsContradict(tuple(faults))
    return Rulings(together=tuple(free), apart=apart, fixed=tuple(fixed))


def _join(sets: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Union sets that share a member; return those of two or more, sorted."""
    home: dict[str, set[str]] = {}
    for members in sets:
        merged = set(members)
        for request_id in members:
            merged |= home.get(request_id, set())
        for request_id in merged:
            home[request_id] = merged
    unique = {tuple(sorted(members)) for members in home.values()}
    return sorted(members for members in unique if len(members) > 1)
