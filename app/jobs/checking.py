"""Having an answer verified by a process that had no part in it."""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from app.jobs.answers import Lines
from app.jobs.frames import Garbage, Listener, Silence, parsed, text_of, whole_of
from app.jobs.nursery import NoProcess, Nursery
from app.jobs.orders import Order
from app.jobs.processes import Caps, Process
from app.jobs.running import (
    HAND_OVER_SECONDS,
    Failed,
    caps_seconds,
    most_bytes,
)

SECONDS: Final = 60.0
"""How long checking a small answer may take, without its proof."""

PROVING_SECONDS: Final = 30.0
"""How long pricing every proof of a small answer again may take; a part at work when
the time is up is finished, so that it is twice that before the process is ended."""

A_REQUEST: Final = 0.002
"""Seconds longer, for either, for each request."""

BESIDE: Final = 5000
"""Requests up to which the verifier is begun beside the solver; more take memory."""

_END_SECONDS: Final = 5.0

_SENT_AT_ONCE: Final = 32_768
"""Bytes of an answer that are sent to a verifier together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What holds of an answer; ``kept`` was made anew of what was proven here."""

    kept: str
    cost: int
    bound: int
    proof_rechecked: bool


class Verifier:
    """A process that verifies one answer.

    It may be begun before there is an answer: it then finds out beside the solver what
    the order alone decides, and looks at each bin of the answer while the next are
    written.
    """

    def __init__(self, nursery: Nursery, memory: int, order: Order) -> None:
        longer = A_REQUEST * len(order.requests)
        self._proving = PROVING_SECONDS + longer
        self._seconds = SECONDS + longer + 2 * self._proving
        self._caps = Caps(memory=memory, seconds=caps_seconds(self._seconds))
        self._nursery = nursery
        self._order = order
        self._process: Process | None = None
        self._listener: Listener | None = None
        self._early = False
        self._waiting: list[bytes] = []  # lines that are still to be sent
        self._size = 0

    def begin_early(self) -> None:
        """Begin while the solver works, where two of them are no great matter."""
        if len(self._order.requests) <= BESIDE:
            with suppress(NoProcess):  # it is begun when it is needed
                self._begun().put(HAND_OVER_SECONDS)
                self._early = True

    def show(self, line: bytes) -> None:
        """Let it see a line of the answer, where it was begun early."""
        if not self._early:
            return
        self._waiting.append(line)
        self._size += len(line)
        if self._size >= _SENT_AT_ONCE:
            self._send_waiting(self._begun())

    def hand_over(self, lines: Lines) -> None:
        """Let it have what it has not seen of an answer, and come to its verdict."""
        listener = self._begun()
        if self._early:
            self._send_waiting(listener)
        else:
            for pack in lines.packs:
                listener.send(pack)
        listener.send(None)
        listener.send(self._proving)
        listener.put(0)

    def _send_waiting(self, listener: Listener) -> None:
        if self._waiting:
            listener.send(self._waiting)
        self._waiting, self._size = [], 0
        listener.put(0)

    def verdict(self) -> Checked:
        """Return what was verified of the answer that was handed over.

        Raises
        ------
        Failed
            With the first things that do not hold, or when it could not be verified.
        """
        listener = self._begun()
        try:
            return _verdict(listener, time.monotonic() + self._seconds)
        except Silence:
            raise Failed(
                "The solver's plan could not be verified: the verifier did not finish."
            ) from None
        except Garbage as wrong:
            raise Failed(f"The solver's plan could not be verified: {wrong}.") from None

    def close(self) -> None:
        """End the process."""
        if self._process is not None and self._listener is not None:
            self._process.kill()
            self._listener.close()
            self._process.ended(_END_SECONDS)
            self._process = self._listener = None

    def _begun(self) -> Listener:
        if self._listener is None:
            process = self._nursery.begin("verify", self._caps)
            self._process = process
            self._listener = Listener(
                process.to_child, process.from_child, most_bytes(self._order)
            )
            self._listener.send(self._order)
        return self._listener


def _verdict(listener: Listener, deadline: float) -> Checked:
    message = parsed(_line(listener, deadline))
    if message["kind"] != "verdict":
        said = text_of(message, "text") if "text" in message else message["kind"]
        raise Failed(f"The solver's plan could not be verified: {said}")
    findings = message.get("findings")
    if not isinstance(findings, list) or findings:
        told = " ".join(map(str, findings or ()))
        raise Failed(f"The solver's plan does not hold: {told}")
    return Checked(
        kept=_line(listener, deadline).decode(),
        cost=whole_of(message, "cost"),
        bound=whole_of(message, "bound"),
        proof_rechecked=message.get("proof_rechecked") is True,
    )


def _line(listener: Listener, deadline: float) -> bytes:
    line = listener.hear(max(0.0, deadline - time.monotonic()))
    if line is None:
        raise Silence
    return line
