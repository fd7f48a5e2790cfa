"""Bringing a store to this program's schema, from the scripts in this package.

All revisions that are missing are one transaction under a lock: a program that is
killed, or a second one that starts at the same moment, leaves the old schema or the
new one.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, inspect

from app.errors import quoted
from app.storage.errors import SchemaTooNew, StoreCorrupt
from app.storage.reach import ALL, OPTION

if TYPE_CHECKING:  # read where a store is not up to date: a third of a start otherwise
    from alembic.config import Config
    from alembic.script import ScriptDirectory

HEAD: Final = "0001"
"""The revision of this program's schema: the last of the scripts."""

_LOCK: Final = 0x616C6C7962696E  # "allybin": one number for all of its programs


def upgrade(engine: Engine) -> None:
    """Apply what is missing, whole or not at all.

    Raises
    ------
    SchemaTooNew
        Where the store is at a revision this program does not know.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            _upgrade_sqlite(connection)
        else:
            _upgrade_postgresql(connection)


def revision_of(connection: Connection) -> str | None:
    """Return the revision a store is at; None before its first migration."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version")
    return found.scalar_one_or_none()


def knows(revision: str) -> bool:
    """Tell whether this program knows a revision."""
    return revision == HEAD or any(
        script.revision == revision for script in _scripts().walk_revisions()
    )


def too_new(revision: str) -> str:
    """Return the sentence for a store that a newer program has migrated."""
    return (
        f"The store is at schema {quoted(revision)}, and this program knows none after "
        f"{quoted(HEAD)}: it may only read. Start the newer program, or restore a "
        "backup from before."
    )


@cache
def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    folder = str(Path(__file__).parent).replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    return config


def _upgrade_sqlite(connection: Connection) -> None:
    driver = connection.connection.dbapi_connection
    assert driver is not None
    # A table that is rebuilt is dropped: its children must not be asked meanwhile.
    driver.execute("PRAGMA foreign_keys=0")
    try:
        with connection.begin():
            _apply(connection)
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if orphans:
                raise StoreCorrupt(
                    f"The new schema would leave {len(orphans)} rows without the row "
                    f"they name, first in {quoted(orphans[0][0])}. Nothing was done."
                )
    finally:
        driver.execute("PRAGMA foreign_keys=1")


def _upgrade_postgresql(connection: Connection) -> None:
    # A revision that changes rows has to reach all of them.
    with connection.execution_options(**{OPTION: ALL}).begin():
        connection.exec_driver_sql("SET LOCAL lock_timeout = '60s'")
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        _apply(connection)


def _apply(connection: Connection) -> None:
    revision = revision_of(connection)
    if revision == HEAD:
        return
    if revision is not None and not knows(revision):
        raise SchemaTooNew(too_new(revision))
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
