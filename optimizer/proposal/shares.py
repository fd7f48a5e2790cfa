r"""Each customer's fair share of what a bin saves: the Shapley value, in closed form.

The game is :math:`v(S) = \sum_{r \in R_S} E(\{r\}) - E(R_S)` over sets S of a bin's m
customers, where :math:`R_S` are their requests. The value is linear in the game, and
effort is a sum of simple ones:

- A feature of weight w counts once when anyone who touches it is there: w is split
  equally among the customers that touch it.
- ``customer_beyond_first`` costs :math:`b\,(|S| - [S \neq \emptyset])`: each customer
  pays :math:`b\,(1 - 1/m)`.
- ``coordination.bin`` is due from two requests on:
  :math:`[S \neq \emptyset] - \sum_{i: n_i = 1} [S = \{i\}]`, where :math:`n_i` counts
  the requests of customer i. The value of :math:`[S \neq \emptyset]` is 1/m each. That
  of :math:`[S = \{i\}]` is 1/m for i, who is first in one order of m, and
  :math:`-1/(m(m-1))` for every other j, who undoes it when second after i.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm

from optimizer.policy import EffortCase
from optimizer.proposal.ledger import Ledger


def fair_shares(ledger: Ledger, members: Sequence[int]) -> dict[str, Fraction]:
    """Return each customer's Shapley value of a bin's saving, in thousandths.

    Exact for any number of customers; the shares sum to the saving.

    Complexity: linear in members times features.

    References
    ----------
    L. S. Shapley, *A value for n-person games* (1953).
    """
    requests = ledger.problem.requests
    if len(members) == 1:
        return {requests[members[0]].customer: Fraction(0)}
    weight = ledger.touches.weight
    count: dict[str, int] = defaultdict(int)
    # Sums by their denominator: fractions are slow to add one by one.
    shares: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    touched_by: dict[int, set[str]] = defaultdict(set)
    for position in members:
        customer = requests[position].customer
        features = ledger.touches.of(position).features
        count[customer] += 1
        # Solo effort less its own cost, which is the same in any bin.
        shares[customer][1] += sum(weight[feature] for feature in features)
        for feature in features:
            touched_by[feature].add(customer)
    for feature, customers in touched_by.items():
        for customer in customers:
            shares[customer][len(customers)] -= weight[feature]
    due = _coordination_shares(ledger, count)
    return {
        customer: _sum(shares[customer]) - due[customer] for customer in sorted(shares)
    }


def _sum(parts: Mapping[int, int]) -> Fraction:
    """Return the sum of fractions, given as numerators by their denominators."""
    among = lcm(*parts)
    return Fraction(sum(part * (among // of) for of, part in parts.items()), among)


def _coordination_shares(ledger: Ledger, count: dict[str, int]) -> dict[str, Fraction]:
    """Return each customer's Shapley value of the coordination effort.

    Parameters
    ----------
    count
        Requests of each customer in the bin.
    """
    rates = ledger.problem.policy.coordination[EffortCase.DEFAULT]
    m = len(count)
    singles = sum(1 for requests in count.values() if requests == 1)
    beyond = rates.customer_beyond_first * (1 - Fraction(1, m))
    due: list[Fraction] = []  # of who has several requests, and of who has one
    for alone in (0, 1):
        part = Fraction(1 - alone, m)
        if m > 1:
            part += Fraction(singles - alone, m * (m - 1))
        due.append(rates.bin * part + beyond)
    return {customer: due[requests == 1] for customer, requests in count.items()}
