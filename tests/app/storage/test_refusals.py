"""Stores that may lose something, or cannot be used, are refused in a sentence."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from app.storage.database import Database
from app.storage.errors import (
    StoreCorrupt,
    StoreError,
    StoreRefused,
    StoreStopped,
    StoreUnavailable,
)
from app.storage.sqlite import SqliteStore, sqlite_driver
from tests.app.storage.test_database import add, names
from tests.documents import ROOT
from tests.postgres import PostgresServer


@pytest.fixture
def path(tmp_path: Path, sqlite_template: Path) -> Path:
    """Return a migrated SQLite file."""
    copy = tmp_path / "allybin.db"
    copy.write_bytes(sqlite_template.read_bytes())
    return copy


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("sqlite://", "is a file on disk"),
        ("sqlite:///:memory:", "is a file on disk"),
        ("sqlite:////nowhere/at/all/allybin.db", "does not exist: make it"),
        ("sqlite:////tmp", "is a folder; a database is a file"),
        ("mysql://localhost/allybin", "is no kind of store"),
        ("not an address", "The address of the store is"),
        ("postgresql://nobody:secret@127.0.0.1:1/none", "does not answer"),
    ],
)
def test_an_address_that_cannot_be_used(address: str, sentence: str) -> None:
    with pytest.raises(StoreError, match=sentence) as refused:
        Database.open(address)
    assert "secret" not in str(refused.value)


def test_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "allybin.db"
    path.write_text("This is a letter, and no database. " * 200)
    with pytest.raises(StoreCorrupt, match="restore the last backup"):
        Database.open(f"sqlite:///{path}")
    assert path.read_text().startswith("This is a letter")


AS_ANOTHER_USER = """
import os, sys
import sqlalchemy.dialects.sqlite.pysqlite
from app.storage.database import Database
from app.storage.errors import StoreError
from app.storage.sqlite import sqlite_driver
sqlite_driver()
os.setuid(65534)  # the program itself may lie where only root may go
try:
    Database.open(sys.argv[1])
