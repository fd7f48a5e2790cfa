r"""The exact best bin of an anchor for given duals.

Every figure here is an integer: costs are thousandths of a staff-day times ``scale``,
so that duals have room for fractions and a bound is never a rounding error. A bin is
priced from its *anchor*, its last member to arrive: then waiting is linear, and the
window and wait rules hold between all candidates (model.md section 4). For duals
:math:`\pi` the best bin anchored at k maximises

.. math:: \sum_{i \in B} p_i - \sum_{f \in \cup_i F_i} w_f
          - \sum_c \sigma_c [|B \cap S_c| \ge 2]

The search decides what a bin *pays for* rather than item by item: it branches on
features (paid for, or every item that touches them left out), on kinds of items that
may not share with each other, and on single items only where nothing else is left. At
every node a feature that is not decided yet charges each of its free items an equal
share, a K-th of its weight where at most K of them fit: no bin is charged more than it
pays. What is left is chosen exactly within the limits on requests and customers; the
limit on value and the rules between items are branched on.
"""

from typing import Any

import numba
import numpy as np

from optimizer.kernels.choice import best_choice
from optimizer.kernels.local import local_problem
from optimizer.kernels.partial import (
    BUYERS,
    COUNT,
    FREE,
    GAIN,
    ROOM,
    SLOTS,
    TRAIL,
    TRIED,
    Partial,
    charged,
    put_out,
    take_back,
    take_in,
)
from optimizer.kernels.relaxation import Relaxed, relax, shift
from optimizer.kernels.value import credit, measure, reprice, value_taken

compiled: Any = numba.njit(cache=True, nogil=True)

ON_FEATURE, ON_KIND, ON_ITEM = 0, 1, 2

ROOT_SHIFTS = 20
NODE_SHIFTS = 4
"""How often shares are moved at an anchor's first node and at others."""


@compiled
def true_gain(local, part, work, taken):
    """Return the exact gain of the members and the trial, and its customers.

    Features that were forced and that nothing touches are not paid for.
    """
    gain = local.base
    for a in range(part.figures[COUNT]):
        gain += local.profit[part.members[a]]
    for f in range(local.weight.shape[0]):
        work.hits[f] = part.got[f]
    for a in range(taken):
        j = work.trial[a]
        gain += local.profit[j]
        for e in range(local.touch_at[j], local.touch_at[j + 1]):
            work.hits[local.touches[e]] += 1
    buyers = local.buyers
    for f in range(local.weight.shape[0]):
        if work.hits[f] >= local.need[f]:
            gain -= local.weight[f]
            buyers -= local.customers[f]
    return gain, buyers


@compiled
def keep(k, local, part, work, taken, gain, found, report):
    """Note a bin that gains more than any before."""
    report[0] = gain
    found[0] = k
    count = part.figures[COUNT]
    for a in range(count):
        found[1 + a] = local.item[part.members[a]]
    for a in range(taken):
        found[1 + count + a] = local.item[work.trial[a]]
    report[2] = 1 + count + taken


@compiled
def missed_of(local, work, taken, f):
    """Return what the trial should pay for a feature beyond its shares."""
    missed = local.weight[f]
    for a in range(taken):
        j = work.trial[a]
        for e in range(local.touch_at[j], local.touch_at[j + 1]):
            if local.touches[e] == f:
                if work.free[f] > 0:
                    missed -= work.share[e]
                elif local.group[j] == f and local.size[j] == 1:
                    return np.int64(0)
    return missed


@compiled
def worst_clash(local, work, kind_ok, taken):
    """Return the trial item that clashes with most others, -1 when none does."""
    worst = 0
    worst_item = -1
    for a in range(taken):
        clashes = 0
        row = local.kind[work.trial[a]]
        for b in range(taken):
            if a != b and kind_ok[row, local.kind[work.trial[b]]] == 0:
                clashes += 1
        if clashes > worst:
            worst = clashes
            worst_item = work.trial[a]
    return worst_item


