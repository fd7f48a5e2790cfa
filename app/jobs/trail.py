"""Verifying the audit trail in a process of its own: the service goes on meanwhile."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.audit import checkpoints
from app.audit.verify import verify
from app.jobs.frames import (
    Garbage,
    Listener,
    Message,
    Silence,
    Speaker,
    parsed,
    receive,
)
from app.jobs.nursery import Nursery
from app.jobs.processes import Caps
from app.jobs.running import caps_seconds
from app.storage.database import Database
from app.storage.errors import StoreError
from app.storage.reach import ALL

SHOWN: Final = 100
"""Findings that are listed at most; the rest are counted."""

_MOST_BYTES: Final = 4 << 20
_END_SECONDS: Final = 5.0


class TrailNotVerified(Exception):
    """The trail could not be verified; the sentence says why. It says nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailOrder:
    """Which trail to verify: the store, and the folder of its checkpoints."""

    url: str = field(repr=False)
    checkpoints: Path


# --- in the process -----------------------------------------------------------------


def verify_trail(speaker: Speaker) -> None:
    """Verify the trail that is read, and say what was found."""
    order = receive(0)
    assert isinstance(order, TrailOrder)
    try:
        speaker.say("trail", found=walked(order))
    except StoreError as error:
        speaker.say("failed", text=str(error))


def walked(order: TrailOrder) -> dict[str, Any]:
    """Return what a walk along the whole trail found, as plain values."""
    file = order.checkpoints / checkpoints.FILE
    known = checkpoints.read(file) if file.is_file() else None
    database = Database.open(order.url)
    try:
        with database.reading(ALL) as connection:
            found = verify(connection, () if known is None else known.checkpoints)
    finally:
        database.close()
    findings = [*found.findings, *(() if known is None else known.findings)]
    last = None if known is None else known.checkpoints[-1:]
    return {
        "records": found.records,
        "head": found.head,
        "ok": not findings,
        "findings": [str(finding) for finding in findings[:SHOWN]],
        "finding_records": [finding.seq for finding in findings[:SHOWN]],
        "unlisted_findings": max(0, len(findings) - SHOWN),
        "checkpoints": found.checkpoints,
        "covered": found.covered,
        "rows": found.rows,
        "steps_back": list(found.steps_back[:SHOWN]),
        "last_checkpoint": (
            {"size": last[0].size, "at": last[0].at, "key_id": last[0].key_id}
            if last
            else None
        ),
    }


# --- in the service -----------------------------------------------------------------


def have_verified(
    nursery: Nursery, memory: int, order: TrailOrder, seconds: float
) -> dict[str, Any]:
    """Return what a process found of the trail.

    Raises
    ------
    TrailNotVerified
        When it did not come to its end in time, or the store did not let it.
    NoProcess
        When no process could be begun.
    """
    caps = Caps(memory=memory, seconds=caps_seconds(seconds))
    process = nursery.begin("trail", caps, seconds)
    listener = Listener(process.to_child, process.from_child, _MOST_BYTES)
    try:
        listener.send(order)
        return _found(listener, time.monotonic() + seconds, seconds)
    except (Silence, Garbage):
        raise TrailNotVerified("The process that verified the trail died.") from None
    finally:
        process.kill()
        listener.close()
        process.ended(_END_SECONDS)


def _found(listener: Listener, deadline: float, seconds: float) -> dict[str, Any]:
    line = listener.hear(max(0.0, deadline - time.monotonic()))
    if line is None:
        raise TrailNotVerified(
            f"The trail was not verified within {seconds:g} seconds. For a trail so "
            "long, run `allybin audit verify` on the machine of the service."
        )
    message: Message = parsed(line)
    if message["kind"] != "trail" or not isinstance(message.get("found"), dict):
        raise TrailNotVerified(str(message.get("text", "It said nothing of use.")))
    found: dict[str, Any] = message["found"]
    return found
