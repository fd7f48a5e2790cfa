"""Check the audit trail, against itself, the store and what was signed of it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from app.audit.canonical import record_hash
from app.audit.chain import GENESIS, content_of
from app.jobs.desk import Desk
from app.jobs.trail import TrailOrder
from app.storage import trail
from app.use_cases import clock
from app.use_cases.refusals import NotAcceptable, NotThere
from app.use_cases.service import Service

VERIFY_S: Final = 120.0
"""How long a walk along the whole trail may take before it is given up."""


def verified(service: Service, desk: Desk) -> dict[str, Any]:
    """Return what a walk along the whole trail found, held against its checkpoints.

    It is done by a process of its own: other calls do not wait for it.

    Raises
    ------
    DeskFailed
        When it could not be verified in time, or is being verified already.
    """
    settings = service.settings
    order = TrailOrder(url=settings.url, checkpoints=settings.checkpoints)
    return desk.verify_trail(order, seconds=VERIFY_S)


def between(first: str, last: str) -> tuple[str, str]:
    """Return when a first day begins and a last one is over; empty where none is named.

    Raises
    ------
    NotAcceptable
        When a day is none of the calendar, or none the trail could know.
    """
    since, until = _day(first), _day(last)
    return (
        "" if since is None else clock.start_of(since),
        "" if until is None else clock.start_of(until + timedelta(days=1)),
    )


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise NotAcceptable(f"{text} is not a day of the calendar.") from None
    if not 1900 <= day.year <= 2900:
        raise NotAcceptable(f"{text} is not a day that the trail could know.")
    return day


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record of the trail, and whether its own links hold.

    ``as_written`` says that its hash is that of what it says, ``follows`` that it names
    the hash of the record before, ``followed`` that the next one names its own; None
    where there is no next one yet.
    """

    row: trail.Row
    as_written: bool
    follows: bool
    followed: bool | None


def record(connection: Connection, seq: int) -> Record:
    """Return a record with its links recomputed.

    Raises
    ------
    NotThere
        When there is no such record.
    """
    rows = {row.seq: row for row in trail.around(connection, seq)}
    if seq not in rows:
        raise NotThere("record")
    row, after = rows[seq], rows.get(seq + 1)
    return Record(
        row=row,
        as_written=_hash_of(row) == row.hash,
        follows=row.prev_hash == _hash_before(rows.get(seq - 1), seq),
        followed=None if after is None else after.prev_hash == row.hash,
    )


def _hash_before(row: trail.Row | None, seq: int) -> str | None:
    if row is None:
        return GENESIS if seq == 1 else None
    return str(row.hash)


def _hash_of(row: trail.Row) -> str | None:
    try:
        return record_hash(row.prev_hash, content_of(row._asdict()))
    except (TypeError, ValueError):  # no text, or nothing a hash is taken of
        return None
