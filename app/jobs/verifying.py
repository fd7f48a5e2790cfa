"""The verifier's process: is what a solver answered true of what it was asked?"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from functools import cached_property
from typing import Final

from app.export.document import Document, proposal_id, verify_document, versions
from app.jobs.answers import Reading, unpacked
from app.jobs.frames import Garbage, Speaker, encode, receive
from app.jobs.orders import Order
from optimizer import cost
from optimizer.certify.checking import check
from optimizer.certify.earlier import Parts, earlier_of
from optimizer.certify.kept import plain_earlier, read_earlier
from optimizer.certify.reading import Malformed
from optimizer.earlier import Earlier
from optimizer.errors import OptimizerError
from optimizer.problem import Problem
from optimizer.propose import fixed_bins

SHOWN: Final = 5
"""Findings that are told at most."""

EVERY_BIN: Final = 100
"""Requests up to which every proof is held against every bin too, which is slow."""


def verify(speaker: Speaker) -> None:
    """Read an order, an answer and the seconds for its proof; say what does not hold.

    The answer is verified as it comes, bin by bin. What a later solve may begin with is
    made anew, of what was proven here.
    """
    order = receive(0)
    assert isinstance(order, Order)
    known = _Known(order)
    with suppress(OptimizerError):  # it is met again where it is to be told
        known.prepare()
    problem = known.problem
    try:
        reading = Reading(_received())
        document, bins = reading.document, _Bins(reading)
        findings = [
            *_heading(order, problem, document),
            *(one.text for one in verify_document(document, problem, bins=bins)),
        ]
        document["bins"] = bins.kept
        reading.end()
    except Garbage as wrong:
        speaker.say("verdict", findings=[f"It cannot be read: {wrong}."])
        return
    seconds = receive(0)
    assert isinstance(seconds, float)
    deadline = time.monotonic() + seconds
    if findings:
        speaker.say("verdict", findings=findings[:SHOWN])
        return
    total = _thousandths(document["objective"]["total"])
    bound = _thousandths(document["lower_bound"])
    proven = earlier_of(
        problem,
        document,
        stop=lambda: time.monotonic() >= deadline,
        checked=known.checked,
        parts=known.parts,
    )
    rechecked = time.monotonic() < deadline
    if rechecked:
        findings = _proof(known, document, proven, bound)
    speaker.say(
        "verdict",
        findings=findings[:SHOWN],
        proof_rechecked=rechecked,
        cost=total,
        bound=bound,
    )
    if not findings:
        speaker.say_text(encode(plain_earlier(_with_columns(proven, reading.kept))))


class _Bins:
    """The bins of an answer, once, as they come; afterwards ``kept`` has them.

    Many are kept packed, and are all read first.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.kept: Sequence[Document] = ()

    def __iter__(self) -> Iterator[Document]:
        if self._reading.many:
            self.kept = self._reading.bins_kept()
            yield from self.kept
            return
        self.kept = found = []
        for each in self._reading.bins():
            found.append(each)
            yield each


class _Known:
    """What is known of an order before there is an answer, each found out once."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def prepare(self) -> None:
        """Find out all of it."""
        _ = self.parts, self.least_outside, self.checked

    @cached_property
    def problem(self) -> Problem:
        """What is asked."""
        return self._order.problem()

    @cached_property
    def parts(self) -> Parts:
        """The parts that a proof is needed for, and what is alone."""
        return Parts(self.problem)

    @cached_property
    def least_outside(self) -> int:
        """What fixed bins and requests that may share with nobody cost in any plan."""
        fixed = sum(cost.cost(self.problem, m) for m in fixed_bins(self.problem))
        return fixed + sum(map(self.parts.builder.cost_alone, self.parts.alone))

    @cached_property
    def checked(self) -> Earlier | None:
        """What such a check found of the proposal this one begins with."""
        stated = self._order.earlier
        return None if stated is None else read_earlier(json.loads(stated))


def _received() -> Iterator[bytes]:
    """Yield the lines of an answer, which come in packs or as they are."""
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


def _proof(known: _Known, document: Document, proven: Earlier, bound: int) -> list[str]:
    """Return what is wrong with the bound, every proof having been priced again."""
    least = _least_cost(known, proven)
    if bound > least:
        return [
            f"The lower bound is stated as {bound / 1000}; what is proven is "
            f"{least / 1000}."
        ]
    if len(known.problem) <= EVERY_BIN and "certificate" in document:
        return [*check(known.problem, document["certificate"]).findings]
    return []


def _least_cost(known: _Known, proven: Earlier) -> int:
    """Return what no plan costs less than: what needs no search, and what is proven."""
    total = known.least_outside
    for _, items in known.parts.several:
        part = proven.holding.get(known.problem.requests[items[0][0]].request_id)
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
