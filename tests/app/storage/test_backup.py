"""A backup made while others write can be restored, and an old one is known as old."""

import os
import random
import shutil
import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from app.audit.chain import append
from app.audit.verify import verify
from app.errors import OutputExists, OutputFailed
from app.storage.backup import back_up, restore
from app.storage.database import Database
from app.storage.errors import StoreCorrupt
from app.storage.schema import audit_head
from tests.app.audit.test_tampering import sign, signed
from tests.app.audit.world import entry, fill
from tests.postgres import PostgresServer, programs


@pytest.fixture
def elsewhere(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Return the address of another place of the same kind, with nothing in it."""
    if kind == "sqlite":
        folder = request.getfixturevalue("tmp_path") / "elsewhere"
        folder.mkdir()
        return f"sqlite:///{folder}/restored.db"
    monkeypatch.setenv("PATH", f"{programs()}{os.pathsep}{os.environ['PATH']}")
    server: PostgresServer = request.getfixturevalue("postgres")
    server.drop("restored")
    return server.create("restored")


def test_a_backup_made_under_load_is_whole(
    database: Database, address: str, elsewhere: str, tmp_path: Path
) -> None:
    fill(database)
    acknowledged, over = [], threading.Event()

    def write() -> None:
        while not over.is_set():
            with database.writing() as connection:
                seq = append(connection, entry("key.make", "key/1"))
            acknowledged.append(seq)

    writer = threading.Thread(target=write)
    writer.start()
    while len(acknowledged) < 20:
        over.wait(0.01)
    before = acknowledged[-1]
    checkpoint = sign(database, tmp_path / "audit")
    back_up(address, tmp_path / "copy.backup")
    over.set()
    writer.join()
    restore(tmp_path / "copy.backup", elsewhere)
    restored = Database.open(elsewhere)
    restored.migrate()
    with restored.reading() as connection:
        found = verify(connection, signed(tmp_path / "audit"))
    restored.close()
    assert found.findings == ()
    assert found.covered == checkpoint.size
    assert before <= found.records <= acknowledged[-1]


def test_a_restored_old_copy_is_known_as_old(
    database: Database, address: str, elsewhere: str, tmp_path: Path
) -> None:
    fill(database)
    back_up(address, tmp_path / "copy.backup")
    with database.writing() as connection:
        seq = append(connection, entry("key.make", "key/1"))
    sign(database, tmp_path / "audit")
    restore(tmp_path / "copy.backup", elsewhere)
    restored = Database.open(elsewhere)
    with restored.reading() as connection:
        (finding,) = verify(connection, signed(tmp_path / "audit")).findings
    restored.close()
    assert finding.seq == seq
    assert "an old copy was put in place" in finding.sentence


def test_a_restored_store_keeps_its_guards(
    database: Database, address: str, elsewhere: str, tmp_path: Path
) -> None:
    fill(database, rounds=1)
    back_up(address, tmp_path / "copy.backup")
    restore(tmp_path / "copy.backup", elsewhere)
    restored = Database.open(elsewhere)

    def forge() -> None:
        with restored.writing() as connection:
            connection.exec_driver_sql("DELETE FROM audit")

    with pytest.raises(Exception, match="only ever added"):
        forge()
    restored.close()


def test_nothing_is_written_over(
    database: Database, address: str, tmp_path: Path, kind: str
) -> None:
    if kind != "sqlite":
        pytest.skip("the files are the same for both")
    fill(database, rounds=1)
    target = tmp_path / "copy.backup"
    target.write_text("mine")
    with pytest.raises(OutputExists, match="name another file"):
        back_up(address, target)
    with pytest.raises(OutputExists, match="move it away"):
        restore(target, address)
    with pytest.raises(OutputFailed, match="could not be written"):
        back_up(address, tmp_path / "missing" / "copy.backup")
    assert target.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_a_damaged_backup_is_refused(tmp_path: Path, sqlite_template: Path) -> None:
    damaged = tmp_path / "copy.backup"
    data = bytearray(sqlite_template.read_bytes())
    data[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    damaged.write_bytes(data)
    with pytest.raises(OutputFailed, match="damaged"):
        restore(damaged, f"sqlite:///{tmp_path}/restored.db")
    assert [path.name for path in tmp_path.iterdir()] == ["copy.backup"]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "copy.backup"
    other.write_text("not a database, but long enough to be looked at" * 99)
    with pytest.raises(OutputFailed, match="damaged"):
        restore(other, f"sqlite:///{tmp_path}/restored.db")
    other.write_bytes(b"")
    with pytest.raises(OutputFailed, match="holds no store"):
        restore(other, f"sqlite:///{tmp_path}/restored.db")


def test_without_the_programs_of_postgresql_a_sentence_says_so(
    database: Database,
    address: str,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if kind == "sqlite":
        pytest.skip("SQLite needs no other program")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutputFailed, match="pg_dump is needed"):
        back_up(address, tmp_path / "copy.backup")
    assert list(tmp_path.iterdir()) == []
    assert database.in_force()["writes"] == "on"


def test_damaged_pages_are_found_at_the_start_or_at_the_first_touch(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """Flip bytes of whole pages at random: never a wrong answer without a word."""
    filled = tmp_path / "filled.db"
    shutil.copyfile(sqlite_template, filled)
    database = Database.open(f"sqlite:///{filled}")
    fill(database)
    with database.reading() as connection:
        head = connection.execute(select(audit_head)).one()
    database.close()
    data = filled.read_bytes()
    chance = random.Random(11)
    for turn in range(30):
        damaged = bytearray(data)
        start = chance.randrange(100, len(data) - 64)
        noise = bytes(chance.randrange(256) for _ in range(64))
        damaged[start : start + 64] = noise
        path = tmp_path / f"{turn}.db"
        path.write_bytes(damaged)
        assert told_or_same(f"sqlite:///{path}", head), f"64 bytes at {start}"


def told_or_same(address: str, head: object) -> bool:
    """Tell whether damage was told, or nothing that is audited has changed."""
    try:
        database = Database.open(address)
        try:
            with database.reading() as connection:
                found = verify(connection)
                same = connection.execute(select(audit_head)).one() == head
        finally:
            database.close()
    except StoreCorrupt:
        return True
    return bool(found.findings) or same
