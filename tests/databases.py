"""Both kinds of database for every test of what is stored.

A test that takes ``address`` runs twice: on a fresh SQLite file, and on a fresh
database of a real PostgreSQL server, both migrated. ``database`` is the same, opened::

    def test_something(database: Database) -> None:
        with database.writing() as connection: ...

``empty_address`` is a database nothing has been put in yet; ``postgres`` is the server
(one a test process; crash it and start it again as you like). ``--db sqlite`` or
``--db postgresql`` keeps to one kind. The fixtures are known to every test through
``tests/conftest.py``; nothing has to be imported.
"""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from app.storage.database import Database
from tests.postgres import NoPostgres, PostgresServer

SERVICE = "allybin_service"
"""The role of PostgreSQL that a service under test has: it is held to every policy."""

KINDS = ("sqlite", "postgresql")
_TEMPLATE = "allybin_migrated"
_numbers = count(1)


def migrated(address: str) -> None:
    """Bring an empty database to the schema."""
    database = Database.open(address)
    database.migrate()
    database.close()


def granted(address: str) -> None:
    """Let the role of the service do what the service does, and no more."""
    database = Database.open(address)
    database.grant(SERVICE)
    database.close()


def of_service(address: str) -> str:
    """Return an address as the service comes in: on PostgreSQL, owning nothing."""
    return address.replace("//postgres@", f"//{SERVICE}@")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Yield a PostgreSQL server of this test process, with a migrated template."""
    try:
        server = PostgresServer()
    except NoPostgres as error:
        pytest.skip(str(error))
    with server:
        address = server.create(_TEMPLATE)
        migrated(address)
        server.run(f"CREATE ROLE {SERVICE} LOGIN")
        granted(address)
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "allybin.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Return the kind of database of this run of the test."""
    wanted = request.config.getoption("--db")
    if wanted not in ("both", request.param):
        pytest.skip(f"--db {wanted}")
    return str(request.param)


@pytest.fixture
def address(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the address of a fresh, migrated database."""
    yield from _fresh(kind, request, tmp_path, migrated=True)


@pytest.fixture
def empty_address(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """Yield the address of a database nothing was put in."""
    yield from _fresh(kind, request, tmp_path, migrated=False)


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    """Yield a fresh, migrated database, opened."""
    opened = Database.open(address)
    yield opened
    opened.close()


def _fresh(
    kind: str, request: pytest.FixtureRequest, folder: Path, *, migrated: bool
) -> Iterator[str]:
    if kind == "sqlite":
        path = folder / "allybin.db"
        if migrated:
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"test_{next(_numbers)}"
    yield server.create(name, template=_TEMPLATE if migrated else "template0")
    server.drop(name)
