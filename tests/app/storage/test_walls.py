"""PostgreSQL keeps customers' rows apart by itself, also from the tables' owner."""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, text, update

import app
from app.errors import AllybinError
from app.server.checkup import checkup, migrated
from app.settings import read_settings
from app.storage import grants
from app.storage.backup import back_up
from app.storage.database import Database
from app.storage.errors import StoreRefused
from app.storage.migrations import guards, walls
from app.storage.prepared import Question
from app.storage.reach import ALL, NOTHING, Reach
from app.storage.schema import batch_requests, batches, metadata, requests
from tests.app.audit.world import fill
from tests.app.jobs.test_queue import Scene
from tests.databases import SERVICE, of_service
from tests.postgres import PostgresServer, programs

_numbers = count(1)

OPEN_TO_ALL = {
    "accounts",
    "api_keys",
    "audit_head",
    "facts",
    "policies",
    "role_grants",
    "sessions",
}
"""Tables without a row that is a customer's."""

REACH_EVERYTHING = {
    "app/jobs/trail.py",  # verifies the whole trail
    "app/server/checkup.py",  # doctor, and audit verify on the machine itself
    "app/server/worker.py",  # solves what anybody asked for
    "app/use_cases/trying.py",  # what a policy makes of all requests, in sums
    "app/use_cases/sessions.py",  # counts who failed to sign in, before any caller
    "app/storage/migrations/__init__.py",  # changes rows of a schema that went before
}
"""Parts of the service that reach every customer without a caller who does."""

MORE = (
    "INSERT INTO idempotency (account_id, key, call, body_sha256, at) "
    "VALUES ('ana', 'k', 'POST /', 'x', 'now')",
    "INSERT INTO proposal_events (proposal_id, seq, at, kind, data) "
    "SELECT proposal_id, 1, 'now', 'progress', '{}' FROM proposals",
)
"""Rows of the tables that the small world has none of."""

POLES = Reach(customers=frozenset({"PL"}), account="jan")


@pytest.fixture
def filled(postgres: PostgresServer) -> Iterator[str]:
    """Yield the address, as its superuser, of a database with a small world."""
    name = f"walled_{next(_numbers)}"
    address = postgres.create(name, template="allybin_migrated")
    database = Database.open(address)
    fill(database)
    with database.writing() as connection:
        for statement in MORE:
            connection.execute(text(statement))
    database.close()
    yield address
    postgres.drop(name)


@pytest.fixture
def service(filled: str) -> Iterator[Database]:
    """Yield the same as the service comes in: by a role that owns nothing."""
    database = Database.open(of_service(filled))
    yield database
    database.close()


def rows(database: Database, reach: Reach) -> dict[str, int]:
    with database.reading(reach) as connection:
        return {
            name: connection.execute(
                select(func.count()).select_from(table)
            ).scalar_one()
            for name, table in metadata.tables.items()
        }


def test_every_table_has_a_wall_or_holds_no_customers_rows() -> None:
    walled = {*walls.SEEN, *walls.ONLY_ADDED_TO}
    assert walled.isdisjoint(OPEN_TO_ALL)
    assert walled | OPEN_TO_ALL == set(metadata.tables)
    for name in OPEN_TO_ALL:
        assert "customer" not in metadata.tables[name].columns


def test_who_says_nothing_reaches_no_row(service: Database) -> None:
    there = rows(service, ALL)
    found = rows(service, NOTHING)
    for name in (*walls.SEEN, *walls.ONLY_ADDED_TO):
        assert found[name] == 0, name
        assert there[name] > 0, name


def test_a_customer_reaches_its_own_rows_alone(service: Database) -> None:
    with service.reading(POLES) as connection:
        seen = connection.execute(select(requests.c.customer).distinct()).scalars()
        assert set(seen) == {"PL"}
        seen = connection.execute(select(batch_requests.c.customer).distinct())
        assert set(seen.scalars()) == {"PL"}
        bins = connection.execute(text("SELECT bin_id FROM bin_members")).scalars()
        assert bins.all()
    assert rows(service, POLES)["audit"] == 0