@compiled
def choose_branch(local, part, work, kind_ok, taken, clash, buyers, amount):
    """Return what to branch on so that the trial's bound is no longer possible.

    First a kind of items that clash, then the feature the trial pays least of, then an
    item: the largest where the value is too high, or one of a cut. (-1, -1) when the
    bound is the trial's gain.
    """
    if clash >= 0:
        row = local.kind[clash]
        if kind_ok[row, row] == 1:
            return ON_KIND, row
        return ON_ITEM, clash
    worst = np.int64(0)
    branch = -1
    first_of_customers = local.weight.max() + 1 if buyers < 0 else np.int64(0)
    for f in range(local.weight.shape[0]):
        if work.hits[f] < local.need[f] or charged(local, part, f):
            continue
        if local.need[f] > 1 and part.got[f] == 0:
            continue
        missed = missed_of(local, work, taken, f)
        if local.customers[f] > 0:
            missed += first_of_customers
        if missed > worst:
            worst = missed
            branch = f
    if branch >= 0:
        return ON_FEATURE, branch
    if amount > part.figures[ROOM]:
        largest = work.trial[0]
        for a in range(1, taken):
            if local.value[work.trial[a]] > local.value[largest]:
                largest = work.trial[a]
        return ON_ITEM, largest
    for a in range(taken):
        j = work.trial[a]
        for e in range(local.touch_at[j], local.touch_at[j + 1]):
            f = local.touches[e]
            if (
                local.need[f] > 1
                and part.got[f] == 0
                and work.hits[f] > 1
                and not charged(local, part, f)
            ):
                return ON_ITEM, j
    if work.rate[0] > 0:
        return ON_ITEM, next_in(local, part, work, taken)
    return -1, -1


@compiled
def next_in(local, part, work, taken):
    """Return the free item that is nearest to coming into the trial, or one in it.

    -1 when no item is free: the trial is all there is.
    """
    for a in range(taken):
        part.state[work.trial[a]] = TRIED
    best = -1
    for j in range(local.item.shape[0]):
        if part.state[j] == FREE and (best < 0 or work.left[j] > work.left[best]):
            best = j
    for a in range(taken):
        part.state[work.trial[a]] = FREE
    if best < 0 and taken > 0:
        return work.trial[0]
    return best


@compiled
def replaceable(local, i, j):
    """Tell whether item j may stand for item i in any bin without it, at no loss.

    So it is for twins and for itself. No bin worth finding holds i and leaves out j.
    """
    if (
        local.kind[i] != local.kind[j]
        or local.profit[i] > local.profit[j]
        or local.size[i] < local.size[j]
        or local.value[i] < local.value[j]
    ):
        return False
    first, other = local.touch_at[i], local.touch_at[j]
    count = local.touch_at[i + 1] - first
    if local.touch_at[j + 1] - other != count:
        return False
    for e in range(count):
        if local.touches[first + e] != local.touches[other + e]:
            return False
    return True


@compiled
def greedy(k, local, part, work, kind_ok, count, found, report):
    """Put a bin together from the items in order, each if it fits and gains."""
    taken = 0
    slots = part.figures[SLOTS]
    room = part.figures[ROOM]
    buyers = part.figures[BUYERS]
    for f in range(local.weight.shape[0]):
        work.hits[f] = part.got[f]
    for a in range(count):
        j = work.order[a]
        if local.size[j] > slots or local.value[j] > room:
            continue
        gain = local.profit[j]
        more = 0
        for e in range(local.touch_at[j], local.touch_at[j + 1]):
            f = local.touches[e]
            if work.hits[f] + 1 == local.need[f]:
                gain -= local.weight[f] if part.forced[f] == 0 else 0
                more += local.customers[f] if part.forced[f] == 0 else 0
        if more > buyers:
            continue
        # A feature others will share need not be earned by its first item alone.
        if gain + (local.profit[j] - work.left[j]) * 2 <= 0 and gain <= 0:
            continue
        fits = True
        for b in range(taken):
            if kind_ok[local.kind[j], local.kind[work.trial[b]]] == 0:
                fits = False
                break
        if not fits:
            continue
        work.trial[taken] = j
        taken += 1
        slots -= local.size[j]
        room -= local.value[j]
        buyers -= more
        for e in range(local.touch_at[j], local.touch_at[j + 1]):
            work.hits[local.touches[e]] += 1
    # Drop what does not pay for itself.
    dropped = True
    while dropped:
        dropped = False
        a = 0
        while a < taken:
            j = work.trial[a]
            gain = local.profit[j]
            for e in range(local.touch_at[j], local.touch_at[j + 1]):
                f = local.touches[e]
                if work.hits[f] == local.need[f]:
                    gain -= local.weight[f]
            if gain < 0:
                for e in range(local.touch_at[j], local.touch_at[j + 1]):
                    work.hits[local.touches[e]] -= 1
                taken -= 1
                work.trial[a] = work.trial[taken]
                dropped = True
            else:
                a += 1
    if part.figures[COUNT] + taken == 0:
        return
    gain, _ = true_gain(local, part, work, taken)
    if gain > report[0]:
        keep(k, local, part, work, taken, gain, found, report)


