"""A policy as people read and change it: every figure with where it comes from."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from app.errors import Fault
from app.export.policy_words import policy_words
from app.policies import parse_policy
from app.policies.figures import Figure, figures_of
from app.policies.notes import Note, figure_notes

_LABELS: Final[Mapping[str, str]] = {
    "name": "name",
    "title": "title",
    "precedent_years": "years an approved case counts as a precedent",
    "keep_apart": "customers kept apart, in pairs",
    "system": "systems that may share",
    "region": "regions that may share",
    "same_force_is_same_region": "one multinational force counts as one region",
    "implementing_agency": "agencies that may share",
    "window_days": "days between receipts at most",
    "max_requests": "requests at most",
    "max_customers": "customers at most",
    "max_value_usd": "US dollars at most",
    "bin": "staff-days for a bin of two or more",
    "customer_beyond_first": "staff-days for each customer but one",
    "elapsed_days": "days it lasts",
    "precedent_discount": "taken off where there is a precedent, 0 to 1",
    "all_of": "customers flagged with all of",
    "include": "and these customers",
    "exclude": "but not these",
    "trigger": "which requests it concerns",
    "id": "short name",
}
_TITLES: Final[Mapping[str, str]] = {
    "": "The policy",
    "pairing": "Who may share a bin",
    "pairing.max_wait_days": "Longest wait for others, days",
    "limits": "Limits of a bin",
    "wait_cost": "Cost of waiting, staff-days for a request and day",
    "coordination": "Coordination of a combined review",
}
_CASES: Final[Mapping[str, str]] = {
    "effort": "staff-days for each {}",
    "effort_low": "low case: staff-days for each {}",
    "effort_high": "high case: staff-days for each {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A figure with its name in words and where it comes from."""

    figure: Figure
    label: str
    note: Note

    @property
    def shown(self) -> str:
        """Return the figure as it is read: large ones with thousands apart."""
        text = self.figure.text
        return f"{int(text):,}" if text.isdigit() and len(text) > 4 else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Figures that belong together."""

    name: str
    title: str
    lines: Sequence[Line]


def table_of(toml: str) -> dict[str, Any]:
    """Return the TOML form of a stored policy, its numbers exact."""
    return tomllib.loads(toml, parse_float=Decimal)


def sections_of(table: Mapping[str, Any], *, all_figures: bool) -> list[Section]:
    """Return the figures of a policy by section; also those left out, where asked."""
    notes = figure_notes(table)
    found: dict[str, list[Line]] = {}
    for figure in figures_of(table):
        if figure.text or all_figures:
            place = _section_name(figure)
            line = Line(figure=figure, label=_label(figure), note=notes[figure.path])
            found.setdefault(place, []).append(line)
    return [
        Section(name=name, title=_title(name, table), lines=lines)
        for name, lines in found.items()
    ]


def _section_name(figure: Figure) -> str:
    if figure.path.startswith("pairing.max_wait_days."):
        return "pairing.max_wait_days"
    return figure.section


def _title(name: str, table: Mapping[str, Any]) -> str:
    kind, bracket, number = name.partition("[")
    if not bracket:
        return _TITLES.get(name, name)
    one = table[kind][int(number.rstrip("]")) - 1]
    if kind == "stage":
        return f"Stage {one.get('id', number)}: {one.get('name', '')}"
    return f"Category {one.get('name', number)}"


def _label(figure: Figure) -> str:
    key = str(figure.keys[-1])
    table = str(figure.keys[-2]) if len(figure.keys) > 1 else ""
    if table in _CASES:
        return _CASES[table].format(key.replace("_", " and "))
    for suffix, case in (("_low", "low case"), ("_high", "high case")):
        if key.endswith(suffix):
            return f"{case}: {_LABELS.get(key.removesuffix(suffix), key)}"
    return _LABELS.get(key, key.replace("_", " "))


def words_of(toml: str, name: str) -> list[tuple[str, str]]:
    """Return every rule and limit of a stored policy in a sentence."""
    return policy_words(parse_policy(toml.encode(), name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A figure that is not as it was in another version."""

    path: str
    label: str
    before: str
    after: str


def changes_between(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Changed]:
    """Return the figures that differ between two versions of a policy."""
    was = {figure.path: figure for figure in figures_of(before)}
    now = {figure.path: figure for figure in figures_of(after)}
    return [
        Changed(
            path=path,
            label=_label(now.get(path) or was[path]),
            before=was[path].text if path in was else "",
            after=now[path].text if path in now else "",
        )
        for path in dict.fromkeys((*now, *was))
        if (was[path].text if path in was else "")
        != (now[path].text if path in now else "")
    ]


def by_field(
    faults: Sequence[Fault], sections: Sequence[Section]
) -> tuple[dict[str, str], list[Fault]]:
    """Return what is wrong by the field it stands beside, and what has none."""
    fields = {line.figure.path for section in sections for line in section.lines}
    beside: dict[str, str] = {}
    others = []
    for fault in faults:
        if fault.column in fields:
            beside[fault.column] = f"{beside.get(fault.column, '')} {fault.message}"
        else:
            others.append(fault)
    return {path: said.strip() for path, said in beside.items()}, others