def test_a_prepared_question_is_asked_within_the_reach(service: Database) -> None:
    asked = Question(select(requests.c.customer))
    with service.reading(POLES) as connection:
        assert {row.customer for row in asked.all(connection, {})} == {"PL"}
    with service.reading(NOTHING) as connection:
        assert asked.all(connection, {}) == []


def test_a_customer_cannot_change_rows_of_another(service: Database) -> None:
    change = update(requests).values(state="withdrawn")
    with service.writing(POLES) as connection:
        theirs = connection.execute(change.where(requests.c.customer == "LV"))
        own = connection.execute(change.where(requests.c.customer == "PL"))
    assert (theirs.rowcount, own.rowcount > 0) == (0, True)


def test_a_customer_cannot_make_rows_another_ones(service: Database) -> None:
    moved = update(batches).values(customer="LV", account_id="other")
    with pytest.raises(StoreRefused), service.writing(POLES) as connection:
        connection.execute(moved)


def test_a_reach_ends_with_its_transaction(service: Database) -> None:
    for _ in range(12):  # more than the pool has connections at rest
        assert rows(service, ALL)["requests"]
        assert not rows(service, NOTHING)["requests"]
    with service.writing(ALL):
        pass
    assert not rows(service, NOTHING)["requests"]


def test_a_code_that_would_be_read_as_more_is_no_customer() -> None:
    for code in ("*", "PL,LV", "", "PL'"):
        with pytest.raises(ValueError, match="no customer's code"):
            assert Reach(customers=frozenset({code})).said


def test_the_owner_is_held_to_the_walls(postgres: PostgresServer) -> None:
    postgres.run("CREATE ROLE walled_owner LOGIN")
    postgres.run("CREATE DATABASE walled_own OWNER walled_owner TEMPLATE template0")
    address = postgres.url("walled_own").replace("postgres@", "walled_owner@")
    database = Database.open(address)
    try:
        database.migrate()
        found = database.in_force()
        assert found["role"] == "walled_owner, owner of the tables"
        assert found["row_level_security"] == "on"
        with database.writing(ALL) as connection:
            _people_and_batch(connection)
        assert rows(database, ALL)["batches"] == 1
        assert rows(database, NOTHING)["batches"] == 0
    finally:
        database.close()
        postgres.drop("walled_own")
        postgres.run("DROP ROLE walled_owner")


def _people_and_batch(connection: object) -> None:
    for statement in (
        "INSERT INTO accounts (account_id, name, roles, created_at) "
        "VALUES ('ana', 'Ana', '[]', 'now')",
        "INSERT INTO batches (batch_id, customer, account_id, created_at, format, "
        "sha256, stored, unchanged, refused, extra_columns, rows_sha256) "
        "VALUES ('b', 'PL', 'ana', 'now', 'csv', 'x', 0, 0, 0, '[]', 'x')",
    ):
        connection.execute(text(statement))


@pytest.mark.parametrize("table", guards.ONLY_ADDED)
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_the_service_may_only_add_to_what_is_only_added_to(
    filled: str, table: str, statement: str
) -> None:
    column = next(iter(metadata.tables[table].columns)).name
    _refused(filled, statement.format(table, column, column))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_texts SET text = NULL",
        "DELETE FROM audit_texts",
        "DELETE FROM audit_head",
        "ALTER TABLE requests DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE requests NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY reach ON requests",
        "CREATE POLICY wide ON requests USING (true)",
        "DROP TRIGGER keep_audit_update ON audit",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "DROP TABLE audit",
        "CREATE TABLE more (x int)",
        "UPDATE alembic_version SET version_num = '9999'",
    ],
)
def test_the_service_cannot_take_the_walls_down(filled: str, statement: str) -> None:
    _refused(filled, statement)


