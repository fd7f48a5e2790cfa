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

compiled: Any = numba.njit(cache=True, nogil=True)

ROOT_TRIES = 24
NODE_TRIES = 6
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
    first = candidate_at[k]
    last = candidate_at[k + 1]
    m = 0
    raw = last - first
    if raw == 0:
        return
    # Candidates with something to gain even if every feature were free.
    item = np.empty(raw, np.int64)
    profit = np.empty(raw, np.int64)
    bin_customers = np.empty(max_customers + 1, np.int64)
    none = np.empty(0, np.int64)
    count = _count_customers(
        k, item, none, 0, customer_at, customers, bin_customers, max_customers
    )
    for e in range(first, last):
        i = candidates[e]
        p = duals[i] - scale * (own[i] + slope[i] * (ready[k] - ready[i]))
        if p <= 0:
            continue
        if size[i] + size[k] > max_requests or value[i] + value[k] > max_value:
            continue
        new = _new_customers(i, customer_at, customers, bin_customers, count)
        if count + new > max_customers:
            continue
        item[m] = i
        profit[m] = p
        m += 1
    base = duals[k] + tau - scale * (own[k] + pair_fee)
    total_features = weight.shape[0]
    local = np.full(total_features, -1, np.int64)  # -1 free, -2 paid by the anchor
    for e in range(feature_at[k], feature_at[k + 1]):
        base -= scale * weight[features[e]]
        local[features[e]] = -2
    best_possible = base
    for j in range(m):
        best_possible += profit[j]
    if m == 0 or best_possible <= floor:
        return

    # Fold features only one candidate touches into its profit; drop what loses.
    touched = np.zeros(total_features, np.int64)
    for j in range(m):
        i = item[j]
        for e in range(feature_at[i], feature_at[i + 1]):
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
                if local[f] == -1 and touched[f] == 1 and not per_customer[f]:
                    p -= scale * weight[f]
                    touched[f] = -1  # folded
            if p <= 0:
                changed = True
                for e in range(feature_at[i], feature_at[i + 1]):
                    f = features[e]
                    if touched[f] > 0:
                        touched[f] -= 1
                continue
            item[kept] = i
            profit[kept] = p
            kept += 1
        m = kept
    if m == 0:
        return

    # Most profitable first, ties by position: the order of everything below.
    for a in range(1, m):
        i = item[a]
        p = profit[a]
        b = a - 1
        while b >= 0 and profit[b] < p:
            item[b + 1] = item[b]
            profit[b + 1] = profit[b]
            b -= 1
        item[b + 1] = i
        profit[b + 1] = p

    # The local network: items -> features. A cut is a feature paid for at the second
    # of its items: of no weight while none is in the bin, of weight sigma at one.
    edges = 0
    nf = 0
    local_cut = np.full(sigma.shape[0], -1, np.int64)
    for j in range(m):
        i = item[j]
        for e in range(feature_at[i], feature_at[i + 1]):
            f = features[e]
            if local[f] != -2 and touched[f] > 0:
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
    paid = np.zeros(nf, np.int64)  # how many members touch a feature
    a_customer = np.zeros(nf, np.uint8)
    in_degree = np.zeros(nf + 1, np.int64)
    place = 0
    for j in range(m):
        item_at[j] = place
        i = item[j]
        for e in range(feature_at[i], feature_at[i + 1]):
            f = features[e]
            if local[f] >= 0 and touched[f] > 0:
                edge_feature[place] = local[f]
                capacity[local[f]] = scale * weight[f]
                a_customer[local[f]] = per_customer[f]
                in_degree[local[f] + 1] += 1
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

    # Pairs of candidates that may not share, and items in a cut.
    conflict = np.zeros((m, m), np.uint8)
    for a in range(m):
        for b in range(a + 1, m):
            if cls_ok[cls[item[a]], cls[item[b]]] == 0:
                conflict[a, b] = 1
                conflict[b, a] = 1
    in_cut = np.zeros(m, np.uint8)
    for j in range(m):
        if cut_at[item[j] + 1] > cut_at[item[j]]:
            in_cut[j] = 1
    # A twin is never worth choosing while an at least as profitable one is left out.
    room = max_requests - size[k]
    dearest = np.int64(0)
    for j in range(m):
        dearest = max(dearest, value[item[j]])
    value_binds = value[k] + dearest * min(m, room) > max_value
    twin_of = np.full(m, -1, np.int64)
    for b in range(1, m):
        if in_cut[b] or size[item[b]] != 1:
            continue
        for a in range(b - 1, -1, -1):
            if in_cut[a] or cls[item[a]] != cls[item[b]] or size[item[a]] != 1:
                continue
            if value_binds and value[item[a]] > value[item[b]]:
                continue
            if item_at[a + 1] - item_at[a] != item_at[b + 1] - item_at[b]:
                continue
            alike = True
            for e in range(item_at[a + 1] - item_at[a]):
                if edge_feature[item_at[a] + e] != edge_feature[item_at[b] + e]:
                    alike = False
                    break
            if alike:
                twin_of[b] = a
                break

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
            buyers = max_customers - _count_customers(
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
                for a in range(n_trial):
                    clashes = 0
                    for b in range(n_trial):
                        if conflict[trial[a], trial[b]]:
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
                    and _customers_fit(
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
                    fine = _fine(
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
                lam = max(0, lam + step * over)
                mu = max(0, mu + step * beyond)
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
                count = _count_customers(
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
                        conflict[branch, j] != 0
                        or cur_size + size[i] > max_requests
                        or cur_value + value[i] > max_value
                    )
                    if not out:
                        new = _new_customers(
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
                if state[b] == 0 and _twin_out(b, j, twin_of):
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
    columns,
    lengths,
):
    """Price anchors in order and repair the duals as it goes; return nodes searched.

    Bins anchored at k hold earlier items only, whose duals are final by then: once k's
    dual is lowered by the violation found, no bin anchored at k violates any more, and
    after the last anchor the duals are feasible. ``columns[k]`` receives the worst bin
    of each anchor, ``lengths[k]`` its number of items or 0.
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
        duals[k] -= report[1]
        nodes += report[3]
    return nodes


@compiled
def _twin_out(b, j, twin_of):
    """Tell whether j is on b's chain of twins."""
    a = twin_of[b]
    while a >= 0:
        if a == j:
            return True
        a = twin_of[a]
    return False


@compiled
def _count_customers(
    k, item, members, n_in, customer_at, customers, seen_customers, limit
):
    """Count distinct customers of the anchor and the members; list up to limit + 1."""
    count = 0
    for position in range(-1, n_in):
        i = k if position < 0 else item[members[position]]
        for e in range(customer_at[i], customer_at[i + 1]):
            known = False
            for c in range(count):
                if seen_customers[c] == customers[e]:
                    known = True
                    break
            if not known:
                if count > limit:
                    return count
                seen_customers[count] = customers[e]
                count += 1
    return count


@compiled
def _new_customers(i, customer_at, customers, seen_customers, count):
    """Count the customers of item i that are not among the first ``count`` seen."""
    new = 0
    for e in range(customer_at[i], customer_at[i + 1]):
        known = False
        for c in range(count):
            if seen_customers[c] == customers[e]:
                known = True
                break
        if not known:
            new += 1
    return new


@compiled
def _customers_fit(
    k, item, members, n_in, trial, n_trial, customer_at, customers, seen, limit
):
    """Tell whether members and trial items together stay within the customer limit."""
    both = np.empty(n_in + n_trial, np.int64)
    for a in range(n_in):
        both[a] = members[a]
    for a in range(n_trial):
        both[n_in + a] = trial[a]
    count = _count_customers(
        k, item, both, n_in + n_trial, customer_at, customers, seen, limit
    )
    return count <= limit


@compiled
def _fine(nf, trial, n_trial, item_at, edge_feature, need, paid, capacity):
    """Sum the cuts no member is in yet and two trial items are: no bound saw them."""
    total = 0
    hits = np.zeros(nf, np.int64)
    for a in range(n_trial):
        for e in range(item_at[trial[a]], item_at[trial[a] + 1]):
            f = edge_feature[e]
            if need[f] == 2 and paid[f] == 0:
                hits[f] += 1
                if hits[f] == 2:
                    total += capacity[f]
    return total
