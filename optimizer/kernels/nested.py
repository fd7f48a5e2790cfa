"""The best choice of items at a node where features are nested: a forest's knapsack."""

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

compiled: Any = numba.njit(cache=True, nogil=True)

type Ints = npt.NDArray[np.int64]


class LocalNests(NamedTuple):
    """The nests of an anchor's candidates, inner ones first, and a last one of all.

    Nests whose feature the anchor pays for are none.
    """

    of: Ints  # the innermost nest of each item
    inside: Ints  # the nest that each nest is in
    feature: Ints  # what each nest stands for, -1 for the last
    within: (
        Ints  # the nest that is partly touched and that each nest is or is in, or -1
    )
    marked: Ints  # 1 where an item touches the feature of such a nest


class NestRoom(NamedTuple):
    """Room for a choice by nests. World 0 has no marked items, world 1 has all."""

    left: Ints  # what each item gains before its nests are paid for
    order: Ints  # items that gain, most first; then the others
    after: Ints  # of each item: the next of its nest's own
    several: Ints  # items of several requests of one nest
    trial: Ints  # the best choice
    gain: Ints  # (nests, worlds, width): the most that so many requests gain
    held: Ints  # (nests, worlds): how many requests that is known for
    given: npt.NDArray[np.int16]  # how many of a nest's requests an inner one took
    sized: npt.NDArray[np.int16]  # 1 where an item of several requests was taken
    best_world: npt.NDArray[np.int8]  # (nests, width): which world is better
    first: Ints  # of each nest: the first of its own items in order
    last: Ints
    asked: Ints  # of each nest: requests of it in the best choice
    world: Ints


@compiled
def nests_of(local, nests, feature_of):
    """Return the nests of an anchor's candidates.

    ``feature_of`` tells the number that a feature has here, or less than 0 where no
    candidate pays for it.
    """
    item = local.item
    m = item.shape[0]
    count = nests.inside.shape[0]
    here = np.full(count + 1, -1, np.int64)
    found = np.empty(count, np.int64)
    nn = 0
    for j in range(m):
        v = nests.of[item[j]]
        while v >= 0 and here[v] == -1:
            here[v] = 0
            if feature_of[nests.feature[v]] >= 0:
                found[nn] = v
                nn += 1
            v = nests.inside[v]
    order = np.sort(found[:nn])
    for a in range(nn):
        here[order[a]] = a + 1
    inside = np.full(nn + 1, -1, np.int64)
    feature = np.full(nn + 1, -1, np.int64)
    within = np.full(nn + 1, -1, np.int64)
    for a in range(nn):
        v = nests.inside[order[a]]
        while v >= 0 and here[v] <= 0:
            v = nests.inside[v]
        inside[a] = nn if v < 0 else here[v] - 1
        feature[a] = feature_of[nests.feature[order[a]]]
    for a in range(nn - 1, -1, -1):
        within[a] = a if nests.partly[order[a]] == 1 else within[inside[a]]
    of = np.full(m, nn, np.int64)
    for j in range(m):
        v = nests.of[item[j]]
        while v >= 0 and here[v] <= 0:
            v = nests.inside[v]
        if v >= 0:
            of[j] = here[v] - 1
    marked = np.zeros(m, np.int64)
    for j in range(m):
        p = within[of[j]]
        for e in range(local.touch_at[j], local.touch_at[j + 1]):
            if p >= 0 and local.touches[e] == feature[p]:
                marked[j] = 1
    return LocalNests(of, inside, feature, within, marked)


@compiled
def room_for_nests(nests, width, sized):
    """Return room for choices of so many requests."""
    nn = nests.inside.shape[0]
    m = nests.of.shape[0]
    return NestRoom(
        np.zeros(m, np.int64), np.arange(m), np.empty(m, np.int64),
        np.empty(m, np.int64), np.empty(m, np.int64),
        np.zeros((nn, 2, width), np.int64), np.zeros((nn, 2), np.int64),
        np.zeros((nn, 2, width), np.int16), np.zeros((sized, 2, width), np.int16),
        np.zeros((nn, width), np.int8), np.empty(nn, np.int64),
        np.empty(nn, np.int64), np.zeros(nn, np.int64), np.zeros(nn, np.int64),
    )  # fmt: skip


@compiled
def choose_by_nests(nests, room, opened, weight, size, count, slots):
    """Return the best gain of the items in order, with all slots and one less.

    Exact: the first item of a nest pays for it where that is still open. Third: how
    many items the best choice has; they are in ``trial``.
    """
    inside, feature, within = nests.inside, nests.feature, nests.within
    gain, held, given = room.gain, room.held, room.given
    nn = inside.shape[0]
    width = min(slots, gain.shape[2] - 1)
    own_items(nests, room, opened, size, count, width)
    for v in range(nn - 1):
        f = feature[v]
        fee = weight[f] if opened[f] == 1 else np.int64(0)
        up = inside[v]
        p = within[v]
        apart = p >= 0 and opened[feature[p]] == 1  # in one that is partly touched
        for world in range(0 if apart and p != v else 1, 2):
            # Its items pay the fee; nothing is left where they do not gain it.
            inner = held[v, world]
            tops = gain[v, world]
            for q in range(1, inner + 1):
                tops[q] = max(tops[q] - fee, 0)
            if tops[inner] == 0:
                inner = 0
                held[v, world] = 0
            if apart and p == v:
                choose_world(gain, held, room.best_world, v)
                inner = held[v, 1]
            # They go into the table of the nest it is in.
            took = given[v, world]
            if inner == 0:
                took[:] = 0
                continue
            table = gain[up, world]
            most = held[up, world]
            more = min(width, most + inner)
            for q in range(most + 1, more + 1):
                table[q] = table[most]
            for q in range(more, 0, -1):
                best = table[q]
                chosen = 0
                for t in range(1, min(inner, q) + 1):
                    total = table[q - t] + tops[t]
                    if total > best:
                        best = total
                        chosen = t
                table[q] = best
                took[q] = chosen
            took[0] = 0
            took[more + 1 :] = took[more]
            held[up, world] = more
    root = nn - 1
    best = gain[root, 1, min(width, held[root, 1])]
    one_less = gain[root, 1, min(max(width - 1, 0), held[root, 1])]
    return best, one_less, trial_of(nests, room, opened, size, width)


