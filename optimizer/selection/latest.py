"""The last point of a search, and how long its pieces took."""

from collections.abc import Callable
from dataclasses import dataclass, field

from optimizer.instance import Ints
from optimizer.pricing import Pricing, Stop, price
from optimizer.selection.columns import NODE_LIMITS, SPARE, Duals
from optimizer.selection.master import LinearPoint, Master
from optimizer.selection.parts import lower

LONGER = 3.0
"""How much longer than the first pass, of few nodes, one of the usual number may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The last point of a node's relaxation, and its duals."""

    node: int  # of the record
    master: Master
    point: LinearPoint
    duals: Duals
    least: int
    most: int | None

    def price(self, stop: Stop) -> Pricing | None:
        """Price all anchors, as column generation does; None when told to stop."""
        return self._priced(self.duals.items, NODE_LIMITS[0], SPARE, stop)

    def price_lowered(self, part: float, nodes: int, stop: Stop) -> Pricing | None:
        """Price all anchors for a part of the duals of items, with fewer nodes."""
        return self._priced(lower(self.duals.items, part), nodes, 0, stop)

    def _priced(
        self, items: Ints, nodes: int, spare: int, stop: Stop
    ) -> Pricing | None:
        duals, master = self.duals, self.master
        return price(
            master.instance, items, master.cuts, duals.sigma, duals.tau,
            least=self.least, most=self.most or 0, node_limit=nodes, spare=spare,
            stop=stop,
        )  # fmt: skip


@dataclass(slots=True)
class Pace:
    """How many seconds the pieces of a search took last, where the time is limited."""

    remaining: Callable[[], float | None]
    plan: float = 0.0
    proof: float = 0.0
    rounds: int = 0  # of column generation
    _begun: float | None = field(default=None, init=False)

    def begin(self) -> None:
        """Begin a piece."""
        self._begun = self.remaining()

    def took(self) -> float:
        """Return how long ago a piece was begun, 0 where nobody counts."""
        now = self.remaining()
        return 0.0 if now is None or self._begun is None else self._begun - now
