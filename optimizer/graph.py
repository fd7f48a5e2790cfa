"""The cell graph: which kinds of request may share a bin (model.md section 2).

A *cell* holds the requests of equal category, family or configuration, region, agency,
document and force. Nodes of the graph are cells, edges join cells whose requests the
first five rules let share. It stays small however many requests there are.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import networkx as nx

from optimizer.batch import Request
from optimizer.compatibility import cells_may_share
from optimizer.policy import AgencyRule, SystemRule
from optimizer.problem import Problem

type CellKey = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Requests no cell rule tells apart, as positions in canonical order."""

    key: CellKey
    positions: tuple[int, ...]


def cell_key(problem: Problem, request: Request) -> CellKey:
    """Return the key of the cell a request is in.

    The key starts with the category, then system, configuration (blank unless the
    policy pairs by configuration), region, agency, document and force.
    """
    by_configuration = problem.policy.pairing.system is SystemRule.CONFIGURATION
    return (
        problem.category_of[request.customer] or "",
        request.system,
        request.configuration if by_configuration else "",
        request.region,
        request.implementing_agency,
        request.document,
        request.force or "",
    )


def build_cell_graph(problem: Problem, positions: Iterable[int]) -> "nx.Graph[int]":
    """Build the graph whose nodes are cell indices 0, 1, … in order of their keys.

    Every node carries its ``cell``. Requests whose customer has no category are left
    out: they may share with nobody.

    Complexity: linear in requests; the rules are asked once per pair of cells that
    have category, document, agency and an interoperability group in common.
    """
    members: dict[CellKey, list[int]] = defaultdict(list)
    for position in positions:
        request = problem.requests[position]
        if problem.category_of[request.customer] is not None:
            members[cell_key(problem, request)].append(position)
    graph: nx.Graph[int] = nx.Graph()
    cells = [Cell(key=key, positions=tuple(members[key])) for key in sorted(members)]
    for index, cell in enumerate(cells):
        graph.add_node(index, cell=cell)
    first = [problem.requests[cell.positions[0]] for cell in cells]
    graph.add_edges_from(
        (a, b)
        for a, b in sorted(set(_pairs_to_ask(problem, cells)))
        if cells_may_share(problem, first[a], first[b])
    )
    return graph


def _pairs_to_ask(problem: Problem, cells: list[Cell]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of cells that have a bucket in common; others cannot share."""
    same_agency = problem.policy.pairing.implementing_agency is AgencyRule.SAME
    groups_of: Mapping[str, frozenset[str]] = {
        family: system.groups for family, system in problem.catalogue.systems.items()
    }
    buckets: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, cell in enumerate(cells):
        category, family, _, _, agency, document, _ = cell.key
        shared = (category, document, agency if same_agency else "")
        buckets[*shared, "family", family].append(index)
        if problem.policy.pairing.system is SystemRule.INTEROPERABILITY_GROUP:
            for group in groups_of[family]:
                buckets[*shared, "group", group].append(index)
    for bucket in buckets.values():
        yield from combinations(bucket, 2)
