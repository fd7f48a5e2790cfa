"""Maximum closure by maximum flow: which items pay for the features they touch.

Source: Picard, *Maximal closure of a graph and applications to combinatorial problems*,
Management Science 22 (1976).
"""

from typing import Any

import numba
import numpy as np

compiled: Any = numba.njit(cache=True, nogil=True)


@compiled
def max_flow(
    m, nf, state, profit, size, item, lam, mu, a_customer, paid, need, capacity,
    item_at, edge_feature, in_degree, feature_edges, edge_item, flow, left, spare,
    reach, seen,
):  # fmt: skip
    """Push profit of free items into unpaid features; what is left is closure value.

    On return ``left`` is the unabsorbed profit of each free item and ``reach`` marks
    the items of the smallest maximum closure.
    """
    for f in range(nf):
        spare[f] = 0
        if paid[f] == need[f] - 1:
            spare[f] = capacity[f] + mu * a_customer[f]
    for j in range(m):
        left[j] = 0
        if state[j] == 0:
            left[j] = max(0, profit[j] - lam * size[item[j]])
        for e in range(item_at[j], item_at[j + 1]):
            flow[e] = 0
    # Features few items touch are filled first, each item paying its share.
    for j in range(m - 1, -1, -1):
        if state[j] != 0:
            continue
        for e in range(item_at[j], item_at[j + 1]):
            f = edge_feature[e]
            push = min(left[j], spare[f])
            if push > 0:
                flow[e] += push
                left[j] -= push
                spare[f] -= push
    # Augment: item with profit left -> feature -> (item that can move) -> … -> spare.
    # What a fruitless search has seen can never reach spare capacity again: it is the
    # closure, and later searches need not look at it.
    queue = np.empty(m, np.int64)
    from_edge = np.empty(nf, np.int64)  # edge by which a feature was reached
    from_feature = np.empty(m, np.int64)  # edge by which an item was reached
    item_stamp = np.zeros(m, np.int64)
    feature_stamp = np.zeros(nf, np.int64)
    clock = 0
    for j in range(m):
        reach[j] = 0
    for f in range(nf):
        seen[f] = 0
    for start in range(m):
        if state[start] != 0:
            continue
        while left[start] > 0:
            clock += 1
            head = 0
            tail = 1
            queue[0] = start
            item_stamp[start] = clock
            from_feature[start] = -1
            target = -1
            while head < tail and target < 0:
                j = queue[head]
                head += 1
                for e in range(item_at[j], item_at[j + 1]):
                    f = edge_feature[e]
                    if seen[f] or feature_stamp[f] == clock or paid[f] >= need[f]:
                        continue
                    feature_stamp[f] = clock
                    from_edge[f] = e
                    if spare[f] > 0:
                        target = f
                        break
                    for g in range(in_degree[f], in_degree[f + 1]):
                        back = feature_edges[g]
                        if flow[back] > 0:
                            other = edge_item[back]
                            if item_stamp[other] != clock and not reach[other]:
                                item_stamp[other] = clock
                                from_feature[other] = back
                                queue[tail] = other
                                tail += 1
            if target < 0:
                for j in range(tail):
                    reach[queue[j]] = 1
                for f in range(nf):
                    if feature_stamp[f] == clock:
                        seen[f] = 1
                break
            # The bottleneck of the path, then push along it.
            push = min(left[start], spare[target])
            f = target
            while True:
                j = edge_item[from_edge[f]]
                if j == start:
                    break
                back = from_feature[j]
                push = min(push, flow[back])
                f = edge_feature[back]
            spare[target] -= push
            left[start] -= push
            f = target
            while True:
                e = from_edge[f]
                flow[e] += push
                j = edge_item[e]
                if j == start:
                    break
                back = from_feature[j]
                flow[back] -= push
                f = edge_feature[back]
