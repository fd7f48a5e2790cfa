"""What customers were told about bins; only ever added."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy import Row as _Row

from app.storage.schema import releases

type Row = _Row[*tuple[Any, ...]]


def add(connection: Connection, **values: Any) -> None:
    """Add a release."""
    connection.execute(insert(releases), values)


def last(
    connection: Connection,
    customer: str,
    bin_ids: Sequence[str],
    proposal_ids: Sequence[str],
) -> Row | None:
    """Return what a customer was told last about one of some bins."""
    wanted = (
        select(releases)
        .where(
            releases.c.customer == customer,
            releases.c.bin_id.in_(bin_ids),
            releases.c.proposal_id.in_(proposal_ids),
        )
        .order_by(releases.c.at.desc())
        .limit(1)
    )
    return connection.execute(wanted).one_or_none()
