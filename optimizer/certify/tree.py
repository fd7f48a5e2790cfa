"""What the steps of one part's certificate prove, every proof priced again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from optimizer.certificate import Certificate, OnNumber, OnPair, Proof, proven
from optimizer.certify.every_bin import Contradiction, EveryBin
from optimizer.instance import LARGEST, Bin, Instance, Ints
from optimizer.pricing import Cut, price
from optimizer.reshape import join, keep_apart
from optimizer.selection.parts import fewest_bins


class Refuted(Exception):
    """A certificate does not prove what it says; the sentence says why."""


type Name = Callable[[Sequence[int]], str]
"""Names the requests at some positions."""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A part under the branchings on the way to a step."""

    instance: Instance
    least: int
    most: int | None = None
    together: tuple[tuple[int, int], ...] = ()
    apart: tuple[tuple[int, int], ...] = ()


def proven_by(
    certificate: Certificate,
    part: Instance,
    bins: EveryBin | None,
    name: Name,
    told: Callable[[], None],
) -> int:
    """Return the bound that steps prove for a part, in thousandths.

    Parameters
    ----------
    bins
        Every bin of the part, where they are few: each proof is held against them too.
    told
        Called after every proof.

    Raises
    ------
    Refuted
        When a step has no place, a branch has no proof, or a proof does not hold.
    """
    ahead = [Branch(instance=part, least=fewest_bins(part))]
    bounds: list[int] = []
    for step in certificate.steps:
        if not ahead:
            raise Refuted("it goes on after every branch has its proof.")
        branch = ahead.pop()
        match step:
            case Proof():
                bounds.append(_bound(step, certificate.positions, branch, bins, name))
                told()
            case OnPair():
                ahead += reversed(_on_pair(branch, step, name))
            case OnNumber(most=most):
                few = most if branch.most is None else min(most, branch.most)
                more = max(most + 1, branch.least)
                ahead += (replace(branch, least=more), replace(branch, most=few))
    if ahead:
        raise Refuted(f"{len(ahead)} of its branches have no proof.")
    return min(bounds)


def _on_pair(branch: Branch, step: OnPair, name: Name) -> tuple[Branch, Branch]:
    instance = branch.instance
    home = {p: i for i, item in enumerate(instance.items) for p in item}
    ends = (step.first, step.second)
    first, second = sorted((home[step.first], home[step.second]))
    if first == second or first not in instance.candidates_of(second):
        raise Refuted(f"{name(ends)} cannot be branched on where they are.")
    return (
        replace(
            branch,
            instance=join(instance, first, second),
            together=(*branch.together, ends),
        ),
        replace(
            branch,
            instance=keep_apart(instance, first, second),
            apart=(*branch.apart, ends),
        ),
    )


def _bound(
    proof: Proof,
    positions: tuple[int, ...],
    branch: Branch,
    bins: EveryBin | None,
    name: Name,
) -> int:
    """Return the bound of a proof in its branch, having tried to refute it."""
    instance = branch.instance
    factor, rest = divmod(instance.scale, proof.scale)
    if rest or _too_large(proof, instance, factor):
        raise Refuted("its numbers are too large or too fine to be checked exactly.")
    if bins is not None:
        found = bins.violated(proof, branch.together, branch.apart)
        if found is not None:
            raise Refuted(_sentence(found, name))
    dual = dict(zip(positions, proof.duals, strict=True))
    duals = factor * np.array(
        [sum(dual[p] for p in item) for item in instance.items], dtype=np.int64
    )
    cuts = _cuts(proof, instance, name)
    sigma = factor * np.array([fine.penalty for fine in proof.fines], dtype=np.int64)
    tau = factor * proof.tau
    claimed = _Claim(instance, duals, cuts, sigma, tau)
    for i, alone in enumerate(instance.alone):
        if int(duals[i]) + tau > instance.scale * int(alone):
            raise Refuted(claimed.against((i,), name))
    priced = price(instance, duals, cuts, sigma, tau)
    assert priced is not None  # nothing told it to stop
    if bool(np.any(priced.duals != duals)):
        worst = max(priced.bins, key=claimed.beyond, default=())
        if worst and claimed.beyond(worst) > 0:
            raise Refuted(claimed.against(worst, name))
        raise Refuted("its duals are not those of exact pricing.")
    most = len(instance) if branch.most is None else min(branch.most, len(instance))
    total = sum(proof.duals) - sum(fine.penalty for fine in proof.fines)
    total += proof.tau * (branch.least if proof.tau > 0 else most)
    return proven(total, scale=proof.scale, grain=instance.grain)


def _too_large(proof: Proof, instance: Instance, factor: int) -> bool:
    """Tell whether pricing could leave 64 bits."""
    figures = sum(abs(dual) for dual in proof.duals) + abs(proof.tau)
    figures += sum(fine.penalty for fine in proof.fines)
    terms = instance.max_requests + instance.max_customers + 2
    return figures * factor * terms > LARGEST


def _cuts(proof: Proof, instance: Instance, name: Name) -> tuple[Cut, ...]:
    home = {p: i for i, item in enumerate(instance.items) for p in item}
    cuts = []
    for fine in proof.fines:
        a, b, c = sorted(home[p] for p in fine.positions)
        if a == b or b == c:
            raise Refuted(
                f"a fine on {name(fine.positions)} names two requests that are joined."
            )
        cuts.append(Cut(items=(a, b, c)))
    return tuple(cuts)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A proof by item, in the scale of its instance."""

    instance: Instance
    duals: Ints
    cuts: tuple[Cut, ...]
    sigma: Ints
    tau: int

    def claimed(self, members: Bin) -> int:
        fines = sum(
            int(fine)
            for cut, fine in zip(self.cuts, self.sigma, strict=True)
            if cut.covers(members)
        )
        return int(self.duals[list(members)].sum()) + self.tau - fines

    def beyond(self, members: Bin) -> int:
        return self.claimed(members) - self.instance.scale * self.instance.cost(members)

    def against(self, members: Bin, name: Name) -> str:
        positions = sorted(p for i in members for p in self.instance.items[i])
        return _sentence(
            Contradiction(
                positions=tuple(positions),
                cost=self.instance.cost(members),
                claimed=Fraction(self.claimed(members), self.instance.scale),
            ),
            name,
        )


def _sentence(found: Contradiction, name: Name) -> str:
    return (
        f"the bin {name(found.positions)} costs {found.cost / 1000:,.3f} staff-days, "
        f"and the duals claim {float(found.claimed / 1000):,.6f}."
    )
