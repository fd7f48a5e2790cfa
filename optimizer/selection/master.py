"""The restricted master: the model's linear relaxation, kept warm as columns arrive.

PuLP builds and first solves it; from then on columns and cut rows are added to the live
HiGHS model PuLP leaves behind, which re-solves from its last basis. (PuLP itself
rebuilds at every solve.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
import numpy.typing as npt

from optimizer.instance import Bin, Instance
from optimizer.pricing import Cut
from optimizer.selection.covering import Covering
from optimizer.selection.model import highs, set_partition

type Floats = npt.NDArray[np.float64]

INFINITY = highspy.kHighsInf

CENTRAL_ITEMS = 30
"""Items from which duals from inside the optimal face are worth their time."""

CROSSOVER_ITEMS = 300
"""Items from which a vertex is found from inside rather than by the simplex method."""

COARSE = 1e-3
"""Relative tolerance of a point inside."""

MOST_COLUMNS = 6
LEFT_COLUMNS = 3
UNUSED = 1e-3
"""Columns for each item at which a large relaxation is thinned out, and how many are
left: it takes several times as long with all that were ever of use. A column of more
weight than the last stays."""


class SolverFailed(Exception):
    """HiGHS gave no optimum of a relaxation that has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearPoint:
    """An optimum of the restricted master. ``value`` and duals in thousandths."""

    value: float
    weights: Floats  # of each bin; above 1 only where a cover pads its number
    duals: Floats  # of each item, at least 0 in a cover
    tau: float  # value of one more bin: positive where more must be had
    sigma: Floats  # penalty of each cut, at least 0
    reduced: Floats  # cost of each bin beyond its duals, in staff-days


