"""The resident process: keeps proposals at hand, prices edits, answers why."""

import gc
import json
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

from app.export.document import Document, bin_document, days, objective_of
from app.jobs.beside import say_nearest
from app.jobs.frames import Speaker, receive
from app.jobs.orders import Order
from app.jobs.questions import KEPT, Question
from optimizer import cost
from optimizer.certify.kept import read_earlier
from optimizer.earlier import Earlier, SolvedPart
from optimizer.edits import Edited, apply, broken
from optimizer.errors import BadEdit, NoPlan, OptimizerError, RulingsContradict
from optimizer.problem import Problem
from optimizer.proposal.assemble import some_in_detail, totals_of
from optimizer.propose import Serial, plan_bins
from optimizer.rulings import settle
from optimizer.why import why

REMEMBERED: Final = 300
"""Parts solved for earlier questions that are remembered beside those of a proposal."""

TO_SAY: Final = 0.1
"""Seconds of a deadline that are left for the answer."""

LEAST_SEARCH: Final = 0.25
"""Seconds a plan may be looked for once the price is known, while there is time."""

type Members = tuple[int, ...]


class _AtHand:
    """A proposal, ready to be asked about."""

    def __init__(self, order: Order) -> None:
        self.gap = order.gap
        self.problem = order.problem()
        stated = None if order.earlier is None else json.loads(order.earlier)
        self._parts = () if stated is None else read_earlier(stated).parts
        totals_of(self.problem, ())  # what requests bring is known from now on
        self._more: dict[str, SolvedPart] = {}

    @property
    def earlier(self) -> Earlier:
        """What is known of parts, those solved for earlier questions included."""
        return Earlier(parts=(*self._parts, *self._more.values()))

    def remember(self, kept: Earlier | None) -> None:
        """Keep parts that were solved to the gap for the next question."""
        known = {part.key for part in self._parts}
        for part in () if kept is None else kept.parts:
            if part.key not in known and part.closed(self.gap):
                self._more.pop(part.key, None)
                self._more[part.key] = part
        while len(self._more) > REMEMBERED:
            del self._more[next(iter(self._more))]


def serve(speaker: Speaker) -> None:
    """Answer questions until there are no more."""
    at_hand: OrderedDict[str, _AtHand] = OrderedDict()
    while (question := receive(0)) is not None:
        assert isinstance(question, Question)
        deadline = time.monotonic() + question.seconds - TO_SAY
        try:
            if question.order is not None:
                at_hand[question.key] = _AtHand(question.order)
                while len(at_hand) > KEPT:
                    at_hand.popitem(last=False)
            if question.key not in at_hand:
                speaker.say("need")
                continue
            at_hand.move_to_end(question.key)
            _answer(speaker, at_hand[question.key], question, deadline)
        except BadEdit as refused:
            faults = [[fault.index, fault.text] for fault in refused.faults]
            speaker.say("bad edit", faults=faults)
        except KeyError as error:
            speaker.say("unknown", name=str(error.args[0]))
        except (OptimizerError, RuntimeError, ValueError) as error:
            speaker.say("failed", text=f"{type(error).__name__}: {error}")
        speaker.say("end")
        if question.order is not None:
            _leave_alone()


def _leave_alone() -> None:
    """Have no later question wait while what is at hand is searched for garbage."""
    gc.unfreeze()  # what has gone since may be collected
    gc.collect()
    gc.freeze()


def _answer(
    speaker: Speaker, known: _AtHand, question: Question, deadline: float
) -> None:
    problem = known.problem.under(settle(question.standing, known.problem.batch))
    if question.pair is not None:
        _why(speaker, known, problem, question, deadline)
        return
    if question.members:
        say_nearest(speaker, problem, question, known.earlier, deadline)
        return
    began = time.monotonic()
    edited = apply(
        question.bins, question.edits, standing=question.standing, used=question.used
    )
    after = [_members(problem, ids) for ids in edited.bins.values()]
    ruled: Problem | None = None
    missing = "The edits break a limit or a ruling."
    try:
        ruled = problem.under(
            settle((*question.standing, *edited.all_rulings), problem.batch)
        )
    except RulingsContradict as contradiction:
        missing = str(contradiction)
    forbidden = _say_price(speaker, question, problem, ruled or problem, edited, after)
    if ruled is None or forbidden:
        speaker.say("no best", text=missing)
        return
    ends = max(began + question.search, time.monotonic() + LEAST_SEARCH)
    try:
        _say_best(speaker, known, ruled, edited, after, min(ends, deadline))
    except NoPlan as none:
        speaker.say("no best", text=str(none))


