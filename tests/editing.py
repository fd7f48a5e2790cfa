"""Edits to a problem, as reviewers and customers make them, for tests of re-solves."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Final

from optimizer.batch import Batch, Precedent, Request
from optimizer.clusters import find_clusters
from optimizer.errors import NoPlan, RulingsContradict
from optimizer.problem import Problem
from optimizer.rulings import Ruling, RulingKind, settle
from optimizer.why import as_rulings

EDITS: Final = (
    "together",
    "apart",
    "fixed",
    "released",
    "added",
    "withdrawn",
    "changed",
    "approved",
    "tomorrow",
)


def edited(problem: Problem, kind: str, draw: Random) -> Problem:
    """Return the problem after one edit; as it was where the edit is refused."""
    requests = problem.batch.requests
    picked = draw.choice(requests)
    if kind in ("together", "apart", "fixed"):
        return _ruled(problem, RulingKind(kind), draw)
    if kind == "released":
        rulings = as_rulings(problem.rulings)
        gone = draw.choice(rulings) if rulings else None
        kept = [ruling for ruling in rulings if ruling is not gone]
        return replace(problem, rulings=settle(kept, problem.batch))
    if kind == "approved":
        precedent = Precedent(
            customer=picked.customer,
            system=picked.system,
            approved_on=picked.received_on.replace(day=1, month=1),
        )
        more = (*problem.batch.precedents, precedent)
        return replace(problem, batch=Batch(requests=requests, precedents=more))
    if kind == "tomorrow":
        return replace(
            problem, as_of=problem.as_of.replace(year=problem.as_of.year + 1)
        )
    if kind == "added":
        return _with(problem, [*requests, replace(picked, request_id="NEW")])
    rest = [r for r in requests if r is not picked]
    if kind == "changed":
        worth = picked.value_cents * draw.choice([1, 2, 9])
        rest.append(
            replace(picked, value_cents=worth, lines=draw.randint(1, 20), force="eFP")
        )
    elif any(picked.request_id in ruling.request_ids for ruling in rulings_of(problem)):
        return problem
    return _with(problem, rest)


def rulings_of(problem: Problem) -> tuple[Ruling, ...]:
    """Return the rulings a problem stands under."""
    return as_rulings(problem.rulings)


def _ruled(problem: Problem, kind: RulingKind, draw: Random) -> Problem:
    ids = [r.request_id for r in problem.batch.requests]
    named = tuple(draw.sample(ids, min(len(ids), draw.choice([2, 2, 3]))))
    ruling = Ruling(kind=kind, request_ids=named)
    try:
        rulings = settle([*rulings_of(problem), ruling], problem.batch)
        changed = replace(problem, rulings=rulings)
        find_clusters(changed)
    except (RulingsContradict, NoPlan):
        return problem
    return changed


def _with(problem: Problem, requests: Sequence[Request]) -> Problem:
    ids = {r.request_id for r in requests}
    if len(ids) < len(requests) or not requests:
        return problem
    batch = Batch(requests=tuple(requests), precedents=problem.batch.precedents)
    changed = replace(problem, batch=batch)
    try:
        find_clusters(changed)
    except NoPlan:  # a set ruled together is worth more than the limit now
        return problem
    return changed
