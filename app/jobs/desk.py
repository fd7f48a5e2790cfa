"""The solver desk: everything heavy, in processes of its own, and none of it believed.

A solve is one process that has never solved before. What it answers is verified by
another before anyone sees it; where the solver fails, a plan made without it is
offered and called so. Questions about a proposal go to a process that keeps it at hand.
"""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from app.export.document import Document
from app.jobs.answers import read_answer
from app.jobs.asking import Asked, Resident
from app.jobs.canaries import Canaries
from app.jobs.checking import Checked, Verifier
from app.jobs.frames import Garbage, Message, encode, whole_of
from app.jobs.nursery import NoProcess, Nursery
from app.jobs.orders import (
    Best,
    BrokenRule,
    NearestOrder,
    Order,
    Outcome,
    Plain,
    Priced,
    PriceOrder,
    Progress,
    Solved,
    WhyOrder,
)
from app.jobs.processes import Caps, Process, Started
from app.jobs.questions import Question
from app.jobs.running import (
    KILL_SECONDS,
    Answer,
    Failed,
    Run,
    SaysNoPlan,
    caps_seconds,
)
from app.jobs.trail import TrailNotVerified, TrailOrder, have_verified
from optimizer.errors import BadEdit, EditFault
from optimizer.rulings import Ruling, RulingKind

MIB: Final = 1 << 20

FALLBACK_SECONDS: Final = 60.0
"""How long a plan without the solver may take; longer for a large batch."""

BRING_SECONDS: Final = 15.0
"""How long bringing a proposal may take before any question of it."""

A_REQUEST: Final = 0.002
"""Seconds longer for each request."""

READ_EARLY: Final = 4 << 20
"""Bytes of an answer up to which it is read before it is verified: read, what is made
to take much memory may take thirty times as much."""


class DeskFailed(Exception):
    """A question got no answer; the sentence says why. Asking again may help."""


class DeskClosed(Exception):
    """The desk was closed while it worked: nothing is known, and nothing has failed."""


class UnknownRequest(Exception):
    """A question names a request or bin that is not in the proposal."""


