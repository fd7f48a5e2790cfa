"""The savings heuristic: merge the two bins that save most, until none saves.

Clarke and Wright's rule (1964) with exact costs: a saving is that of the whole bins,
recomputed when one of them has grown.
"""

import heapq

from benchmarks.peers.pairs import Pairs, neighbours


def by_savings(pairs: Pairs) -> list[list[int]]:
    """Return the bins at which no merge saves anything."""
    members: dict[int, list[int]] = {i: [i] for i in range(len(pairs))}
    cost = {i: pairs.cost([i]) for i in members}
    near = dict(enumerate(neighbours(pairs)))  # bins all of whose members may share
    heap = [
        (-saving, i, k)
        for k in range(len(pairs))
        for i in pairs.candidates[k].tolist()
        if (saving := pairs.saving(i, k)) > 0
    ]
    heapq.heapify(heap)
    number = len(pairs)
    while heap:
        _, a, b = heapq.heappop(heap)
        if a not in members or b not in members:
            continue
        merged = members[a] + members[b]
        if not pairs.fits(merged):
            continue
        del members[a], members[b]
        members[number] = merged
        cost[number] = pairs.cost(merged)
        near[number] = {c for c in near.pop(a) & near.pop(b) if c in members}
        for c in sorted(near[number]):
            near[c].add(number)
            larger = merged + members[c]
            if pairs.fits(larger):
                saving = cost[number] + cost[c] - pairs.cost(larger)
                if saving > 0:
                    heapq.heappush(heap, (-saving, c, number))
        number += 1
    return list(members.values())
