"""The present state of bins and requests, recomputed from their versions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, literal, select

from app.audit.found import Finding
from app.storage import figures
from app.storage.schema import (
    bin_members,
    bin_versions,
    bins,
    edits,
    proposal_results,
    proposals,
    releases,
    request_versions,
    requests,
)

type Row = RowMapping

_IN_CONTENT: Final = (
    "system",
    "region",
    "received_on",
    "needed_by",
    "value_cents",
    "priority",
)


def compare(connection: Connection) -> list[Finding]:
    """Return where plans, bins and requests are not what their versions say."""
    return [*_plans(connection), *_bins(connection), *_requests(connection)]


def _plans(connection: Connection) -> Iterator[Finding]:
    """Yield plans whose version and whole are not those of their last edit."""
    first = select(
        proposal_results.c.proposal_id, proposal_results.c.stated_sha256
    ).add_columns(literal(1).label("version"))
    later = select(edits.c.proposal_id, edits.c.stated_sha256, edits.c.version)
    last: dict[str, Row] = {}
    for wanted in (first, later.order_by(edits.c.proposal_id, edits.c.seq)):
        for row in connection.execute(wanted).mappings():
            last[row["proposal_id"]] = row
    names = ("proposal_id", "version", *figures.OF_PLAN)
    wanted = select(*(proposals.c[name] for name in names))
    for found in connection.execute(wanted).mappings():
        key = (found["proposal_id"],)
        said = last.pop(found["proposal_id"], None)
        if said is None:
            if found["heading"] is not None:
                yield _wrong("proposals", key, "It states a plan; it has no result.")
            continue
        if found["version"] != said["version"]:
            yield _wrong(
                "proposals", key,
                f"Its version is {found['version']}, not {said['version']}.",
            )  # fmt: skip
        if figures.of_plan(found) != said["stated_sha256"]:
            yield _wrong("proposals", key, "What it states is not what was stored.")
    for proposal_id in last:
        yield _wrong("proposals", (proposal_id,), "It is gone; its result is there.")


def _bins(connection: Connection) -> Iterator[Finding]:
    wanted = select(bin_versions).order_by(
        bin_versions.c.proposal_id, bin_versions.c.bin_id, bin_versions.c.version
    )
    last: dict[tuple[str, str], Row] = {}
    shown: dict[tuple[str, str], str] = {}
    for row in connection.execute(wanted).mappings():
        key = row["proposal_id"], row["bin_id"]
        before = last.get(key)
        number = before["version"] + 1 if before else 1
        if row["version"] != number:
            place = (*key, row["version"])
            yield _wrong("bin_versions", place, f"Version {number} is missing.")
        last[key] = row
        if row["figures_sha256"] is not None:
            shown[key] = row["figures_sha256"]
    levels: dict[tuple[str, str], set[int]] = {}
    for row in connection.execute(select(releases)).mappings():
        key = row["proposal_id"], row["bin_id"]
        levels.setdefault(key, set()).add(row["level"])
    homes: dict[tuple[str, str], set[str]] = {}
    for row in connection.execute(select(bin_members)).mappings():
        homes.setdefault((row["proposal_id"], row["bin_id"]), set()).add(row["label"])
    for row in connection.execute(select(bins)).mappings():
        key = row["proposal_id"], row["bin_id"]
        there = homes.pop(key, set())
        yield from _one_bin(row, last.pop(key, None), there)
        if figures.of_bin(row) != shown.get(key):
            yield _wrong("bins", key, "Its figures are not those that were stored.")
        if row["level"] not in levels.get(key, {0}):
            yield _wrong("bins", key, f"Level {row['level']} was never released.")
    for key in (*last, *homes):
        yield _wrong("bins", key, "The bin is gone; its versions or members are there.")


def _one_bin(row: Row, version: Row | None, there: set[str]) -> Iterator[Finding]:
    key = row["proposal_id"], row["bin_id"]
    if version is None:
        yield _wrong("bins", key, "It has no version.")
        return
    for column in ("version", "state"):
        if row[column] != version[column]:
            yield _wrong(
                "bins", key,
                f"Its {column} is {row[column]}; its last version says "
                f"{version[column]}.",
            )  # fmt: skip
    live = row["state"] != "dissolved"
    members = set(_list_of(version["members"])) if live else set()
    if there != members:
        moved = ", ".join(sorted(map(str, there ^ members))[:5])
        yield _wrong("bin_members", key, f"Its members are other ones: {moved}.")
    if live and row["size"] != len(members):
        yield _wrong("bins", key, f"Its size is {row['size']}, not {len(members)}.")


def _requests(connection: Connection) -> Iterator[Finding]:
    wanted = select(request_versions).order_by(
        request_versions.c.customer,
        request_versions.c.request_id,
        request_versions.c.version,
    )
    last: dict[tuple[str, str], tuple[int, str, str]] = {}
    for row in connection.execute(wanted):
        key = row.customer, row.request_id
        number = last[key][0] + 1 if key in last else 1
        if row.version != number:
            place = (*key, row.version)
            yield _wrong("request_versions", place, f"Version {number} is missing.")
        last[key] = row.version, row.state, row.content
    for found in connection.execute(select(requests)).mappings():
        key = found["customer"], found["request_id"]
        version = last.pop(key, None)
        if version is None:
            yield _wrong("requests", key, "It has no version.")
            continue
        yield from _one_request(found, key, version)
    for key in last:
        yield _wrong("requests", key, "The request is gone; its versions are there.")


def _one_request(
    row: Row, key: tuple[str, str], version: tuple[int, str, str]
) -> Iterator[Finding]:
    number, state, text = version
    content = _content_of(text)
    said = {"version": number, "state": state}
    said |= {name: content[name] for name in _IN_CONTENT if name in content}
    for name, value in said.items():
        if row[name] != value:
            yield _wrong(
                "requests", key,
                f"Its {name} is {row[name]}; its last version says {value}.",
            )  # fmt: skip


def _list_of(text: str) -> Sequence[Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return ()
    return found if isinstance(found, list) else ()


def _content_of(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _wrong(table: str, key: Sequence[object], sentence: str) -> Finding:
    place = f"{table} {'/'.join(str(part) for part in key)}"
    return Finding(place=place, sentence=sentence)
