"""The local network of an anchor: what its candidates gain, share and exclude."""

from typing import Any

import numba
import numpy as np

from optimizer.kernels.limits import count_customers, new_customers

compiled: Any = numba.njit(cache=True, nogil=True)

LOOK_BACK = 48
"""How many more profitable candidates a twin is looked for among."""


@compiled
def wanted(
    k, duals, scale, size, value, own, slope, ready, feature_at, features, weight,
    per_customer, customer_at, customers, candidate_at, candidates, max_requests,
    max_customers, max_value,
):  # fmt: skip
    """Return the candidates worth a look, most profitable first, ties by position.

    A candidate is worth a look when it gains even if every feature it shares with
    another were free. Features that only one candidate touches are folded into its
    profit. Returned: how many, items, profits, how many candidates touch each feature
    (-1 where folded), and which features the anchor pays.
    """
    raw = candidate_at[k + 1] - candidate_at[k]
    item = np.empty(raw, np.int64)
    profit = np.empty(raw, np.int64)
    bin_customers = np.empty(max_customers + 1, np.int64)
    none = np.empty(0, np.int64)
    count = count_customers(
        k, item, none, 0, customer_at, customers, bin_customers, max_customers
    )
    m = 0
    for e in range(candidate_at[k], candidate_at[k + 1]):
        i = candidates[e]
        p = duals[i] - scale * (own[i] + slope[i] * (ready[k] - ready[i]))
        if p <= 0:
            continue
        if size[i] + size[k] > max_requests or value[i] + value[k] > max_value:
            continue
        new = new_customers(i, customer_at, customers, bin_customers, count)
        if count + new > max_customers:
            continue
        item[m] = i
        profit[m] = p
        m += 1

    paid_by_anchor = np.zeros(weight.shape[0], np.uint8)
    for e in range(feature_at[k], feature_at[k + 1]):
        paid_by_anchor[features[e]] = 1
    touched = np.zeros(weight.shape[0], np.int64)
    for j in range(m):
        for e in range(feature_at[item[j]], feature_at[item[j] + 1]):
            touched[features[e]] += 1
    changed = True
    while changed:
        changed = False
        kept = 0
        for j in range(m):
            i = item[j]
            p = profit[j]
            for e in range(feature_at[i], feature_at[i + 1]):
                f = features[e]
                if touched[f] == 1 and not paid_by_anchor[f] and not per_customer[f]:
                    p -= scale * weight[f]
                    touched[f] = -1
            if p <= 0:
                changed = True
                for e in range(feature_at[i], feature_at[i + 1]):
                    if touched[features[e]] > 0:
                        touched[features[e]] -= 1
                continue
            item[kept] = i
            profit[kept] = p
            kept += 1
        m = kept

    gap = m // 2
    while gap > 0:  # Shell's sort; items differ, so the order is one
        for a in range(gap, m):
            i = item[a]
            p = profit[a]
            b = a - gap
            while b >= 0 and (profit[b] < p or (profit[b] == p and item[b] > i)):
                item[b + gap] = item[b]
                profit[b + gap] = profit[b]
                b -= gap
            item[b + gap] = i
            profit[b + gap] = p
        gap //= 2
    return m, item[:m], profit[:m], touched, paid_by_anchor


