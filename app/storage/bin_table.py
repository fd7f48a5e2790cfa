"""The bins of a plan as a table: filtered, sorted, by pages, with what members sum to.

Only the columns a page shows are read: a document is long.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Select,
    func,
    select,
)
from sqlalchemy import (
    Row as _Row,
)

from app.storage import joins
from app.storage.schema import (
    bin_members,
    bins,
    proposal_requests,
    request_versions,
    requests,
)

type Row = _Row[*tuple[Any, ...]]

LISTS: Final = frozenset({"systems", "customers", "regions"})
"""Columns that hold several names; a filter asks whether one is among them."""

SORTS: Final = ("place", "saved", "size", "state", "bin_id", "value", "received")
"""What a table may be sorted by."""

_COLUMN: Final = {"value": "value_cents", "received": "received_on"}


def page(
    connection: Connection,
    proposal_id: str,
    *,
    filters: Mapping[str, str],
    sort: str,
    descending: bool,
    offset: int,
    limit: int | None,
) -> Sequence[Row]:
    """Return live bins with their documents, in an order, from a place of it."""
    by = bins.c[_COLUMN.get(sort, sort)]
    order = (by.desc() if descending else by, bins.c.place)
    wanted = _filtered(proposal_id, filters)
    if limit is not None:
        # Documents are long: they are not sorted, but read once their bins are known.
        ids = wanted.with_only_columns(bins.c.bin_id).order_by(*order)
        names = connection.execute(ids.offset(offset).limit(limit)).scalars().all()
        wanted = _filtered(proposal_id, {}).where(bins.c.bin_id.in_(names))
    return connection.execute(wanted.order_by(*order)).all()


def named(
    connection: Connection, proposal_id: str, bin_ids: Sequence[str]
) -> Sequence[Row]:
    """Return live bins by their names, with their documents."""
    wanted = _filtered(proposal_id, {}).where(bins.c.bin_id.in_(bin_ids))
    return connection.execute(wanted.order_by(bins.c.place)).all()


def count(connection: Connection, proposal_id: str, filters: Mapping[str, str]) -> int:
    """Return how many live bins a filter leaves."""
    wanted = _filtered(proposal_id, filters).subquery()
    return connection.execute(select(func.count()).select_from(wanted)).scalar_one()


def versions(
    connection: Connection, proposal_id: str, filters: Mapping[str, str], *, limit: int
) -> dict[str, int]:
    """Return the first bins a filter leaves, with the version each is in."""
    wanted = _filtered(proposal_id, filters).order_by(bins.c.place).limit(limit)
    return {row.bin_id: row.version for row in connection.execute(wanted)}


def _filtered(proposal_id: str, filters: Mapping[str, str]) -> Select[Any]:
    wanted = select(
        bins.c.bin_id,
        bins.c.place,
        bins.c.version,
        bins.c.state,
        bins.c.category,
        bins.c.systems,
        bins.c.customers,
        bins.c.regions,
        bins.c.size,
        bins.c.saved,
        bins.c.value_cents,
        bins.c.received_on,
        bins.c.forecast_on,
        bins.c.document,
    ).where(bins.c.proposal_id == proposal_id, bins.c.state != "dissolved")
    for name, value in filters.items():
        if name in LISTS:
            wanted = wanted.where(bins.c[name].contains(f"|{value}|", autoescape=True))
        elif name == "together":
            wanted = wanted.where(
                bins.c.size > 1 if value == "yes" else bins.c.size == 1
            )
        else:
            wanted = wanted.where(bins.c[name] == value)
    return wanted


def states(connection: Connection, proposal_id: str) -> Counter[str]:
    """Return how many live bins there are in each state."""
    wanted = (
        select(bins.c.state, func.count())
        .where(bins.c.proposal_id == proposal_id, bins.c.state != "dissolved")
        .group_by(bins.c.state)
    )
    return Counter({row[0]: row[1] for row in connection.execute(wanted)})


def alone(connection: Connection, proposal_id: str) -> dict[str, int]:
    """Return how many requests of each customer are reviewed alone."""
    wanted = (
        select(bins.c.customers, func.count())
        .where(
            bins.c.proposal_id == proposal_id,
            bins.c.state != "dissolved",
            bins.c.size == 1,
        )
        .group_by(bins.c.customers)
    )
    found = connection.execute(wanted)
    return {customers.strip("|"): count_ for customers, count_ in found}


def choices(connection: Connection, proposal_id: str) -> dict[str, Counter[str]]:
    """Return the names each filter may ask for, with the bins that have them."""
    found: dict[str, Counter[str]] = {}
    for name in (*sorted(LISTS), "category", "state"):
        column = bins.c[name]
        wanted = (
            select(column, func.count())
            .where(bins.c.proposal_id == proposal_id, bins.c.state != "dissolved")
            .group_by(column)
        )
        found[name] = Counter()
        for value, count_ in connection.execute(wanted):
            names = value.strip("|").split("|") if name in LISTS else [value or ""]
            found[name].update(dict.fromkeys(names, count_))
    return found


def contents(
    connection: Connection, proposal_id: str, labels: Sequence[str]
) -> Sequence[Row]:
    """Return label, uid, versions and content of a few requests of a proposal."""
    wanted = (
        select(
            proposal_requests.c.label,
            proposal_requests.c.request_version,
            request_versions.c.content,
            requests.c.request_uid,
            requests.c.version,
            requests.c.state,
        )
        .join(request_versions, joins.of_version())
        .join(
            requests,
            joins.of_key(),
        )
        .where(
            proposal_requests.c.proposal_id == proposal_id,
            proposal_requests.c.label.in_(labels),
        )
        .order_by(proposal_requests.c.label)
    )
    return connection.execute(wanted).all()


def alike(
    connection: Connection,
    proposal_id: str,
    bin_id: str,
    *,
    systems: Sequence[str],
    since: str,
    until: str,
    limit: int,
) -> Sequence[Row]:
    """Return requests of other bins for some systems, received within some days."""
    wanted = (
        select(
            bin_members.c.bin_id,
            proposal_requests.c.label,
            request_versions.c.content,
        )
        .join(
            proposal_requests,
            joins.of_label(),
        )
        .join(request_versions, joins.of_version())
        .join(
            requests,
            joins.of_key(),
        )
        .where(
            bin_members.c.proposal_id == proposal_id,
            bin_members.c.bin_id != bin_id,
            requests.c.system.in_(systems),
            requests.c.received_on.between(since, until),
        )
        .order_by(requests.c.received_on, proposal_requests.c.label)
        .limit(limit)
    )
    return connection.execute(wanted).all()
