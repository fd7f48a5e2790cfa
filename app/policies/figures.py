"""The figures of a policy one by one, by the paths that faults name them with."""

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from app.policies.tables import KEYS
from optimizer.policy import AgencyRule, RegionRule, SystemRule, Trigger

type Keys = tuple[str | int, ...]

_CHOICES: Final[Mapping[str, type[StrEnum]]] = {
    "pairing.system": SystemRule,
    "pairing.region": RegionRule,
    "pairing.implementing_agency": AgencyRule,
}
_OPTIONAL: Final = (
    ("precedent_years",),
    ("keep_apart",),
    ("pairing", "same_force_is_same_region"),
    *(
        ("coordination", key + suffix)
        for key in ("bin", "customer_beyond_first")
        for suffix in ("", "_low", "_high")
    ),
    ("coordination", "elapsed_days"),
)
_OPTIONAL_OF_STAGE: Final = ("precedent_discount", "elapsed_days")
_OPTIONAL_OF_CATEGORY: Final = ("all_of", "include", "exclude")
_LISTS: Final = frozenset({"keep_apart", *_OPTIONAL_OF_CATEGORY})
_FLAGS: Final = frozenset({"same_force_is_same_region"})
_WORDS: Final = frozenset({"name", "title", "id", "trigger", "system", "region"})
_NUMBER: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One value of a policy: where it stands, and as it is written.

    ``text`` is empty where an optional one is not there. ``choices`` are all that it
    may be, where they are few.
    """

    path: str
    keys: Keys
    text: str
    value: Any
    choices: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """The table it stands in, such as ``pairing`` or ``stage[3]``."""
        head, dot, _ = self.path.partition(".")
        return head if dot else ""


def figures_of(table: Mapping[str, Any]) -> list[Figure]:
    """Return every value of a policy in its TOML form, and the optional ones left out.

    >>> [f.path for f in figures_of({"wait_cost": {"routine": 1}})][-1]
    'wait_cost.routine'
    """
    found = {_path(keys): (keys, value) for keys, value in _leaves(table, ())}
    for keys in _optional(table):
        found.setdefault(_path(keys), (keys, None))
    made = [_figure(path, keys, value) for path, (keys, value) in found.items()]
    return sorted(made, key=_order)


def changed_table(table: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """Return a policy with values as they were written into a form, by path.

    What cannot be read as what it has to be is left as it was written: whoever reads
    the policy says what is wrong with it. An empty text takes a value out.
    """
    made: dict[str, Any] = copy.deepcopy(dict(table))
    for figure in figures_of(table):
        text = texts.get(figure.path)
        if text is None or text.strip() == figure.text:
            continue
        holder: Any = made
        for key in figure.keys[:-1]:
            holder = holder[key] if isinstance(key, int) else holder.setdefault(key, {})
        if text.strip():
            holder[figure.keys[-1]] = _read(str(figure.keys[-1]), text.strip())
        else:
            holder.pop(figure.keys[-1], None)
    return made


def text_of(value: Any) -> str:
    """Return a value as a form shows it.

    >>> text_of(Decimal("20e9")), text_of([["GRC", "TUR"]]), text_of(True)
    ('20000000000', 'GRC TUR', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, list):
        parts = (
            " ".join(map(str, v)) if isinstance(v, list) else str(v) for v in value
        )
        return ", ".join(parts)
    return str(value)


def _read(key: str, text: str) -> Any:
    if key in _LISTS:
        parts = [part.split() for part in text.split(",") if part.strip()]
        if key == "keep_apart":
            return parts
        return [word for part in parts for word in part]
    if key in _FLAGS:
        return {"true": True, "false": False}.get(text, text)
    if key in _WORDS or not _NUMBER.fullmatch(text):
        return text
    return Decimal(text) if "." in text else int(text)


def _leaves(value: Any, keys: Keys) -> Iterator[tuple[Keys, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*keys, str(key)))
    elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*keys, number))
    elif keys and not (keys == ("category",) or keys == ("stage",)):
        yield keys, value


def _optional(table: Mapping[str, Any]) -> Iterator[Keys]:
    yield from _OPTIONAL
    for name, optional in (
        ("stage", _OPTIONAL_OF_STAGE),
        ("category", _OPTIONAL_OF_CATEGORY),
    ):
        tables = table.get(name)
        for number, one in enumerate(tables if isinstance(tables, list) else ()):
            if isinstance(one, dict):
                yield from ((name, number, key) for key in optional)


def _figure(path: str, keys: Keys, value: Any) -> Figure:
    choices = _CHOICES.get(path)
    if keys[0] == "stage" and keys[-1] == "trigger":
        choices = Trigger
    named = tuple(str(one) for one in choices) if choices else ()
    if keys[-1] in _FLAGS:
        named = ("true", "false")
    return Figure(path=path, keys=keys, text=text_of(value), value=value, choices=named)


def _path(keys: Keys) -> str:
    """Return a place as faults name it: entries of lists count from 1."""
    path = ""
    for key in keys:
        if isinstance(key, int):
            path += f"[{key + 1}]"
        else:
            path += f".{key}" if path else key
    return path


def _order(figure: Figure) -> tuple[int, int]:
    head = figure.keys[0]
    place = KEYS.index(str(head)) if head in KEYS else len(KEYS)
    number = figure.keys[1] if len(figure.keys) > 1 else 0
    return place, number if isinstance(number, int) else 0
