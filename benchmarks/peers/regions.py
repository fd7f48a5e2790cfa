"""spopt, as far as it applies: max-p regions, as they are and repaired.

Max-p regions (Duque, Anselin, Rey 2012) are the nearest thing in spopt. They differ in
what matters here: a region has a *floor* on an attribute and no ceiling, and it must be
*connected* in the graph, not a clique of it; the count of regions is made large and
dissimilarity small, and no effort is counted. So the regions break our rules, and only
the repaired ones are a plan.
"""

import contextlib
import io

import geopandas
import numpy as np
from libpysal.weights import W
from shapely.geometry import Point
from spopt.region import MaxPHeuristic

from benchmarks.peers.pairs import Pairs, neighbours, split_to_obey

FLOOR = 2
"""Requests a region must hold: the least that is a combined review."""


def by_max_p(pairs: Pairs, *, seed: int = 1) -> list[list[int]]:
    """Return the regions, each request without a candidate in a bin of its own."""
    friends = neighbours(pairs)
    regions: list[list[int]] = []
    for component in _components(friends):
        if len(component) <= FLOOR:
            regions.append(component)
        else:
            regions += _regions(pairs, friends, component, seed)
    return regions


def repaired(pairs: Pairs) -> list[list[int]]:
    """Return the regions split by first fit until every bin is allowed."""
    return split_to_obey(pairs, by_max_p(pairs), neighbours(pairs))


def _regions(
    pairs: Pairs, friends: list[set[int]], component: list[int], seed: int
) -> list[list[int]]:
    place = {i: at for at, i in enumerate(component)}
    links = {at: sorted(place[j] for j in friends[i]) for i, at in place.items()}
    frame = geopandas.GeoDataFrame(
        {
            "ready": [float(pairs.ready[i]) for i in component],
            "count": 1,
        },
        geometry=[Point(at, 0) for at in range(len(component))],
    )
    np.random.seed(seed)  # noqa: NPY002 - spopt draws from the global generator
    model = MaxPHeuristic(
        frame, W(links, silence_warnings=True), ["ready"], "count", FLOOR
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints as it goes
        model.solve()
    found: dict[int, list[int]] = {}
    for i, label in zip(component, model.labels_, strict=True):
        found.setdefault(int(label), []).append(i)
    return list(found.values())


def _components(friends: list[set[int]]) -> list[list[int]]:
    left = set(range(len(friends)))
    found = []
    while left:
        reached, border = set(), {min(left)}
        while border:
            reached |= border
            border = set().union(*(friends[i] for i in border)) - reached
        left -= reached
        found.append(sorted(reached))
    return found
