"""Classes: requests that no rule but ``window`` and ``wait`` tells apart, as numbers.

The rules are those of ``optimizer.compatibility``, asked here of all pairs of classes
at once: of a batch's thousands of classes no pair is asked by itself.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimizer.batch import Request
from optimizer.graph import cell_key
from optimizer.policy import AgencyRule, RegionRule, SystemRule
from optimizer.problem import Problem

type Numbers = npt.NDArray[np.int64]
type Flags = npt.NDArray[np.bool_]


class Cells:
    """The cells of one problem, by number, and which rules keep two of them apart.

    Complexity: relations of systems and of regions are asked once for each pair of
    values; a row of cells then takes what it has entries.
    """

    def __init__(self, problem: Problem, requests: Sequence[Request]) -> None:
        pairing, catalogue = problem.policy.pairing, problem.catalogue
        self._rules: list[Callable[[int, Numbers], Flags]] = []
        category = [problem.category_of[r.customer] for r in requests]
        named = np.array([name is not None for name in category], dtype=bool)
        alike = _Same(category)
        self._add(lambda cell, others: alike(cell, others) & named[others])
        if pairing.system is SystemRule.CONFIGURATION:
            self._add(_Same((r.system, r.configuration) for r in requests))
        elif pairing.system is SystemRule.FAMILY:
            self._add(_Same(r.system for r in requests))
        else:
            groups = {r.system: catalogue.systems[r.system].groups for r in requests}
            self._add(
                _Related(
                    [r.system for r in requests],
                    lambda one, other: (
                        one == other or bool(groups[one] & groups[other])
                    ),
                )
            )
        self._add(_regions(problem, requests))
        if pairing.implementing_agency is AgencyRule.SAME:
            self._add(_Same(r.implementing_agency for r in requests))
        else:
            self._add(_anything)
        self._add(_Same(r.document for r in requests))

    def _add(self, rule: Callable[[int, Numbers], Flags]) -> None:
        self._rules.append(rule)

    def allowed(self, cells: Numbers) -> Flags:
        """Return which of some cells may share, in both directions of the matrix."""
        found = np.ones((len(cells), len(cells)), dtype=bool)
        for row, cell in enumerate(cells.tolist()):
            for rule in self._rules:
                found[row] &= rule(cell, cells)
        return found

    def broken(self, cell: int, others: Numbers) -> Numbers:
        """Return the rules each of some cells breaks with one, a bit for each.

        The bits are in the order of ``compatibility.CELL_RULES``.
        """
        masks = np.zeros(len(others), dtype=np.int64)
        for bit, rule in enumerate(self._rules):
            masks |= np.where(rule(cell, others), 0, 1 << bit)
        return masks


class Classes:
    """The classes of one problem's requests.

    A class is a cell, a customer and the customers it keeps apart from; ``of`` holds
    the class of each request, ``cell`` the cell of each class. Rulings are not looked
    at.

    Complexity: linear in requests to make; asking is linear in pairs of classes.
    """

    def __init__(self, problem: Problem) -> None:
        self.of, examples = _numbered(problem)
        requests = [problem.requests[i] for i in examples]
        self.cell, firsts = _coded(cell_key(problem, r) for r in requests)
        self.cells = Cells(problem, [requests[at] for at in firsts])
        self._customer, buyers = _coded(r.customer for r in requests)
        self._unwanted = _unwanted(
            problem,
            requests,
            {requests[at].customer: number for number, at in enumerate(buyers)},
        )

    @cached_property
    def kind(self) -> Numbers:
        """The kind of each class: classes of one kind share with the same classes.

        There are few kinds however many classes there are: cells that share with the
        same cells are one, and so are customers that nobody keeps apart.
        """
        cells = np.arange(int(self.cell.max(initial=-1)) + 1)
        twins, _ = _coded(
            row.tobytes() for row in np.packbits(self.cells.allowed(cells), axis=1)
        )
        if self._unwanted is None:
            return twins[self.cell]
        minded = self._unwanted.any(axis=0)[self._customer]
        rows = np.packbits(self._unwanted, axis=1)
        kinds, _ = _coded(
            (twin, customer if known else -1, row.tobytes())
            for twin, customer, known, row in zip(
                twins[self.cell].tolist(),
                self._customer.tolist(),
                minded.tolist(),
                rows,
                strict=True,
            )
        )
        return kinds

    def allowed(self, classes: Numbers) -> Flags:
        """Return which of some classes may share, in both directions of the matrix."""
        cells, at = np.unique(self.cell[classes], return_inverse=True)
        found = self.cells.allowed(cells)[np.ix_(at, at)]
        if self._unwanted is None:
            return found
        unwanted = self._unwanted[np.ix_(classes, self._customer[classes])]
        return found & ~(unwanted | unwanted.T)

    def kept_apart(self, one: int, others: Numbers) -> Flags:
        """Return which of some classes a customer or the policy keeps from one."""
        if self._unwanted is None:
            return np.zeros(len(others), dtype=bool)
        found: Flags = self._unwanted[one, self._customer[others]]
        found |= self._unwanted[others, self._customer[one]]
        return found


def classes_of(problem: Problem) -> Classes:
    """Return the classes of a problem, the same for whoever asks."""
    if "classes" not in problem.remembered:
        problem.remembered["classes"] = Classes(problem)
    found = problem.remembered["classes"]
    assert isinstance(found, Classes)
    return found


def _unwanted(
    problem: Problem, requests: Sequence[Request], number: Mapping[str, int]
) -> Flags | None:
    """Return which customers each class keeps apart from; None where none does."""
    customer = np.array([number[r.customer] for r in requests], dtype=np.int64)
    found = np.zeros((len(requests), len(number)), dtype=bool)
    for row, r in enumerate(requests):
        for name in r.keep_apart_from:
            if name in number:
                found[row, number[name]] = True
    for pair in problem.policy.keep_apart:
        one, other = number.get(pair[0]), number.get(pair[1])
        if one is not None and other is not None:
            found[customer == one, other] = True
            found[customer == other, one] = True
    return found if found.any() else None


def _regions(
    problem: Problem, requests: Sequence[Request]
) -> Callable[[int, Numbers], Flags]:
    """Return the region rule: near enough, or for one force where that counts."""
    pairing = problem.policy.pairing
    if pairing.region is RegionRule.ANY:
        return _anything
    adjacent = problem.catalogue.adjacent_regions
    near = _Related(
        [r.region for r in requests],
        lambda one, other: (
            one == other
            or (
                pairing.region is RegionRule.ADJACENT
                and frozenset((one, other)) in adjacent
            )
        ),
    )
    if not pairing.same_force_is_same_region:
        return near
    same = _Same(r.force or "" for r in requests)
    named = np.array([bool(r.force) for r in requests], dtype=bool)
    return lambda cell, others: (
        near(cell, others) | (same(cell, others) & named[others])
    )


def _anything(cell: int, others: Numbers) -> Flags:  # noqa: ARG001 - one shape for every rule
    return np.ones(len(others), dtype=bool)


class _Same:
    """Whether values of two cells are equal."""

    def __init__(self, values: Iterable[Hashable]) -> None:
        self._codes, _ = _coded(values)

    def __call__(self, cell: int, others: Numbers) -> Flags:
        found: Flags = self._codes[others] == self._codes[cell]
        return found


class _Related:
    """Whether a symmetric relation of values holds for two cells."""

    def __init__(self, values: list[str], holds: Callable[[str, str], bool]) -> None:
        self._codes, firsts = _coded(values)
        distinct = [values[at] for at in firsts]
        self._table = np.array(
            [[holds(one, other) for other in distinct] for one in distinct], dtype=bool
        )

    def __call__(self, cell: int, others: Numbers) -> Flags:
        found: Flags = self._table[self._codes[cell]][self._codes[others]]
        return found


def _numbered(problem: Problem) -> tuple[Numbers, list[int]]:
    """Return the class of each request, and a request of each class."""
    finer: dict[Hashable, int] = {}
    number: dict[Hashable, int] = {}
    examples: list[int] = []
    of = np.empty(len(problem), dtype=np.int64)
    for position, (alike, r) in enumerate(
        zip(problem.alike, problem.requests, strict=True)
    ):
        short = (alike, r.force, r.keep_apart_from)
        found = finer.get(short)
        if found is None:
            key = (cell_key(problem, r), r.customer, r.keep_apart_from)
            found = finer[short] = number.setdefault(key, len(number))
            if found == len(examples):
                examples.append(position)
        of[position] = found
    return of, examples


def _coded(values: Iterable[Hashable]) -> tuple[Numbers, list[int]]:
    """Number values in the order they are met; return where each is met first."""
    number: dict[Hashable, int] = {}
    firsts: list[int] = []
    codes: list[int] = []
    for place, value in enumerate(values):
        code = number.setdefault(value, len(firsts))
        if code == len(firsts):
            firsts.append(place)
        codes.append(code)
    return np.array(codes, dtype=np.int64), firsts
