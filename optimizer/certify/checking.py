"""Is a stated lower bound proven: every proof of it checked again, exactly.

The parts of the problem are found anew, every proof is priced once in integers, and
the bounds are added up. Nothing a linear program said is believed. Parts with few bins
are checked twice: by the compiled pricing, and bin by bin with the figures of the
verifier, which shares no code with the solver; so is, in a batch that is not too large,
that no bin crosses two parts. Large parts rely on the pricing alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from optimizer.builder import Builder, Item
from optimizer.certificate import Certificate
from optimizer.certify.crossing import FEW_REQUESTS, crossing_pair
from optimizer.certify.every_bin import cost_of, every_bin, facts_by_position
from optimizer.certify.reading import read_parts
from optimizer.certify.tree import Refuted, proven_by
from optimizer.clusters import Cluster, find_clusters
from optimizer.errors import FiguresTooLarge, NoPlan
from optimizer.problem import Problem
from optimizer.tasks import bound_without_search
from optimizer.verify.facts import Setting, settle_facts

SHOWN = 3
"""Requests by which a part is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What came of checking a certificate.

    Parameters
    ----------
    findings
        Sentences on what does not hold; none where all of it does.
    bound
        What is proven, in thousandths of a staff-day.
    parts
        Independent parts of two items or more.
    proofs
        Proofs that hold.
    by_every_bin
        Those of them that were held against every bin of their part too.
    """

    findings: tuple[str, ...]
    bound: int
    parts: int
    proofs: int
    by_every_bin: int

    def against(self, stated: Decimal) -> tuple[str, ...]:
        """Return what speaks against a bound stated in staff-days."""
        if stated * 1000 <= self.bound:
            return self.findings
        more = (
            f"The lower bound is stated as {stated}; what the certificate proves is "
            f"{self.bound / 1000}."
        )
        return (*self.findings, more)


type Progress = Callable[[int, int], None]
"""Told how many proofs are checked, and of how many."""


def check(
    problem: Problem, stated: object, *, progress: Progress = lambda _, __: None
) -> Checked:
    """Check a certificate as it is written, and say what it proves.

    Parameters
    ----------
    stated
        The certificate of a proposal. Whatever its shape, it is judged.
    progress
        Told after every proof.
    """
    certificates, faults = read_parts(stated, problem.batch)
    checking = _Checking(problem, certificates, progress)
    try:
        bound = checking.run()
    except (NoPlan, FiguresTooLarge) as error:
        faults.append(f"The bound cannot be proven: {error}")
        bound = 0
    return Checked(
        findings=(*faults, *checking.findings),
        bound=bound,
        parts=checking.parts,
        proofs=checking.proofs,
        by_every_bin=checking.by_every_bin,
    )


class _Checking:
    """One check under way."""

    def __init__(
        self,
        problem: Problem,
        certificates: Sequence[Certificate],
        progress: Progress,
    ) -> None:
        self.problem = problem
        self.setting: Setting = settle_facts(
            problem.batch,
            problem.policy,
            problem.catalogue,
            problem.as_of,
            problem.rulings,
        )
        self.facts = facts_by_position(self.setting)
        self.entry = {known.positions: known for known in certificates}
        self.progress = progress
        self.expected = sum(len(known.steps) + 1 for known in certificates) // 2
        self.findings: list[str] = []
        self.parts = 0
        self.proofs = 0
        self.by_every_bin = 0

    def run(self) -> int:
        """Return what is proven of the whole problem, in thousandths."""
        fixed = [
            tuple(self.setting.facts[request_id] for request_id in members)
            for members in self.problem.rulings.fixed
        ]
        total = sum(cost_of(self.setting, members) for members in fixed)
        builder = Builder(self.problem)
        parts = [*_parts(builder, find_clusters(self.problem))]
        if len(self.problem) <= FEW_REQUESTS:
            self._require_apart(parts)
        for items in parts:
            if len(items) == 1:
                members = tuple(self.facts[position] for position in items[0])
                total += cost_of(self.setting, members)
            else:
                self.parts += 1
                total += self._part(builder, items)
        self.findings += [
            f"{self._name(positions)} are no independent part of the problem."
            for positions in self.entry
        ]
        return total

    def _require_apart(self, parts: Sequence[tuple[Item, ...]]) -> None:
        crossing = crossing_pair(
            self.setting,
            [
                [tuple(self.facts[position] for position in item) for item in items]
                for items in parts
            ],
        )
        if crossing:
            names = ", ".join(fact.request.request_id for fact in crossing)
            self.findings.append(
                f"{names} may share a bin and are taken for independent."
            )

    def _part(self, builder: Builder, items: tuple[Item, ...]) -> int:
        """Return what is proven of one part."""
        positions = tuple(sorted(p for item in items for p in item))
        certificate = self.entry.pop(positions, None)
        part = builder.build(items, outline=certificate is None)
        simple = bound_without_search(part)
        if certificate is None:
            return simple
        bins = every_bin(self.setting, self.facts, positions)
        before = self.proofs

        def told() -> None:
            self.proofs += 1
            self.progress(self.proofs, self.expected)

        try:
            bound = proven_by(certificate, part, bins, self._name, told)
        except Refuted as refuted:
            self.findings.append(
                f"The proof of the part of {self._name(positions)} does not hold: "
                f"{refuted}"
            )
            return simple
        if bins is not None:
            self.by_every_bin += self.proofs - before
        return max(bound, simple)

    def _name(self, positions: Sequence[int]) -> str:
        ids = [self.problem.requests[p].request_id for p in positions]
        if len(ids) > 2 * SHOWN:
            return f"{', '.join(ids[:SHOWN])} and {len(ids) - SHOWN} more"
        return ", ".join(ids)


def _parts(builder: Builder, clusters: Sequence[Cluster]) -> Iterator[tuple[Item, ...]]:
    """Yield the items of each independent part."""
    for cluster in clusters:
        if len(cluster.items) == 1:
            yield cluster.items
        else:
            yield from builder.split(cluster.items)
