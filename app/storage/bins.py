"""Bins, their versions, decisions and edits."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy import (
    Row as _Row,
)

from app.storage import accounts, joins
from app.storage.prepared import Asked, Prepared, Question
from app.storage.schema import (
    bin_members,
    bin_versions,
    bins,
    decisions,
    edits,
    proposals,
    reviews,
)

type Row = _Row[*tuple[Any, ...]]

_EDITED = exists().where(
    edits.c.proposal_id == bins.c.proposal_id,
    edits.c.account_id == bindparam("decider"),
)

_TO_DECIDE = Question(
    select(
        bins.c.version,
        bins.c.state,
        bins.c.size,
        bin_versions.c.members,
        proposals.c.state.label("proposal_state"),
        proposals.c.superseded_by,
        proposals.c.parent_id,
        proposals.c.account_id,
        proposals.c.customers,
        _EDITED.label("edited"),
        exists()
        .where(
            reviews.c.proposal_id == bins.c.proposal_id,
            reviews.c.bin_id == bins.c.bin_id,
            reviews.c.settled_at.is_(None),
        )
        .label("reviewed"),
        # Whether one person alone may do all, asked only where one did more than one.
        case(
            (
                or_(
                    proposals.c.account_id == bindparam("decider"),
                    proposals.c.parent_id.is_not(None),
                    _EDITED,
                ),
                accounts.REVIEWERS.scalar_subquery(),
            )
        ).label("reviewers"),
    )
    .join(proposals, proposals.c.proposal_id == bins.c.proposal_id)
    .join(bin_versions, joins.of_newest())
    .where(
        bins.c.proposal_id == bindparam("of_proposal"),
        bins.c.bin_id == bindparam("of_bin"),
    )
)

_STEP = Prepared(
    update(bins)
    .where(
        bins.c.proposal_id == bindparam("of_proposal"),
        bins.c.bin_id == bindparam("of_bin"),
        bins.c.version == bindparam("from_version"),
    )
    .values(version=bindparam("to_version"), state=bindparam("to_state"))
)

_ADD_VERSION = Prepared(insert(bin_versions))
_ADD_DECISION = Prepared(insert(decisions))


def asked_to_decide(proposal_id: str, bin_id: str, decider: str) -> Asked:
    """Return the question for a bin with all that a decision on it asks for."""
    place = {"of_proposal": proposal_id, "of_bin": bin_id}
    return _TO_DECIDE, {**place, "decider": decider, **accounts.ROLES}


def step(
    connection: Connection,
    proposal_id: str,
    bin_id: str,
    *,
    version: int,
    state: str,
    change: str,
    members: str,
    at: str,
    account_id: str,
    figures: str | None = None,
) -> None:
    """Make the next version of a bin: there can be one alone, whoever asks for it."""
    _ADD_VERSION(
        connection,
        {
            "proposal_id": proposal_id,
            "bin_id": bin_id,
            "version": version + 1,
            "previous": version,
            "change": change,
            "state": state,
            "members": members,
            "figures_sha256": figures,
            "at": at,
            "account_id": account_id,
        },
    )
    _STEP(
        connection,
        {
            "of_proposal": proposal_id,
            "of_bin": bin_id,
            "from_version": version,
            "to_version": version + 1,
            "to_state": state,
        },
    )


def add_decision(connection: Connection, **values: Any) -> None:
    """Add a decision."""
    _ADD_DECISION(connection, values)


def last_decision(connection: Connection, proposal_id: str, bin_id: str) -> Row | None:
    """Return the decision that stands for a bin."""
    wanted = (
        select(decisions)
        .where(decisions.c.proposal_id == proposal_id, decisions.c.bin_id == bin_id)
        .order_by(decisions.c.version.desc())
        .limit(1)
    )
    return connection.execute(wanted).one_or_none()


def decisions_of(
    connection: Connection, proposal_id: str, bin_id: str | None = None
) -> Sequence[Row]:
    """Return the decisions of a proposal or a bin, by their bins and versions."""
    wanted = select(decisions).where(decisions.c.proposal_id == proposal_id)
    if bin_id is not None:
        wanted = wanted.where(decisions.c.bin_id == bin_id)
    return connection.execute(
        wanted.order_by(decisions.c.bin_id, decisions.c.version)
    ).all()


def one(connection: Connection, proposal_id: str, bin_id: str) -> Row | None:
    """Return a live bin."""
    wanted = select(bins).where(
        bins.c.proposal_id == proposal_id,
        bins.c.bin_id == bin_id,
        bins.c.state != "dissolved",
    )
    return connection.execute(wanted).one_or_none()


def listed(
    connection: Connection,
    proposal_id: str,
    *,
    filters: Mapping[str, str] | None = None,
    after: int | None = None,
    limit: int | None = None,
    combined: bool = False,
) -> Sequence[Row]:
    """Return live bins in the order of the proposal, from after a place."""
    wanted = select(bins).where(
        bins.c.proposal_id == proposal_id, bins.c.state != "dissolved"
    )
    for name, value in (filters or {}).items():
        if name in ("systems", "customers", "regions"):
            wanted = wanted.where(bins.c[name].contains(f"|{value}|", autoescape=True))
        else:
            wanted = wanted.where(bins.c[name] == value)
    if combined:
        wanted = wanted.where(bins.c.size > 1)
    if after is not None:
        wanted = wanted.where(bins.c.place > after)
    ordered = wanted.order_by(bins.c.place)
    return connection.execute(ordered if limit is None else ordered.limit(limit)).all()


def members(connection: Connection, proposal_id: str) -> dict[str, tuple[str, ...]]:
    """Return the requests of each live bin, by label, sorted."""
    return _by_bin(connection, proposal_id, true())


def _by_bin(
    connection: Connection, proposal_id: str, which: ColumnElement[bool]
) -> dict[str, tuple[str, ...]]:
    wanted = (
        select(bin_members.c.bin_id, bin_members.c.label)
        .where(bin_members.c.proposal_id == proposal_id, which)
        .order_by(bin_members.c.label)
    )
    found: dict[str, list[str]] = {}
    for bin_id, label in connection.execute(wanted):
        found.setdefault(bin_id, []).append(label)
    return {bin_id: tuple(labels) for bin_id, labels in found.items()}


def homes(
    connection: Connection, proposal_id: str, labels: Sequence[str]
) -> dict[str, str]:
    """Return the bin each of a few requests is in."""
    wanted = select(bin_members.c.label, bin_members.c.bin_id).where(
        bin_members.c.proposal_id == proposal_id, bin_members.c.label.in_(labels)
    )
    return {row.label: row.bin_id for row in connection.execute(wanted)}


def names(connection: Connection, proposal_id: str) -> tuple[str, ...]:
    """Return every bin there was, gone ones too, sorted."""
    wanted = select(bins.c.bin_id).where(bins.c.proposal_id == proposal_id)
    return tuple(sorted(connection.execute(wanted).scalars()))


def members_of(
    connection: Connection, proposal_id: str, bin_ids: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Return the requests of a few live bins, by label, sorted."""
    return _by_bin(connection, proposal_id, bin_members.c.bin_id.in_([*bin_ids]))


