"""What of a written proposal may be taken over: only what is proven again.

A file may have been changed by anyone. A part of it stands for a part of the problem
when it has the same requests, its bins are allowed, and its proof holds in exact
integers; what it costs is reckoned anew. All else is a hint for the search.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from optimizer.builder import Builder, Item
from optimizer.certificate import Certificate, relabelled
from optimizer.certify.kept import Listed
from optimizer.certify.reading import Malformed, read_part
from optimizer.certify.tree import Refuted, proven_by
from optimizer.clusters import find_clusters
from optimizer.earlier import Earlier, Keys, SolvedPart, solved_part
from optimizer.instance import Instance
from optimizer.problem import Problem
from optimizer.selection.parts import is_bin
from optimizer.tasks import bound_without_search

type Ids = tuple[str, ...]


class Parts:
    """The parts of a problem that no allowed pair joins, found without an answer.

    ``alone`` are the items that may share with nobody, ``several`` all other parts
    with their keys, in the order of their clusters.
    """

    def __init__(self, problem: Problem) -> None:
        self.builder = Builder(problem)
        self.alone: list[Item] = []
        self.several: list[tuple[str, Sequence[Item]]] = []
        keys = Keys(problem)
        for cluster in find_clusters(problem):
            items = cluster.items
            for part in [items] if len(items) == 1 else self.builder.split(items):
                if len(part) == 1:
                    self.alone += part
                else:
                    self.several.append((keys.of(part), part))


def earlier_of(
    problem: Problem,
    document: Mapping[str, object],
    *,
    stop: Callable[[], bool] = lambda: False,
    checked: Earlier | None = None,
    parts: "Parts | None" = None,
) -> Earlier:
    """Return what a written proposal says of the parts of a problem.

    Parameters
    ----------
    problem
        The problem that is to be solved now, which may be another than the proposal's.
    document
        An earlier proposal as it is written. Whatever its shape, it is judged.
    stop
        Asked between parts; when it says so, the rest are hints.
    checked
        What such a check found of an earlier proposal, kept where nobody else writes:
        a part that is in it with the same bins and the same proof is not priced again.
    parts
        The parts of the problem, where they are known already.
    """
    written = _Written(document)
    known = Parts(problem) if parts is None else parts
    proven: list[SolvedPart] = []
    for key, items in known.several:
        if not stop():
            found = _checked(problem, key, items, written, checked)
            found = found or _proven(problem, known.builder, key, items, written)
            proven += [] if found is None else [found]
    certain = {name for part in proven for name in part.request_ids}
    hints = [part for part in written.hints() if certain.isdisjoint(part.request_ids)]
    return Earlier(parts=(*proven, *hints))


def _checked(
    problem: Problem,
    key: str,
    items: Sequence[Item],
    written: "_Written",
    checked: Earlier | None,
) -> SolvedPart | None:
    """Return a part that was checked before, None where it is not the same now."""
    known = None if checked is None else checked.by_key.get(key)
    if known is None:
        return None
    positions = sorted(p for item in items for p in item)
    ids = tuple(problem.requests[p].request_id for p in positions)
    bins = {
        frozenset(known.request_ids[at] for at in members) for members in known.bins
    }
    proof = written.proofs.get(ids)
    same_proof = (
        known.certificate is None
        if proof is None
        else known.certificate is not None and proof.steps == known.certificate.steps
    )
    same = (
        known.request_ids == ids
        and bins == {frozenset(members) for members in written.bins_of(ids)}
        and same_proof
    )
    return known if same else None


def _proven(
    problem: Problem,
    builder: Builder,
    key: str,
    items: Sequence[Item],
    written: "_Written",
) -> SolvedPart | None:
    """Return a part of the problem as it is written, None where that does not hold."""
    positions = sorted(p for item in items for p in item)
    ids = tuple(problem.requests[p].request_id for p in positions)
    bins = [
        tuple(sorted(map(problem.batch.position, members)))
        for members in written.bins_of(ids)
    ]
    if sorted(p for members in bins for p in members) != positions:
        return None
    part = builder.build(items)
    chosen = _as_items(part, bins)
    if chosen is None:
        return None
    proof = written.proofs.get(ids)
    bound = bound_without_search(part)
    certificate = None
    if proof is not None:
        moved = relabelled(proof, dict(enumerate(positions)))
        try:
            found = proven_by(moved, part, None, lambda _: "", lambda: None)
        except Refuted:
            return None
        if found >= bound:
            bound = found
            certificate = Certificate(
                positions=moved.positions, steps=moved.steps, bound=found
            )
    return solved_part(
        problem,
        key,
        items,
        sorted(bins),
        cost=sum(map(part.cost, chosen)),
        bound=bound,
        certificate=certificate,
    )


def _as_items(part: Instance, bins: Iterable[Item]) -> list[Item] | None:
    """Return bins of requests as bins of items, None where one is not allowed."""
    home = {p: i for i, item in enumerate(part.items) for p in item}
    found: list[Item] = []
    for positions in bins:
        members = tuple(sorted({home[p] for p in positions}))
        whole = sum(len(part.items[i]) for i in members) == len(positions)
        if not whole or not is_bin(part, members):
            return None
        found.append(members)
    return found


class _Written:
    """Bins and proofs of a document, as far as they can be read."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self.home: dict[str, Ids] = {}  # the bin of each request
        for entry in _listed(document.get("bins")):
            ids = _ids(entry)
            if self.home.keys().isdisjoint(ids):
                self.home.update(dict.fromkeys(ids, ids))
        self.proofs: dict[Ids, Certificate] = {}
        for entry in _listed(document.get("certificate")):
            ids = _ids(entry)
            try:
                self.proofs[ids] = read_part(entry, Listed(ids))
            except Malformed:
                continue  # such a part is solved again

    def bins_of(self, ids: Iterable[str]) -> list[Ids]:
        """Return the bins that lie within some requests."""
        inside = {*ids}
        found = dict.fromkeys(self.home[name] for name in ids if name in self.home)
        return [members for members in found if inside.issuperset(members)]

    def hints(self) -> list[SolvedPart]:
        """Return what is written as parts that stand for no part of a problem."""
        within = {name for ids in self.proofs for name in ids}
        rest = [
            members
            for members in dict.fromkeys(self.home.values())
            if len(members) > 1 and within.isdisjoint(members)
        ]
        return [
            SolvedPart(
                key=f"hint {number}",
                request_ids=ids,
                bins=tuple(
                    tuple(ids.index(name) for name in members)
                    for members in self.bins_of(ids)
                ),
                cost=0,
                bound=0,
                certificate=self.proofs.get(ids),
            )
            for number, ids in enumerate((*self.proofs, *rest))
        ]


def _listed(stated: object) -> Sequence[object]:
    return (
        stated if isinstance(stated, Sequence) and not isinstance(stated, str) else ()
    )


def _ids(entry: object) -> Ids:
    """Return the requests an entry names, none where it names no requests."""
    listed = _listed(entry.get("request_ids") if isinstance(entry, Mapping) else None)
    ids = tuple(name for name in listed if isinstance(name, str))
    return ids if len({*ids}) == len(listed) else ()
