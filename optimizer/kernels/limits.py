"""Counting customers and cuts of a bin that is being put together."""

from typing import Any

import numba
import numpy as np

compiled: Any = numba.njit(cache=True, nogil=True)


@compiled
def count_customers(
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
def new_customers(i, customer_at, customers, seen_customers, count):
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
def customers_fit(
    k, item, members, n_in, trial, n_trial, customer_at, customers, seen, limit
):
    """Tell whether members and trial items together stay within the customer limit."""
    both = np.empty(n_in + n_trial, np.int64)
    for a in range(n_in):
        both[a] = members[a]
    for a in range(n_trial):
        both[n_in + a] = trial[a]
    count = count_customers(
        k, item, both, n_in + n_trial, customer_at, customers, seen, limit
    )
    return count <= limit


@compiled
def fine_of(nf, trial, n_trial, item_at, edge_feature, need, paid, capacity):
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
