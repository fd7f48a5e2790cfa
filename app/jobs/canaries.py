"""Whether the solver is sound: asked once of tiny models, before it solves anything.

One that gets an answer wrong is not used: plans are made without it and called so, no
new ones are asked for, and everything else goes on.
"""

import threading
import time
from typing import Final

from app.jobs.frames import Garbage, Listener, Silence, Speaker, parsed
from app.jobs.nursery import NoProcess, Nursery
from app.jobs.processes import Caps
from app.jobs.running import caps_seconds

SECONDS: Final = 30.0
"""How long the models may take; they take a hundredth of one."""

_TIMES: Final = 2
"""How often they are asked before no answer counts as a wrong one."""

_MOST_BYTES: Final = 64 << 10
_END_SECONDS: Final = 5.0

NOT_YET: Final = "not checked yet"
SOUND: Final = "sound: it knew the answers of models that are known"


def check(speaker: Speaker) -> None:
    """Say which of the models the solver gets wrong, in a process of its own."""
    from optimizer.selection import canaries

    speaker.say("canaries", wrong=canaries.wrong())


class Canaries:
    """What became of the models; asked in a process of the nursery, once."""

    def __init__(self, nursery: Nursery, memory: int) -> None:
        self._nursery = nursery
        self._memory = memory
        self._lock = threading.Lock()
        self._found: str | None = None

    def start(self) -> None:
        """Ask them as soon as a process can be had, in a thread."""
        threading.Thread(target=self.wrong, name="canaries", daemon=True).start()

    @property
    def state(self) -> str:
        """What is known by now, for those who look after the service."""
        return NOT_YET if self._found is None else self._found or SOUND

    @property
    def known_wrong(self) -> str | None:
        """Why the solver is not used; None while nothing is known against it."""
        return self._found or None

    def wrong(self) -> str | None:
        """Return why the solver is not to be used, once that is known; None if sound.

        Where no process can be had nothing is known: it is asked again the next time.
        """
        with self._lock:
            if self._found is None:
                try:
                    self._found = self._asked()
                except NoProcess:
                    return None
            return self._found or None

    def _asked(self) -> str:
        """Ask; a process that was ended from outside is not the solver's fault."""
        for _ in range(_TIMES):
            wrong = self._heard_once()
            if wrong is not None:
                return _said(wrong)
        return _said(["It gave no answer."])

    def _heard_once(self) -> list[str] | None:
        caps = Caps(memory=self._memory, seconds=caps_seconds(SECONDS))
        process = self._nursery.begin("canaries", caps)
        listener = Listener(process.to_child, process.from_child, _MOST_BYTES)
        try:
            return _heard(listener, time.monotonic() + SECONDS)
        finally:
            process.kill()
            listener.close()
            process.ended(_END_SECONDS)


def _heard(listener: Listener, deadline: float) -> list[str] | None:
    """Return what is wrong; None when no answer came, or no sensible one."""
    try:
        line = listener.hear(max(0.0, deadline - time.monotonic()))
        message = {} if line is None else parsed(line)
    except (Silence, Garbage):
        return None
    found = message.get("wrong")
    return [str(one) for one in found] if isinstance(found, list) else None


def _said(wrong: list[str]) -> str:
    if not wrong:
        return ""
    return (
        f"The solver is not used: it failed on models with known answers. "
        f"{' '.join(wrong)} Install the versions of the lock file."
    )
