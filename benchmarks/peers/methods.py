"""Every method by name, with what is said of it in the table."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.peers.answer import Answer, Clock
from benchmarks.peers.pairs import build_pairs
from optimizer.problem import Problem

type Method = Callable[[Problem, Clock], Answer]

OURS = "allybin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A method: how it is run and up to how many requests it is worth trying."""

    title: str
    run: Method | None  # None: the allybin command itself
    needs: tuple[str, ...] = ()  # packages of the benchmarks alone
    up_to: int = 10**9
    beyond: str = ""


def _groups(problem: Problem, clock: Clock) -> Answer:  # noqa: ARG001 - one shape
    from benchmarks.peers.grouping import groups

    return Answer(bins=groups(problem))


def _groups_repaired(problem: Problem, clock: Clock) -> Answer:  # noqa: ARG001
    from benchmarks.peers.grouping import repaired

    return Answer(bins=repaired(problem, build_pairs(problem)))


def _agglomerative(problem: Problem, clock: Clock) -> Answer:  # noqa: ARG001
    from benchmarks.peers.agglomerative import by_complete_linkage

    return Answer(bins=by_complete_linkage(build_pairs(problem)))


def _savings(problem: Problem, clock: Clock) -> Answer:  # noqa: ARG001
    from benchmarks.peers.savings import by_savings

    return Answer(bins=by_savings(build_pairs(problem)))


def _max_p(problem: Problem, clock: Clock) -> Answer:  # noqa: ARG001
    from benchmarks.peers.regions import by_max_p

    return Answer(bins=by_max_p(build_pairs(problem)))


def _max_p_repaired(problem: Problem, clock: Clock) -> Answer:  # noqa: ARG001
    from benchmarks.peers.regions import repaired

    return Answer(bins=repaired(build_pairs(problem)))


def _cbc(problem: Problem, clock: Clock) -> Answer:
    from benchmarks.peers.integer_programs import with_cbc

    return with_cbc(build_pairs(problem), clock)


def _highs(problem: Problem, clock: Clock) -> Answer:
    from benchmarks.peers.integer_programs import with_highs

    return with_highs(build_pairs(problem), clock)


def _cp_sat(problem: Problem, clock: Clock) -> Answer:
    from benchmarks.peers.constraint_program import with_cp_sat

    return with_cp_sat(build_pairs(problem), clock)


NOT_APPLICABLE = "not run: floor instead of ceilings, connected instead of cliques"

PEERS: dict[str, Peer] = {
    "groupby": Peer(title="group-by system, region", run=_groups),
    "groupby-repaired": Peer(title="group-by, repaired", run=_groups_repaired),
    "agglomerative": Peer(
        title="agglomerative clustering", run=_agglomerative, needs=("scipy",)
    ),
    "savings": Peer(title="savings heuristic", run=_savings),
    "spopt": Peer(
        title="spopt max-p",
        run=_max_p,
        needs=("spopt",),
        up_to=200,
        beyond=NOT_APPLICABLE,
    ),
    "spopt-repaired": Peer(
        title="spopt max-p, repaired",
        run=_max_p_repaired,
        needs=("spopt",),
        up_to=200,
        beyond=NOT_APPLICABLE,
    ),
    "cbc": Peer(title="compact PuLP, CBC", run=_cbc, needs=("cbcbox",)),
    "highs": Peer(title="compact PuLP, HiGHS", run=_highs),
    "cp-sat": Peer(title="compact CP-SAT", run=_cp_sat, needs=("ortools",)),
    OURS: Peer(title="**allybin**", run=None),
}