class Master:
    """The restricted master of one instance over the bins found so far."""

    def __init__(
        self,
        instance: Instance,
        bins: Sequence[Bin],
        cuts: Sequence[Cut] = (),
        *,
        least: int = 0,
        most: int | None = None,
        exact: bool = False,
    ) -> None:
        """Build the relaxation, of a cover unless ``exact``: everyone alone, and bins.

        ``least`` and ``most`` bound the number of bins. A shortfall in room under
        ``most`` is bought at a price no plan would pay, so there is always an optimum.
        """
        self.instance = instance
        self.exact = exact
        self.most = most
        self.bins: list[Bin] = []
        self.costs: list[int] = []
        self.cuts: list[Cut] = []
        self._known: set[Bin] = set()
        self._thinned = 0  # times
        for i in range(len(instance)):
            self._remember((i,))
        problem, _ = set_partition(
            self.bins, self.costs, range(len(instance)), integer=False, exact=exact
        )
        problem.solve(highs(presolve="off"))
        self._highs: Any = problem.solverModel
        self._owner = problem
        width = len(self.bins)
        self._highs.addRow(
            float(least),
            INFINITY if most is None else float(most),
            width,
            np.arange(width, dtype=np.int32),
            np.ones(width),
        )
        self._relief: int | None = None
        if most is not None:
            self._relief = width
            price = 10.0 * sum(instance.alone.tolist()) / 1000
            row = np.array([len(instance)], dtype=np.int32)
            self._highs.addCol(price, 0.0, INFINITY, 1, row, np.array([-1.0]))
        self._covering = Covering()
        self.add(bins)
        self.add_cuts(cuts)

    def _remember(self, members: Bin) -> bool:
        if members in self._known:
            return False
        self._known.add(members)
        self.bins.append(members)
        self.costs.append(self.instance.cost(members))
        return True

    def __contains__(self, members: Bin) -> bool:
        return members in self._known

    def add(self, bins: Sequence[Bin]) -> int:
        """Add bins as columns; return how many were new."""
        new = [members for members in bins if self._remember(members)]
        if not new:
            return 0
        n = len(self.instance)
        starts: list[int] = []
        rows: list[int] = []
        for members in new:
            starts.append(len(rows))
            rows.extend(members)
            rows.append(n)
            rows.extend(n + 1 + number for number in self.cuts_of(members))
        count = len(new)
        self._highs.addCols(
            count,
            np.array(self.costs[-count:], dtype=np.float64) / 1000,
            np.zeros(count),
            np.full(count, INFINITY),
            len(rows),
            np.array(starts, dtype=np.int32),
            np.array(rows, dtype=np.int32),
            np.ones(len(rows)),
        )
        return count

    def add_cuts(self, cuts: Sequence[Cut]) -> None:
        """Add subset-row cuts as rows."""
        columns: list[list[int]] = [[] for _ in cuts]
        new = Covering(cuts)
        for j, members in enumerate(self.bins if cuts else ()):
            for number in new.of(members):
                columns[number].append(self._place(j))
        for cut, covered in zip(cuts, columns, strict=True):
            self._highs.addRow(
                -INFINITY,
                1.0,
                len(covered),
                np.array(covered, dtype=np.int32),
                np.ones(len(covered)),
            )
            self.cuts.append(cut)
            self._covering.add(cut)

    def cuts_of(self, members: Bin) -> list[int]:
        """Return the numbers of the cuts that a bin counts in."""
        return self._covering.of(members)

    def thin_out(self, point: LinearPoint) -> LinearPoint:
        """Forget columns that cost most beyond their duals, if there are too many.

        Those that are needed after all are found again. More may stay each time, so
        that this ends. Returns the point without the columns that are gone, to which it
        gave no weight.
        """
        n = len(self.instance)
        if n < CROSSOVER_ITEMS or len(self.bins) <= (MOST_COLUMNS + self._thinned) * n:
            return point
        order = np.argsort(point.reduced[n:], kind="stable") + n
        drop = np.sort(order[(LEFT_COLUMNS + self._thinned) * n :])
        self._thinned += 1
        drop = drop[point.weights[drop] < UNUSED]
        places = np.array([self._place(int(j)) for j in drop], dtype=np.int32)
        self._highs.deleteCols(len(places), places)
        gone = set(drop.tolist())
        self._known.difference_update(self.bins[j] for j in gone)
        left = [j for j in range(len(self.bins)) if j not in gone]
        self.bins = [self.bins[j] for j in left]
        self.costs = [self.costs[j] for j in left]
        return replace(point, weights=point.weights[left], reduced=point.reduced[left])

    def fix(self, columns: Sequence[int]) -> None:
        """Require some bins, until released."""
        for j in columns:
            self._highs.changeColBounds(self._place(j), 1.0, INFINITY)

    def release(self, columns: Sequence[int]) -> None:
        """Require these bins no more."""
        for j in columns:
            self._highs.changeColBounds(self._place(j), 0.0, INFINITY)

    def _place(self, j: int) -> int:
        """Return the place of a bin among the columns of the live model."""
        return j + (self._relief is not None and j >= self._relief)

    def solve(self, *, central: bool = False) -> LinearPoint:
        """Solve the relaxation.

        Parameters
        ----------
        central
            Whether a point inside the optimal face will do, to a coarse tolerance: its
            duals make better columns. Otherwise a vertex is found.

        Raises
        ------
        SolverFailed
            When HiGHS finds no optimum even from scratch: the relaxation always has
            one, so this is a fault of the solver.
        """
        if central and len(self.instance) >= CENTRAL_ITEMS and self._inside():
            return self._point()
        large = len(self.instance) >= CROSSOVER_ITEMS
        self._highs.setOptionValue("solver", "ipx" if large else "simplex")
        self._highs.setOptionValue("run_crossover", "on")
        self._highs.setOptionValue("ipm_optimality_tolerance", 1e-8)
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self._highs.clearSolver()
            self._highs.setOptionValue("solver", "simplex")
            self._highs.run()
            status = self._highs.getModelStatus()
            if status != highspy.HighsModelStatus.kOptimal:
                raise SolverFailed(f"HiGHS left the restricted master {status.name}.")
        return self._point()

    def _inside(self) -> bool:
        """Run the interior-point solver; tell whether it left usable duals.

        It may say that it does not know whether they are optimal: any will do here.
        """
        self._highs.setOptionValue("solver", "ipx")
        self._highs.setOptionValue("run_crossover", "off")
        self._highs.setOptionValue("ipm_optimality_tolerance", COARSE)
        self._highs.run()
        return bool(self._highs.getSolution().dual_valid)

    def _point(self) -> LinearPoint:
        solution = self._highs.getSolution()
        n = len(self.instance)
        rows = np.array(solution.row_dual)
        weights = np.array(solution.col_value)
        reduced = np.array(solution.col_dual)
        if self._relief is not None:
            weights = np.delete(weights, self._relief)
            reduced = np.delete(reduced, self._relief)
        return LinearPoint(
            value=self._highs.getInfo().objective_function_value * 1000,
            weights=np.maximum(weights, 0.0),
            duals=(rows[:n] if self.exact else np.maximum(rows[:n], 0.0)) * 1000,
            tau=float(rows[n]) * 1000,
            sigma=np.maximum(-rows[n + 1 :], 0.0) * 1000,
            reduced=reduced,
        )
