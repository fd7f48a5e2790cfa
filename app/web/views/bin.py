"""A bin with all that a decision on it needs: who, what it takes, days, shares, why."""

from itertools import pairwise
from typing import Any

from sqlalchemy import Connection

from app.catalogue import load_catalogue
from app.export.policy_words import stage_names
from app.storage import proposals
from app.use_cases.bin_detail import (
    cost_steps,
    members_of,
    near_misses,
    people_of,
    stages_of,
)
from app.use_cases.material import policy_of
from app.use_cases.service import Service
from app.web.views import waterfall


def bin_view(
    service: Service,
    connection: Connection,
    row: proposals.Row,
    said: dict[str, Any],
) -> dict[str, Any]:
    """Return what the page of a bin says beside the bin itself."""
    policy = policy_of(connection, row)
    members = members_of(service, connection, row, policy, said)
    requests = [one.request for one in members]
    names = stage_names(policy)
    customers = load_catalogue().customers
    ids = {one["by"] for one in said["history"]}
    if said["decision"] is not None:
        ids.add(said["decision"]["by"])
    people = people_of(connection, ids)
    return {
        "members": members,
        "value_cents": sum(one.value_cents for one in requests),
        "picture": waterfall.draw([waterfall.Step(*step) for step in cost_steps(said)]),
        "stages": stages_of(said, names),
        "days_picture": waterfall.days(
            [(m.request.request_id, m.gained) for m in members]
        ),
        "names": {code: customers[code].name for code in said["customers"]},
        "near": near_misses(connection, row, policy, said, requests),
        "history": _history(said, people),
        "people": people,
    }


def _history(said: dict[str, Any], people: dict[str, str]) -> list[dict[str, Any]]:
    """Return the versions of a bin, last first, each with what it changed."""
    versions = said["history"]
    came: list[tuple[set[str], set[str]]] = [(set(), set())]
    for before, after in pairwise(versions):
        old, new = set(before["request_ids"]), set(after["request_ids"])
        came.append((new - old, old - new))
    return [
        {**one, "by": people[one["by"]], "came": sorted(new), "left": sorted(gone)}
        for one, (new, gone) in zip(versions, came, strict=True)
    ][::-1]