def states(connection: Connection, proposal_id: str) -> dict[str, Row]:
    """Return version, state and place of every bin, gone ones too."""
    wanted = select(bins.c.bin_id, bins.c.version, bins.c.state, bins.c.place).where(
        bins.c.proposal_id == proposal_id
    )
    return {row.bin_id: row for row in connection.execute(wanted)}


def moments(connection: Connection, proposal_id: str) -> dict[str, Row]:
    """Return version, state and the moment of that version of every live bin."""
    wanted = (
        select(bins.c.bin_id, bins.c.version, bins.c.state, bin_versions.c.at)
        .join(bin_versions, joins.of_newest())
        .where(bins.c.proposal_id == proposal_id, bins.c.state != "dissolved")
    )
    return {row.bin_id: row for row in connection.execute(wanted)}


def versions_of(connection: Connection, proposal_id: str, bin_id: str) -> Sequence[Row]:
    """Return every version a bin had, first to last."""
    wanted = select(bin_versions).where(
        bin_versions.c.proposal_id == proposal_id, bin_versions.c.bin_id == bin_id
    )
    return connection.execute(wanted.order_by(bin_versions.c.version)).all()


def add_bins(
    connection: Connection,
    versions: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Add new bins in their first version."""
    if rows:
        connection.execute(insert(bin_versions), list(versions))
        connection.execute(insert(bins), list(rows))


def describe(
    connection: Connection, proposal_id: str, bin_id: str, **values: Any
) -> None:
    """Put other figures in the place of a bin's."""
    connection.execute(
        update(bins)
        .where(bins.c.proposal_id == proposal_id, bins.c.bin_id == bin_id)
        .values(**values)
    )


def rehouse(connection: Connection, proposal_id: str, homes: Mapping[str, str]) -> None:
    """Move requests to other bins."""
    if not homes:
        return
    for some in batched(homes, 500):
        connection.execute(
            delete(bin_members).where(
                bin_members.c.proposal_id == proposal_id, bin_members.c.label.in_(some)
            )
        )
    connection.execute(
        insert(bin_members),
        [
            {"proposal_id": proposal_id, "label": label, "bin_id": bin_id}
            for label, bin_id in homes.items()
        ],
    )


def last_edit(connection: Connection, proposal_id: str) -> int:
    """Return the number of the last edit; 0 where there is none."""
    wanted = select(func.coalesce(func.max(edits.c.seq), 0)).where(
        edits.c.proposal_id == proposal_id
    )
    return int(connection.execute(wanted).scalar_one())


def edit_to_undo(connection: Connection, proposal_id: str) -> Row | None:
    """Return the last edit that is not undone and undoes nothing."""
    later = edits.alias()
    wanted = (
        select(edits)
        .where(
            edits.c.proposal_id == proposal_id,
            edits.c.undoes.is_(None),
            ~exists().where(
                later.c.proposal_id == edits.c.proposal_id,
                later.c.undoes == edits.c.seq,
            ),
        )
        .order_by(edits.c.seq.desc())
        .limit(1)
    )
    return connection.execute(wanted).one_or_none()


def add_edit(connection: Connection, **values: Any) -> None:
    """Add an edit."""
    connection.execute(insert(edits), values)


def edits_of(connection: Connection, proposal_id: str) -> Sequence[Row]:
    """Return the edits of a proposal, first to last."""
    wanted = select(edits).where(edits.c.proposal_id == proposal_id)
    return connection.execute(wanted.order_by(edits.c.seq)).all()


def standing_of(
    connection: Connection, keys: Iterable[tuple[str, str]]
) -> Sequence[Row]:
    """Return the last decision of the bins that hold some requests."""
    from app.storage.schema import proposal_requests

    wanted = (
        select(
            proposal_requests.c.customer,
            proposal_requests.c.request_id,
            bins.c.state,
            bins.c.level,
            bins.c.proposal_id,
            bins.c.bin_id,
            bins.c.version,
        )
        .join(bin_members, joins.of_label())
        .join(bins, joins.of_bin())
        .where(
            or_(
                *(
                    and_(
                        proposal_requests.c.customer == customer,
                        proposal_requests.c.request_id == request_id,
                    )
                    for customer, request_id in keys
                )
            )
        )
    )
    return connection.execute(wanted).all()
