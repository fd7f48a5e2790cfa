"""The problem of one anchor: its candidates, what they gain, share and exclude."""

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

compiled: Any = numba.njit(cache=True, nogil=True)

type Ints = npt.NDArray[np.int64]
type Bytes = npt.NDArray[np.uint8]


class Local(NamedTuple):
    """What an anchor's bins are made of, in numbers of its own.

    ``item`` are the candidates worth a look and ``profit`` what each gains before it
    pays for features. A feature of ``need`` 2 is a cut, paid for at its second item.
    ``base`` is the gain of the anchor with nothing else but the pair fee.
    """

    item: Ints
    profit: Ints
    size: Ints
    value: Ints
    kind: Ints
    touch_at: Ints
    touches: Ints
    holder_at: Ints
    holders: Ints
    holder_edges: Ints  # where each holder stands in ``touches``
    weight: Ints
    need: Ints
    customers: Ints  # how many customers a feature stands for, 0 for other features
    group: Ints  # the feature of each item's one customer, negative otherwise
    origin: Ints  # each feature's number in the instance, negative for a cut
    base: int
    slots: int
    room: int
    buyers: int


@compiled
def local_problem(k, duals, tau, arrays, cuts, place, cut_place):
    """Return the problem of anchor k.

    ``place`` (one entry a feature) and ``cut_place`` (one a cut) must hold -1 and do so
    again afterwards.
    """
    scale = arrays.scale
    base = duals[k] + tau - scale * (arrays.own[k] + arrays.pair_fee)
    buyers = arrays.max_customers
    for e in range(arrays.feature_at[k], arrays.feature_at[k + 1]):
        f = arrays.features[e]
        place[f] = -2  # the anchor pays for it
        base -= scale * arrays.weight[f]
        buyers -= arrays.per_customer[f]
    for e in range(cuts.cut_at[k], cuts.cut_at[k + 1]):
        cut_place[cuts.cuts[e]] = -2  # the anchor is in it: the next item pays
    first, last = arrays.candidate_at[k], arrays.candidate_at[k + 1]
    slots = arrays.max_requests - arrays.size[k]
    room = arrays.max_value - arrays.value[k]

    item = np.empty(last - first, np.int64)
    profit = np.empty(last - first, np.int64)
    m = 0
    touched = 0
    for e in range(first, last):
        i = arrays.candidates[e]
        delay = arrays.ready[k] - arrays.ready[i]
        gain = duals[i] - scale * (arrays.own[i] + arrays.slope[i] * delay)
        if gain > 0 and arrays.size[i] <= slots and arrays.value[i] <= room:
            item[m] = i
            profit[m] = gain
            m += 1
            touched += arrays.feature_at[i + 1] - arrays.feature_at[i]
            touched += cuts.cut_at[i + 1] - cuts.cut_at[i]

    touch_at = np.zeros(m + 1, np.int64)
    touches = np.empty(touched, np.int64)
    weight = np.empty(touched, np.int64)
    need = np.ones(touched, np.int64)
    customers = np.zeros(touched, np.int64)
    origin = np.empty(touched, np.int64)
    nf = 0
    edges = 0
    for j in range(m):
        i = item[j]
        for e in range(arrays.feature_at[i], arrays.feature_at[i + 1]):
            f = arrays.features[e]
            if place[f] == -2:
                continue
            if place[f] == -1:
                place[f] = nf
                weight[nf] = scale * arrays.weight[f]
                customers[nf] = arrays.per_customer[f]
                origin[nf] = f
                nf += 1
            touches[edges] = place[f]
            edges += 1
        for e in range(cuts.cut_at[i], cuts.cut_at[i + 1]):
            c = cuts.cuts[e]
            if cuts.sigma[c] == 0:
                continue
            if cut_place[c] < 0:
                need[nf] = 1 if cut_place[c] == -2 else 2
                cut_place[c] = nf
                weight[nf] = cuts.sigma[c]
                origin[nf] = -1 - c
                nf += 1
            touches[edges] = cut_place[c]
            edges += 1
        touch_at[j + 1] = edges
    for f in range(nf):
        if origin[f] >= 0:
            place[origin[f]] = -1
        else:
            cut_place[-1 - origin[f]] = -1
    for e in range(arrays.feature_at[k], arrays.feature_at[k + 1]):
        place[arrays.features[e]] = -1
    for e in range(cuts.cut_at[k], cuts.cut_at[k + 1]):
        cut_place[cuts.cuts[e]] = -1

    holder_at = np.zeros(nf + 1, np.int64)
    for e in range(edges):
        holder_at[touches[e] + 1] += 1
    for f in range(nf):
        holder_at[f + 1] += holder_at[f]
    fill = holder_at[:nf].copy()
    holders = np.empty(edges, np.int64)
    holder_edges = np.empty(edges, np.int64)
    for j in range(m):
        for e in range(touch_at[j], touch_at[j + 1]):
            holders[fill[touches[e]]] = j
            holder_edges[fill[touches[e]]] = e
            fill[touches[e]] += 1
    group = np.full(m, -1, np.int64)
    for j in range(m):
        for e in range(touch_at[j], touch_at[j + 1]):
            f = touches[e]
            if customers[f] > 0:
                group[j] = f if group[j] == -1 else -2
    return Local(
        item[:m],
        profit[:m],
        arrays.size[item[:m]],
        arrays.value[item[:m]],
        arrays.kind[item[:m]],
        touch_at,
        touches[:edges],
        holder_at,
        holders,
        holder_edges,
        weight[:nf],
        need[:nf],
        customers[:nf],
        group,
        origin[:nf],
        base,
        slots,
        room,
        buyers,
    )
