"""Many bins of a plan at once, with all that decisions on them ask for."""

from collections.abc import Sequence
from itertools import batched
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    and_,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy import Row as _Row

from app.storage import added, joins
from app.storage.schema import (
    bin_members,
    bin_versions,
    bins,
    edits,
    proposal_requests,
    requests,
    ruling_members,
    rulings,
)

type Row = _Row[*tuple[Any, ...]]

_NAMES: BindParameter[Any] = bindparam("names", expanding=True)
_AT_ONCE = 5000


def some(
    connection: Connection, proposal_id: str, bin_ids: Sequence[str]
) -> Sequence[Row]:
    """Return bins as they are now, gone ones too, in the order of the proposal."""
    wanted = (
        select(
            bins.c.bin_id,
            bins.c.version,
            bins.c.state,
            bins.c.size,
            bins.c.saved,
            bins.c.document,
            bin_versions.c.members,
            bin_versions.c.account_id,
            bin_versions.c.at,
        )
        .join(bin_versions, joins.of_newest())
        .where(bins.c.proposal_id == proposal_id, bins.c.bin_id.in_(_NAMES))
        .order_by(bins.c.place)
    )
    return _asked(connection, wanted, bin_ids)


def requests_of(
    connection: Connection, proposal_id: str, bin_ids: Sequence[str], *, hold: bool
) -> Sequence[Row]:
    """Return the requests of bins; held, nobody changes them meanwhile."""
    wanted = (
        select(
            bin_members.c.bin_id,
            requests.c.customer,
            requests.c.request_id,
            requests.c.state,
        )
        .join(proposal_requests, joins.of_label())
        .join(
            requests,
            joins.of_key(),
        )
        .where(
            bin_members.c.proposal_id == proposal_id, bin_members.c.bin_id.in_(_NAMES)
        )
        .order_by(requests.c.customer, requests.c.request_id)
    )
    if hold:
        wanted = wanted.with_for_update(of=requests)
    return _asked(connection, wanted, bin_ids)


def fixed_already(
    connection: Connection, proposal_id: str, bin_ids: Sequence[str]
) -> Sequence[Row]:
    """Return the requests of bins that a bin which was accepted holds."""
    wanted = (
        select(
            bin_members.c.bin_id,
            ruling_members.c.customer,
            ruling_members.c.request_id,
        )
        .join(proposal_requests, joins.of_label())
        .join(
            ruling_members,
            and_(
                ruling_members.c.customer == proposal_requests.c.customer,
                ruling_members.c.request_id == proposal_requests.c.request_id,
            ),
        )
        .join(rulings, rulings.c.ruling_id == ruling_members.c.ruling_id)
        .where(
            bin_members.c.proposal_id == proposal_id,
            bin_members.c.bin_id.in_(_NAMES),
            rulings.c.kind == "fixed",
            rulings.c.ended_at.is_(None),
        )
        .order_by(ruling_members.c.customer, ruling_members.c.request_id)
    )
    return _asked(connection, wanted, bin_ids)


def free(
    connection: Connection,
    proposal_id: str,
    bin_ids: Sequence[str],
    *,
    at: str,
    by: str,
) -> None:
    """End every acceptance that holds a request of some bins."""
    held = (
        select(ruling_members.c.ruling_id)
        .join(
            proposal_requests,
            and_(
                proposal_requests.c.customer == ruling_members.c.customer,
                proposal_requests.c.request_id == ruling_members.c.request_id,
            ),
        )
        .join(bin_members, joins.of_label())
        .where(
            bin_members.c.proposal_id == proposal_id, bin_members.c.bin_id.in_(_NAMES)
        )
    )
    wanted = (
        update(rulings)
        .where(
            rulings.c.kind == "fixed",
            rulings.c.ended_at.is_(None),
            rulings.c.ruling_id.in_(held),
        )
        .values(ended_at=at, ended_by=by)
        .returning(rulings.c.ruling_id)
    )
    for some in batched(bin_ids, _AT_ONCE):
        ended = connection.execute(wanted, {"names": some}).scalars().all()
        added.changed(connection, rulings, *ended)


def has_edited(connection: Connection, proposal_id: str, account_id: str) -> bool:
    """Tell whether an account changed a plan by hand."""
    wanted = select(edits.c.seq).where(
        edits.c.proposal_id == proposal_id, edits.c.account_id == account_id
    )
    return connection.execute(wanted.limit(1)).first() is not None


def standing(connection: Connection, proposal_id: str) -> Sequence[Row]:
    """Return bins, requests and saving of a plan, in thousandths, by state."""
    wanted = (
        select(
            bins.c.state,
            func.count().label("bins"),
            func.sum(bins.c.size).label("requests"),
            func.sum(bins.c.saved).label("saved"),
        )
        .where(bins.c.proposal_id == proposal_id, bins.c.state != "dissolved")
        .group_by(bins.c.state)
    )
    return connection.execute(wanted).all()


def _asked(
    connection: Connection, wanted: Any, bin_ids: Sequence[str]
) -> Sequence[Row]:
    found: list[Row] = []
    for some in batched(bin_ids, _AT_ONCE):
        found += connection.execute(wanted, {"names": some}).all()
    return found
