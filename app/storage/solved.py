"""What proposals came to as they were solved, before any change by hand."""

import json
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy import Row as _Row

from app.storage.schema import bin_versions, proposals

type Row = _Row[*tuple[Any, ...]]


def last_done(connection: Connection, policy: str | None = None) -> Row | None:
    """Return the newest proposal that was solved, of a policy where one is named."""
    wanted = select(proposals).where(
        proposals.c.state == "done", proposals.c.heading.is_not(None)
    )
    if policy is not None:
        wanted = wanted.where(proposals.c.policy_name == policy)
    newest = wanted.order_by(
        proposals.c.created_at.desc(), proposals.c.proposal_id.desc()
    )
    return connection.execute(newest.limit(1)).one_or_none()


def sizes_as_solved(connection: Connection, proposal_id: str) -> list[int]:
    """Return how many requests each bin had when the proposal was solved."""
    wanted = select(bin_versions.c.members).where(
        bin_versions.c.proposal_id == proposal_id,
        bin_versions.c.version == 1,
        bin_versions.c.change.in_(("proposed", "carried")),
    )
    return [len(json.loads(text)) for text in connection.execute(wanted).scalars()]
