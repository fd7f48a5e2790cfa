"""What a search proves on its way, kept until the certificate is made of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from optimizer.certificate import (
    Certificate,
    Fine,
    OnNumber,
    OnPair,
    Proof,
    Step,
    proven,
)
from optimizer.instance import Instance, Ints
from optimizer.pricing import Cut


class Record:
    """Notes what a search proves and how it branches, and makes the certificate.

    Nodes go by number: ``ROOT``, then those that branchings return. A node is branched
    at most once, and may be proven any number of times: the best proof counts.

    Parameters
    ----------
    root
        The instance that is searched.
    least
        A number of bins no partition of it goes below.
    """

    ROOT = 0

    def __init__(self, root: Instance, *, least: int) -> None:
        self._positions = tuple(sorted(p for item in root.items for p in item))
        self._nodes = [_Node(least=least, most=None)]

    def prove(
        self,
        node: int,
        instance: Instance,
        duals: Ints,
        cuts: Sequence[Cut] = (),
        sigma: Ints | None = None,
        tau: int = 0,
    ) -> int:
        """Note duals that are feasible at a node; return the bound they prove there.

        Parameters
        ----------
        instance
            The node's instance, under all branchings made.
        duals
            Of its items, feasible for all its bins, in 1/scale thousandths. They are
            kept as they are and must not be modified afterwards.
        cuts, sigma, tau
            As in pricing.
        """
        here = self._nodes[node]
        credited = (here.least if tau > 0 else _most(here, instance)) if tau else 0
        found = _Priced(
            items=instance.items,
            duals=duals,
            cuts=tuple(cuts),
            sigma=np.zeros(0, dtype=np.int64) if sigma is None else sigma,
            tau=tau,
            bins=credited,
            scale=instance.scale,
            grain=instance.grain,
        )
        bound = found.bound()
        if bound > here.bound:
            here.proof, here.bound = found, bound
        return bound

    def branch_on_pair(
        self, node: int, instance: Instance, first: int, second: int
    ) -> tuple[int, int]:
        """Branch on two items of the node's instance: return together, apart."""
        one, other = instance.items[first][0], instance.items[second][0]
        return self._branch(node, OnPair(first=one, second=other))

    def branch_on_number(self, node: int, most: int) -> tuple[int, int]:
        """Branch on the number of bins: return at most so many, at least one more."""
        return self._branch(node, OnNumber(most=most))

    def _branch(self, node: int, step: OnPair | OnNumber) -> tuple[int, int]:
        here = self._nodes[node]
        if here.step is not None:
            raise ValueError(f"Node {node} is branched already: {here.step}.")
        few, many = _Node(here.least, here.most), _Node(here.least, here.most)
        if isinstance(step, OnNumber):
            few.most = step.most if here.most is None else min(step.most, here.most)
            many.least = max(step.most + 1, here.least)
        here.step = step
        here.children = (len(self._nodes), len(self._nodes) + 1)
        self._nodes += [few, many]
        return here.children

    def duals(self, node: int) -> Ints | None:
        """Return the duals of a node's best proof, None where there is none.

        They are feasible without credit for bins, and without fines if it has no cuts.
        """
        proof = self._nodes[node].proof
        return None if proof is None else proof.duals

    def bound(self) -> int:
        """Return what is proven of the root, in thousandths, at least 0.

        A node is worth its own proof, or the lesser of its branches where that is more.
        """
        return max(0, self._worth()[self.ROOT])

    def certificate(self, bound: int | None = None) -> Certificate | None:
        """Return the least that proves a bound: None where that is nothing.

        Branches that are not needed for it are left out, and duals are rounded, to
        whole thousandths where they still prove it and else to the coarsest binary
        fraction that does.

        Parameters
        ----------
        bound
            In thousandths; by default, and at most, all that is proven.
        """
        worth = self._worth()
        target = worth[self.ROOT] if bound is None else min(bound, worth[self.ROOT])
        if target <= 0:
            return None
        place = {position: at for at, position in enumerate(self._positions)}
        steps: list[Step] = []
        ahead = [self.ROOT]
        while ahead:
            node = self._nodes[ahead.pop()]
            if node.proof is not None and node.bound >= target:
                steps.append(node.proof.coarsest(target, place))
            else:
                assert node.step is not None  # worth the target, though not by itself
                steps.append(node.step)
                ahead += reversed(node.children)
        return Certificate(positions=self._positions, steps=tuple(steps), bound=target)

    def _worth(self) -> list[int]:
        worth = [node.bound for node in self._nodes]
        for number in range(len(worth) - 1, -1, -1):  # branches come after their node
            children = self._nodes[number].children
            if children:
                least = min(worth[child] for child in children)
                worth[number] = max(worth[number], least)
        return worth


@dataclass(frozen=True, slots=True, kw_only=True)
class _Priced:
    """A proof as a search has it: by item."""

    items: tuple[tuple[int, ...], ...]
    duals: Ints
    cuts: tuple[Cut, ...]
    sigma: Ints
    tau: int
    bins: int
    scale: int
    grain: int

    def bound(self, shift: int = 0) -> int:
        """Return what is proven with ``shift`` binary digits of each number dropped.

        Duals and tau are rounded down and penalties up, so that feasible duals stay
        feasible: a shift to the right rounds down, whatever the sign.
        """
        total = int((self.duals >> shift).sum()) + int((-self.sigma >> shift).sum())
        total += (self.tau >> shift) * self.bins
        return proven(total, scale=self.scale >> shift, grain=self.grain)

    def coarsest(self, bound: int, place: dict[int, int]) -> Proof:
        """Return the proof of at least this bound with the smallest scale."""
        shift = self.scale.bit_length() - 1
        while shift and self.bound(shift) < bound:
            shift -= 1
        duals = [0] * len(place)
        for item, dual in zip(self.items, (self.duals >> shift).tolist(), strict=True):
            duals[place[item[0]]] = dual
        fines = []
        for cut, gain in zip(self.cuts, (-self.sigma >> shift).tolist(), strict=True):
            if gain:
                a, b, c = sorted(self.items[i][0] for i in cut.items)
                fines.append(Fine(positions=(a, b, c), penalty=-gain))
        return Proof(
            duals=tuple(duals),
            fines=tuple(fines),
            tau=self.tau >> shift,
            scale=self.scale >> shift,
        )


@dataclass(slots=True)
class _Node:
    least: int  # bins, at least
    most: int | None  # bins, at most
    bound: int = 0  # costs are not negative
    proof: _Priced | None = None
    step: OnPair | OnNumber | None = None
    children: tuple[int, ...] = field(default=())


def _most(node: _Node, instance: Instance) -> int:
    return len(instance) if node.most is None else min(node.most, len(instance))
