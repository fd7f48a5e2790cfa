"""What else could be done with the requests of a bin, in the resident process."""

import time
from collections.abc import Iterable, Sequence

from app.export.document import Document, bin_document
from app.jobs.frames import Speaker
from app.jobs.questions import Question
from optimizer.earlier import Earlier
from optimizer.nearest import Alternative, Ids, Nearest, nearest
from optimizer.problem import Problem
from optimizer.proposal.assemble import in_detail


def say_nearest(
    speaker: Speaker,
    problem: Problem,
    question: Question,
    earlier: Earlier,
    deadline: float,
) -> None:
    """Say the nearest alternatives, with every bin that one of them changes."""
    ends = min(deadline, time.monotonic() + question.search)
    found = nearest(
        problem,
        question.bins.values(),
        question.members,
        remaining=lambda: max(0.0, ends - time.monotonic()),
        earlier=earlier,
    )
    kept = set(found.bins).intersection(*(one.bins for one in found.alternatives))
    speaker.say(
        "nearest",
        cost=found.cost,
        requests=sum(len(ids) for ids in found.bins),
        bins=_stated(found.part, found.bins, {*found.bins} - kept),
        alternatives=[_plain(found, one) for one in found.alternatives],
        bound=found.bound,
        exchanged=found.exchanged,
        in_time=found.in_time,
    )


def _plain(found: Nearest, one: Alternative) -> Document:
    before, after = {*found.bins}, {*one.bins}
    return {
        "cost": one.cost,
        "bound": one.bound,
        "gone": [[*ids] for ids in sorted(before - after)],
        "bins": _stated(found.part, one.bins, after - before),
    }


def _stated(
    part: Problem, bins: Sequence[Ids], wanted: Iterable[Ids]
) -> list[Document]:
    """Return some bins as proposal.json has them."""
    wanted = {*wanted}
    at = [tuple(sorted(map(part.batch.position, ids))) for ids in bins]
    return [
        bin_document(each)
        for each in in_detail(part, at)
        if tuple(sorted(each.request_ids)) in wanted
    ]
