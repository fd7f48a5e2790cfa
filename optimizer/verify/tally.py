"""The figures of many bins: what stages have in common is counted once.

The definitions are those of ``figures``. Stages with one trigger concern the same
requests, so their units are counted together; and a request alone is one of each unit,
so that only its triggers, precedent and lines decide what it takes.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import cache
from math import factorial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from optimizer.policy import NOTIFICATION_CLOCK, EffortCase, Policy, Trigger, Unit
from optimizer.verify.facts import Fact, Members, days_after, shown, triggered
from optimizer.verify.figures import (
    COORDINATION,
    OF_ONE_CUSTOMER,
    UNIT_OF,
    Efforts,
    clock,
    coordination_effort,
    starts_on,
    waiting,
    with_precedent,
)

type Counted = tuple[Trigger, Unit]
"""Units of the requests that a trigger concerns."""

type Count = tuple[int, int]
"""Distinct units, and those of them that are not all known by a precedent."""

EXACT_SUMS: Final = 2**62
"""Sums below this are added up in 64 bits."""


class Tally:
    """Counts units of bins under one policy and prices them."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._prices = [
            (
                stage.id,
                {
                    case: [
                        (
                            (stage.trigger, unit),
                            rate,
                            with_precedent(rate, stage) if _discounted(unit) else rate,
                        )
                        for unit, rate in stage.effort[case].items()
                    ]
                    for case in EffortCase
                },
            )
            for stage in policy.stages
        ]
        self._triggers = tuple(dict.fromkeys(s.trigger for s in policy.stages))
        self._counted = tuple(
            dict.fromkeys(
                counted
                for _, by_case in self._prices
                for prices in by_case.values()
                for counted, _, _ in prices
            )
        )
        self._full: dict[Counted, int] = defaultdict(int)
        self._known: dict[Counted, int] = defaultdict(int)
        for _, by_case in self._prices:
            for counted, full, known in by_case[EffortCase.DEFAULT]:
                self._full[counted] += full
                self._known[counted] += known
        self._alone: dict[Hashable, Efforts] = {}
        self._concerning: dict[Hashable, tuple[bool, ...]] = {}  # by what is shown
        self._elapsed: dict[Hashable, int] = {}

    # -- effort ----------------------------------------------------------------------

    def efforts(self, members: Members) -> Efforts:
        """Return E_k(B) of every stage, and coordination, in every effort case."""
        if len(members) == 1:
            return self.alone(members[0])
        counts = self._counts(members)
        customers = len({fact.request.customer for fact in members})
        return {
            case: {
                **self._by_stage(counts, case),
                COORDINATION: coordination_effort(
                    self.policy, case, len(members), customers
                ),
            }
            for case in EffortCase
        }

    def alone(self, fact: Fact) -> Efforts:
        """Return what :meth:`efforts` gives for a request alone."""
        key = self.kind(fact)
        if key not in self._alone:
            counts = self._counts((fact,))
            self._alone[key] = {
                case: {**self._by_stage(counts, case), COORDINATION: 0}
                for case in EffortCase
            }
        return self._alone[key]

    def kind(self, fact: Fact) -> Hashable:
        """Return what decides the effort of a request alone."""
        return (shown(fact), fact.request.lines)

    def _triggered(self, fact: Fact) -> tuple[bool, ...]:
        """Return which triggers concern a request, in their order."""
        key = shown(fact)
        found = self._concerning.get(key)
        if found is None:
            found = self._concerning[key] = tuple(
                triggered(trigger, fact) for trigger in self._triggers
            )
        return found

    def _by_stage(
        self, counts: Mapping[Counted, Count], case: EffortCase
    ) -> dict[str, int]:
        efforts: dict[str, int] = {}
        for stage_id, by_case in self._prices:
            effort = 0
            for counted, full, known in by_case[case]:
                distinct, first_time = counts[counted]
                effort += full * first_time + known * (distinct - first_time)
            efforts[stage_id] = effort
        return efforts

    def _counts(self, members: Members) -> dict[Counted, Count]:
        """Count the distinct units of the requests each trigger concerns."""
        concerned = self._concerned(members)
        return {
            (trigger, unit): _count(unit, concerned[trigger])
            for trigger, unit in self._counted
        }

    def _concerned(self, members: Members) -> dict[Trigger, list[Fact]]:
        concerned: dict[Trigger, list[Fact]] = {t: [] for t in self._triggers}
        lists = tuple(concerned.values())
        for fact in members:
            for among, concerns in zip(lists, self._triggered(fact), strict=True):
                if concerns:
                    among.append(fact)
        return concerned

    # -- days ------------------------------------------------------------------------

    def forecast_on(self, members: Members) -> date:
        """Return the day a decision is forecast: a_B plus every elapsed stage."""
        return days_after(starts_on(members), self._elapsed_days(members))

    def _elapsed_days(self, members: Members) -> int:
        if len(members) > 1:
            return self._elapsed_of(members) + self.policy.coordination_elapsed_days
        key = (shown(members[0]), clock(members[0]))
        if key not in self._elapsed:
            self._elapsed[key] = self._elapsed_of(members)
        return self._elapsed[key]

    def _elapsed_of(self, members: Members) -> int:
        clocks = {
            trigger: [clock(fact) for fact in facts]
            for trigger, facts in self._concerned(members).items()
        }
        return sum(
            max(clocks[stage.trigger])
            if stage.elapsed_days == NOTIFICATION_CLOCK
            else int(stage.elapsed_days)
            for stage in self.policy.stages
            if clocks[stage.trigger]
        )

    # -- other plans -----------------------------------------------------------------

    def cost(self, members: Members) -> int:
        """Return c(B)."""
        effort = sum(self.efforts(members)[EffortCase.DEFAULT].values())
        return effort + waiting(self.policy, members)

    def cheapest_split(self, members: Members, whole: int) -> int:
        """Return the cost of a bin, or split in two or into single requests if less.

        One of the two parts is a single request. ``whole`` is the bin's own cost.
        """
        if len(members) == 1:
            return whole
        alone = [self.cost((fact,)) for fact in members]
        left = self._efforts_without_each(members)
        rests = [
            members[:place] + members[place + 1 :] for place in range(len(members))
        ]
        splits = [
            single + effort + self._together(rest) + waiting(self.policy, rest)
            for single, effort, rest in zip(alone, left, rests, strict=True)
        ]
        return min(whole, sum(alone), *splits)

    def _together(self, members: Members) -> int:
        customers = len({fact.request.customer for fact in members})
        return coordination_effort(
            self.policy, EffortCase.DEFAULT, len(members), customers
        )

    def _efforts_without_each(self, members: Members) -> list[int]:
        """Return the effort of all stages when one member is missing, for each."""
        total = 0
        spared = [0] * len(members)
        concerned = self._concerned(members)
        places: dict[Trigger, list[int]] = {t: [] for t in self._triggers}
        for place, fact in enumerate(members):
            for t, concerns in zip(self._triggers, self._triggered(fact), strict=True):
                if concerns:
                    places[t].append(place)
        for counted in self._counted:
            trigger, unit = counted
            full, known = self._full[counted], self._known[counted]
            if unit is Unit.LINE:
                total += full * sum(fact.request.lines for fact in concerned[trigger])
                for place in places[trigger]:
                    spared[place] += full * members[place].request.lines
                continue
            name = UNIT_OF[unit]
            names = [name(fact.request) for fact in concerned[trigger]]
            holders = Counter(names)
            first: Counter[Hashable] = Counter(
                name
                for name, fact in zip(names, concerned[trigger], strict=True)
                if not (_discounted(unit) and fact.precedent)
            )
            total += full * len(first) + known * (len(holders) - len(first))
            for place, mine in zip(places[trigger], names, strict=True):
                if holders[mine] == 1:
                    spared[place] += full if first[mine] else known
                elif (
                    first[mine] == 1
                    and _discounted(unit)
                    and not members[place].precedent
                ):
                    spared[place] += full - known
        return [total - less for less in spared]

    # -- shares ----------------------------------------------------------------------

    def fair_shares(
        self, members: Members, solo_effort: Mapping[str, int], saved: int
    ) -> dict[str, Fraction]:
        """Return each customer's Shapley value of the saving, in thousandths.

        As ``figures.fair_shares``: what no two customers share is read off, the rest is
        averaged over all coalitions, as the definition has it. One customer has all.
        """
        customers = sorted({fact.request.customer for fact in members})
        if len(customers) == 1:
            return {customers[0]: Fraction(saved)}
        of = {
            customer: tuple(f for f in members if f.request.customer == customer)
            for customer in customers
        }
        worth = self._worth(customers, of)
        count = len(customers)
        weights = _weights(count)
        largest = max(map(abs, worth.tolist()), default=0)
        exact = largest * factorial(count) * (1 << count) < EXACT_SUMS
        averaged = weights.astype(np.int64 if exact else object) @ worth
        return {
            customer: Fraction(
                sum(solo_effort[fact.request.request_id] for fact in of[customer])
                - self._own(of[customer])
            )
            - Fraction(int(weighted), factorial(count))
            for customer, weighted in zip(customers, averaged, strict=True)
        }

    def _own(self, members: Members) -> int:
        """Return the effort of one customer's requests that no other shares."""
        concerned = self._concerned(members)
        total = 0
        for counted in self._counted:
            trigger, unit = counted
            if unit in OF_ONE_CUSTOMER:
                distinct, first_time = _count(unit, concerned[trigger])
                total += self._full[counted] * first_time
                total += self._known[counted] * (distinct - first_time)
        return total

    def _worth(
        self, customers: Sequence[str], of: Mapping[str, Members]
    ) -> npt.NDArray[Any]:
        """Return, for every coalition as a bit set, its effort that customers share.

        A unit is paid by every coalition that holds one of the customers who bring it.
        """
        paid: dict[int, int] = defaultdict(int)  # by customers who bring a unit
        for counted in self._counted:
            trigger, unit = counted
            if unit in OF_ONE_CUSTOMER or not self._full[counted]:
                continue
            name = UNIT_OF[unit]
            bringing: dict[Hashable, int] = defaultdict(int)
            for place, customer in enumerate(customers):
                for fact in of[customer]:
                    if triggered(trigger, fact):
                        bringing[name(fact.request)] |= 1 << place
            for bringers in bringing.values():
                paid[bringers] += self._full[counted]
        most = coordination_effort(self.policy, EffortCase.DEFAULT, 2, len(customers))
        small = sum(paid.values()) + most < EXACT_SUMS
        coalitions = np.arange(1 << len(customers))
        worth = np.zeros(len(coalitions), dtype=np.int64 if small else object)
        for bringers, effort in paid.items():
            worth[coalitions & bringers != 0] += effort
        asked = np.zeros(len(coalitions), dtype=np.int64)
        size = np.zeros(len(coalitions), dtype=np.int64)
        for place, customer in enumerate(customers):
            asked += (coalitions >> place & 1) * len(of[customer])
            size += coalitions >> place & 1
        together = np.array(
            [
                coordination_effort(self.policy, EffortCase.DEFAULT, 2, customers_in)
                for customers_in in range(1, len(customers) + 1)
            ],
            dtype=worth.dtype,
        )
        several = asked >= 2
        worth[several] += together[size[several] - 1]
        return worth


