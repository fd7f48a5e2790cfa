"""Walking the whole trail, and comparing it with what is stored.

Every link of the chain is recomputed, every row of a recorded table is held against
the digest its record took of it, both ways, and the present state of bins and requests
is recomputed from their versions.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Table, select

from app.audit import present
from app.audit.canonical import canonical, record_hash, row_digest, salted
from app.audit.chain import ERASE, GENESIS, content_of
from app.audit.found import Checkpoint, Finding, Verified
from app.storage import added
from app.storage.schema import audit, audit_head, audit_texts, decisions, edits

_AT_ONCE: Final = 5000

type Key = tuple[Any, ...]


def verify(connection: Connection, checkpoints: Sequence[Checkpoint] = ()) -> Verified:
    """Walk the trail from its first record, and compare it with the tables.

    Linear in the number of records and rows.

    Parameters
    ----------
    checkpoints
        Those of a file kept elsewhere, from :func:`app.audit.checkpoints.read`. Without
        them a cut end, and a trail written anew, look whole.
    """
    walk = _Walk({one.size: one for one in checkpoints})
    for row in _rows_of(connection, audit, order=audit.c.seq):
        walk.take(row)
    walk.end(connection.execute(select(audit_head)).mappings().all())
    walk.compare_checkpoints(checkpoints)
    walk.findings += _texts(connection, walk)
    findings, rows = _recorded(connection, walk.claims, walk.now)
    walk.findings += findings
    walk.findings += _reasons(connection, walk)
    walk.findings += present.compare(connection)
    return Verified(
        records=walk.count,
        head=walk.previous,
        findings=tuple(walk.findings),
        checkpoints=len(checkpoints),
        covered=walk.covered,
        steps_back=tuple(walk.steps_back),
        rows=rows,
    )


class _Walk:
    """Takes the records in their order, and keeps what the rest is compared with."""

    def __init__(self, checkpoints: Mapping[int, Checkpoint]) -> None:
        self.findings: list[Finding] = []
        self.steps_back: list[int] = []
        self.claims: dict[str, dict[Key, tuple[str, int]]] = {}
        self.now: dict[str, dict[Key, tuple[str, int]]] = {}
        self.reasons: dict[str, int] = {}
        self.reason_of: dict[int, str | None] = {}
        self.erased: dict[str, str] = {}
        self.texts: dict[str, str | None] = {}
        self.hashes: dict[int, str] = {0: GENESIS}
        self.previous = GENESIS
        self.count = 0
        self.covered = 0
        self._sizes = checkpoints
        self._seq = 0
        self._at = ""

    def find(self, seq: Any, sentence: str) -> None:
        """Keep what is wrong with a record."""
        number = seq if isinstance(seq, int) else None
        self.findings.append(
            Finding(place=f"record {seq}", sentence=sentence, seq=number)
        )

    def take(self, row: Mapping[str, Any]) -> None:
        """Take the next record."""
        seq = row["seq"]
        self.count += 1
        if seq != self._seq + 1:
            missing = f"Record {self._seq + 1} is missing: {self._seq} comes before it."
            self.find(seq, missing)
        if row["prev_hash"] != self.previous:
            self.find(seq, "It does not follow the record before it.")
        if _hash_of(row) != row["hash"]:
            self.find(seq, "It is not as it was written.")
        if str(row["at"]) < self._at:
            self.steps_back.append(seq)
        self._seq, self._at = seq if isinstance(seq, int) else self._seq + 1, row["at"]
        self.previous = row["hash"]
        if seq in self._sizes:
            self.hashes[seq] = row["hash"]
        self._claim(seq, row)

    def end(self, heads: Sequence[RowMapping]) -> None:
        """Compare the last record with what is kept as the end."""
        kept = [(head["seq"], head["hash"]) for head in heads]
        if kept != [(self._seq, self.previous)]:
            self.find(
                self._seq,
                "It is the last one there is, and not the one that was kept as the "
                "end: records are missing after it, or it was put there.",
            )

    def compare_checkpoints(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Compare the chain with what was signed of it elsewhere."""
        broken = False
        for one in sorted(checkpoints, key=lambda one: one.size):
            place = f"checkpoint of {one.size} at {one.at}"
            if one.size > self._seq:
                sentence = (
                    f"The trail ends at record {self._seq}: records {self._seq + 1} to "
                    f"{one.size} were cut off, or an old copy was put in place."
                )
            elif self.hashes.get(one.size) != one.hash:
                sentence = (
                    f"Record {one.size} is another one than was vouched for: the trail "
                    f"was written anew somewhere after record {self.covered}."
                )
            else:
                self.covered = self.covered if broken else one.size
                continue
            broken = True
            self.findings.append(Finding(place=place, sentence=sentence, seq=one.size))

    def _claim(self, seq: int, row: Mapping[str, Any]) -> None:
        self.reason_of[seq] = row["reason_hash"]
        if row["reason_hash"] is not None:
            self.reasons[row["reason_hash"]] = seq
        if row["action"] == ERASE:
            self.erased[str(row["object"]).removeprefix("reason/")] = row["after"]
        after = str(row["after"])
        if row["after"] is None or not ('"rows":' in after or '"now":' in after):
            return
        for table, key, digest, now in _named(after):
            if now:
                self.now.setdefault(table, {})[key] = digest, seq
                continue
            taken = self.claims.setdefault(table, {})
            if key in taken:
                self.find(
                    seq, f"{table} {list(key)} has a record already: {taken[key]}."
                )
            taken[key] = digest, seq


