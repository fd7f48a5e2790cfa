"""Clusters: the independent parts of a problem, none of whose bins cross two."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from optimizer.errors import NoPlan
from optimizer.graph import build_cell_graph
from optimizer.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One independent part of the problem.

    Parameters
    ----------
    items
        What a bin is put together from, in order of arrival of their last request: a
        request alone, or the requests of a ``together`` ruling. Positions ascending.
    """

    items: tuple[tuple[int, ...], ...]

    @property
    def positions(self) -> tuple[int, ...]:
        """All requests of the cluster, ascending."""
        return tuple(sorted(i for item in self.items for i in item))


def find_clusters(problem: Problem) -> tuple[Cluster, ...]:
    """Return the clusters of a problem, ordered by their first request.

    Connected components of the cell graph (with ``together`` sets joining cells), cut
    again where nothing arrives for longer than the policy's window. Requests in
    ``fixed`` bins have left the problem and are in no cluster.

    What holds without rulings is found once for a problem; then only the components
    that a ruling touches are looked at again.

    Raises
    ------
    NoPlan
        When a ``together`` set breaks a limit.
    """
    position = problem.batch.position
    fixed = {position(name) for members in problem.rulings.fixed for name in members}
    joined = [
        tuple(sorted(map(position, members))) for members in problem.rulings.together
    ]
    check_limits(problem, joined)
    known = _unruled(problem)
    touched = {known.component_of[i] for i in fixed.union(*joined)}
    clusters = [
        cluster
        for number, found in enumerate(known.clusters)
        if number not in touched
        for cluster in found
    ]
    if touched:
        free = [
            i
            for i, number in enumerate(known.component_of)
            if number in touched and i not in fixed
        ]
        nodes = {known.home[i] for i in free}
        parts: nx.Graph[Node] = nx.Graph(known.graph.subgraph(nodes))
        for item in joined:
            nx.add_path(parts, [known.home[i] for i in item])
        component_of = _components(parts, known.home, free)
        for found in _in_components(problem, component_of, joined):
            clusters += found
    return tuple(sorted(clusters, key=lambda cluster: min(cluster.items)))


type Node = int | tuple[str, int]
"""A cell by its number, or a request that may share with nobody by its position."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unruled:
    """What holds without rulings: homes and components of requests, their clusters."""

    graph: "nx.Graph[Node]"
    home: Sequence[Node]  # by position
    component_of: Sequence[int]  # by position
    clusters: Sequence[Sequence[Cluster]]  # by component


def _unruled(problem: Problem) -> _Unruled:
    found = problem.remembered.get("unruled")
    if not isinstance(found, _Unruled):
        found = problem.remembered["unruled"] = _without_rulings(problem)
    return found


def _without_rulings(problem: Problem) -> _Unruled:
    every = range(len(problem))
    cells_only = build_cell_graph(problem, every)
    home: list[Node] = [("alone", i) for i in every]  # a customer in no category
    for index, cell in nx.get_node_attributes(cells_only, "cell").items():
        for i in cell.positions:
            home[i] = index
    graph: nx.Graph[Node] = nx.Graph()
    graph.add_nodes_from(home)
    graph.add_edges_from(cells_only.edges)
    component_of = _components(graph, home, every)
    return _Unruled(
        graph=graph,
        home=home,
        component_of=[*component_of.values()],
        clusters=_in_components(problem, component_of, ()),
    )


def _components(
    graph: "nx.Graph[Node]", home: Sequence[Node], free: Iterable[int]
) -> dict[int, int]:
    """Return the component of each of some requests, by numbers from 0."""
    number_of = {
        node: number
        for number, nodes in enumerate(nx.connected_components(graph))
        for node in nodes
    }
    return {i: number_of[home[i]] for i in free}


def _in_components(
    problem: Problem,
    component_of: Mapping[int, int],
    joined: Iterable[tuple[int, ...]],
) -> list[list[Cluster]]:
    """Return the clusters of each component; ``joined`` requests are one item."""
    inside = {i: item for item in joined for i in item}
    found: list[list[tuple[int, ...]]] = []
    found += ([] for _ in {*component_of.values()})
    for i, number in component_of.items():
        item = inside.get(i, (i,))
        if item[0] == i:
            found[number].append(item)
    return [
        [Cluster(items=tuple(part)) for part in _cut_by_time(problem, items)]
        for items in found
    ]


def _cut_by_time(
    problem: Problem, items: list[tuple[int, ...]]
) -> list[list[tuple[int, ...]]]:
    """Cut a component where the next request arrives after the window has closed."""
    window = problem.policy.pairing.window_days
    received = problem.received
    by_first = sorted(items)
    parts: list[list[tuple[int, ...]]] = []
    horizon = -1
    for item in by_first:
        if not parts or received[item[0]] > horizon + window:
            parts.append([])
        parts[-1].append(item)
        horizon = max(horizon, received[item[-1]])
    return [sorted(part, key=lambda item: item[-1]) for part in parts]


def check_limits(problem: Problem, joined: list[tuple[int, ...]]) -> None:
    """Refuse ``together`` sets that cannot be a bin.

    Raises
    ------
    NoPlan
        With a sentence for every limit every set breaks.
    """
    limits = problem.policy.limits
    faults: list[str] = []
    for item in joined:
        requests = [problem.requests[i] for i in item]
        names = ", ".join(r.request_id for r in requests)
        customers = len({r.customer for r in requests})
        value = sum(r.value_cents for r in requests)
        for what, figure, limit in (
            ("max_requests", len(requests), limits.max_requests),
            ("max_customers", customers, limits.max_customers),
        ):
            if figure > limit:
                faults.append(
                    f"The requests ruled together {{{names}}} come to {figure}; "
                    f"limits.{what} is {limit}."
                )
        if value > limits.max_value_cents:
            faults.append(
                f"The requests ruled together {{{names}}} are worth "
                f"{value / 100:,.2f} USD; limits.max_value_usd is "
                f"{limits.max_value_cents / 100:,.2f}."
            )
    if faults:
        raise NoPlan(tuple(faults))
