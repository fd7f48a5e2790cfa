"""The service's side of a process that keeps proposals at hand."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from app.jobs.frames import Garbage, Listener, Message, Silence, parsed
from app.jobs.orders import Load
from app.jobs.processes import Process
from app.jobs.questions import KEPT, Question
from app.jobs.running import most_bytes

GRACE: Final = 0.4
"""Seconds beyond a deadline in which an answer that is on its way still counts."""

LEAST: Final = 0.3
"""Seconds a question is given at least, once the proposal is at hand."""

_ANSWER: Final = 256 << 20
_END_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was heard of a question; ``whole`` where nothing of it is missing."""

    messages: list[Message]
    whole: bool


class Resident:
    """One resident process at a time; one that dies or hangs is replaced."""

    def __init__(self, begin: Callable[[float], Process]) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self._process: Process | None = None
        self._listener: Listener | None = None
        self._at_hand: list[str] = []

    def has(self, key: str) -> bool:
        """Tell whether the process has a proposal at hand, as far as is known."""
        return key in self._at_hand

    def ask(self, question: Question, load: Load, seconds: float) -> Asked:
        """Return what the process answers within some seconds.

        It is asked once more when it died of something else than the question.
        """
        deadline = time.monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            return Asked(messages=[], whole=False)
        try:
            asked = self._ask(question, load, deadline)
            if not asked.messages and time.monotonic() < deadline:
                asked = self._ask(question, load, deadline)
            return asked
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _ask(self, question: Question, load: Load, deadline: float) -> Asked:
        listener = self._listening(deadline)
        listener.allow(_ANSWER)
        heard: list[Message] = []

        def put(asked: Question) -> None:
            left = max(LEAST, deadline - time.monotonic())
            listener.send(replace(asked, seconds=left))

        put(question)
        try:
            while (left := deadline + GRACE - time.monotonic()) > 0:
                line = listener.hear(left)
                if line is None:
                    break
                message = parsed(line)
                if message["kind"] == "end":
                    self._note(question.key)
                    return Asked(messages=heard, whole=True)
                if message["kind"] == "need":
                    order = load()
                    listener.allow(_ANSWER + most_bytes(order))
                    put(replace(question, order=order))
                else:
                    heard.append(message)
        except (Silence, Garbage):
            self._end()
            return Asked(messages=heard, whole=False)
        except BaseException:
            self._end()
            raise
        self._end()  # it still works on what nobody waits for any more
        return Asked(messages=heard, whole=False)

    def _note(self, key: str) -> None:
        """Note what is at hand, as the process does."""
        others = [one for one in self._at_hand if one != key]
        self._at_hand = [*others, key][-KEPT:]

    def _listening(self, deadline: float) -> Listener:
        if self._process is not None and self._process.ended(0) is not None:
            self._end()
        if self._listener is None:
            process = self._begin(max(LEAST, deadline - time.monotonic()))
            self._process = process
            self._listener = Listener(process.to_child, process.from_child, _ANSWER)
        return self._listener

    def _end(self) -> None:
        self._at_hand = []
        if self._process is not None:
            self._process.kill()
            self._process.ended(_END_SECONDS)
            self._process = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
