r"""The exact best bin of an anchor for given duals.

Every figure here is an integer: costs are thousandths of a staff-day times ``scale``,
so that duals have room for fractions and a bound is never a rounding error. A bin is
priced from its *anchor*, its last member to arrive: then waiting is linear, and the
window and wait rules hold between all candidates (model.md section 4). For duals
:math:`\pi` the best bin anchored at k maximises

.. math:: \sum_{i \in B} p_i - \sum_{f \in \cup_i F_i} w_f
          - \sum_c \sigma_c [|B \cap S_c| \ge 2]

a project-selection problem. Without the limits, the pair rules and the cuts it is a
maximum closure, found by maximum flow (Picard, *Maximal closure of a graph*, 1976);
its value bounds every node of a depth-first search that restores them. Where the
closure obeys everything it is the best bin of its node, and the search ends there.
"""

from typing import Any

import numba
import numpy as np

from optimizer.kernels.closure import max_flow
from optimizer.kernels.limits import (
    count_customers,
    customers_fit,
    fine_of,
    new_customers,
)
from optimizer.kernels.network import may_clash, network, twin_out, twins, wanted

compiled: Any = numba.njit(cache=True, nogil=True)

ROOT_TRIES = 24
NODE_TRIES = 3
"""Steps of the multipliers of the limits, at an anchor's first node and at others."""


