"""The schema: what migrations make of nothing, and of what others left."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect, text

from app.storage import migrations
from app.storage.database import Database
from app.storage.errors import SchemaTooNew
from app.storage.migrations.made import as_made, statements
from tests.documents import ROOT

KILLED_AT = """
import os, signal, sys
from sqlalchemy import event
from app.storage.database import Database

database = Database.open(sys.argv[1])
left = int(sys.argv[2])

@event.listens_for(database._store.writer, "before_cursor_execute")
def _count(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

database.migrate()
print(left)
"""


def migrate_in_a_process(address: str, killed_at: int) -> tuple[int, str]:
    """Return how a migration ended that is killed before its n-th statement."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT, address, str(killed_at)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )
    return done.returncode, done.stdout


def test_migrations_make_what_the_schema_says(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_server_default": False}
        )
        metadata = as_made(database.kind)
        differences = compare_metadata(context, metadata)
        found = inspect(connection)
        checks = {
            table: {check["name"] for check in found.get_check_constraints(table)}
            for table in found.get_table_names()
        }
    assert [str(one) for one in differences if "alembic_version" not in str(one)] == []
    for table in metadata.sorted_tables:
        wanted = {
            str(constraint.name)
            for constraint in table.constraints
            if isinstance(constraint, CheckConstraint)
        }
        assert checks[table.name] == wanted


def shape_of(database: Database) -> dict[str, object]:
    """Return all that a store is made of, however it came to be."""
    with database.reading() as connection:
        found = inspect(connection)
        tables = [name for name in found.get_table_names() if name != "alembic_version"]
        shape: dict[str, object] = {}
        for table in tables:
            columns = {one["name"]: one for one in found.get_columns(table)}
            shape[table] = {
                "columns": {
                    name: (repr(one["type"]), one["nullable"], one["default"])
                    for name, one in columns.items()
                },
                "key": found.get_pk_constraint(table),
                "foreign keys": _by_name(found.get_foreign_keys(table)),
                "unique": _by_name(found.get_unique_constraints(table)),
                "checks": _by_name(found.get_check_constraints(table)),
                "indexes": _by_name(found.get_indexes(table)),
            }
        shape["triggers"] = sorted(
            connection.exec_driver_sql(TRIGGERS[database.kind]).scalars()
        )
        return shape


TRIGGERS = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT pg_get_triggerdef(oid) FROM pg_trigger "
    "WHERE NOT tgisinternal "
    "UNION ALL SELECT prosrc FROM pg_proc WHERE proname = 'keep_rows'",
}


def _by_name(constraints: Iterable[object]) -> list[object]:
    return sorted(constraints, key=str)


HOW = "write a revision that makes it so; before the first, scripts/freeze_schema.py"


@pytest.fixture
def as_said(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Database]:
    """Yield a store made from the schema as it is now, and by no migration."""
    if kind == "sqlite":
        address = f"sqlite:///{tmp_path / 'as-said.db'}"
    else:
        address = request.getfixturevalue("postgres").create("as_said")
    database = Database.open(address)
    with database._store.writer.begin() as connection:
        for statement in statements(kind):
            connection.exec_driver_sql(statement)
    yield database
    database.close()
    if kind != "sqlite":
        request.getfixturevalue("postgres").drop("as_said")


def test_a_store_migrated_from_nothing_is_what_the_schema_says(
    empty_address: str, as_said: Database
) -> None:
    migrated = Database.open(empty_address)
    migrated.migrate()
    made, said = shape_of(migrated), shape_of(as_said)
    migrated.close()
    assert len(said) > 25
    assert {*made} == {*said}
    for part, wanted in said.items():
        assert made[part] == wanted, f"{part}: {HOW}"


def test_text_sorts_by_its_code_points(database: Database) -> None:
    """Cursors of pages compare texts: they must do so alike on both databases."""
    names = ["B", "_", "a", "Ž", "é"]
    with database.writing() as connection:
        for name in names:
            statement = text("INSERT INTO facts (name, value) VALUES (:name, '')")
            connection.execute(statement, {"name": name})
        found = connection.execute(text("SELECT name FROM facts ORDER BY name"))
        assert [*found.scalars()] == sorted(names)


def test_migrating_again_changes_nothing(database: Database) -> None:
    before = database.in_force()
    database.migrate()
    assert database.in_force() == before


def test_two_programs_may_start_on_an_empty_database_at_once(
    empty_address: str,
) -> None:
    databases = [Database.open(empty_address) for _ in range(3)]
    failures = []

    def migrate(database: Database) -> None:
        try:
            database.migrate()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=migrate, args=(one,)) for one in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert databases[0].in_force()["schema"] == migrations.HEAD
    for database in databases:
        database.close()


def test_an_older_program_may_only_read_what_a_newer_one_migrated(
    database: Database, address: str
) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    older = Database.open(address)

    def write() -> None:
        with older.writing() as connection:
            connection.execute(text("DELETE FROM facts"))

    with pytest.raises(SchemaTooNew, match='schema "9999"'):
        write()
    with pytest.raises(SchemaTooNew, match="Start the newer program"):
        older.migrate()
    with older.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM facts")).scalar() == 0
    assert older.in_force()["schema"] == "9999"
    older.close()


@pytest.mark.parametrize("killed_at", [3, 20, 70])
def test_a_migration_that_is_killed_leaves_the_old_schema(
    empty_address: str, killed_at: int
) -> None:
    ended, said = migrate_in_a_process(empty_address, killed_at)
    assert ended == -signal.SIGKILL, said
    database = Database.open(empty_address)
    with database.reading() as connection:
        assert inspect(connection).get_table_names() == []
    database.migrate()
    assert database.in_force()["schema"] == migrations.HEAD
    database.close()


def test_the_revision_that_is_asked_for_is_the_last_of_the_scripts() -> None:
    assert migrations._scripts().get_current_head() == migrations.HEAD
