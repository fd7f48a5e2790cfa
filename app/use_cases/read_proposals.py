"""Proposals and bins as callers see them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from app.export.document import days
from app.storage import bins, proposals, reviews
from app.use_cases.access import Caller
from app.use_cases.refusals import NotThere

type Shown = dict[str, Any]


def require(connection: Connection, caller: Caller, proposal_id: str) -> proposals.Row:
    """Return a proposal the caller may see.

    Raises
    ------
    NotThere
        When there is none, or it is not for the caller.
    """
    row = proposals.one(connection, caller.scope, proposal_id)
    if row is None:
        raise NotThere("proposal")
    return row


def shown_state(row: proposals.Row) -> Shown:
    """Return a proposal without its result: what was asked, and how far it is."""
    total, bound = row.incumbent, row.bound
    gap = (total - bound) / total if total and bound is not None else None
    return {
        "proposal_id": row.proposal_id,
        "state": row.state,
        "version": row.version,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "policy": {"name": row.policy_name, "version": row.policy_version},
        "as_of": row.as_of,
        "time_limit_s": row.time_limit_s,
        "gap_wanted": float(row.gap_wanted),
        "requests": row.requests,
        "batch_ids": json.loads(row.scope).get("batch_ids"),
        "parent_id": row.parent_id,
        "superseded_by": row.superseded_by,
        "attempts": row.attempts,
        "failure": row.failure,
        "failure_code": row.failure_code,
        "clusters": row.clusters,
        "clusters_done": row.clusters_done,
        "incumbent": None if total is None else days(total),
        "bound": None if bound is None else days(bound),
        "gap": 0.0 if total == 0 else gap,
    }


def proposal(
    connection: Connection, caller: Caller, proposal_id: str, *, with_bins: bool = True
) -> tuple[Shown, int]:
    """Return a proposal with its result, as model.md has it, and its version."""
    row = require(connection, caller, proposal_id)
    shown = shown_state(row)
    if row.heading is not None:
        heading = json.loads(row.heading)
        kept = {"proposal_id", "created_at"}
        shown |= {name: heading[name] for name in heading if name not in kept}
        shown["policy"] = {**heading["policy"], "version": row.policy_version}
        shown["question_id"] = heading["proposal_id"]
        if with_bins:
            listed = bins.listed(connection, proposal_id)
            shown["bins"] = [shown_bin(one) for one in listed]
    if row.changes is not None:
        shown["changes"] = json.loads(row.changes)
    return shown, row.version


def document(connection: Connection, caller: Caller, proposal_id: str) -> Shown:
    """Return a proposal as proposal.json: the plan as it is now, and its proof."""
    row = require(connection, caller, proposal_id)
    if row.heading is None:
        raise NotThere("result of this proposal yet")
    heading = json.loads(row.heading)
    found = [json.loads(one.document) for one in bins.listed(connection, proposal_id)]
    listed = _with_fixed(found, heading["rulings"])
    listed.sort(key=lambda one: (one["starts_on"], one["request_ids"][0]))  # edits mix
    certificate = proposals.certificate(connection, proposal_id)
    said: Shown = {}
    for name, value in heading.items():
        said[name] = value
        if name == "solve_seconds":
            said["bins"] = listed
    said["proposal_id"] = proposal_id
    if certificate is not None and certificate != "null":
        said["certificate"] = json.loads(certificate)
    return said


def _with_fixed(
    documents: Sequence[dict[str, Any]], rulings: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return bins as a document has them that states some rulings.

    A bin that was accepted since it was proposed is fixed, and needs no reason to be
    alone.
    """
    fixed = {frozenset(one["request_ids"]) for one in rulings if one["kind"] == "fixed"}
    found = []
    for one in documents:
        is_fixed = frozenset(one["request_ids"]) in fixed
        changed = {**one, "fixed": is_fixed}
        if is_fixed and "alone_because" in one:
            changed["alone_because"] = []
        found.append(changed)
    return found


def shown_bin(row: bins.Row) -> Shown:
    """Return a bin as in proposal.json, with where it stands."""
    return {
        **json.loads(row.document),
        "fixed": row.state == "accepted",
        "version": row.version,
        "state": row.state,
        "disclosure_level": row.level,
    }


def one_bin(
    connection: Connection, caller: Caller, proposal_id: str, bin_id: str
) -> tuple[Shown, int]:
    """Return a bin with its history, and its version.

    Raises
    ------
    NotThere
        When there is none, or it is not for the caller.
    """
    require(connection, caller, proposal_id)
    row = bins.one(connection, proposal_id, bin_id)
    if row is None:
        raise NotThere("bin")
    decision = bins.last_decision(connection, proposal_id, bin_id)
    again = [
        {"cause": one.cause, "request_id": one.request_id, "at": one.at}
        for one in reviews.waiting(connection, caller.scope, proposal_id=proposal_id)
        if one.bin_id == bin_id
    ]
    history = [
        {
            "version": one.version,
            "change": one.change,
            "state": one.state,
            "request_ids": json.loads(one.members),
            "at": one.at,
            "by": one.account_id,
        }
        for one in bins.versions_of(connection, proposal_id, bin_id)
    ]
    shown = {
        **shown_bin(row),
        "decision": None if decision is None else shown_decision(decision),
        "look_again": again,
        "history": history,
    }
    return shown, row.version


def shown_decision(row: bins.Row) -> Shown:
    """Return a decision as callers see it."""
    return {
        "decision_id": row.decision_id,
        "bin_id": row.bin_id,
        "version": row.version,
        "decision": row.decision,
        "reason_code": row.reason_code,
        "reason": row.reason,
        "releasable_reason": row.releasable_reason,
        "at": row.at,
        "by": row.account_id,
    }


def bin_page(
    connection: Connection,
    caller: Caller,
    proposal_id: str,
    *,
    filters: Mapping[str, str],
    after: int | None,
    limit: int,
) -> Sequence[bins.Row]:
    """Return live bins of a proposal the caller may see, from after a place."""
    require(connection, caller, proposal_id)
    return bins.listed(
        connection, proposal_id, filters=filters, after=after, limit=limit
    )


def decisions(
    connection: Connection, caller: Caller, proposal_id: str
) -> Sequence[bins.Row]:
    """Return the decisions of a proposal the caller may see."""
    require(connection, caller, proposal_id)
    return bins.decisions_of(connection, proposal_id)
