"""Which parts of an earlier plan stand, and what is kept of a new one."""

from collections.abc import Sequence

from optimizer.certificate import Certificate
from optimizer.earlier import (
    Earlier,
    Item,
    Keys,
    SolvedPart,
    at_positions,
    known_of,
    solved_part,
)
from optimizer.known import Known
from optimizer.problem import Problem
from optimizer.selection.outcome import Selection


class Reuse:
    """Takes over what has not changed since an earlier plan; keeps what is solved.

    Parameters
    ----------
    earlier
        What is kept of the earlier plan; None where nothing is known or kept.
    gap
        A part is taken over when it was solved to this gap.
    only_changed
        Whether it is taken over whatever its gap.
    """

    def __init__(
        self,
        problem: Problem,
        earlier: Earlier | None,
        *,
        gap: float,
        only_changed: bool,
    ) -> None:
        self._problem = problem
        self._earlier = earlier
        self._gap = gap
        self._only_changed = only_changed
        self._keys = None if earlier is None else Keys(problem)
        self._key_of: dict[Item, str] = {}  # of parts to be solved, by first item
        self._kept: list[SolvedPart] = []
        self.known: dict[Item, Known] = {}
        self.bins: list[Item] = []
        self.certificates: list[Certificate] = []
        self.cost = 0
        self.bound = 0
        self.taken_over = 0

    def take_over(self, part: Sequence[Item]) -> bool:
        """Take a part over and say so; otherwise note what is known of it."""
        if self._earlier is None or self._keys is None:
            return False
        key = self._keys.of(part)
        old = self._earlier.by_key.get(key)
        if old is None or not (self._only_changed or old.closed(self._gap)):
            self._key_of[part[0]] = key
            self.known[part[0]] = known_of(self._problem, part, self._earlier)
            return False
        bins, certificate = at_positions(self._problem, old)
        self.bins += bins
        self.certificates += [] if certificate is None else [certificate]
        self.cost += old.cost
        self.bound += old.bound
        self.taken_over += 1
        self._kept.append(old)
        return True

    def keep(
        self,
        part: Sequence[Item],
        selection: Selection,
        bound: int,
        certificate: Certificate | None,
    ) -> None:
        """Keep what was found of a part, with the bound that is proven of it."""
        if self._earlier is None:
            return
        self._kept.append(
            solved_part(
                self._problem,
                self._key_of[part[0]],
                part,
                selection.bins,
                cost=selection.cost,
                bound=bound,
                certificate=certificate,
                columns=selection.columns,
            )
        )

    @property
    def kept(self) -> Earlier | None:
        """What a later plan may begin with; None where nothing was asked for."""
        return None if self._earlier is None else Earlier(parts=tuple(self._kept))
