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
from optimizer.kernels.cliques import cliques_of
from optimizer.kernels.deciding import (
    ON_FEATURE,
    ON_KIND,
    choose_branch,
    replaceable,
    worst_clash,
)
from optimizer.kernels.halves import bound_by_halves, halves_of
from optimizer.kernels.local import local_problem
from optimizer.kernels.partial import (
    BUYERS,
    COUNT,
    FREE,
    GAIN,
    ROOM,
    SLOTS,
    TRAIL,
    Partial,
    put_out,
    take_back,
    take_in,
    undo,
)
from optimizer.kernels.relaxation import Relaxed, relax, shift
from optimizer.kernels.value import credit, measure, reprice, value_taken

compiled: Any = numba.njit(cache=True, nogil=True)

EASY = 150
"""Search nodes that most anchors need no more than."""

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
    k, duals, tau, arrays, cuts, place, cut_place, easy, node_limit, found, report
):
    """Find the bin of two or more items anchored at k that violates the duals most.

    After ``easy`` nodes it is searched anew by sets of kinds that all share, each with
    a bound by two forests, for up to ``node_limit`` nodes in all, if those are more.

    ``found`` receives its items (anchor first). ``report`` receives: 0 the violation
    found, or 0 when there is none; 1 an upper bound on every violation, equal to the
    first unless the node limit struck; 2 how many items; 3 nodes searched.
    """
    report[:] = 0
    most_gain = duals[k]  # what is left of a bin without its anchor gains nothing
    if most_gain <= 0 or arrays.candidate_at[k + 1] == arrays.candidate_at[k]:
        return
    local = local_problem(k, duals, tau, arrays, cuts, place, cut_place)
    m = local.item.shape[0]
    nf = local.weight.shape[0]
    if m == 0 or local.base + local.profit.sum() <= 0:
        return
    part = Partial(
        np.zeros(m, np.int8), np.zeros(nf, np.int64), np.zeros(nf, np.uint8),
        np.empty(m, np.int64), np.empty(m, np.int64), np.zeros(6, np.int64),
    )  # fmt: skip
    part.figures[GAIN] = local.base
    part.figures[SLOTS] = local.slots
    part.figures[ROOM] = local.room
    part.figures[BUYERS] = local.buyers
    work = room_for(local)
    kind_ok = arrays.kind_ok
    limit, top, out = min(node_limit, easy), most_gain, 0
    c, last = -1, 0
    while c < last:
        bound = top
        if c >= 0:  # not the first time: set of kinds by set of kinds, each bounded
            if c == 0:
                limit, top, out = node_limit, report[1], part.figures[TRAIL]
                report[1] = 0
                sets, cliques = cliques_of(local.kind, kind_ok)
                halves = halves_of(local, arrays)
                last = max(cliques, 1)
            if cliques > 1:
                for j in range(m):
                    if part.state[j] == FREE and sets[c, local.kind[j]] == 0:
                        put_out(part, j)
            measure(local, work)
            report[3] += 1
            bound = min(top, bound_by_halves(local, part, work, halves, report[0]))
        if bound > report[0]:
            search(k, local, part, work, kind_ok, bound, limit, found, report)
        if c >= 0:
            undo(part, out)
        elif report[1] > report[0] and node_limit > easy:
            last = 1
        c += 1
    report[1] = max(report[0], report[1])


@compiled
def room_for(local):
    """Return room for the relaxations of an anchor's nodes."""
    m = local.item.shape[0]
    nf = local.weight.shape[0]
    width = min(local.slots, local.size.sum()) + 1
    height = min(max(local.buyers, 0), local.customers.sum()) + 1
    work = Relaxed(
        np.ones(nf, np.int64), np.zeros(nf, np.int64),
        np.zeros(local.touches.shape[0], np.int64), np.zeros(nf, np.int64),
        np.zeros(nf, np.int64), np.zeros(nf, np.int64),
        np.zeros(m, np.int64), np.arange(m), np.zeros(nf, np.int64),
        np.empty(m, np.int64), np.empty(m, np.int64),
        np.empty(m, np.int64), np.empty(m, np.int64),
        np.zeros(width, np.int64), np.zeros((height, width), np.int64),
        np.empty((m, height, width), np.int32),
        np.zeros(2, np.int64), np.empty(m, np.int64), np.empty(m, np.float64),
    )  # fmt: skip
    measure(local, work)
    return work


@compiled
def search(k, local, part, work, kind_ok, top, node_limit, found, report):
    """Search bins of the free items that gain more than the best so far.

    None gains more than ``top``. ``report`` is that of ``price_anchor``, but for its
    bound, which is that of nodes left when the limit strikes.
    """
    m = local.item.shape[0]
    nf = local.weight.shape[0]
    most = m + nf + 2
    on = np.empty(most, np.int64)
    what = np.empty(most, np.int64)
    second = np.zeros(most, np.uint8)
    mark = np.empty(most, np.int64)
    depth = 0
    above = np.empty(most, np.int64)
    root = True
    descend = True
    while True:
        if descend:
            report[3] += 1
            descend = False
            count = relax(local, part, work)
            best, one_less, taken = best_choice(local, part, work, count)
            sure = part.figures[GAIN] + credit(part, work)
            bound = min(sure + best, above[depth - 1] if depth > 0 else top)
            floor = np.int64(0)
            tried = 0
            for _ in range(ROOT_SHIFTS if root else NODE_SHIFTS):
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
                    if root and not fits:
                        greedy(k, local, part, work, kind_ok, count, found, report)
                    if bound > report[0] and branch_what >= 0:
                        if report[3] >= node_limit:
                            report[1] = max(report[1], bound)
                        else:
                            on[depth] = branch_on
                            what[depth] = branch_what
                            second[depth] = 0
                            mark[depth] = part.figures[TRAIL]
                            above[depth] = bound
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
                            root = False
                            continue
        if depth == 0:
            break
        depth -= 1
        undo(part, mark[depth])
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
        easy = min(EASY, limit - 1)
        price_anchor(
            k, duals, tau, arrays, cuts, place, cut_place, easy, limit, columns[k],
            report,
        )  # fmt: skip
        lengths[k] = report[2]
        duals[k] -= report[1]
        nodes += report[3]
        saved[0] = max(saved[0] + limits[2] - report[3], 0)
        struck += report[1] > report[0]
    return nodes, struck


@compiled
def glance_range(start, stop, duals, tau, arrays, cuts, nodes, columns, lengths):
    """Look for a bin of each anchor that violates the duals, for a few nodes.

    ``columns[k]`` receives the worst bin seen, ``lengths[k]`` its number of items or 0.
    """
    report = np.zeros(4, np.int64)
    place = np.full(arrays.weight.shape[0], -1, np.int64)
    cut_place = np.full(cuts.sigma.shape[0], -1, np.int64)
    for k in range(start, stop):
        price_anchor(
            k, duals, tau, arrays, cuts, place, cut_place, nodes, nodes, columns[k],
            report,
        )  # fmt: skip
        lengths[k] = report[2]
