"""Where bins of a plan stand: what saves most first, then as the plan numbers them.

Asked of an index alone, however many bins there are.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    or_,
    select,
    true,
)

from app.storage.schema import bins

type Place = tuple[int, int]
"""What a bin saves, and its number in the plan."""


def beside(
    connection: Connection, proposal_id: str, bin_id: str
) -> tuple[str | None, str | None]:
    """Return the live bins before and after a bin."""
    at = _place(connection, proposal_id, bin_id)
    if at is None:
        return None, None
    before = (
        _live(proposal_id)
        .where(_before(at))
        .order_by(bins.c.saved, bins.c.place.desc())
    )
    after = _in_order(_live(proposal_id).where(_after(at)))
    return _first(connection, before), _first(connection, after)


def next_open(connection: Connection, proposal_id: str, bin_id: str = "") -> str | None:
    """Return the first bin to decide after another, or of all where that is no bin."""
    at = _place(connection, proposal_id, bin_id)
    wanted = _live(proposal_id).where(
        bins.c.state == "open", true() if at is None else _after(at)
    )
    return _first(connection, _in_order(wanted))


def counted(
    connection: Connection, proposal_id: str, bin_id: str | None
) -> tuple[int, int, int]:
    """Return how many bins are decided, are open from a bin on, and are open before.

    Without a bin all that are open are before.
    """
    at = None if bin_id is None else _place(connection, proposal_id, bin_id)
    is_open = bins.c.state == "open"
    passed = is_open if at is None else and_(is_open, _before(at))
    wanted = select(
        _count(bins.c.state != "open"), _count(is_open), _count(passed)
    ).where(bins.c.proposal_id == proposal_id, bins.c.state != "dissolved")
    decided, all_open, before = map(int, connection.execute(wanted).one())
    return decided, all_open - before, before


def _first(connection: Connection, wanted: Select[Any]) -> str | None:
    found: str | None = connection.execute(wanted.limit(1)).scalar()
    return found


def _count(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _live(proposal_id: str) -> Select[Any]:
    return select(bins.c.bin_id).where(
        bins.c.proposal_id == proposal_id, bins.c.state != "dissolved"
    )


def _in_order(wanted: Select[Any]) -> Select[Any]:
    return wanted.order_by(bins.c.saved.desc(), bins.c.place)


def _place(connection: Connection, proposal_id: str, bin_id: str) -> Place | None:
    wanted = select(bins.c.saved, bins.c.place).where(
        bins.c.proposal_id == proposal_id,
        bins.c.bin_id == bin_id,
        bins.c.state != "dissolved",
    )
    found = connection.execute(wanted).one_or_none()
    return None if found is None else (found.saved, found.place)


def _after(at: Place) -> ColumnElement[bool]:
    saved, place = at
    tied = and_(bins.c.saved == saved, bins.c.place > place)
    return and_(bins.c.saved <= saved, or_(bins.c.saved < saved, tied))


def _before(at: Place) -> ColumnElement[bool]:
    saved, place = at
    tied = and_(bins.c.saved == saved, bins.c.place < place)
    return and_(bins.c.saved >= saved, or_(bins.c.saved > saved, tied))