class Desk:
    """Where proposals are solved, verified, priced and asked about.

    Parameters
    ----------
    memory_mib
        Address space of each process.
    solver_command
        A program that is run as the solver instead of ours. It reads a pickled order
        and answers in the lines of :mod:`app.jobs.answers`; it is believed no more.
    residents
        Processes that keep proposals at hand.
    """

    def __init__(
        self,
        *,
        memory_mib: int = 4096,
        solver_command: Sequence[str] | None = None,
        residents: int = 1,
    ) -> None:
        self._memory = memory_mib * MIB
        self._command = None if solver_command is None else tuple(solver_command)
        self._closed = False
        self._trail = threading.Lock()
        self._bringing = threading.Lock()
        self._coming: set[str] = set()
        self._nursery = Nursery()
        self.canaries = Canaries(self._nursery, self._memory)
        caps = Caps(memory=self._memory)
        self._residents = [
            Resident(lambda seconds: self._nursery.begin("resident", caps, seconds))
            for _ in range(residents)
        ]
        self._patient = Resident(
            lambda seconds: self._nursery.begin("resident", caps, seconds)
        )

    def start(self) -> None:
        """Begin to load what solving needs, so that the first solve need not wait."""
        self._nursery.start()
        self.canaries.start()

    @property
    def loaded(self) -> bool:
        """Whether solving begins at once, and does not wait for what it needs."""
        return self._nursery.loaded

    def close(self) -> None:
        """End every process of the desk; whoever waits is told ``DeskClosed``."""
        self._closed = True
        for resident in (*self._residents, self._patient):
            resident.close()
        self._nursery.close()

    def solve(
        self,
        order: Order,
        *,
        tell: Callable[[Progress], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Solved:
        """Solve, verify and return a proposal; blocks the thread that asks.

        Parameters
        ----------
        tell
            Told now and then how far the solve is, in this thread.
        stopped
            Asked ten times a second; when it says so, the best plan so far is returned.

        The time is the order's limit and what checking takes. Nothing a solver does
        makes this raise: there is an outcome with a reason.

        Raises
        ------
        DeskClosed
            When the desk is closed meanwhile.
        """
        try:
            solved = self._solved("solve", order, tell, stopped)
        except (Failed, NoProcess) as failed:
            solved = self._without_solver(order, str(failed), Outcome.FAILED)
        except SaysNoPlan as none:
            solved = self._without_solver(order, str(none), Outcome.NO_PLAN)
        if self._closed and solved.outcome is Outcome.FAILED:
            raise DeskClosed("The desk was closed before the proposal was solved.")
        return solved

    def _solved(
        self,
        role: str,
        order: Order,
        tell: Callable[[Progress], None],
        stopped: Callable[[], bool],
    ) -> Solved:
        seconds = order.time_limit_s
        if role != "solve":
            seconds = FALLBACK_SECONDS + A_REQUEST * len(order.requests)
        process = self._begin(role, seconds)
        with (
            closing(Verifier(self._nursery, self._memory, order)) as verifier,
            closing(Run(process, order, tell, stopped, seconds)) as run,
        ):
            run.meanwhile, run.show = verifier.begin_early, verifier.show
            answer = run.answer()
            verifier.hand_over(answer.lines)
            # Read meanwhile, where it is small: nobody sees it before the verdict.
            read = _read(answer) if answer.lines.size <= READ_EARLY else None
            checked = verifier.verdict()
        return _solved(answer, checked, read or read_answer(answer.lines))

    def _begin(self, role: str, seconds: float) -> Process:
        if self._closed:
            raise NoProcess("The desk is closed.")
        unsound = self.canaries.wrong() if role == "solve" else None
        if unsound is not None:
            raise NoProcess(unsound)
        caps = Caps(memory=self._memory, seconds=caps_seconds(seconds + KILL_SECONDS))
        if role == "solve" and self._command is not None:
            try:
                return Started(self._command, caps)
            except OSError as error:
                raise NoProcess(
                    f"The solver {self._command[0]} could not be started: "
                    f"{error.strerror}."
                ) from None
        return self._nursery.begin(role, caps)

    def _without_solver(self, order: Order, reason: str, said: Outcome) -> Solved:
        """Return a plan made without the solver, which failed for a reason."""
        if self._closed:
            return Solved(outcome=Outcome.FAILED, reason=reason)
        try:
            plan = self._solved("plan", order, lambda _: None, lambda: False)
        except SaysNoPlan as none:
            return Solved(outcome=Outcome.NO_PLAN, reason=str(none))
        except (Failed, NoProcess) as failed:
            return Solved(outcome=Outcome.FAILED, reason=f"{reason} {failed}")
        if said is Outcome.NO_PLAN:
            reason = f"The solver said that there is no plan, which is wrong: {reason}"
        return replace(plan, outcome=Outcome.FALLBACK, reason=reason)

    def price(
        self, order: PriceOrder, *, seconds: float, search: float = math.inf
    ) -> Priced:
        """Return what edits of a plan cost, and the best plan that honours them.

        The exact price is known at once; the best plan is looked for as long as
        ``search`` says, at most until ``seconds`` are over.

        Raises
        ------
        BadEdit
            When an edit makes no sense.
        DeskFailed
            When not even the price is known in time.
        """
        question = Question(
            key=order.key,
            standing=order.standing,
            bins=dict(order.bins),
            edits=tuple(order.edits),
            used=order.used,
            search=search,
        )
        heard = self._ask(question, order, seconds)
        priced = _only(heard, "priced")
        best, missing = _only(heard, "best"), _only(heard, "no best")
        if priced is None:
            raise DeskFailed(f"The price was not known within {seconds:g} seconds.")
        try:
            return _priced(
                priced,
                best=None if best is None else _best(best),
                best_missing=_why_none(best, missing, seconds),
            )
        except (KeyError, TypeError, ValueError, Garbage) as wrong:
            raise DeskFailed("The answer on the price cannot be used.") from wrong

    def has(self, key: str) -> bool:
        """Tell whether a proposal is at hand, as far as is known."""
        return self._resident_of(key).has(key)

    def bring(self, key: str, order: Callable[[], PriceOrder]) -> None:
        """Have a proposal at hand, so that the first question of it need not wait.

        Nothing is done, and ``order`` is not asked, where it is or is being brought.

        Raises
        ------
        DeskFailed
            When it cannot be had now; the first question will try again.
        """
        with self._bringing:
            if key in self._coming or self.has(key):
                return
            self._coming.add(key)
        try:
            asked = order()
            question = Question(
                key=key,
                standing=asked.standing,
                bins=dict(asked.bins),
                used=asked.used,
                search=0.0,
            )
            self._ask(question, asked, BRING_SECONDS)
        finally:
            self._coming.discard(key)

    def why(
        self, order: WhyOrder, *, seconds: float, search: float = math.inf
    ) -> Plain:
        """Return whether two requests may share a bin and the price, as plain values.

        Prices are in staff-days, as in proposal.json.

        Raises
        ------
        UnknownRequest
            When one of them is not in the proposal.
        ValueError
            When both are the same.
        DeskFailed
            When the answer is not known in time.
        """
        if order.first_id == order.second_id:
            raise ValueError(f"{order.first_id} is one request: name two.")
        question = Question(
            key=order.key,
            standing=order.standing,
            pair=(order.first_id, order.second_id),
            search=search,
        )
        found = _only(self._ask(question, order, seconds), "why")
        if found is None or not isinstance(found.get("answer"), dict):
            raise DeskFailed(f"The answer was not known within {seconds:g} seconds.")
        answer: Plain = found["answer"]
        return answer

    def nearest(self, order: NearestOrder, *, seconds: float, search: float) -> Plain:
        """Return the nearest alternatives for the requests of a bin, as plain values.

        Costs are in thousandths of a staff-day. It is asked of a process of its own:
        prices need not wait for it.

        Raises
        ------
        DeskFailed
            When nothing is known in time.
        """
        question = Question(
            key=order.key,
            standing=order.standing,
            bins=dict(order.bins),
            members=order.members,
            search=search,
        )
        asked = self._ask(question, order, seconds, patient=True)
        found = _only(asked, "nearest")
        if found is None:
            raise DeskFailed(
                f"The alternatives were not known within {seconds:g} seconds."
            )
        return found

    def verify_trail(self, order: TrailOrder, *, seconds: float) -> Plain:
        """Return what a walk along the audit trail found, as plain values.

        Raises
        ------
        DeskFailed
            When it could not be verified in time, or is being verified already.
        """
        if not self._trail.acquire(blocking=False):
            raise DeskFailed("The trail is being verified already; wait for that.")
        try:
            return have_verified(self._nursery, self._memory, order, seconds)
        except (TrailNotVerified, NoProcess) as failed:
            raise DeskFailed(str(failed)) from None
        finally:
            self._trail.release()

    def _ask(
        self,
        question: Question,
        order: PriceOrder | WhyOrder | NearestOrder,
        seconds: float,
        *,
        patient: bool = False,
    ) -> Asked:
        if self._closed:
            raise DeskClosed("The desk is closed.")
        resident = self._patient if patient else self._resident_of(order.key)
        try:
            asked = resident.ask(question, order.load, seconds)
        except NoProcess as none:
            raise DeskFailed(str(none)) from None
        for message in asked.messages:
            match message["kind"]:
                case "bad edit":
                    raise BadEdit(_faults(message["faults"]))
                case "unknown":
                    raise UnknownRequest(
                        f"{message.get('name')} is not in the proposal."
                    )
                case "failed" | "no plan":
                    raise DeskFailed(str(message.get("text")))
        return asked

    def _resident_of(self, key: str) -> Resident:
        return self._residents[hash(key) % len(self._residents)]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _read(answer: Answer) -> Document | None:
    """Return the document of an answer; None where the verifier will say it is none."""
    try:
        return read_answer(answer.lines)
    except Garbage:
        return None


def _solved(answer: Answer, checked: Checked, document: Document) -> Solved:
    certificate = document.pop("certificate", None)
    optimal = document["status"] == Outcome.OPTIMAL
    return Solved(
        outcome=Outcome.OPTIMAL if optimal else Outcome.FEASIBLE,
        document=document,
        certificate=None if certificate is None else encode(certificate),
        kept=checked.kept,
        cost=checked.cost,
        bound=checked.bound,
        reproducible=answer.reproducible and not answer.stopped,
        proof_rechecked=checked.proof_rechecked,
        stopped=answer.stopped,
        solve_seconds=answer.seconds,
    )


def _only(asked: Asked, kind: str) -> Message | None:
    return next((m for m in asked.messages if m["kind"] == kind), None)


def _why_none(
    best: Message | None, missing: Message | None, seconds: float
) -> str | None:
    if best is not None:
        return None
    if missing is not None:
        return str(missing.get("text"))
    return f"The best plan was not known within {seconds:g} seconds."


def _faults(stated: Sequence[tuple[int, str]]) -> tuple[EditFault, ...]:
    return tuple(EditFault(index=int(at), text=str(text)) for at, text in stated)


def _priced(stated: Message, **best: Best | str | None) -> Priced:
    members: Mapping[str, Sequence[str]] = stated["members"]
    return Priced(
        cost_before=whole_of(stated, "cost_before"),
        cost_after=whole_of(stated, "cost_after"),
        touched=tuple(stated["touched"]),
        new=tuple(stated["new"]),
        gone=tuple(stated["gone"]),
        members={bin_id: tuple(ids) for bin_id, ids in members.items()},
        rulings=tuple(
            tuple(
                Ruling(kind=RulingKind(kind), request_ids=tuple(ids))
                for kind, ids in each
            )
            for each in stated["rulings"]
        ),
        broken=tuple(
            BrokenRule(**{**rule, "request_ids": tuple(rule["request_ids"])})
            for rule in stated["broken"]
        ),
        contradictions=_faults(stated["contradictions"]),
        bins=tuple(stated["bins"]),
        objective=stated["objective"],
        **best,  # type: ignore[arg-type]
    )


def _best(stated: Message) -> Best:
    return Best(
        finished=stated["finished"] is True,
        cost=whole_of(stated, "cost"),
        bound=whole_of(stated, "bound"),
        bins=tuple(stated["bins"]),
        gone=tuple(stated["gone"]),
        objective=stated["objective"],
    )