def _discounted(unit: Unit) -> bool:
    """Tell whether a unit's rate has a precedent form."""
    return unit in OF_ONE_CUSTOMER and unit is not Unit.LINE


def _count(unit: Unit, concerned: Sequence[Fact]) -> Count:
    """Count distinct units; a rate by line is counted by lines, none of them known."""
    if unit is Unit.LINE:
        lines = sum(fact.request.lines for fact in concerned)
        return lines, lines
    name = UNIT_OF[unit]
    distinct = {name(fact.request) for fact in concerned}
    if not _discounted(unit):
        return len(distinct), len(distinct)
    first_time = {name(fact.request) for fact in concerned if not fact.precedent}
    return len(distinct), len(first_time)


@cache
def _weights(count: int) -> npt.NDArray[Any]:
    """Return what the Shapley value multiplies each coalition's worth by, times n!.

    One row for each of n players: for a coalition S without it, size! (n - size - 1)!
    counts the orders in which S comes just before it.
    """
    rows: list[list[int]] = []
    for player in range(count):
        row = [0] * (1 << count)
        for coalition in range(1 << count):
            if not coalition >> player & 1:
                size = coalition.bit_count()
                orders = factorial(size) * factorial(count - size - 1)
                row[coalition] -= orders
                row[coalition | 1 << player] += orders
        rows.append(row)
    return np.array(rows, dtype=object).reshape(count, 1 << count)


class Totals:
    """The efforts of all bins in sum, by case and stage."""

    def __init__(self, tally: Tally) -> None:
        nothing = tally.efforts(())
        self.by_case = {case: dict(nothing[case]) for case in EffortCase}

    def add(self, efforts: Efforts, times: int = 1) -> None:
        """Add the efforts of a bin, or of so many alike."""
        for case, by_stage in efforts.items():
            total = self.by_case[case]
            for stage, effort in by_stage.items():
                total[stage] += effort * times

    def add_alone(self, tally: Tally, facts: Iterable[Fact]) -> None:
        """Add the efforts of requests that are each alone; those of a kind at once."""
        known: dict[Hashable, Fact] = {}
        count: Counter[Hashable] = Counter()
        for fact in facts:
            kind = tally.kind(fact)
            count[kind] += 1
            known.setdefault(kind, fact)
        for kind, times in count.items():
            self.add(tally.alone(known[kind]), times)


def totals_alone(tally: Tally, facts: Iterable[Fact]) -> Totals:
    """Return the efforts of requests in sum, each alone."""
    totals = Totals(tally)
    totals.add_alone(tally, facts)
    return totals
