"""Batches and requests; every query is told whose rows it may touch."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    insert,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy import (
    Row as _Row,
)

from app.storage import packs
from app.storage.schema import (
    batch_requests,
    batches,
    request_versions,
    requests,
)

type Row = _Row[*tuple[Any, ...]]
type Key = tuple[str, str]
"""Customer and request_id."""


_AS_IT_IS = and_(
    request_versions.c.customer == requests.c.customer,
    request_versions.c.request_id == requests.c.request_id,
    request_versions.c.version == requests.c.version,
)
"""A request with its newest version."""


_PLACE = (requests.c.created_at, requests.c.customer, requests.c.request_id)
"""Where a request stands in a list."""


class Scope(Protocol):
    """Whose rows may be seen."""

    @property
    def customers(self) -> frozenset[str] | None:
        """The customers; None for all."""

    @property
    def sent_by(self) -> str | None:
        """The account whose batches alone are seen; None for any."""

    @property
    def reviewer(self) -> str | None:
        """The account that sees plans of no other customers; None for no such."""


def _of_customers(scope: Scope) -> ColumnElement[bool]:
    if scope.customers is None:
        return true()
    return requests.c.customer.in_(sorted(scope.customers))


def scoped_requests(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a request is in scope."""
    if scope.sent_by is None:
        return _of_customers(scope)
    sent = (
        select(batch_requests.c.batch_id)
        .join(batches, batches.c.batch_id == batch_requests.c.batch_id)
        .where(
            batches.c.account_id == scope.sent_by,
            batch_requests.c.customer == requests.c.customer,
            batch_requests.c.request_id == requests.c.request_id,
        )
    )
    return and_(_of_customers(scope), sent.exists())


