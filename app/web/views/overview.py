"""A finished proposal at a glance: saving, proof, effort by stage, what is decided."""

import json
from typing import Any

from sqlalchemy import Connection

from app.export import numbers
from app.export.pictures import effort
from app.export.policy_words import COORDINATION, policy_words, stage_names, stage_note
from app.policies.notes import stage_notes
from app.storage import bin_table, proposals
from app.use_cases.material import policy_of
from app.use_cases.read_proposals import shown_state
from optimizer.policy import Policy

_BEST = 10


def overview(connection: Connection, row: proposals.Row) -> dict[str, Any]:
    """Return what the first page of a finished proposal says."""
    heading = json.loads(row.heading)
    objective = heading["objective"]
    policy = policy_of(connection, row)
    states = bin_table.states(connection, row.proposal_id)
    combined = bin_table.count(connection, row.proposal_id, {"together": "yes"})
    best = bin_table.page(
        connection,
        row.proposal_id,
        filters={"together": "yes"},
        sort="saved",
        descending=True,
        offset=0,
        limit=_BEST,
    )
    bins = sum(states.values())
    return {
        "one": shown_state(row),
        "heading": heading,
        "objective": objective,
        "bins": bins,
        "combined": combined,
        "states": states,
        "undecided": states["open"],
        "best": [(one, json.loads(one.document)) for one in best],
        "rows": comparison(objective, row.requests, bins),
        "picture": effort.draw(_stage_efforts(objective, policy)),
        "stages": _stages(objective, policy),
        "policy_rows": policy_words(policy),
        "tab": "overview",
    }


def comparison(
    objective: dict[str, Any], requests: int, bins: int
) -> list[tuple[str, str, str, str]]:
    """Return rows of (figure, country by country, proposal, change)."""

    def row(name: str, before: float, after: float) -> tuple[str, str, str, str]:
        change = numbers.signed_days(round(after - before, 3))
        return name, numbers.days(before), numbers.days(after), change

    def case(name: str, key: str) -> tuple[str, str, str, str]:
        return row(name, objective[f"baseline_{key}"], objective[key])

    waiting = round(objective["baseline_total"] - objective["baseline_effort_days"], 3)
    return [
        (
            "Reviews",
            numbers.whole(requests),
            numbers.whole(bins),
            numbers.signed_whole(bins - requests),
        ),
        case("Effort, staff-days", "effort_days"),
        case("Effort, low assumptions", "effort_days_low"),
        case("Effort, high assumptions", "effort_days_high"),
        row("Charge for waiting, staff-days", waiting, objective["wait_cost"]),
        case("Total cost, staff-days", "total"),
    ]


def _stage_efforts(
    objective: dict[str, Any], policy: Policy
) -> list[effort.StageEffort]:
    return [
        effort.StageEffort(
            id="" if stage_id == COORDINATION else stage_id,
            name=name,
            before=objective["baseline_effort_by_stage"][stage_id],
            after=objective["effort_by_stage"][stage_id],
        )
        for stage_id, name in stage_names(policy).items()
    ]


def _stages(objective: dict[str, Any], policy: Policy) -> list[dict[str, Any]]:
    notes = stage_notes(policy)
    rows = []
    for one in _stage_efforts(objective, policy):
        basis, confidence, source = stage_note(notes, one.id or COORDINATION)
        rows.append(
            {
                "stage": one,
                "basis": basis,
                "confidence": confidence,
                "source": source,
            }
        )
    return rows
