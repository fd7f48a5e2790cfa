"""The proof of a bound, kept so that it can be checked again.

A proof gives every request a dual. That no allowed bin costs less than the duals of its
requests can be checked bin by bin, in integers, and then no partition costs less than
the sum of the duals: no linear program has to be believed. Where one set of duals does
not prove enough, the problem is branched, and each branch has a proof.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Fine:
    """What a bin pays for holding two or more of three requests.

    ``penalty`` is in 1/scale thousandths of the proof.
    At most one bin of a partition does (Jepsen et al. 2008), so that all fines in sum
    cost a partition no more than each once.
    """

    positions: tuple[int, int, int]
    penalty: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Duals that no allowed bin undercuts: a claim about one branch of the problem.

    The claim is that for every bin B that the branch allows

        scale × cost(B) + fines of B  >=  duals of the requests of B + tau.

    Then no partition costs less than (duals - fines + tau × number of bins) / scale.

    Parameters
    ----------
    duals
        By request of the part, ascending, in 1/scale thousandths of a staff-day. What
        is joined has the dual of its requests in sum.
    fines
        Penalties, at least 0.
    tau
        What every bin is credited for being one; any sign.
    scale
        How many parts a thousandth is split in: a power of two.
    """

    duals: tuple[int, ...]
    fines: tuple[Fine, ...] = ()
    tau: int = 0
    scale: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPair:
    """A branching: two requests are in one bin, or they are not.

    In a list of steps, the branch in which they are together comes first.
    """

    first: int
    second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OnNumber:
    """A branching: there are at most ``most`` bins, or at least one more.

    In a list of steps, the branch with few bins comes first.
    """

    most: int


type Step = Proof | OnPair | OnNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The proof of a bound for one independent part of a problem.

    Parameters
    ----------
    positions
        The requests of the part, ascending.
    steps
        A tree in preorder: a branching, then all of its first branch, then all of its
        second; a proof ends a branch. A list holds trees of any depth.
    bound
        What the steps prove, in thousandths of a staff-day.
    """

    positions: tuple[int, ...]
    steps: tuple[Step, ...]
    bound: int


def relabelled(certificate: Certificate, place: Mapping[int, int]) -> Certificate:
    """Return a certificate whose requests have other positions, in the same order."""
    steps: list[Step] = []
    for step in certificate.steps:
        match step:
            case OnPair(first=first, second=second):
                steps.append(OnPair(first=place[first], second=place[second]))
            case Proof(fines=fines):
                moved = (
                    Fine(
                        positions=(place[a], place[b], place[c]),
                        penalty=fine.penalty,
                    )
                    for fine in fines
                    for a, b, c in [fine.positions]
                )
                steps.append(replace(step, fines=tuple(moved)))
            case _:
                steps.append(step)
    return replace(
        certificate,
        positions=tuple(place[p] for p in certificate.positions),
        steps=tuple(steps),
    )


def proven(total: int, *, scale: int, grain: int) -> int:
    """Return the bound, in thousandths, that a sum in 1/scale thousandths proves.

    Every total is a multiple of the grain, so none lies between the sum and the next.
    """
    return -(-total // (scale * grain)) * grain
