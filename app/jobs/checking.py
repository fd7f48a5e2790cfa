"""Having an answer verified by a process that had no part in it."""

import time
from dataclasses import dataclass
from typing import Final

from app.jobs.answers import Lines
from app.jobs.frames import Garbage, Listener, Silence, parsed, text_of, whole_of
from app.jobs.nursery import Nursery
from app.jobs.orders import Order
from app.jobs.processes import Caps
from app.jobs.running import Failed, caps_seconds, most_bytes

SECONDS: Final = 60.0
"""How long checking a small answer may take, without its proof."""

PROVING_SECONDS: Final = 30.0
"""How long pricing every proof of a small answer again may take; a part at work when
the time is up is finished, so that it is twice that before the process is ended."""

A_REQUEST: Final = 0.002
"""Seconds longer, for either, for each request."""

_END_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What holds of an answer; ``kept`` was made anew of what was proven here."""

    kept: str
    cost: int
    bound: int
    proof_rechecked: bool


def check(nursery: Nursery, memory: int, order: Order, lines: Lines) -> Checked:
    """Return what was verified of an answer.

    Raises
    ------
    Failed
        With the first things that do not hold, or when it could not be verified.
    """
    longer = A_REQUEST * len(order.requests)
    proving = PROVING_SECONDS + longer
    seconds = SECONDS + longer + 2 * proving
    caps = Caps(memory=memory, seconds=caps_seconds(seconds))
    process = nursery.begin("verify", caps)
    listener = Listener(process.to_child, process.from_child, most_bytes(order))
    try:
        listener.send(order)
        listener.send(proving)
        for pack in lines.packs:
            listener.send(pack)
        listener.send(None)
        return _verdict(listener, time.monotonic() + seconds)
    except Silence:
        raise Failed(
            "The solver's plan could not be verified: the verifier did not finish."
        ) from None
    except Garbage as wrong:
        raise Failed(f"The solver's plan could not be verified: {wrong}.") from None
    finally:
        process.kill()
        listener.close()
        process.ended(_END_SECONDS)


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
