"""Local search on a plan: insert, relocate, merge and swap while it pays."""

from typing import Any

import numba
import numpy as np

compiled: Any = numba.njit(cache=True, nogil=True)


@compiled
def improve(
    members, count, home, loose, passes, swap_limit,
    size, value, alone, own, slope, ready, feature_at, features, weight,
    customer_at, customers, candidate_at, candidates, later_at, later, pair_fee,
    max_requests, max_customers, max_value,
):  # fmt: skip
    """Insert ``loose`` items, then change ``members`` in place while it pays."""
    n = home.shape[0]
    stamp = np.zeros(max(weight.shape[0], 1), np.int64)
    clock = np.zeros(1, np.int64)
    buyers = np.empty(
        max(customers.max() + 1 if customers.shape[0] else 1, 1), np.int64
    )
    buyers[:] = 0
    trial = np.empty(members.shape[1] + 1, np.int64)
    other = np.empty(members.shape[1] + 1, np.int64)
    costs = np.zeros(n, np.int64)
    visited = np.full(n, -1, np.int64)

    for b in range(n):
        if count[b]:
            costs[b] = _bin_cost(
                members[b],
                count[b],
                alone,
                own,
                slope,
                ready,
                feature_at,
                features,
                weight,
                pair_fee,
                stamp,
                clock,
            )
    empty = 0
    visit = 0
    for k in loose:
        best = alone[k]
        place = -1
        visit += 1
        for side in range(2):
            if side == 0:
                lo, hi = candidate_at[k], candidate_at[k + 1]
            else:
                lo, hi = later_at[k], later_at[k + 1]
            for e in range(lo, hi):
                b = home[candidates[e] if side == 0 else later[e]]
                if b < 0 or visited[b] == visit:
                    continue
                visited[b] = visit
                c = _with(
                    b,
                    k,
                    members,
                    count,
                    trial,
                    size,
                    value,
                    alone,
                    own,
                    slope,
                    ready,
                    feature_at,
                    features,
                    weight,
                    customer_at,
                    customers,
                    candidate_at,
                    candidates,
                    pair_fee,
                    max_requests,
                    max_customers,
                    max_value,
                    stamp,
                    buyers,
                    clock,
                )
                if c >= 0 and c - costs[b] < best:
                    best = c - costs[b]
                    place = b
        if place < 0:
            while count[empty] > 0:
                empty += 1
            place = empty
        home[k] = place
        members[place, count[place]] = k
        count[place] += 1
        costs[place] += best
    degree = candidates.shape[0] * 2
    for _ in range(passes):
        improved = False
        # Relocate one item into another bin, or alone.
        for i in range(n):
            a = home[i]
            rest = 0
            if count[a] > 1:
                m = _without(a, i, members, count, other)
                rest = _bin_cost(
                    other,
                    m,
                    alone,
                    own,
                    slope,
                    ready,
                    feature_at,
                    features,
                    weight,
                    pair_fee,
                    stamp,
                    clock,
                )
            freed = costs[a] - rest
            best = freed
            place = -1
            best_cost = 0
            if count[a] > 1 and alone[i] < best:
                best = alone[i]
                place = -2
            visit += 1
            visited[a] = visit
            for side in range(2):
                if side == 0:
                    lo, hi = candidate_at[i], candidate_at[i + 1]
                else:
                    lo, hi = later_at[i], later_at[i + 1]
                for e in range(lo, hi):
                    j = candidates[e] if side == 0 else later[e]
                    b = home[j]
                    if visited[b] == visit:
                        continue
                    visited[b] = visit
                    c = _with(
                        b,
                        i,
                        members,
                        count,
                        trial,
                        size,
                        value,
                        alone,
                        own,
                        slope,
                        ready,
                        feature_at,
                        features,
                        weight,
                        customer_at,
                        customers,
                        candidate_at,
                        candidates,
                        pair_fee,
                        max_requests,
                        max_customers,
                        max_value,
                        stamp,
                        buyers,
                        clock,
                    )
                    if c >= 0 and c - costs[b] < best:
                        best = c - costs[b]
                        place = b
                        best_cost = c
            if place == -1:
                continue
            improved = True
            m = _without(a, i, members, count, other)
            for x in range(m):
                members[a, x] = other[x]
            count[a] = m
            costs[a] = rest
            if place == -2:
                place = 0
                while count[place] > 0:
                    place += 1
                best_cost = alone[i]
            members[place, count[place]] = i
            count[place] += 1
            costs[place] = best_cost
            home[i] = place
        # Merge two bins.
        for a in range(n):
            if count[a] == 0:
                continue
            visit += 1
            visited[a] = visit
            place = -1
            best = 0
            for x in range(count[a]):
                i = members[a, x]
                for e in range(later_at[i], later_at[i + 1]):
                    b = home[later[e]]
                    if visited[b] == visit:
                        continue
                    visited[b] = visit
                    c = _merged(
                        a,
                        b,
                        members,
                        count,
                        trial,
                        size,
                        value,
                        alone,
                        own,
                        slope,
                        ready,
                        feature_at,
                        features,
                        weight,
                        customer_at,
                        customers,
                        candidate_at,
                        candidates,
                        pair_fee,
                        max_requests,
                        max_customers,
                        max_value,
                        stamp,
                        buyers,
                        clock,
                    )
                    if c >= 0 and c - costs[a] - costs[b] < best:
                        best = c - costs[a] - costs[b]
                        place = b
            if place >= 0:
                improved = True
                costs[a] += costs[place] + best
                costs[place] = 0
                for x in range(count[place]):
                    members[a, count[a]] = members[place, x]
                    home[members[place, x]] = a
                    count[a] += 1
                count[place] = 0
        # Swap two items between their bins.
        if not improved and degree <= swap_limit:
            for i in range(n):
                for e in range(later_at[i], later_at[i + 1]):
                    j = later[e]
                    a, b = home[i], home[j]
                    if a == b or (count[a] == 1 and count[b] == 1):
                        continue
                    m = _without(a, i, members, count, other)
                    c = _join_cost(
                        other,
                        m,
                        j,
                        trial,
                        size,
                        value,
                        alone,
                        own,
                        slope,
                        ready,
                        feature_at,
                        features,
                        weight,
                        customer_at,
                        customers,
                        candidate_at,
                        candidates,
                        pair_fee,
                        max_requests,
                        max_customers,
                        max_value,
                        stamp,
                        buyers,
                        clock,
                    )
                    if c < 0 or c >= costs[a] + costs[b]:
                        continue
                    m = _without(b, j, members, count, other)
                    d = _join_cost(
                        other,
                        m,
                        i,
                        trial,
                        size,
                        value,
                        alone,
                        own,
                        slope,
                        ready,
                        feature_at,
                        features,
                        weight,
                        customer_at,
                        customers,
                        candidate_at,
                        candidates,
                        pair_fee,
                        max_requests,
                        max_customers,
                        max_value,
                        stamp,
                        buyers,
                        clock,
                    )
                    if d < 0 or c + d >= costs[a] + costs[b]:
                        continue
                    improved = True
                    for x in range(count[a]):
                        if members[a, x] == i:
                            members[a, x] = j
                    for x in range(count[b]):
                        if members[b, x] == j:
                            members[b, x] = i
                    home[i] = b
                    home[j] = a
                    costs[a] = c
                    costs[b] = d
        if not improved:
            break