def _members(problem: Problem, ids: Iterable[str]) -> Members:
    return tuple(sorted(map(problem.batch.position, ids)))


def _say_price(
    speaker: Speaker,
    question: Question,
    problem: Problem,
    ruled: Problem,
    edited: Edited,
    after: Sequence[Members],
) -> bool:
    """Say what the edits cost and break; return whether they are to be refused."""
    totals = totals_of(ruled, after)
    total = totals.effort.default + totals.wait_cost
    changed = edited.changed
    difference = sum(
        cost.cost(problem, _members(problem, edited.bins[b])) for b in changed
    ) - sum(
        cost.cost(problem, _members(problem, question.bins[b]))
        for b in (*edited.touched, *edited.gone)
    )
    rules = [
        {
            "bin_id": bin_id,
            "code": rule.code,
            "text": rule.text,
            "request_ids": rule.request_ids,
            "liftable": liftable,
        }
        for bin_id in changed
        for found in [broken(problem, edited.bins[bin_id])]
        for liftable, some in ((True, found.liftable), (False, found.refused))
        for rule in some
    ]
    wanted = {_members(problem, edited.bins[b]): b for b in changed}
    speaker.say(
        "priced",
        cost_before=total - difference,
        cost_after=total,
        touched=edited.touched,
        new=edited.new,
        gone=edited.gone,
        members={b: edited.bins[b] for b in changed},
        rulings=[[[r.kind, r.request_ids] for r in each] for each in edited.rulings],
        broken=rules,
        contradictions=[[f.index, f.text] for f in edited.contradictions],
        bins=[
            {**stated, "bin_id": wanted[members]}
            for members, stated in _stated(ruled, after, wanted)
        ],
        objective=objective_of(totals),
    )
    forbidden = any(not rule["liftable"] for rule in rules)
    return forbidden or bool(edited.contradictions)


def _stated(
    problem: Problem, bins: Sequence[Members], wanted: Iterable[Members]
) -> list[tuple[Members, Document]]:
    """Return some bins of a plan as proposal.json would have them."""
    detailed = some_in_detail(problem, bins, {*wanted})
    return [(members, bin_document(each)) for members, each in detailed.items()]


def _say_best(
    speaker: Speaker,
    known: _AtHand,
    ruled: Problem,
    edited: Edited,
    after: Sequence[Members],
    deadline: float,
) -> None:
    """Say the best plan under the rulings of the edits; only what they touch is new."""
    plan = plan_bins(
        ruled,
        gap=known.gap,
        engine=_until(deadline),
        earlier=known.earlier,
        only_changed=True,
    )
    finished = time.monotonic() < deadline
    known.remember(plan.kept)
    edited_bins, best_bins = {*after}, {*plan.bins}
    homes = {_members(ruled, ids): bin_id for bin_id, ids in edited.bins.items()}
    stated = _stated(ruled, plan.bins, best_bins - edited_bins)
    speaker.say(
        "best",
        finished=finished,
        cost=plan.cost,
        bound=plan.bound,
        bins=[document for _, document in stated],
        gone=sorted(homes[members] for members in edited_bins - best_bins),
        objective=objective_of(totals_of(ruled, plan.bins)),
    )


def _until(deadline: float) -> Serial:
    return Serial(
        stop=lambda: time.monotonic() >= deadline,
        remaining=lambda: max(0.0, deadline - time.monotonic()),
    )


def _why(
    speaker: Speaker,
    known: _AtHand,
    problem: Problem,
    question: Question,
    deadline: float,
) -> None:
    assert question.pair is not None
    answer = why(
        problem,
        *question.pair,
        gap=known.gap,
        engine=_until(min(time.monotonic() + question.search, deadline)),
        earlier=known.earlier,
        only_changed=True,
    )
    prices = {
        "price": answer.price,
        "price_low": answer.price_low,
        "price_high": answer.price_high,
    }
    speaker.say(
        "why",
        answer={
            "first_id": answer.first_id,
            "second_id": answer.second_id,
            "may_share": answer.may_share,
            "blocks": [{"code": b.code, "text": b.text} for b in answer.blocks],
            "together_now": answer.together_now,
            **{k: None if v is None else days(v) for k, v in prices.items()},
            "texts": answer.texts,
        },
    )