def _refused(address: str, statement: str) -> None:
    with psycopg.connect(of_service(address)) as connection:
        connection.execute("SET allybin.customers = '*'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


def test_the_service_owns_nothing(filled: str) -> None:
    owned = "SELECT count(*) FROM pg_class WHERE pg_has_role(relowner, 'USAGE')"
    with psycopg.connect(of_service(filled)) as connection:
        assert connection.execute(owned).fetchone() == (0,)


def test_a_table_that_changes_is_named_where_the_store_changes_it() -> None:
    """What the role may change is what the code changes, no more and no less."""
    folder = Path(app.__file__).parent
    files = [*folder.glob("storage/*.py"), *folder.glob("audit/*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    tables = set(metadata.tables)
    changed = set(re.findall(r"\bupdate\((\w+)\)", code)) & tables
    taken = set(re.findall(r"\bdelete\((\w+)\)", code)) & tables
    # Only the owner erases a reason, on order; no call of the service does.
    assert changed - {"audit_texts"} == set(grants.CHANGED)
    assert taken == set(grants.TAKEN_AWAY)


def test_only_parts_that_are_named_reach_everything() -> None:
    root = Path(app.__file__).parent
    found = {
        f"app/{path.relative_to(root)}"
        for path in root.rglob("*.py")
        if re.search(r"reach import .*\bALL\b", path.read_text(encoding="utf-8"))
    }
    assert found == REACH_EVERYTHING


def test_doctor_tells_of_a_role_that_passes_the_walls(
    filled: str, tmp_path: Path
) -> None:
    def asked(address: str) -> dict[str, object]:
        return checkup(
            read_settings(data_dir=tmp_path, database_url=SecretStr(address))
        )

    good = asked(of_service(filled))
    assert good["wrong"] == []
    assert good["in_force"]["role"] == f"{SERVICE}, owner of nothing"
    assert good["in_force"]["row_level_security"] == "on"
    (wrong,) = asked(filled)["wrong"]
    assert "BYPASSRLS" in wrong
    with psycopg.connect(filled) as connection:
        connection.execute("ALTER TABLE bins NO FORCE ROW LEVEL SECURITY")
    (wrong,) = asked(of_service(filled))["wrong"]
    assert "switched off" in wrong


def test_a_backup_by_the_owner_holds_every_row(
    filled: str,
    postgres: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(programs()), prepend=":")
    postgres.run("CREATE ROLE walled_keeper LOGIN")
    with psycopg.connect(filled, autocommit=True) as connection:
        for name in (*metadata.tables, "alembic_version"):
            connection.execute(f"ALTER TABLE {name} OWNER TO walled_keeper".encode())
    back_up(filled.replace("postgres@", "walled_keeper@"), tmp_path / "copy")
    listed = subprocess.run(
        [f"{programs()}/pg_restore", "--data-only", "--table=requests",
         "--file=-", tmp_path / "copy"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for customer in ("BA", "LV", "PL"):
        assert f"\n{customer}\t" in listed
    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("REASSIGN OWNED BY walled_keeper TO postgres")
    postgres.run("DROP ROLE walled_keeper")


def test_a_role_is_let_in_that_the_queue_works_for_too(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    address = postgres.create("walled_queue")
    settings = read_settings(data_dir=tmp_path, database_url=SecretStr(address))
    assert migrated(settings, SERVICE)["schema"] == "0001"
    scene = Scene(of_service(address), tmp_path)
    server = scene.server()
    try:
        assert server.tell("enqueue one") == "done"
        scene.wait_for("end one 1")
        assert server.stop() == ""
    finally:
        server.process.kill()
    postgres.drop("walled_queue")


@pytest.mark.parametrize("role", ["nobody_at_all", "postgres"])
def test_a_role_that_cannot_be_used_is_refused(
    filled: str, tmp_path: Path, role: str
) -> None:
    settings = read_settings(data_dir=tmp_path, database_url=SecretStr(filled))
    with pytest.raises(AllybinError, match=role):
        migrated(settings, role)


def test_sqlite_has_no_roles(tmp_path: Path) -> None:
    settings = read_settings(data_dir=tmp_path)
    with pytest.raises(StoreRefused, match="no roles"):
        migrated(settings, "anyone")


def test_the_command_lets_a_role_in(filled: str) -> None:
    said = subprocess.run(
        [f"{Path(sys.executable).parent}/allybin", "migrate", "--app-role", SERVICE,
         "--database", filled],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert said.splitlines() == [
        "The schema is 0001.",
        f"{SERVICE} may do what the service does, and no more.",
    ]