except StoreError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("mode_of_file", "mode_of_folder", "sentence"),
    [
        (0o666, 0o700, "a folder above it may not be entered"),
        (0o444, 0o777, "belongs to user 0 and cannot be written"),
        (0o666, 0o555, "SQLite keeps its journal there"),
    ],
)
def test_a_store_of_another_user(
    path: Path, mode_of_file: int, mode_of_folder: int, sentence: str
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    path.chmod(mode_of_file)
    path.parent.chmod(mode_of_folder)
    for folder in path.parents:
        if "pytest-" in str(folder) and folder != path.parent:
            folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER_USER, f"sqlite:///{path}"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stdout.startswith("StoreRefused"), done.stderr
    assert sentence in done.stdout


def test_a_file_that_is_taken_away_ends_writing(path: Path) -> None:
    """SQLite would go on in a file without a name, and all of it would be lost."""
    database = Database.open(f"sqlite:///{path}")
    add(database, "before")
    path.rename(path.with_name("moved.db"))
    with pytest.raises(StoreStopped, match="is gone"):
        add(database, "after")
    path.with_name("moved.db").rename(path)
    with pytest.raises(StoreStopped, match="is gone"):
        add(database, "again")
    assert database.stopped is not None
    assert names(database) == ["before"]
    database.close()


def test_another_file_in_its_place_ends_writing(
    path: Path, sqlite_template: Path
) -> None:
    database = Database.open(f"sqlite:///{path}")
    other = path.with_name("other.db")
    other.write_bytes(sqlite_template.read_bytes())
    other.replace(path)
    with pytest.raises(StoreStopped, match="Another file was put in the place"):
        add(database, "after")
    database.close()


def test_an_older_sqlite_gets_no_write_ahead_log(tmp_path: Path) -> None:
    """Before 3.51.3 two connections can corrupt a database in WAL mode."""
    if sqlite3.sqlite_version_info >= (3, 51, 3):
        pytest.skip("Python's own SQLite is safe here")
    address = make_url(f"sqlite:///{tmp_path}/allybin.db")
    database = Database(SqliteStore(address, driver=sqlite3))
    database._store.check()
    database.migrate()
    add(database, "a")
    found = database.in_force()
    assert (found["journal_mode"], found["synchronous"]) == ("truncate", "3")
    assert names(database) == ["a"]
    database.close()


def test_a_file_others_keep_busy_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.storage.sqlite.BUSY_MS", 200)
    database = Database.open(f"sqlite:///{path}")
    # The same library: two in one process do not see each other's locks.
    other = sqlite_driver().connect(str(path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="kept busy by others") as refused:
        add(database, "a")
    assert refused.value.committed is False
    other.execute("ROLLBACK")
    add(database, "a")
    other.close()
    database.close()


def test_a_thread_does_not_write_within_its_own_write(path: Path) -> None:
    database = Database.open(f"sqlite:///{path}")

    def twice() -> None:
        with database.writing():
            add(database, "a")

    with pytest.raises(RuntimeError, match="writing already"):
        twice()
    database.close()


def test_a_store_is_not_shared_with_a_forked_process(path: Path) -> None:
    database = Database.open(f"sqlite:///{path}")
    database._process += 1  # as a child of a fork would find it
    with pytest.raises(StoreRefused, match="opened by another process"):
        add(database, "a")
    database.close()


def test_a_server_that_crashes_is_back_without_a_manual_step(
    postgres: PostgresServer,
) -> None:
    address = postgres.create("crashing", template="allybin_migrated")
    database = Database.open(address)
    add(database, "before")
    for turn in range(2):
        postgres.crash()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            add(database, "meanwhile")
        with pytest.raises(StoreUnavailable, match="does not answer"):
            names(database)
        postgres.start()
        add(database, f"after {turn}")
    assert names(database) == ["after 0", "after 1", "before"]
    database.close()
    postgres.drop("crashing")


def test_a_connection_that_ends_in_a_transaction_stores_nothing(
    postgres: PostgresServer,
) -> None:
    address = postgres.create("ending", template="allybin_migrated")
    database = Database.open(address)

    def end_within() -> None:
        with database.writing() as connection:
            connection.execute(text("INSERT INTO facts VALUES ('a', 'x')"))
            number = connection.execute(text("SELECT pg_backend_pid()")).scalar()
            postgres.run(f"SELECT pg_terminate_backend({number})")
            connection.execute(text("INSERT INTO facts VALUES ('b', 'x')"))

    with pytest.raises(StoreUnavailable) as refused:
        end_within()
    assert refused.value.committed is False
    assert names(database) == []
    database.close()
    postgres.drop("ending")


def test_a_commit_no_one_answered_is_not_said_to_have_failed(
    postgres: PostgresServer,
) -> None:
    """The connection ends between the last statement and the answer to the commit."""
    address = postgres.create("unanswered", template="allybin_migrated")
    database = Database.open(address)

    def end_before_commit() -> None:
        with database.writing() as connection:
            connection.execute(text("INSERT INTO facts VALUES ('a', 'x')"))
            number = connection.execute(text("SELECT pg_backend_pid()")).scalar()
            postgres.run(f"SELECT pg_terminate_backend({number})")

    with pytest.raises(StoreUnavailable) as refused:
        end_before_commit()
    assert refused.value.committed is None
    database.close()
    postgres.drop("unanswered")


def test_a_server_that_may_lose_something_is_refused(
    postgres: PostgresServer,
) -> None:
    address = postgres.create("lossy", template="allybin_migrated")
    postgres.run("ALTER DATABASE lossy SET default_transaction_read_only = on")
    with pytest.raises(StoreRefused, match="transaction_read_only=on; off is needed"):
        Database.open(address)
    postgres.run("ALTER DATABASE lossy SET default_transaction_read_only = off")
    postgres.run("ALTER DATABASE lossy SET synchronous_commit = off")
    database = Database.open(address)
    assert database.in_force()["synchronous_commit"] == "on"
    database.close()
    postgres.drop("lossy")