@compiled
def network(
    k, m, item, touched, paid_by_anchor, scale, feature_at, features, weight,
    per_customer, cut_at, cuts, sigma,
):  # fmt: skip
    """Return the bipartite network from candidates to what they must pay for.

    A cut is a feature paid for at the second of its items (``need`` 2): of no weight
    while none is in the bin, of weight sigma at one. ``paid`` counts members so far.
    """
    local = np.full(weight.shape[0], -1, np.int64)
    local_cut = np.full(sigma.shape[0], -1, np.int64)
    edges = 0
    nf = 0
    for j in range(m):
        i = item[j]
        for e in range(feature_at[i], feature_at[i + 1]):
            f = features[e]
            if not paid_by_anchor[f] and touched[f] > 0:
                if local[f] == -1:
                    local[f] = nf
                    nf += 1
                edges += 1
        for e in range(cut_at[i], cut_at[i + 1]):
            c = cuts[e]
            if sigma[c] > 0:
                if local_cut[c] == -1:
                    local_cut[c] = nf
                    nf += 1
                edges += 1
    item_at = np.empty(m + 1, np.int64)
    edge_feature = np.empty(edges, np.int64)
    capacity = np.empty(nf, np.int64)
    need = np.ones(nf, np.int64)
    paid = np.zeros(nf, np.int64)
    a_customer = np.zeros(nf, np.uint8)
    in_degree = np.zeros(nf + 1, np.int64)
    place = 0
    for j in range(m):
        item_at[j] = place
        i = item[j]
        for e in range(feature_at[i], feature_at[i + 1]):
            f = local[features[e]]
            if f >= 0:
                edge_feature[place] = f
                capacity[f] = scale * weight[features[e]]
                a_customer[f] = per_customer[features[e]]
                in_degree[f + 1] += 1
                place += 1
        for e in range(cut_at[i], cut_at[i + 1]):
            f = local_cut[cuts[e]]
            if f >= 0:
                edge_feature[place] = f
                capacity[f] = sigma[cuts[e]]
                need[f] = 2
                in_degree[f + 1] += 1
                place += 1
    item_at[m] = place
    for e in range(cut_at[k], cut_at[k + 1]):
        if local_cut[cuts[e]] >= 0:
            paid[local_cut[cuts[e]]] = 1
    for f in range(nf):
        in_degree[f + 1] += in_degree[f]
    feature_edges = np.empty(edges, np.int64)  # edges that enter a feature
    edge_item = np.empty(edges, np.int64)
    fill = in_degree.copy()
    for j in range(m):
        for e in range(item_at[j], item_at[j + 1]):
            edge_item[e] = j
            feature_edges[fill[edge_feature[e]]] = e
            fill[edge_feature[e]] += 1
    return (
        edges, nf, item_at, edge_feature, capacity, need, paid, a_customer, in_degree,
        feature_edges, edge_item,
    )  # fmt: skip


@compiled
def may_clash(m, item, cls, cls_ok):
    """Tell whether any two candidates may not share a bin with one another."""
    known = np.empty(m, np.int64)
    count = 0
    listed = np.zeros(cls_ok.shape[0], np.uint8)
    for j in range(m):
        c = cls[item[j]]
        if listed[c]:
            if cls_ok[c, c] == 0:
                return True
            continue
        listed[c] = 1
        for a in range(count):
            if cls_ok[c, known[a]] == 0:
                return True
        known[count] = c
        count += 1
    return False


@compiled
def twins(
    k, m, item, item_at, edge_feature, size, value, cls, cut_at, max_requests, max_value
):  # fmt: skip
    """Return, for each candidate, a twin that is at least as good, or -1.

    Twins touch the same and share with the same. Where the value limit could bind, the
    better one must not be worth more dollars. A twin is never worth choosing while the
    better one is left out; to overlook one costs time, no more.
    """
    room = max_requests - size[k]
    dearest = np.int64(0)
    for j in range(m):
        dearest = max(dearest, value[item[j]])
    value_binds = value[k] + dearest * min(m, room) > max_value
    twin_of = np.full(m, -1, np.int64)
    for b in range(1, m):
        if size[item[b]] != 1 or cut_at[item[b] + 1] > cut_at[item[b]]:
            continue
        for a in range(b - 1, max(-1, b - 1 - LOOK_BACK), -1):
            if cls[item[a]] != cls[item[b]] or size[item[a]] != 1:
                continue
            if cut_at[item[a] + 1] > cut_at[item[a]]:
                continue
            if value_binds and value[item[a]] > value[item[b]]:
                continue
            width = item_at[a + 1] - item_at[a]
            if width != item_at[b + 1] - item_at[b]:
                continue
            alike = True
            for e in range(width):
                if edge_feature[item_at[a] + e] != edge_feature[item_at[b] + e]:
                    alike = False
                    break
            if alike:
                twin_of[b] = a
                break
    return twin_of


@compiled
def twin_out(b, j, twin_of):
    """Tell whether j is on b's chain of twins."""
    a = twin_of[b]
    while a >= 0:
        if a == j:
            return True
        a = twin_of[a]
    return False
