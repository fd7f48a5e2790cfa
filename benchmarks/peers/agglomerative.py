"""Agglomerative clustering in scipy: complete linkage on what pairs save by sharing.

Complete linkage joins two groups at their worst pair, so below the height of a pair
that may not share every group is one in which all may. The tree is then cut where the
limits hold and the exact cost is least, which is the best a tree can give.
"""

from collections.abc import Iterator

import numpy as np
from scipy.cluster.hierarchy import ClusterNode, linkage, to_tree
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from benchmarks.peers.pairs import Pairs, neighbours

type Cut = tuple[int, list[list[int]], list[int]]
"""Cost and bins of the best cut below a node, and all requests below it."""


def by_complete_linkage(pairs: Pairs) -> list[list[int]]:
    """Return the bins of the best cut of every component's tree."""
    friends = neighbours(pairs)
    bins: list[list[int]] = []
    for component in _components(pairs):
        if len(component) == 1:
            bins.append(component)
        else:
            bins += _cluster(pairs, friends, component)
    return bins


def _components(pairs: Pairs) -> Iterator[list[int]]:
    counts = [len(earlier) for earlier in pairs.candidates]
    late = np.repeat(np.arange(len(pairs)), counts)
    early = np.concatenate([*pairs.candidates, np.empty(0, dtype=np.int64)])
    ones = np.ones(len(late), dtype=np.int8)
    graph = coo_matrix((ones, (late, early)), shape=(len(pairs), len(pairs)))
    number, label = connected_components(graph, directed=False)
    order = np.argsort(label, kind="stable")
    ends = np.cumsum(np.bincount(label, minlength=number))[:-1]
    for members in np.split(order, ends):
        yield members.tolist()


def _cluster(
    pairs: Pairs, friends: list[set[int]], component: list[int]
) -> list[list[int]]:
    place = {i: at for at, i in enumerate(component)}
    saving = np.full((len(component), len(component)), np.nan, dtype=np.float64)
    for k in component:
        for i in pairs.candidates[k].tolist():
            amount = pairs.saving(i, k)
            saving[place[i], place[k]] = saving[place[k], place[i]] = amount
    most, least = np.nanmax(saving), np.nanmin(saving)
    never = 2 * (most - least) + 1  # farther than any two that may share
    distance = np.where(np.isnan(saving), never, most - saving)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="complete")
    return _best_cut(pairs, friends, component, to_tree(tree))


def _best_cut(
    pairs: Pairs, friends: list[set[int]], component: list[int], root: ClusterNode
) -> list[list[int]]:
    """Choose at every node, from the leaves up, between one bin and the cuts below."""
    best: dict[int, Cut] = {}
    todo = [root]
    while todo:
        node = todo[-1]
        if node.is_leaf():
            leaf = [component[node.id]]
            best[node.id] = (pairs.cost(leaf), [leaf], leaf)
            todo.pop()
        elif node.left.id not in best:
            todo += [node.left, node.right]
        else:
            todo.pop()
            best[node.id] = _join(
                pairs, friends, best.pop(node.left.id), best.pop(node.right.id)
            )
    return best[root.id][1]


def _join(pairs: Pairs, friends: list[set[int]], one: Cut, other: Cut) -> Cut:
    apart, members = one[0] + other[0], one[2] + other[2]
    allowed = pairs.fits(members) and all(
        friends[i].issuperset(other[2]) for i in one[2]
    )
    if allowed and _one_bin(one) and _one_bin(other):
        together = pairs.cost(members)
        if together <= apart:
            return together, [members], members
    return apart, one[1] + other[1], members


def _one_bin(cut: Cut) -> bool:
    return len(cut[1]) == 1
