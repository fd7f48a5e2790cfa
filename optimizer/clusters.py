"""Clusters: the independent parts of a problem, none of whose bins cross two."""

from collections import defaultdict
from dataclasses import dataclass

import networkx as nx

from optimizer.errors import NoPlan
from optimizer.graph import Cell, build_cell_graph
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

    Raises
    ------
    NoPlan
        When a ``together`` set breaks a limit.
    """
    batch = problem.batch
    fixed = {i for members in problem.rulings.fixed for i in members}
    free = [i for i, r in enumerate(problem.requests) if r.request_id not in fixed]
    joined = [
        tuple(sorted(batch.position(request_id) for request_id in members))
        for members in problem.rulings.together
    ]
    check_limits(problem, joined)

    graph = build_cell_graph(problem, free)
    cells: dict[int, Cell] = nx.get_node_attributes(graph, "cell")
    home: dict[int, object] = {
        position: index for index in graph for position in cells[index].positions
    }
    for position in free:
        if position not in home:  # a customer in no category: a node of its own
            home[position] = ("alone", position)
    parts: nx.Graph[object] = nx.Graph()
    parts.add_nodes_from(home[i] for i in free)
    parts.add_edges_from(graph.edges)
    for item in joined:
        nx.add_path(parts, [home[i] for i in item])

    inside = {i: item for item in joined for i in item}
    component_of = {
        node: number
        for number, nodes in enumerate(nx.connected_components(parts))
        for node in nodes
    }
    found: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for position in free:
        item = inside.get(position, (position,))
        if item[0] == position:
            found[component_of[home[position]]].append(item)
    clusters = [
        Cluster(items=tuple(part))
        for items in found.values()
        for part in _cut_by_time(problem, items)
    ]
    return tuple(sorted(clusters, key=lambda cluster: min(cluster.items)))


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