@compiled
def price_anchor(
    k, duals, tau, arrays, cuts, place, cut_place, node_limit, found, report
):
    """Find the bin of two or more items anchored at k that violates the duals most.

    ``found`` receives its items (anchor first). ``report`` receives: 0 the violation
    found, or 0 when there is none; 1 an upper bound on every violation, equal to the
    first unless the node limit struck; 2 how many items; 3 nodes searched.
    """
    report[:] = 0
    if arrays.candidate_at[k + 1] == arrays.candidate_at[k]:
        return
    local = local_problem(k, duals, tau, arrays, cuts, place, cut_place)
    m = local.item.shape[0]
    nf = local.weight.shape[0]
    if m == 0 or local.base + local.profit.sum() <= 0:
        return
    kind_ok = arrays.kind_ok
    part = Partial(
        np.zeros(m, np.int8), np.zeros(nf, np.int64), np.zeros(nf, np.uint8),
        np.empty(m, np.int64), np.empty(m, np.int64), np.zeros(6, np.int64),
    )  # fmt: skip
    part.figures[GAIN] = local.base
    part.figures[SLOTS] = local.slots
    part.figures[ROOM] = local.room
    part.figures[BUYERS] = local.buyers
    width = min(local.slots, local.size.sum()) + 1
    height = min(max(local.buyers, 0), local.customers.sum()) + 1
    work = Relaxed(
        np.ones(nf, np.int64), np.zeros(nf, np.int64),
        np.zeros(local.touches.shape[0], np.int64),
        np.zeros(m, np.int64), np.empty(m, np.int64),
        np.zeros(nf, np.int64), np.empty(m, np.int64), np.empty(m, np.int64),
        np.empty(m, np.int64), np.empty(m, np.int64),
        np.zeros(width, np.int64), np.zeros((height, width), np.int64),
        np.empty((m, height, width), np.int32),
        np.zeros(2, np.int64), np.empty(m, np.int64), np.empty(m, np.float64),
    )  # fmt: skip
    measure(local, work)
    most = m + nf + 2
    on = np.empty(most, np.int64)
    what = np.empty(most, np.int64)
    second = np.zeros(most, np.uint8)
    mark = np.empty(most, np.int64)
    depth = 0
    open_bound = np.int64(0)
    nodes = 0
    descend = True
    while True:
        if descend:
            nodes += 1
            descend = False
            count = relax(local, part, work)
            best, one_less, taken = best_choice(local, part, work, count)
            sure = part.figures[GAIN] + credit(part, work)
            bound = sure + best
            floor = np.int64(0)
            tried = 0
            for _ in range(ROOT_SHIFTS if nodes == 1 else NODE_SHIFTS):
                if bound <= report[0]:
                    break
                # Leave out items that no bin worth finding holds; others pay more.
                out = 0
                for j in range(m):
                    if (
                        part.state[j] == FREE
                        and sure + one_less + work.left[j] <= (report[0])
                    ):
                        put_out(part, j)
                        out += 1
                moved = shift(local, part, work, taken)
                if value_taken(local, work, taken) > part.figures[ROOM]:
                    floor = work.rate[0]
                repriced = reprice(local, part, work, taken, count, tried, floor)
                tried += repriced
                if out == 0 and not moved and not repriced:
                    break
                count = relax(local, part, work)
                best, one_less, taken = best_choice(local, part, work, count)
                sure = part.figures[GAIN] + credit(part, work)
                bound = min(bound, sure + best)
            if bound > report[0]:
                gain, buyers = true_gain(local, part, work, taken)
                clash = worst_clash(local, work, kind_ok, taken)
                amount = value_taken(local, work, taken)
                fits = clash < 0 and buyers >= 0 and amount <= part.figures[ROOM]
                if fits and gain > report[0] and part.figures[COUNT] + taken > 0:
                    keep(k, local, part, work, taken, gain, found, report)
                if bound > report[0]:
                    branch_on, branch_what = choose_branch(
                        local, part, work, kind_ok, taken, clash, buyers, amount
                    )
                    if nodes == 1 and not fits:
                        greedy(k, local, part, work, kind_ok, count, found, report)
                    if bound > report[0] and branch_what >= 0:
                        if nodes >= node_limit:
                            open_bound = max(open_bound, bound)
                        else:
                            on[depth] = branch_on
                            what[depth] = branch_what
                            second[depth] = 0
                            mark[depth] = part.figures[TRAIL]
                            depth += 1
                            if branch_on == ON_FEATURE:
                                part.forced[branch_what] = 1
                                part.figures[GAIN] -= local.weight[branch_what]
                                part.figures[BUYERS] -= local.customers[branch_what]
                            elif branch_on == ON_KIND:
                                for i in range(m):
                                    if (
                                        part.state[i] == FREE
                                        and kind_ok[local.kind[i], branch_what] == 0
                                    ):
                                        put_out(part, i)
                            else:
                                take_in(local, part, kind_ok, branch_what)
                            descend = True
                            continue
        if depth == 0:
            break
        depth -= 1
        while part.figures[TRAIL] > mark[depth]:
            part.figures[TRAIL] -= 1
            part.state[part.trail[part.figures[TRAIL]]] = FREE
        w = what[depth]
        if second[depth] == 1:
            continue
        second[depth] = 1
        if on[depth] == ON_FEATURE:
            part.forced[w] = 0
            part.figures[GAIN] += local.weight[w]
            part.figures[BUYERS] += local.customers[w]
            for e in range(local.holder_at[w], local.holder_at[w + 1]):
                if part.state[local.holders[e]] == FREE:
                    put_out(part, local.holders[e])
        elif on[depth] == ON_KIND:
            for i in range(m):
                if part.state[i] == FREE and local.kind[i] == w:
                    put_out(part, i)
        else:
            take_back(local, part, w)
            part.state[w] = FREE
            for i in range(m):
                if part.state[i] == FREE and replaceable(local, i, w):
                    put_out(part, i)
        depth += 1
        descend = True
    report[1] = max(report[0], open_bound)
    report[3] = nodes


