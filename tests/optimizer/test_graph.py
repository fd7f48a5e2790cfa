"""The cell graph: requests in cells, edges exactly where the rules allow."""

from itertools import combinations
from typing import Any

import pytest

from optimizer.batch import Agency, Document
from optimizer.compatibility import CELL_RULES
from optimizer.graph import Cell, build_cell_graph
from optimizer.problem import Problem
from tests.factories import request
from tests.solving import CASES, problem, problem_of


def cells_of(asked: Problem) -> list[Cell]:
    graph = build_cell_graph(asked, range(len(asked)))
    assert [*graph] == [*range(len(graph))]
    return [graph.nodes[index]["cell"] for index in graph]


def test_requests_no_cell_rule_tells_apart_are_one_cell() -> None:
    """Days, values, priorities and, by default, configurations make no cell."""
    asked = problem(
        request("A"),
        request("B", configuration="Block II", value_usd=1e9, lines=7),
        request("C", customer="LVA"),
    )
    assert [cell.positions for cell in cells_of(asked)] == [(0, 1, 2)]


@pytest.mark.parametrize(
    "different",
    [
        {"customer": "KOR", "region": "Baltic"},  # another category
        {"system": "GMLRS"},
        {"region": "Central Europe"},
        {"implementing_agency": Agency.NAVY},
        {"document": Document.P_AND_A},
        {"force": "eFP"},
    ],
)
def test_each_field_of_the_key_makes_a_cell_of_its_own(
    different: dict[str, Any],
) -> None:
    asked = problem(request("A"), request("B", **different))
    assert len(cells_of(asked)) == 2


@pytest.mark.parametrize(
    ("rule", "cells"),
    [("configuration", 2), ("family", 1), ("interoperability_group", 1)],
)
def test_configuration_makes_a_cell_only_where_the_policy_pairs_by_it(
    rule: str, cells: int
) -> None:
    asked = problem(request("A"), request("B", configuration="Block II"), system=rule)
    assert len(cells_of(asked)) == cells


def test_customers_of_no_category_are_in_no_cell() -> None:
    asked = problem(request("A", customer="SAU"), request("B"))
    assert [cell.positions for cell in cells_of(asked)] == [(1,)]


def test_only_the_requests_asked_for_are_in_the_graph() -> None:
    asked = problem(request("A"), request("B"), request("C", system="GMLRS"))
    graph = build_cell_graph(asked, [1])
    assert [graph.nodes[n]["cell"].positions for n in graph] == [(1,)]


def test_edges_are_a_chain_where_nearness_does_not_carry_over() -> None:
    """Baltic, Central Europe, Mediterranean: the ends are not adjacent."""
    asked = problem(
        request("A"), request("B", customer="POL"), request("C", customer="GRC")
    )
    graph = build_cell_graph(asked, range(3))
    home = {i: n for n in graph for i in graph.nodes[n]["cell"].positions}
    assert {frozenset(edge) for edge in graph.edges} == {
        frozenset((home[0], home[1])),
        frozenset((home[1], home[2])),
    }


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", range(15))
def test_edges_are_where_the_rules_allow_every_pair(make: Any, seed: int) -> None:
    """Every pair of requests, of one cell or two, is asked of the first five rules."""
    asked = problem_of(make(seed, 20))
    graph = build_cell_graph(asked, range(len(asked)))
    home = {i: n for n in graph for i in graph.nodes[n]["cell"].positions}
    assert sorted(home) == [
        i
        for i, r in enumerate(asked.requests)
        if asked.category_of[r.customer] is not None
    ]
    assert not any(a == b for a, b in graph.edges)
    for i, j in combinations(sorted(home), 2):
        allowed = all(rule(asked, i, j) is None for _, rule in CELL_RULES)
        joined = home[i] == home[j] or graph.has_edge(home[i], home[j])
        assert joined is allowed
