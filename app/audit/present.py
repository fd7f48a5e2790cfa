"""The present state of what changes, recomputed from what is only ever added.

Bins and requests are held against their versions, plans against their results and
edits, the requests of a plan and the rows of a batch against the digest it has of them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, literal, select

from app.audit.found import Finding
from app.storage import figures
from app.storage.schema import (
    batch_requests,
    batches,
    bin_members,
    bin_versions,
    bins,
    edits,
    proposal_batches,
    proposal_requests,
    proposal_results,
    proposals,
    releases,
    request_versions,
    requests,
)

type Row = RowMapping

_AT_ONCE: Final = 5000

_IN_CONTENT: Final = (
    "system",
    "region",
    "received_on",
    "needed_by",
    "value_cents",
    "priority",
)


def compare(connection: Connection) -> list[Finding]:
    """Return where plans, bins, requests and batches are not what was stored."""
    return [
        *_plans(connection),
        *_asked(connection),
        *_bins(connection),
        *_requests(connection),
        *_batches(connection),
    ]


def _asked(connection: Connection) -> Iterator[Finding]:
    """Yield plans whose requests or batches are not those they were asked for."""
    members = select(
        proposal_requests.c.proposal_id,
        proposal_requests.c.label,
        proposal_requests.c.customer,
        proposal_requests.c.request_id,
        proposal_requests.c.request_version,
    ).order_by(proposal_requests.c.proposal_id, proposal_requests.c.label)
    named = select(proposal_batches.c.proposal_id, proposal_batches.c.batch_id)
    batch_ids: dict[str, list[str]] = {}
    for one in connection.execute(
        named.order_by(proposal_batches.c.proposal_id, proposal_batches.c.batch_id)
    ):
        batch_ids.setdefault(one.proposal_id, []).append(one.batch_id)
    wanted = select(proposals.c.proposal_id, proposals.c.asked_sha256)
    said = {row[0]: row[1] for row in connection.execute(wanted)}
    for proposal_id, rows in _by_first(connection, members):
        digest = figures.of_asked(rows, batch_ids.pop(proposal_id, ()))
        if digest != said.pop(proposal_id, None):
            yield _wrong(
                "proposals",
                (proposal_id,),
                "Its requests or batches are not those it was asked for.",
            )
    for proposal_id in {*batch_ids, *said}:
        yield _wrong("proposals", (proposal_id,), "Its requests are gone.")


def _batches(connection: Connection) -> Iterator[Finding]:
    """Yield batches whose rows are not those that came."""
    rows = select(
        batch_requests.c.batch_id,
        batch_requests.c.place,
        batch_requests.c.customer,
        batch_requests.c.request_id,
        batch_requests.c.outcome,
    ).order_by(batch_requests.c.batch_id, batch_requests.c.place)
    wanted = select(batches.c.batch_id, batches.c.rows_sha256)
    said = {row[0]: row[1] for row in connection.execute(wanted)}
    for batch_id, found in _by_first(connection, rows):
        if figures.of_batch(found) != said.pop(batch_id, None):
            yield _wrong("batches", (batch_id,), "Its rows are not those that came.")
    for batch_id, digest in said.items():
        if digest != figures.of_batch(()):  # of one that was refused whole
            yield _wrong("batches", (batch_id,), "Its rows are gone.")


def _by_first(
    connection: Connection, wanted: Select[Any]
) -> Iterator[tuple[str, Iterator[Any]]]:
    """Yield rows in order by their first column, each without it."""
    found = connection.execute(wanted, execution_options={"yield_per": _AT_ONCE})
    for first, rows in groupby(found, key=itemgetter(0)):
        yield first, (tuple(row)[1:] for row in rows)


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
    known: dict[tuple[str, str], dict[str, str]] = {}
    for row in connection.execute(wanted):
        key = row.customer, row.request_id
        number = last[key][0] + 1 if key in last else 1
        if row.version != number:
            place = (*key, row.version)
            yield _wrong("request_versions", place, f"Version {number} is missing.")
        last[key] = row.version, row.state, row.content
        begun = known.setdefault(key, {"created_at": row.at})
        begun |= {"request_uid": row.request_uid, "changed_at": row.at}
    stored = select(
        batch_requests.c.customer,
        batch_requests.c.request_id,
        batch_requests.c.batch_id,
    ).where(batch_requests.c.outcome == "stored")
    for row in connection.execute(stored):
        known.setdefault((row.customer, row.request_id), {})["batch_id"] = row.batch_id
    for found in connection.execute(select(requests)).mappings():
        key = found["customer"], found["request_id"]
        version = last.pop(key, None)
        if version is None:
            yield _wrong("requests", key, "It has no version.")
            continue
        yield from _one_request(found, key, version, known[key])
    for key in last:
        yield _wrong("requests", key, "The request is gone; its versions are there.")


def _one_request(
    row: Row,
    key: tuple[str, str],
    version: tuple[int, str, str],
    known: Mapping[str, str],
) -> Iterator[Finding]:
    number, state, text = version
    content = _content_of(text)
    said: dict[str, Any] = {"version": number, "state": state, **known}
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