@compiled
def price_range(start, stop, duals, tau, arrays, cuts, limits, saved, columns, lengths):
    """Price anchors in order and repair the duals as it goes.

    Bins anchored at k hold earlier items only, whose duals are final by then: once k's
    dual is lowered by the violation found, no bin anchored at k violates any more, and
    after the last anchor the duals are feasible. ``columns[k]`` receives the worst bin
    of each anchor, ``lengths[k]`` its number of items or 0.
    ``limits`` are search nodes: those an anchor always has, those it may have of what
    earlier ones left over, and those whose rest one leaves over. ``saved`` (1) is what
    is left over so far. Returns the nodes searched and at how many anchors their limit
    struck.
    """
    report = np.zeros(4, np.int64)
    place = np.full(arrays.weight.shape[0], -1, np.int64)
    cut_place = np.full(cuts.sigma.shape[0], -1, np.int64)
    nodes = 0
    struck = 0
    for k in range(start, stop):
        duals[k] = min(duals[k], arrays.scale * arrays.alone[k] - tau)
        limit = max(limits[0], min(limits[1], saved[0]))
        price_anchor(
            k, duals, tau, arrays, cuts, place, cut_place, limit, columns[k],
            report,
        )  # fmt: skip
        lengths[k] = report[2]
        duals[k] -= report[1]
        nodes += report[3]
        saved[0] = max(saved[0] + limits[2] - report[3], 0)
        struck += report[1] > report[0]
    return nodes, struck
