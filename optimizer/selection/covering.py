"""Which cuts a bin counts in."""

from collections import defaultdict
from collections.abc import Sequence

from optimizer.instance import Bin
from optimizer.pricing import Cut


class Covering:
    """Cuts in a row, found by their items: a bin meets few of many."""

    def __init__(self, cuts: Sequence[Cut] = ()) -> None:
        self._count = 0
        self._of: defaultdict[int, list[int]] = defaultdict(list)
        for cut in cuts:
            self.add(cut)

    def add(self, cut: Cut) -> None:
        """Add a cut at the end."""
        for i in cut.items:
            self._of[i].append(self._count)
        self._count += 1

    def of(self, members: Bin) -> list[int]:
        """Return the numbers of the cuts that a bin counts in, ascending."""
        once: set[int] = set()
        twice: set[int] = set()
        for i in members:
            for number in self._of.get(i, ()):
                (twice if number in once else once).add(number)
        return sorted(twice)