@compiled
def price_anchor(
    k,
    duals,
    scale,
    size,
    value,
    own,
    slope,
    ready,
    cls,
    cls_ok,
    feature_at,
    features,
    weight,
    per_customer,
    customer_at,
    customers,
    candidate_at,
    candidates,
    pair_fee,
    max_requests,
    max_customers,
    max_value,
    tau,
    cut_at,
    cuts,
    sigma,
    floor,
    node_limit,
    found,
    report,
):
    """Find the bin of two or more items anchored at k that violates the duals most.

    ``found`` receives its items (anchor first). ``report`` receives: 0 the violation
    found, or ``floor`` when none beats it; 1 an upper bound on every violation, equal
    to the first unless the node limit struck; 2 how many items; 3 nodes searched.
    """
    report[0] = floor
    report[1] = floor
    report[2] = 0
    report[3] = 0
    if candidate_at[k + 1] == candidate_at[k]:
        return
    m, item, profit, touched, paid_by_anchor = wanted(
        k, duals, scale, size, value, own, slope, ready, feature_at, features, weight,
        per_customer, customer_at, customers, candidate_at, candidates, max_requests,
        max_customers, max_value,
    )  # fmt: skip
    base = duals[k] + tau - scale * (own[k] + pair_fee)
    for e in range(feature_at[k], feature_at[k + 1]):
        base -= scale * weight[features[e]]
    if m == 0 or base + profit.sum() <= floor:
        return
    (
        edges, nf, item_at, edge_feature, capacity, need, paid, a_customer, in_degree,
        feature_edges, edge_item,
    ) = network(
        k, m, item, touched, paid_by_anchor, scale, feature_at, features, weight,
        per_customer, cut_at, cuts, sigma,
    )  # fmt: skip
    clash = may_clash(m, item, cls, cls_ok)
    twin_of = twins(
        k, m, item, item_at, edge_feature, size, value, cls, cut_at, max_requests,
        max_value,
    )  # fmt: skip
    bin_customers = np.empty(max_customers + 1, np.int64)
    most_profit = profit[0]
    all_profit = profit.sum()

    state = np.zeros(m, np.int8)  # 0 free, 1 in, 2 out
    flow = np.zeros(edges, np.int64)
    left = np.zeros(m, np.int64)
    spare = np.zeros(nf, np.int64)
    reach = np.zeros(m, np.uint8)
    seen = np.zeros(nf, np.uint8)
    trail = np.empty(m * 2 + 2, np.int64)  # items put out, for undoing
    chosen = np.empty(m, np.int64)  # decision stack: item
    phase = np.empty(m, np.int8)  # 0 include under way, 1 exclude under way
    mark = np.empty(m, np.int64)  # trail length before the decision
    lam_at = np.zeros(m + 1, np.int64)  # multiplier of the request limit, by depth
    mu_at = np.zeros(m + 1, np.int64)  # multiplier of the customer limit, by depth
    depth = 0
    trailed = 0
    members = np.empty(m, np.int64)
    n_in = 0
    current = base
    cur_size = size[k]
    cur_value = value[k]
    best = floor
    nodes = 0
    open_bound = floor
    descend = True
    trial = np.empty(m, np.int64)

    while True:
        if descend:
            nodes += 1
            slots = max_requests - cur_size
            buyers = max_customers - count_customers(
                k,
                item,
                members,
                n_in,
                customer_at,
                customers,
                bin_customers,
                max_customers,
            )
            lam = lam_at[depth]
            mu = mu_at[depth]
            bound = current
            for j in range(m):
                if state[j] == 0:
                    bound += profit[j]
            done = bound <= best
            branch = -1
            tries = ROOT_TRIES if depth == 0 else NODE_TRIES
            while not done and tries > 0:
                tries -= 1
                # Relax the limits with multipliers, the pair rules altogether: what
                # is left is a maximum closure over the free items.
                max_flow(
                    m,
                    nf,
                    state,
                    profit,
                    size,
                    item,
                    lam,
                    mu,
                    a_customer,
                    paid,
                    need,
                    capacity,
                    item_at,
                    edge_feature,
                    in_degree,
                    feature_edges,
                    edge_item,
                    flow,
                    left,
                    spare,
                    reach,
                    seen,
                )
                relaxed = current + lam * slots + mu * buyers
                for j in range(m):
                    if state[j] == 0:
                        relaxed += left[j]
                bound = min(bound, relaxed)
                if bound <= best:
                    done = True
                    break
                n_trial = 0
                extra = 0
                amount = cur_value
                for j in range(m):
                    if state[j] == 0 and reach[j]:
                        trial[n_trial] = j
                        n_trial += 1
                        extra += size[item[j]]
                        amount += value[item[j]]
                more = 0
                for f in range(nf):
                    if seen[f] and a_customer[f]:
                        more += 1
                branch = -1
                worst = 0
                for a in range(n_trial if clash else 0):
                    clashes = 0
                    for b in range(n_trial):
                        if cls_ok[cls[item[trial[a]]], cls[item[trial[b]]]] == 0:
                            clashes += 1
                    if clashes > worst:
                        worst = clashes
                        branch = trial[a]
                if (
                    branch < 0
                    and extra <= slots
                    and more <= buyers
                    and amount <= max_value
                    and n_in + n_trial > 0
                    and customers_fit(
                        k,
                        item,
                        members,
                        n_in,
                        trial,
                        n_trial,
                        customer_at,
                        customers,
                        bin_customers,
                        max_customers,
                    )
                ):
                    # The closure is a bin: is it the best of this node?
                    fine = fine_of(
                        nf, trial, n_trial, item_at, edge_feature, need, paid, capacity
                    )
                    reached = relaxed - lam * (slots - extra) - mu * (buyers - more)
                    if reached - fine > best:
                        best = reached - fine
                        found[0] = k
                        for a in range(n_in):
                            found[1 + a] = item[members[a]]
                        for a in range(n_trial):
                            found[1 + n_in + a] = item[trial[a]]
                        report[2] = 1 + n_in + n_trial
                    if bound <= best:
                        done = True
                        break
                # A step along the subgradient, as long as it takes to meet ``best``.
                over = extra - slots
                beyond = more - buyers
                if lam == 0 and over < 0:
                    over = 0
                if mu == 0 and beyond < 0:
                    beyond = 0
                norm = over * over + beyond * beyond
                if norm == 0:
                    break
                step = (relaxed - best) // norm + 1
                lam = min(max(0, lam + step * over), most_profit)
                mu = min(max(0, mu + step * beyond), all_profit)
            if not done and branch < 0:
                top = -1
                for j in range(m):
                    if state[j] == 0 and reach[j] and left[j] > top:
                        top = left[j]
                        branch = j
            if not done and branch < 0:
                # The multipliers left nothing to want: look without them.
                lam = 0
                mu = 0
                max_flow(
                    m,
                    nf,
                    state,
                    profit,
                    size,
                    item,
                    lam,
                    mu,
                    a_customer,
                    paid,
                    need,
                    capacity,
                    item_at,
                    edge_feature,
                    in_degree,
                    feature_edges,
                    edge_item,
                    flow,
                    left,
                    spare,
                    reach,
                    seen,
                )
                relaxed = current
                top = -1
                for j in range(m):
                    if state[j] == 0:
                        relaxed += left[j]
                        if reach[j] and left[j] > top:
                            top = left[j]
                            branch = j
                bound = min(bound, relaxed)
                done = bound <= best or branch < 0
            if not done and nodes >= node_limit:
                if bound > open_bound:
                    open_bound = bound
                done = True
            if not done:
                # Include the branch item first.
                chosen[depth] = branch
                phase[depth] = 0
                mark[depth] = trailed
                lam_at[depth] = lam
                mu_at[depth] = mu
                depth += 1
                lam_at[depth] = lam
                mu_at[depth] = mu
                state[branch] = 1
                members[n_in] = branch
                n_in += 1
                i = item[branch]
                current += profit[branch]
                for e in range(item_at[branch], item_at[branch + 1]):
                    f = edge_feature[e]
                    paid[f] += 1
                    if paid[f] == need[f]:
                        current -= capacity[f]
                cur_size += size[i]
                cur_value += value[i]
                count = count_customers(
                    k,
                    item,
                    members,
                    n_in,
                    customer_at,
                    customers,
                    bin_customers,
                    max_customers,
                )
                for j in range(m):
                    if state[j] != 0:
                        continue
                    i = item[j]
                    out = (
                        (clash and cls_ok[cls[item[branch]], cls[i]] == 0)
                        or cur_size + size[i] > max_requests
                        or cur_value + value[i] > max_value
                    )
                    if not out:
                        new = new_customers(
                            i, customer_at, customers, bin_customers, count
                        )
                        out = count + new > max_customers
                    if out:
                        state[j] = 2
                        trail[trailed] = j
                        trailed += 1
                if current > best:
                    best = current
                    found[0] = k
                    for a in range(n_in):
                        found[1 + a] = item[members[a]]
                    report[2] = 1 + n_in
                continue
        # Go back to the last decision that still has its exclude side to try.
        descend = False
        if depth == 0:
            break
        depth -= 1
        j = chosen[depth]
        while trailed > mark[depth]:
            trailed -= 1
            state[trail[trailed]] = 0
        if phase[depth] == 0:
            n_in -= 1
            state[j] = 2
            current -= profit[j]
            for e in range(item_at[j], item_at[j + 1]):
                f = edge_feature[e]
                if paid[f] == need[f]:
                    current += capacity[f]
                paid[f] -= 1
            cur_size -= size[item[j]]
            cur_value -= value[item[j]]
            phase[depth] = 1
            depth += 1
            lam_at[depth] = lam_at[depth - 1]
            mu_at[depth] = mu_at[depth - 1]
            for b in range(j + 1, m):  # twins of what is left out are left out
                if state[b] == 0 and twin_out(b, j, twin_of):
                    state[b] = 2
                    trail[trailed] = b
                    trailed += 1
            descend = True
        else:
            state[j] = 0
    report[0] = best
    report[1] = max(best, open_bound)
    report[3] = nodes


