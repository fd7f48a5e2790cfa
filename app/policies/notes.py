"""Where the figures of shipped stages come from, for those who read them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Final

from app.catalogue import read_table
from app.policies import DEFAULT_POLICY, policy_text, read_policy, shipped_policies
from app.policies.figures import figures_of
from optimizer.policy import Policy


def stage_notes(policy: Policy) -> dict[str, dict[str, str]]:
    """Return basis, confidence and source of the stages that carry shipped figures.

    A stage whose figures were changed is no longer what stages.csv speaks of.
    """
    rows = {row["stage_id"]: row for row in read_table("stages.csv")}
    shipped = [stage for name in shipped_policies() for stage in _stages(name)]
    return {
        stage.id: rows[stage.id]
        for stage in policy.stages
        if stage.id in rows and stage in shipped
    }


def _stages(name: str) -> tuple[object, ...]:
    return read_policy(name).stages


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Where a figure comes from; ``shipped`` is what it was where it was changed."""

    basis: str
    source: str = ""
    confidence: str = ""
    shipped: str | None = None


CHOICES: Final[Mapping[str, str]] = {
    "pairing.system": "systems that are fielded together share part of their review",
    "pairing.region": "neighbours face one regional argument; the pairs are a "
    "judgement in region_adjacency.csv",
    "pairing.same_force_is_same_region": "a multinational force is reviewed as one",
    "pairing.implementing_agency": "one office writes the cases",
    "pairing.window_days": "a season of requests",
    "pairing.max_wait_days.routine": "a season of requests",
    "pairing.max_wait_days.priority": "half of what routine requests wait",
    "pairing.max_wait_days.urgent": "three weeks",
    "wait_cost.routine": "four months of waiting weigh 6 staff-days",
    "wait_cost.priority": "three times a routine request",
    "wait_cost.urgent": "ten times a routine request",
    "limits.max_requests": "what one team can keep in view",
    "limits.max_customers": "what one team can keep in view",
    "limits.max_value_usd": "far above the bins of the sample batches",
    "precedent_years": "how long an approval stays comparable",
    "keep_apart": "an example of what a policy can say",
}
"""Why shipped figures are what they are that have no source (docs/policies.md)."""

_CHOSEN: Final = "a choice of this project, without a source"
_OWN: Final = "set here, not by a source"
_COUNTRY: Final = "memberships and agreements of the country table"


def figure_notes(table: Mapping[str, Any]) -> dict[str, Note]:
    """Return where every figure of a policy comes from, by its path.

    A figure of a stage is compared with the shipped stage of the same id, any other
    with the shipped policy of the same name, or the default one.
    """
    rows = {row["stage_id"]: row for row in read_table("stages.csv")}
    name = str(table.get("name", ""))
    like = name if name in shipped_policies() else DEFAULT_POLICY
    shipped = {f.path: f.text for f in figures_of(_shipped_table(like))}
    stages = _shipped_stages()
    ids = _stage_ids(table)
    notes = {}
    for figure in figures_of(table):
        head, *inner = figure.path.split(".", 1)
        if head in ids and inner:
            before = stages.get(ids[head], {}).get(inner[0])
            note = _row_note(rows.get(ids[head]))
        elif head == "coordination":
            before, note = shipped.get(figure.path), _row_note(rows["S03"])
        elif head.startswith("category"):
            before, note = figure.text, Note(basis=_COUNTRY, source="countries.csv")
        elif figure.path in ("name", "title"):
            before, note = figure.text, Note(basis="")
        else:
            before = shipped.get(figure.path)
            note = Note(basis=_CHOSEN, source=CHOICES.get(figure.path, ""))
        if before is None or note is None:
            note = Note(basis=_OWN)
        elif before != figure.text:
            note = Note(basis=_OWN, shipped=before or "nothing")
        notes[figure.path] = note
    return notes


def _row_note(row: Mapping[str, str] | None) -> Note | None:
    if row is None:
        return None
    return Note(basis=row["basis"], source=row["source"], confidence=row["confidence"])


@cache
def _shipped_table(name: str) -> dict[str, Any]:
    return tomllib.loads(policy_text(name), parse_float=Decimal)


@cache
def _shipped_stages() -> dict[str, dict[str, str]]:
    """Return the figures of every shipped stage by its id, by path within it."""
    found: dict[str, dict[str, str]] = {}
    for name in shipped_policies():
        table = _shipped_table(name)
        ids = _stage_ids(table)
        for figure in figures_of(table):
            head, *inner = figure.path.split(".", 1)
            if head in ids and inner:
                found.setdefault(ids[head], {}).setdefault(inner[0], figure.text)
    return found


def _stage_ids(table: Mapping[str, Any]) -> dict[str, str]:
    """Return the id of each stage by where it stands, such as ``stage[3]``."""
    stages = table.get("stage")
    return {
        f"stage[{number}]": str(one.get("id"))
        for number, one in enumerate(stages if isinstance(stages, list) else (), 1)
        if isinstance(one, dict)
    }
