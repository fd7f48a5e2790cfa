"""The verifier's process: is what a solver answered true of what it was asked?"""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from typing import Final

from app.export.document import Document, proposal_id, verify_document, versions
from app.jobs.answers import read_answer, unpacked
from app.jobs.frames import Garbage, Speaker, encode, receive
from app.jobs.orders import Order
from optimizer import cost
from optimizer.builder import Builder
from optimizer.certify.checking import check
from optimizer.certify.earlier import earlier_of
from optimizer.certify.kept import plain_earlier, read_earlier
from optimizer.certify.reading import Malformed
from optimizer.clusters import find_clusters
from optimizer.earlier import Earlier
from optimizer.problem import Problem
from optimizer.propose import fixed_bins

SHOWN: Final = 5
"""Findings that are told at most."""

EVERY_BIN: Final = 100
"""Requests up to which every proof is held against every bin too, which is slow."""


def verify(speaker: Speaker) -> None:
    """Read an order, the seconds for its proof and an answer; say what does not hold.

    What a later solve may begin with is made anew, of what was proven here.
    """
    order = receive(0)
    assert isinstance(order, Order)
    seconds = receive(0)
    assert isinstance(seconds, float)
    deadline = time.monotonic() + seconds
    try:
        document, kept = read_answer(_received())
    except Garbage as wrong:
        speaker.say("verdict", findings=[f"It cannot be read: {wrong}."])
        return
    problem = order.problem()
    findings = [
        *_heading(order, problem, document),
        *(finding.text for finding in verify_document(document, problem)),
    ]
    if findings:
        speaker.say("verdict", findings=findings[:SHOWN])
        return
    total = _thousandths(document["objective"]["total"])
    bound = _thousandths(document["lower_bound"])
    proven = earlier_of(
        problem,
        document,
        stop=lambda: time.monotonic() >= deadline,
        checked=None
        if order.earlier is None
        else read_earlier(json.loads(order.earlier)),
    )
    rechecked = time.monotonic() < deadline
    if rechecked:
        findings = _proof(problem, document, proven, bound)
    speaker.say(
        "verdict",
        findings=findings[:SHOWN],
        proof_rechecked=rechecked,
        cost=total,
        bound=bound,
    )
    if not findings:
        speaker.say_text(encode(plain_earlier(_with_columns(proven, kept))))


def _received() -> Iterator[bytes]:
    while (pack := receive(0)) is not None:
        yield from unpacked(pack)


def _heading(order: Order, problem: Problem, document: Document) -> Iterator[str]:
    """Yield what is stated of the question and is not what was asked."""
    policy, hashes = order.policy, order.hashes
    extra = {r.request_id: dict(r.extra) for r in order.requests if r.extra}
    asked = {
        "proposal_id": proposal_id(problem, hashes, order.gap),
        "created_at": order.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "as_of": order.as_of.isoformat(),
        "policy": {
            "name": policy.name,
            "title": policy.title,
            "sha256": policy.sha256,
        },
        "input": {
            "sha256": hashes.requests,
            "requests": len(problem.batch),
            "precedents": len(problem.batch.precedents),
            "precedents_sha256": hashes.precedents,
            "rulings_sha256": hashes.rulings,
        },
        "versions": versions(),
    }
    if extra:
        asked["extra_columns"] = extra
    for key, value in asked.items():
        if document.get(key) != value:
            yield f"{key} is not what was asked."
    if not extra and "extra_columns" in document:
        yield "extra_columns were not asked for."
    seconds = document.get("solve_seconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
        yield "solve_seconds is no time."


def _thousandths(days: float) -> int:
    return round(days * 1000)


def _proof(
    problem: Problem, document: Document, proven: Earlier, bound: int
) -> list[str]:
    """Return what is wrong with the bound, every proof having been priced again."""
    least = _least_cost(problem, proven)
    if bound > least:
        return [
            f"The lower bound is stated as {bound / 1000}; what is proven is "
            f"{least / 1000}."
        ]
    if len(problem) <= EVERY_BIN and "certificate" in document:
        return [*check(problem, document["certificate"]).findings]
    return []


def _least_cost(problem: Problem, proven: Earlier) -> int:
    """Return what no plan costs less than: what needs no search, and what is proven."""
    builder = Builder(problem)
    total = sum(cost.cost(problem, members) for members in fixed_bins(problem))
    for cluster in find_clusters(problem):
        parts = (
            [cluster.items] if len(cluster.items) == 1 else builder.split(cluster.items)
        )
        for items in parts:
            if len(items) == 1:
                total += builder.cost_alone(items[0])
            else:
                name = problem.requests[items[0][0]].request_id
                part = proven.holding.get(name)
                total += 0 if part is None else part.bound
    return total


def _with_columns(proven: Earlier, stated: object) -> Earlier:
    """Add the solver's own bins, which are hints and prove nothing."""
    try:
        known = read_earlier(stated).by_key
    except Malformed:
        return proven
    return Earlier(
        parts=tuple(
            replace(part, columns=known[part.key].columns)
            if part.key in known and known[part.key].request_ids == part.request_ids
            else part
            for part in proven.parts
        )
    )