@compiled
def price_range(
    start,
    stop,
    duals,
    scale,
    alone,
    size,
    value,
    own,
    slope,
    ready,
    cls,
    cls_ok,
    feature_at,
    features,
    weight,
    per_customer,
    customer_at,
    customers,
    candidate_at,
    candidates,
    pair_fee,
    max_requests,
    max_customers,
    max_value,
    tau,
    cut_at,
    cuts,
    sigma,
    node_limit,
    repair,
    columns,
    lengths,
):
    """Price anchors in order and repair the duals as it goes; return nodes searched.

    Bins anchored at k hold earlier items only, whose duals are final by then: once k's
    dual is lowered by the violation found, no bin anchored at k violates any more, and
    after the last anchor the duals are feasible. ``columns[k]`` receives the worst bin
    of each anchor, ``lengths[k]`` its number of items or 0. Without ``repair`` every
    anchor is priced at the duals as they came: more bins are found, nothing is proven.
    """
    report = np.zeros(4, np.int64)
    nodes = 0
    for k in range(start, stop):
        duals[k] = min(duals[k], scale * alone[k] - tau)
        price_anchor(
            k,
            duals,
            scale,
            size,
            value,
            own,
            slope,
            ready,
            cls,
            cls_ok,
            feature_at,
            features,
            weight,
            per_customer,
            customer_at,
            customers,
            candidate_at,
            candidates,
            pair_fee,
            max_requests,
            max_customers,
            max_value,
            tau,
            cut_at,
            cuts,
            sigma,
            0,
            node_limit,
            columns[k],
            report,
        )
        lengths[k] = report[2]
        if repair:
            duals[k] -= report[1]
        nodes += report[3]
    return nodes
