"""The best choice of items at a node: a dynamic program over their customers."""

from typing import Any

import numba
import numpy as np

from optimizer.kernels.partial import BUYERS, SLOTS
from optimizer.kernels.relaxation import ALONE, PAID

compiled: Any = numba.njit(cache=True, nogil=True)


@compiled
def best_choice(local, part, work, count):
    """Return the best gain of free items, with all slots and one less, and the trial.

    Exact for what ``relax`` left: customers pay their fee once, at most so many
    customers and requests come in. Third: how many items the trial has.
    """
    groups = group_items(local, work, count)
    width = min(part.figures[SLOTS], work.row.shape[0] - 1)
    taken, spent = by_requests(local, work, groups, width)
    if spent > part.figures[BUYERS]:
        height = min(max(part.figures[BUYERS], 0), work.table.shape[0] - 1)
        taken = by_customers(local, work, groups, width, height)
        table = work.table[height]
        return table[width], table[max(width - 1, 0)], taken
    return work.row[width], work.row[max(width - 1, 0)], taken


@compiled
def group_items(local, work, count):
    """Group the items that gain by customer; return how many groups there are.

    Those whose customer is paid for, or who have none of their own, are one group;
    items of several requests are groups of their own. Groups that could not earn
    their fee are dropped.
    """
    order, after, first, group_of = work.order, work.after, work.first, work.groups
    left, opened = work.left, work.open
    group, size, weight = local.group, local.size, local.weight
    last = work.hits  # free to use here: the last item of each group so far
    last[:] = -1
    last_paid = -1
    ng = 0
    for a in range(count):
        j = order[a]
        after[j] = -1
        f = group[j]
        if size[j] > 1:
            first[ng] = j
            group_of[ng] = ALONE
            ng += 1
        elif f < 0 or opened[f] == 0:
            if last_paid < 0:
                first[ng] = j
                group_of[ng] = PAID
                ng += 1
            else:
                after[last_paid] = j
            last_paid = j
        elif last[f] < 0:
            first[ng] = j
            group_of[ng] = f
            ng += 1
            last[f] = j
        else:
            after[last[f]] = j
            last[f] = j
    kept = 0
    for g in range(ng):
        f = group_of[g]
        if f >= 0:
            total = -weight[f]
            j = first[g]
            while j >= 0:
                total += left[j]
                j = after[j]
            if total <= 0:
                continue
        group_of[kept] = f
        first[kept] = first[g]
        kept += 1
    return kept


@compiled
def by_requests(local, work, groups, width):
    """Fill the best gain by requests taken; return the trial and its customers."""
    row, choice, left, after = work.row, work.choice, work.left, work.after
    weight, size = local.weight, local.size
    row[:] = 0
    for g in range(groups):
        f = work.groups[g]
        fee = weight[f] if f >= 0 else np.int64(0)
        head = work.first[g]
        if f == ALONE:
            step = size[head]
            for q in range(width, step - 1, -1):
                choice[g, 0, q] = 0
                total = row[q - step] + left[head]
                if total > row[q]:
                    row[q] = total
                    choice[g, 0, q] = 1
            for q in range(min(step, width + 1)):
                choice[g, 0, q] = 0
            continue
        for q in range(width, 0, -1):
            best = row[q]
            chosen = 0
            total = -fee
            j = head
            t = 1
            while j >= 0 and t <= q:
                total += left[j]
                if row[q - t] + total > best:
                    best = row[q - t] + total
                    chosen = t
                j = after[j]
                t += 1
            row[q] = best
            choice[g, 0, q] = chosen
    taken = 0
    spent = 0
    q = width
    for g in range(groups - 1, -1, -1):
        chosen = choice[g, 0, q] if q > 0 else 0
        if chosen == 0:
            continue
        f = work.groups[g]
        j = work.first[g]
        q -= local.size[j] if f == ALONE else chosen
        if f >= 0:
            spent += local.customers[f]
        for _ in range(chosen):
            work.trial[taken] = j
            taken += 1
            j = work.after[j]
    return taken, spent


@compiled
def by_customers(local, work, groups, width, height):
    """Fill the best gain by customers and requests taken; return the trial."""
    table, choice, left, after = work.table, work.choice, work.left, work.after
    table[:, :] = 0
    for g in range(groups):
        f = work.groups[g]
        fee = np.int64(0)
        more = 0
        if f >= 0:
            fee = local.weight[f]
            more = local.customers[f]
        head = work.first[g]
        step = local.size[head] if f == ALONE else 1
        for u in range(height, -1, -1):
            if u < more:
                choice[g, u, :] = 0
                continue
            for q in range(width, 0, -1):
                best = table[u, q]
                chosen = 0
                total = -fee
                j = head
                t = 1
                while j >= 0 and t * step <= q:
                    total += left[j]
                    if table[u - more, q - t * step] + total > best:
                        best = table[u - more, q - t * step] + total
                        chosen = t
                    j = after[j]
                    t += 1
                table[u, q] = best
                choice[g, u, q] = chosen
    taken = 0
    u = height
    q = width
    for g in range(groups - 1, -1, -1):
        chosen = choice[g, u, q] if q > 0 else 0
        if chosen == 0:
            continue
        f = work.groups[g]
        j = work.first[g]
        q -= local.size[j] if f == ALONE else chosen
        if f >= 0:
            u -= local.customers[f]
        for _ in range(chosen):
            work.trial[taken] = j
            taken += 1
            j = work.after[j]
    return taken
