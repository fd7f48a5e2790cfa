"""What a forked process may be: a solver, a planner without one, a verifier."""

import signal
import time
from collections.abc import Callable, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Final

from app.engine.after import seconds_after
from app.engine.halt import Halt
from app.engine.local import LocalEngine
from app.errors import Stopped
from app.export.document import bin_document, proposal_document, versions
from app.jobs.forking import OwnChild
from app.jobs.frames import Speaker, encode, receive
from app.jobs.orders import Order
from optimizer.certify.kept import plain_earlier, read_earlier
from optimizer.earlier import Earlier
from optimizer.errors import FiguresTooLarge, NoPlan, OptimizerError, RulingsContradict
from optimizer.problem import Problem
from optimizer.propose import Plan, Progress, plan_bins, plan_of_task, proposal_of

if TYPE_CHECKING:
    from optimizer.instance import Instance
    from optimizer.propose import Engine, TaskReport
    from optimizer.selection.outcome import Selection

SAYING: Final = 1.25
"""Times that assembling and verifying take, with the plan told to the service."""

IN_ONE_GO: Final = 48
"""Requests up to which the solver process needs no other that it could end."""

_BETWEEN_REPORTS: Final = 0.2

_SAID_AT_ONCE: Final = 16
"""Bins that are said together: each time, the service is woken up."""

_WITHOUT_SEARCH_SECONDS: Final = 20.0


def play(role: str) -> int:
    """Be what the role says on standard input and output; return the exit code."""
    parts: dict[str, Callable[[Speaker], None]] = {
        "solve": _solve,
        "plan": _plan_without_solver,
        "verify": _verify,
        "resident": _resident,
        "trail": _verify_trail,
        "canaries": _check_solver,
    }
    speaker = Speaker(1)
    if role != "solve":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    try:
        parts[role](speaker)
    except (NoPlan, RulingsContradict, FiguresTooLarge) as error:
        speaker.say("no plan", text=str(error))
    except MemoryError:
        speaker.say("failed", text="There is not enough memory for this batch.")
    except (OptimizerError, Stopped, RuntimeError, ValueError, LookupError) as error:
        text = f"{type(error).__name__}: {error}"
        speaker.say("failed", text=text)
    return 0


def _verify(speaker: Speaker) -> None:
    from app.jobs.verifying import verify

    verify(speaker)


def _resident(speaker: Speaker) -> None:
    from app.jobs.resident import serve

    serve(speaker)


def _verify_trail(speaker: Speaker) -> None:
    from app.jobs.trail import verify_trail

    verify_trail(speaker)


def _check_solver(speaker: Speaker) -> None:
    from app.jobs.canaries import check

    check(speaker)


def _solve(speaker: Speaker) -> None:
    """Solve the order that is read, telling of progress, and say what came of it.

    SIGTERM ends the search with the best plan there is.
    """
    halt = Halt()
    halt.install()
    with halt.patience():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        order = receive(0)
        assert isinstance(order, Order)
        begun = time.monotonic()
        halt.limit(order.time_limit_s)
        # Before there are threads, and before the solver has run: later is too late.
        large = len(order.requests) > IN_ONE_GO
        apart = [OwnChild(_be_solved_by)] if large else []
        lost: list[str] = []
        engine = LocalEngine(1, halt, warn=lost.append, begun=apart)
        try:
            problem = order.problem()
            halt.reserve(SAYING * seconds_after(problem))
            plan = plan_bins(
                problem,
                gap=order.gap,
                engine=engine,
                on_progress=_Telling(speaker, begun),
                earlier=_earlier(order),
                only_changed=order.only_changed,
            )
            ended_by_itself = not halt.stop() and not lost
        finally:
            engine.close()
        _say_plan(speaker, order, problem, plan, begun)
        speaker.say("end", reproducible=ended_by_itself, stopped=halt.signalled)


def _be_solved_by() -> None:
    from app.engine.child import main

    main()


def _plan_without_solver(speaker: Speaker) -> None:
    """Make a plan by insertion and moves alone, with a bound that needs no search."""
    order = receive(0)
    assert isinstance(order, Order)
    begun = time.monotonic()
    problem = order.problem()
    engine = _WithoutSolver(until=begun + _WITHOUT_SEARCH_SECONDS)
    plan = plan_bins(problem, gap=order.gap, engine=engine, earlier=Earlier())
    _say_plan(speaker, order, problem, plan, begun)
    speaker.say("end", reproducible=False, stopped=False)


class _WithoutSolver:
    """An engine that plans and does not solve."""

    def __init__(self, until: float) -> None:
        self._until = until

    def __call__(
        self, tasks: "Sequence[Instance]", *, gap: float, report: "TaskReport"
    ) -> "Sequence[Selection]":
        """Plan the tasks, the small ones first; well, as long as there is time."""
        del gap, report
        found = [
            plan_of_task(tasks, number, good=time.monotonic() < self._until)
            for number in reversed(range(len(tasks)))
        ]
        return found[::-1]


if TYPE_CHECKING:
    _: Engine = _WithoutSolver(0.0)


class _Telling:
    """Says how far a solve is, a few times a second."""

    def __init__(self, speaker: Speaker, begun: float) -> None:
        self._speaker = speaker
        self._begun = begun
        self._told = float("-inf")

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        done = progress.clusters_done == progress.clusters
        if done or now - self._told >= _BETWEEN_REPORTS:
            self._told = now
            self._speaker.say(
                "progress",
                elapsed_ms=round(1000 * (now - self._begun)),
                clusters_done=progress.clusters_done,
                clusters=progress.clusters,
                incumbent=progress.incumbent,
                bound=progress.bound,
            )


def _earlier(order: Order) -> Earlier:
    if order.earlier is None:
        return Earlier()
    import json

    return read_earlier(json.loads(order.earlier))


def _say_plan(
    speaker: Speaker, order: Order, problem: Problem, plan: Plan, begun: float
) -> None:
    """Say a proposal line by line, so that no line is too long to be read.

    Each bin is said as soon as it is put together: who verifies it need not wait.
    """
    proposal = proposal_of(problem, plan, gap=order.gap, at_once=False)
    document = proposal_document(
        proposal,
        created_at=order.created_at,
        solve_seconds=time.monotonic() - begun,
        hashes=order.hashes,
        versions=versions(),
        with_bins=False,
    )
    certificate = document.pop("certificate", None)
    speaker.say("heading", document=document, bins=len(proposal.bins))
    for some in batched(proposal.bins, _SAID_AT_ONCE):
        lines = (f'{{"kind":"bin","bin":{encode(bin_document(one))}}}' for one in some)
        speaker.say_texts(lines)
    speaker.say("certificate", certificate=certificate)
    kept = None if plan.kept is None else plain_earlier(plan.kept)
    speaker.say("kept", kept=kept)