@compiled
def _without(a, i, members, count, out):
    m = 0
    for x in range(count[a]):
        if members[a, x] != i:
            out[m] = members[a, x]
            m += 1
    return m


@compiled
def _with(
    b, i, members, count, trial, size, value, alone, own, slope, ready, feature_at,
    features, weight, customer_at, customers, candidate_at, candidates, pair_fee,
    max_requests, max_customers, max_value, stamp, buyers, clock,
):  # fmt: skip
    """Return the cost of a bin with one more item, -1 when it may not be."""
    return _join_cost(
        members[b],
        count[b],
        i,
        trial,
        size,
        value,
        alone,
        own,
        slope,
        ready,
        feature_at,
        features,
        weight,
        customer_at,
        customers,
        candidate_at,
        candidates,
        pair_fee,
        max_requests,
        max_customers,
        max_value,
        stamp,
        buyers,
        clock,
    )


@compiled
def _join_cost(
    base, m, i, trial, size, value, alone, own, slope, ready, feature_at, features,
    weight, customer_at, customers, candidate_at, candidates, pair_fee, max_requests,
    max_customers, max_value, stamp, buyers, clock,
):  # fmt: skip
    for x in range(m):
        if not shares(base[x], i, candidate_at, candidates):
            return -1
        trial[x] = base[x]
    trial[m] = i
    if not _within_limits(
        trial,
        m + 1,
        size,
        value,
        customer_at,
        customers,
        max_requests,
        max_customers,
        max_value,
        buyers,
        clock,
    ):
        return -1
    return _bin_cost(
        trial,
        m + 1,
        alone,
        own,
        slope,
        ready,
        feature_at,
        features,
        weight,
        pair_fee,
        stamp,
        clock,
    )