def _hash_of(row: Mapping[str, Any]) -> str | None:
    try:
        return record_hash(row["prev_hash"], content_of(row))
    except (TypeError, ValueError):  # no text, or nothing a hash is taken of
        return None


def _named(after: str) -> Iterator[tuple[str, Key, str, bool]]:
    """Yield table, key and digest of every row a record names, and whether as it is."""
    try:
        said = json.loads(after)
        for name in ("rows", "now"):
            for table, keys in said.get(name, {}).items():
                for *key, digest in keys:
                    yield table, tuple(key), digest, name == "now"
    except (ValueError, AttributeError, TypeError):
        return  # it is not as it was written, which its hash says


def _rows_of(
    connection: Connection, table: Table, order: Any = None
) -> Iterator[Mapping[str, Any]]:
    wanted = select(table) if order is None else select(table).order_by(order)
    found = connection.execute(wanted, execution_options={"yield_per": _AT_ONCE})
    names = tuple(found.keys())
    for some in found.partitions():
        for row in some:
            yield dict(zip(names, row, strict=True))


def _recorded(
    connection: Connection,
    claims: Mapping[str, dict[Key, tuple[str, int]]],
    now: Mapping[str, dict[Key, tuple[str, int]]],
) -> tuple[list[Finding], int]:
    """Compare every row of the recorded tables with what its record says of it.

    Returns what was found, and how many rows there were.
    """
    findings, rows = [], 0
    for name in sorted(added.RECORDED):
        table = added.table_of(name)
        left = dict(claims.get(name, {}))
        covered, keys = added.columns(table), added.key_columns(table)
        told = now.get(name, {})
        for row in _rows_of(connection, table):
            rows += 1
            key = tuple(row[column] for column in keys)
            if name in added.CHANGING and (wrong := _changed(name, row, told.get(key))):
                findings.append(_finding(name, key, *wrong))
            digest, seq = left.pop(key, (None, None))
            if digest is None:
                sentence = "No record tells of it."
            elif digest != _digest_of(row, covered):
                sentence = f"It is not as it was when record {seq} was written."
            else:
                continue
            findings.append(_finding(name, key, sentence, seq))
        findings += [
            _finding(name, key, f"It is gone; record {seq} tells of it.", seq)
            for key, (_, seq) in left.items()
        ]
    unknown = sorted(set(claims) - set(added.RECORDED))
    findings += [
        Finding(place=name, sentence="Records tell of a table that is not recorded.")
        for name in unknown
    ]
    return findings, rows


def _changed(
    table: str, row: Mapping[str, Any], told: tuple[str, int] | None
) -> tuple[str, int | None] | None:
    """Return what is wrong with the changing columns of a row, and by what record."""
    values = added.changing(table, row)
    if told is None:
        there = [name for name, value in values.items() if value is not None]
        return (f"No record tells of its {', '.join(there)}.", None) if there else None
    digest, seq = told
    if digest == _digest_of(values, tuple(values)):
        return None
    return f"Its {', '.join(values)} are not as record {seq} left them.", seq


def _digest_of(row: Mapping[str, Any], covered: Sequence[str]) -> str | None:
    try:
        return row_digest({name: row[name] for name in covered})
    except (TypeError, ValueError):
        return None


def _finding(table: str, key: Key, sentence: str, seq: int | None) -> Finding:
    place = f"{table} {'/'.join(str(part) for part in key)}"
    return Finding(place=place, sentence=sentence, seq=seq)


def _texts(connection: Connection, walk: _Walk) -> list[Finding]:
    """Compare the reasons kept apart with the hashes that records have of them."""
    findings = []
    left = dict(walk.reasons)
    for row in _rows_of(connection, audit_texts):
        digest = row["hash"]
        walk.texts[digest] = row["text"]
        seq = left.pop(digest, None)
        if seq is None:
            sentence = "No record has this reason."
        elif row["text"] is None:
            left_of_it = {"erased_at": row["erased_at"], "salt": row["salt"]}
            if walk.erased.get(digest) == canonical(left_of_it):
                continue
            sentence = "The reason is gone, and no record orders that."
        elif row["erased_at"] is not None or not _opens(row):
            sentence = "The reason is not as it was written."
        else:
            continue
        findings.append(_finding("audit_texts", (digest,), sentence, seq))
    return findings + [
        _finding("audit_texts", (digest,), "The reason is gone.", seq)
        for digest, seq in left.items()
    ]


def _opens(row: Mapping[str, Any]) -> bool:
    try:
        return bool(salted(row["salt"], row["text"]) == row["hash"])
    except (TypeError, ValueError, AttributeError):
        return False


def _reasons(connection: Connection, walk: _Walk) -> list[Finding]:
    """Compare the reasons in decisions and edits with those of their records."""
    findings = []
    for table in (decisions, edits):
        keys = added.key_columns(table)
        claims = walk.claims.get(table.name, {})
        for row in _rows_of(connection, table):
            key = tuple(row[column] for column in keys)
            _, seq = claims.get(key, (None, None))
            if seq is None:
                continue
            digest = walk.reason_of.get(seq)
            if row["reason"] != (walk.texts.get(digest) if digest else None):
                sentence = "Its reason is not the one that was recorded."
                findings.append(_finding(table.name, key, sentence, seq))
    return findings