@compiled
def own_items(nests, room, opened, size, count, width):
    """Put the items of each nest that are in no inner one into its tables."""
    gain, held, first, last = room.gain, room.held, room.first, room.last
    order, after, left = room.order, room.after, room.left
    of, within, feature, marked = nests.of, nests.within, nests.feature, nests.marked
    first[:] = -1
    held[:, :] = 0
    for a in range(count):
        j = order[a]
        after[j] = -1
        v = of[j]
        if first[v] < 0:
            first[v] = j
        else:
            after[last[v]] = j
        last[v] = j
    several = room.sized.shape[0] > 0
    for v in range(first.shape[0]):
        gain[v, 0, 0] = 0
        gain[v, 1, 0] = 0
        p = within[v]
        apart = p >= 0 and opened[feature[p]] == 1
        for world in range(0 if apart else 1, 2):
            most = 0
            total = np.int64(0)
            j = first[v]
            while j >= 0 and most < width:
                if size[j] == 1 and (world == 1 or marked[j] == 0):
                    total += left[j]
                    most += 1
                    gain[v, world, most] = total
                j = after[j]
            held[v, world] = most
            if not several:
                continue
            j = first[v]
            while j >= 0:
                if size[j] > 1 and (world == 1 or marked[j] == 0):
                    join_item(room, v, world, j, size[j], left[j], width)
                j = after[j]


@compiled
def choose_world(gain, held, best_world, v):
    """Put the better of a nest's worlds in the place of the one with all items."""
    without, paid = held[v, 0], held[v, 1]
    all_paid = gain[v, 1, paid]
    most = max(without, paid)
    for q in range(1, most + 1):
        with_all = gain[v, 1, q] if q <= paid else all_paid
        with_some = gain[v, 0, min(q, without)]
        best_world[v, q] = with_all > with_some
        gain[v, 1, q] = max(with_all, with_some)
    held[v, 1] = most


@compiled
def join_item(room, v, world, j, step, gained, width):
    """Let an item of several requests into the table of a nest."""
    gain, held = room.gain, room.held
    most = held[v, world]
    more = min(width, most + step)
    for q in range(most + 1, more + 1):
        gain[v, world, q] = gain[v, world, most]
    for q in range(more, -1, -1):
        room.sized[j, world, q] = 0
        if q >= step and gain[v, world, q - step] + gained > gain[v, world, q]:
            gain[v, world, q] = gain[v, world, q - step] + gained
            room.sized[j, world, q] = 1
    room.sized[j, world, more + 1 :] = room.sized[j, world, more]
    held[v, world] = more


@compiled
def trial_of(nests, room, opened, size, width):
    """List the items of the best choice; return how many there are."""
    inside, within = nests.inside, nests.within
    asked, world = room.asked, room.world
    root = inside.shape[0] - 1
    asked[root] = width
    world[root] = 1
    for v in range(root - 1, -1, -1):
        up = inside[v]
        took = np.int64(room.given[v, world[up], asked[up]]) if asked[up] > 0 else 0
        asked[v] = took
        asked[up] -= took
        world[v] = world[up]
        if within[v] == v and opened[nests.feature[v]] == 1 and took > 0:
            world[v] = room.best_world[v, took]
    first, after, trial, marked = room.first, room.after, room.trial, nests.marked
    several = room.sized.shape[0] > 0
    taken = 0
    for v in range(root + 1):
        q = asked[v]
        if several:
            q, taken = sized_items(nests, room, size, v, q, taken)
        j = first[v]
        while j >= 0 and q > 0:
            if size[j] == 1 and (world[v] == 1 or marked[j] == 0):
                trial[taken] = j
                taken += 1
                q -= 1
            j = after[j]
    return taken


@compiled
def sized_items(nests, room, size, v, q, taken):
    """List a nest's items of several requests; return what is left of its requests."""
    several = 0
    j = room.first[v]
    while j >= 0:
        if size[j] > 1 and (room.world[v] == 1 or nests.marked[j] == 0):
            room.several[several] = j
            several += 1
        j = room.after[j]
    for a in range(several - 1, -1, -1):
        j = room.several[a]
        if q > 0 and room.sized[j, room.world[v], q] == 1:
            room.trial[taken] = j
            taken += 1
            q -= size[j]
    return q, taken