@compiled
def _merged(
    a, b, members, count, trial, size, value, alone, own, slope, ready, feature_at,
    features, weight, customer_at, customers, candidate_at, candidates, pair_fee,
    max_requests, max_customers, max_value, stamp, buyers, clock,
):  # fmt: skip
    m = count[a] + count[b]
    if m >= trial.shape[0]:
        return -1
    for x in range(count[a]):
        trial[x] = members[a, x]
        for y in range(count[b]):
            if not shares(members[a, x], members[b, y], candidate_at, candidates):
                return -1
    for y in range(count[b]):
        trial[count[a] + y] = members[b, y]
    if not _within_limits(
        trial,
        m,
        size,
        value,
        customer_at,
        customers,
        max_requests,
        max_customers,
        max_value,
        buyers,
        clock,
    ):
        return -1
    return _bin_cost(
        trial,
        m,
        alone,
        own,
        slope,
        ready,
        feature_at,
        features,
        weight,
        pair_fee,
        stamp,
        clock,
    )


@compiled
def shares(i, j, candidate_at, candidates):
    """Tell whether two items may share a bin, by bisection in the later one's list."""
    if i > j:
        i, j = j, i
    lo = candidate_at[j]
    hi = candidate_at[j + 1]
    while lo < hi:
        mid = (lo + hi) // 2
        if candidates[mid] < i:
            lo = mid + 1
        else:
            hi = mid
    return lo < candidate_at[j + 1] and candidates[lo] == i


@compiled
def _within_limits(
    trial, m, size, value, customer_at, customers, max_requests, max_customers,
    max_value, buyers, clock,
):  # fmt: skip
    clock[0] += 1
    total = 0
    amount = 0
    distinct = 0
    for x in range(m):
        total += size[trial[x]]
        amount += value[trial[x]]
        for e in range(customer_at[trial[x]], customer_at[trial[x] + 1]):
            if buyers[customers[e]] != clock[0]:
                buyers[customers[e]] = clock[0]
                distinct += 1
    return total <= max_requests and amount <= max_value and distinct <= max_customers


@compiled
def _bin_cost(
    trial, m, alone, own, slope, ready, feature_at, features, weight, pair_fee,
    stamp, clock,
):  # fmt: skip
    if m == 1:
        return alone[trial[0]]
    clock[0] += 1
    start = 0
    for x in range(m):
        start = max(start, ready[trial[x]])
    total = pair_fee
    for x in range(m):
        i = trial[x]
        total += own[i] + slope[i] * (start - ready[i])
        for e in range(feature_at[i], feature_at[i + 1]):
            if stamp[features[e]] != clock[0]:
                stamp[features[e]] = clock[0]
                total += weight[features[e]]
    return total