def scoped_batches(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a batch is in scope: its sender's customer, or own."""
    if scope.sent_by is not None:
        return batches.c.account_id == scope.sent_by
    if scope.customers is None:
        return true()
    of_customers = batches.c.customer.in_(sorted(scope.customers))
    if scope.reviewer is None:
        return of_customers
    return or_(of_customers, batches.c.account_id == scope.reviewer)


def known(connection: Connection, keys: Sequence[Key]) -> Iterator[Row]:
    """Yield key, version, state and hash of requests that are there already."""
    at_hand = select(
        requests.c.customer,
        requests.c.request_id,
        requests.c.version,
        requests.c.state,
        request_versions.c.sha256,
    ).join(request_versions, _AS_IT_IS)
    rows = packs.unpacked(connection)
    named = and_(
        requests.c.customer == packs.value(rows, 0),
        requests.c.request_id == packs.value(rows, 1),
    )
    wanted = at_hand.join(rows, named)
    for text in packs.packs_of(keys):
        yield from connection.execute(wanted, {"pack": text}).all()


def add_batch(connection: Connection, **values: Any) -> None:
    """Add a batch, before its requests."""
    connection.execute(insert(batches), values)


def packed_requests(
    present: Iterable[Mapping[str, Any]],
    versions: Iterable[Mapping[str, Any]],
    members: Iterable[Mapping[str, Any]],
    digest: packs.Digest,
) -> Sequence[packs.Packs]:
    """Return new requests in their first version, and what a batch held, as packs."""
    return [
        packs.Packs(request_versions, versions, digest),
        packs.Packs(requests, present),
        packs.Packs(batch_requests, members),
    ]


def batch(connection: Connection, scope: Scope, batch_id: str) -> Row | None:
    """Return a batch in scope."""
    wanted = select(batches).where(
        batches.c.batch_id == batch_id, scoped_batches(scope)
    )
    return connection.execute(wanted).one_or_none()


def batch_page(
    connection: Connection, scope: Scope, *, after: tuple[str, str] | None, limit: int
) -> Sequence[Row]:
    """Return batches in scope, newest first, from after a place."""
    wanted = select(batches).where(scoped_batches(scope))
    if after is not None:
        place = tuple_(batches.c.created_at, batches.c.batch_id)
        wanted = wanted.where(place < tuple_(*after))
    ordered = wanted.order_by(batches.c.created_at.desc(), batches.c.batch_id.desc())
    return connection.execute(ordered.limit(limit)).all()


def _with_content() -> Select[Any]:
    return select(
        requests.c.request_uid,
        requests.c.customer,
        requests.c.request_id,
        requests.c.version,
        requests.c.state,
        requests.c.created_at,
        requests.c.changed_at,
        requests.c.batch_id,
        request_versions.c.content,
        request_versions.c.sha256,
    ).join(request_versions, _AS_IT_IS)


def batch_members(
    connection: Connection,
    scope: Scope,
    batch_id: str,
    *,
    after: int | None,
    limit: int,
) -> Sequence[Row]:
    """Return the requests of a batch, in the order they came, from after a place."""
    own = and_(
        batch_requests.c.customer == requests.c.customer,
        batch_requests.c.request_id == requests.c.request_id,
    )
    wanted = (
        select(batch_requests)
        .join(requests, own)
        .where(batch_requests.c.batch_id == batch_id, scoped_requests(scope))
    )
    if after is not None:
        wanted = wanted.where(batch_requests.c.place > after)
    # Which they are is known before the long parts of any of them are read.
    some = wanted.order_by(batch_requests.c.place).limit(limit).subquery()
    found = (
        _with_content()
        .add_columns(some.c.place, some.c.outcome)
        .join(
            some,
            and_(
                some.c.customer == requests.c.customer,
                some.c.request_id == requests.c.request_id,
            ),
        )
        .order_by(some.c.place)
    )
    return connection.execute(found).all()


def request(connection: Connection, scope: Scope, request_uid: str) -> Row | None:
    """Return a request in scope, by its outside id."""
    wanted = _with_content().where(
        requests.c.request_uid == request_uid, scoped_requests(scope)
    )
    return connection.execute(wanted).one_or_none()


def request_page(
    connection: Connection,
    scope: Scope,
    *,
    filters: Mapping[str, str],
    after: tuple[str, str, str] | None,
    limit: int,
) -> Sequence[Row]:
    """Return requests in scope, oldest first, from after a place.

    Those that came at one moment are in the order of their ids, never of another
    customer's rows.
    """
    wanted = _with_content().where(scoped_requests(scope))
    for name, value in filters.items():
        wanted = wanted.where(requests.c[name] == value)
    if after is not None:
        wanted = wanted.where(tuple_(*_PLACE) > tuple_(*after))
    ordered = wanted.order_by(*_PLACE)
    return connection.execute(ordered.limit(limit)).all()


def open_keys(
    connection: Connection, scope: Scope, batch_ids: Sequence[str] | None
) -> Sequence[Row]:
    """Return key and version of open requests: of some batches, or of all."""
    wanted = select(
        requests.c.customer, requests.c.request_id, requests.c.version
    ).where(requests.c.state == "open", scoped_requests(scope))
    if batch_ids is not None:
        # Not asked of each request whether it is there: there may be a million others.
        inside = select(batch_requests.c.customer, batch_requests.c.request_id).where(
            batch_requests.c.batch_id.in_(batch_ids)
        )
        key = tuple_(requests.c.customer, requests.c.request_id)
        wanted = wanted.where(key.in_(inside))
    return connection.execute(
        wanted.order_by(requests.c.customer, requests.c.request_id)
    ).all()


def hold(connection: Connection, keys: Sequence[Key]) -> Sequence[Row]:
    """Return key, version and state of some requests; nobody changes them meanwhile."""
    wanted = (
        select(
            requests.c.customer,
            requests.c.request_id,
            requests.c.version,
            requests.c.state,
        )
        .where(any_of(keys))
        .order_by(requests.c.customer, requests.c.request_id)
        .with_for_update()
    )
    return connection.execute(wanted).all()


def add_version(
    connection: Connection, key: Key, version: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Add a version of a request and make it the present one."""
    connection.execute(insert(request_versions), version)
    connection.execute(
        update(requests)
        .where(requests.c.customer == key[0], requests.c.request_id == key[1])
        .values(**now)
    )


def any_of(keys: Sequence[Key]) -> ColumnElement[bool]:
    """Return the condition that a request is one of a few."""
    return or_(
        *(
            and_(requests.c.customer == customer, requests.c.request_id == request_id)
            for customer, request_id in keys
        )
    )
