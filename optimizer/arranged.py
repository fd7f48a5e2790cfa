"""The edits that turn one plan into another, as plain as their rulings allow.

A reviewer who sorts requests into bins says where each is to be, not how it gets there.
The order matters, because every edit leaves rulings: a request that joins a bin is
ruled together with all that are in it at that moment, so whoever leaves has to leave
first. Where bins wait for each other, as in a swap, some requests are split off on
their way.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from optimizer.edits import Bins, Edit, FreeIds, Ids, Merge, Move, Split, TakeOut

__all__ = ["Arranged", "arrange"]

type Wanted = Mapping[str, Hashable]
"""What each request is to be with: any name, the id of a bin or not, by request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """Edits that lead to a plan.

    Parameters
    ----------
    edits
        In the order they have to be applied in; none where the plan is so already.
    bins
        The id that each wanted bin has after them, by its name.
    """

    edits: tuple[Edit, ...]
    bins: Mapping[Hashable, str]


def arrange(bins: Bins, wanted: Wanted, *, used: Ids = ()) -> Arranged:
    """Return the edits that put requests together as wanted.

    Bins are what they hold: a bin that is only called something else is unchanged. One
    that keeps any of its requests under its own id lives on; one that goes whole into a
    bin of another name lives on there, where it is the largest that does.

    Parameters
    ----------
    bins
        The plan; it is not modified.
    wanted
        For every request of the plan, the name of the bin it is to be in.
    used
        Ids of bins that are no more: no new bin gets one of them.
    """
    return _Arranging(bins, wanted, used).arranged()


class _Arranging:
    """A plan that is being turned into another."""

    def __init__(self, bins: Bins, wanted: Wanted, used: Ids) -> None:
        self._now = {bin_id: {*members} for bin_id, members in bins.items()}
        self._free = FreeIds((*bins, *used))
        self._edits: list[Edit] = []
        self._final: dict[Hashable, frozenset[str]] = {}
        groups: dict[Hashable, set[str]] = {}
        for request_id, name in wanted.items():
            groups.setdefault(name, set()).add(request_id)
        for name in sorted(groups, key=lambda one: min(groups[one])):
            self._final[name] = frozenset(groups[name])
        self._name = {r: name for name, ids in self._final.items() for r in ids}
        self._home: dict[Hashable, str] = {}

    def arranged(self) -> Arranged:
        """Return the edits, after working them out."""
        self._leave_unchanged()
        self._keep_homes()
        self._take_over_whole_bins()
        self._found_the_rest()
        while parts := self._parts_to_join():
            self._join_next(parts)
        return Arranged(edits=tuple(self._edits), bins=dict(self._home))

    def _leave_unchanged(self) -> None:
        """Put aside the bins that are as wanted, whatever they are called."""
        for bin_id, members in [*self._now.items()]:
            name = self._name[next(iter(members))]
            if self._final[name] == members:
                self._home[name] = bin_id
                del self._now[bin_id]

    def _keep_homes(self) -> None:
        """Let each bin live on that keeps a request under its own id."""
        for name, final in self._final.items():
            if isinstance(name, str) and not final.isdisjoint(self._now.get(name, ())):
                self._home[name] = name

    def _take_over_whole_bins(self) -> None:
        """Let the largest bin that goes whole into one without a home live on as it."""
        whole = sorted(self._now, key=lambda bin_id: (-len(self._now[bin_id]), bin_id))
        for bin_id in whole:
            names = {self._name[request_id] for request_id in self._now[bin_id]}
            if len(names) == 1 and not names <= self._home.keys():
                self._home[names.pop()] = bin_id

    def _found_the_rest(self) -> None:
        """Split the first part of each bin without a home off from where most are."""
        parts = []
        for name in self._final.keys() - self._home.keys():
            base = min(self._parts_of(name), key=self._largest_first(name))
            parts.append((len(self._part(base, name)), base, name))
        for _, base, name in sorted(
            parts, key=lambda one: (*one[:2], min(self._final[one[2]]))
        ):
            part = self._part(base, name)
            if part == self._now[base]:  # the others have left: it lives on as this
                self._home[name] = base
            else:
                self._home[name] = self._split(base, part)

    def _parts_of(self, name: Hashable) -> list[str]:
        return [bin_id for bin_id in self._now if self._part(bin_id, name)]

    def _part(self, bin_id: str, name: Hashable) -> set[str]:
        return self._now[bin_id] & self._final[name]

    def _largest_first(self, name: Hashable) -> Callable[[str], tuple[int, str]]:
        return lambda bin_id: (-len(self._part(bin_id, name)), bin_id)

    def _split(self, bin_id: str, part: set[str]) -> str:
        """Split some requests off and return the id of their new bin."""
        ids = tuple(sorted(part))
        if len(ids) == 1:
            self._edits.append(TakeOut(request_id=ids[0]))
        else:
            self._edits.append(Split(bin_id=bin_id, request_ids=ids))
        new = self._free.take()
        self._now[bin_id] -= part
        self._now[new] = {*part}
        return new

    def _parts_to_join(self) -> list[tuple[str, Hashable]]:
        """Return the bins that still hold requests of another, with its name."""
        return [
            (bin_id, name)
            for bin_id, members in sorted(self._now.items())
            for name in dict.fromkeys(self._name[one] for one in sorted(members))
            if self._home[name] != bin_id
        ]

    def _join_next(self, parts: list[tuple[str, Hashable]]) -> None:
        """Bring requests home where all others have left; else make some leave."""
        for bin_id, name in parts:
            if self._now[self._home[name]] <= self._final[name]:
                self._join(bin_id, name)
                return
        homes = {*self._home.values()}
        waiting = [part for part in parts if part[0] in homes]
        bin_id, name = min(waiting, key=lambda one: (len(self._part(*one)), one[0]))
        self._split(bin_id, self._part(bin_id, name))

    def _join(self, bin_id: str, name: Hashable) -> None:
        part, home = self._part(bin_id, name), self._home[name]
        if part == self._now[bin_id] and len(part) > 1:
            self._edits.append(Merge(bin_ids=(home, bin_id)))
        else:
            self._edits += [
                Move(request_id=request_id, to_bin=home) for request_id in sorted(part)
            ]
        self._now[bin_id] -= part
        self._now[home] |= part
