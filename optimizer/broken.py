"""What a bin that was put together by hand breaks: rules, limits, standing rulings."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from optimizer.batch import Batch
from optimizer.compatibility import RULES
from optimizer.problem import Problem
from optimizer.rulings import Rulings
from optimizer.verify.facts import settle_facts
from optimizer.verify.rules import broken_limits

type Ids = tuple[str, ...]

SHOWN: Final = 60
"""Broken rules of one bin that are told at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRule:
    """A rule that a bin breaks: its code, a sentence, and the requests it speaks of."""

    code: str
    text: str
    request_ids: Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """What a bin breaks.

    Parameters
    ----------
    liftable
        Rules that a ``together`` ruling lifts, :data:`SHOWN` of them at most.
    refused
        What nothing lifts: limits (code ``limits``), requests ruled apart
        (``kept_apart``), and standing rulings that want the requests elsewhere
        (``together``, ``fixed``).
    """

    liftable: tuple[BrokenRule, ...]
    refused: tuple[BrokenRule, ...]


def broken(problem: Problem, members: Iterable[str]) -> Broken:
    """Return what requests in one bin break, under the standing rulings.

    Rules that a standing ``together`` ruling already lifts are named all the same. An
    accepted bin breaks nothing.

    Complexity: the square of the requests, and the rules.
    """
    ids = _sorted({*members})
    if ids in problem.rulings.fixed:
        return Broken(liftable=(), refused=())
    refused = [*_limits(problem, ids), *_against_rulings(problem.rulings, ids)]
    return Broken(liftable=_liftable(problem, ids), refused=tuple(refused))


def _liftable(problem: Problem, ids: Ids) -> tuple[BrokenRule, ...]:
    unruled = problem.under(Rulings())
    places = sorted(map(problem.batch.position, ids))
    found: list[BrokenRule] = []
    for first, second in combinations(places, 2):
        names = tuple(problem.requests[at].request_id for at in (first, second))
        for code, rule in RULES:
            text = rule(unruled, first, second)
            if text is not None:
                found.append(BrokenRule(code=code, text=text, request_ids=names))
        if len(found) >= SHOWN:
            break
    return tuple(found[:SHOWN])


def _limits(problem: Problem, ids: Ids) -> list[BrokenRule]:
    requests = tuple(problem.batch[name] for name in ids)
    setting = settle_facts(
        Batch(requests=requests),
        problem.policy,
        problem.catalogue,
        problem.as_of,
        Rulings(),
    )
    return [
        BrokenRule(code="limits", text=text, request_ids=ids)
        for text in broken_limits(setting, tuple(setting.facts[name] for name in ids))
    ]


def _against_rulings(rulings: Rulings, ids: Ids) -> list[BrokenRule]:
    here = {*ids}
    found = [
        BrokenRule(
            code="kept_apart",
            text=f"A ruling keeps {first} and {second} apart.",
            request_ids=(first, second),
        )
        for first, second in combinations(ids, 2)
        if rulings.kept_apart(first, second)
    ]
    for members in rulings.together:
        away = _sorted({*members} - here)
        if away and len(away) < len(members):
            text = f"A ruling wants {', '.join(away)} with {_first(members, here)}."
            found.append(BrokenRule(code="together", text=text, request_ids=members))
    for members in rulings.fixed:
        if not here.isdisjoint(members):
            text = (
                f"{_first(members, here)} is in an accepted bin, which stays as it is."
            )
            found.append(BrokenRule(code="fixed", text=text, request_ids=members))
    return found


def _first(members: Ids, here: set[str]) -> str:
    return next(name for name in members if name in here)


def _sorted(names: Iterable[str]) -> Ids:
    return tuple(sorted(names))
