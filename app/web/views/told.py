"""Records of the audit trail as people read them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from app.storage import trail
from app.use_cases.bin_detail import people_of
from app.web import words
from app.web.links import with_query

SHORT: Final = 80
"""Characters of a value or reason that a list shows."""

_NOTHING: Final = ("none", "nothing")
_OF_SERVICE: Final = {
    "service": "the service",
    "on-site": "somebody at the machine",
}
_LINKED: Final = {
    "proposal": "/proposals/{}",
    "batch": "/batches/{}",
    "request": "/requests/{}",
    "key": "/keys#key-{}",
    "account": "/keys#account-{}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """One thing a record says, as it was before and after."""

    name: str
    before: str | None
    after: str | None

    @property
    def changed(self) -> bool:
        """Whether it is another one after."""
        return self.before != self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What a record is about: its name, and its page where it has one."""

    kind: str
    name: str
    page: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A record in words.

    ``rows`` are how many rows of each table it vouches for; ``erased`` says that its
    reason was erased by order.
    """

    row: trail.Row
    who: str
    did: str
    thing: Thing
    differs: Sequence[Differs]
    rows: Mapping[str, int]
    erased: bool

    @property
    def done(self) -> bool:
        """Whether it was carried out."""
        return bool(self.row.result == "done")

    @property
    def changes(self) -> list[Differs]:
        """What differs, for a list: what was there before first, no mere names."""
        found = [
            one
            for one in self.differs
            if one.changed
            and not one.name.endswith(("_id", "sha256"))
            and (one.before is not None or one.after not in _NOTHING)
        ]
        return sorted(found, key=lambda one: one.before is None)


def told(connection: Connection, rows: Sequence[trail.Row]) -> list[Told]:
    """Return records in words."""
    people = people_of(connection, {row.actor for row in rows})
    return [_told(row, people) for row in rows]


def _told(row: trail.Row, people: Mapping[str, str]) -> Told:
    before, after = _read(row.before), _read(row.after)
    vouched = after.pop("rows", {}) if isinstance(after, dict) else {}
    if isinstance(after, dict):
        after.pop("now", None)  # digests of what is said in words beside them
    return Told(
        row=row,
        who=_OF_SERVICE.get(row.actor, people[row.actor]),
        did=words.action(row.action),
        thing=thing_of(row.object, row.version_after),
        differs=_differs(before, after),
        rows={table: len(found) for table, found in vouched.items()},
        erased=row.reason_hash is not None and row.text is None,
    )


def thing_of(text: str, version: int | None = None) -> Thing:
    """Return what an object of the trail is called, and where its page is."""
    kind, _, rest = text.partition("/")
    if kind == "bin" and "/" in rest:
        proposal_id, _, bin_id = rest.partition("/")
        page = f"/proposals/{proposal_id}/bins/{bin_id}"
        return Thing(kind="bin", name=bin_id, page=page)
    if kind == "policy" and rest:
        page = with_query(f"/policies/{rest}", {"version": version})
        return Thing(kind="policy", name=rest, page=page)
    if kind in _LINKED and rest:
        return Thing(kind=kind, name=rest[:8], page=_LINKED[kind].format(rest))
    return Thing(kind="" if text.startswith("/") else kind, name=rest[:12], page=None)


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _differs(before: Any, after: Any) -> list[Differs]:
    was, now = dict(_flat(before)), dict(_flat(after))
    names = [*now, *(name for name in was if name not in now)]
    return [
        Differs(name=name, before=was.get(name), after=now.get(name)) for name in names
    ]


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield every plain value of a record with its place in it."""
    match value:
        case None:
            if place:
                yield place, "none"
        case dict():
            for name, inner in value.items():
                yield from _flat(inner, f"{place}.{name}" if place else str(name))
        case list() if any(isinstance(one, dict | list) for one in value):
            for number, inner in enumerate(value, start=1):
                yield from _flat(inner, f"{place}[{number}]")
        case list():
            yield place, ", ".join(map(_plain, value)) or "nothing"
        case _:
            yield place or "value", _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def names_of(rows: Iterable[Any], most: int = 200) -> list[str]:
    """Return the names of accounts, each once, for a list to choose from."""
    found = sorted({str(row.name) for row in rows})
    return found[:most]
