"""The store in a PostgreSQL database, checked for settings that lose nothing."""

from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import URL, Connection, Engine, create_engine, event

from app.errors import quoted
from app.storage import grants
from app.storage.errors import (
    StoreCollided,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreStopped,
    StoreUnavailable,
)
from app.storage.reach import NOTHING, OPTION, Reach

STATEMENT_S: Final = 10
IDLE_S: Final = 15
POOL_WAIT_S: Final = 3.0
CONNECTIONS: Final = 20
"""Connections of one process at most: PostgreSQL has 100 by default for all."""

_SESSION: Final = (
    f"SET statement_timeout = '{STATEMENT_S}s'; "
    f"SET idle_in_transaction_session_timeout = '{IDLE_S}s'; "
    "SET timezone = 'UTC'"
)

_READS: Final = "allybin_reads"

_MUST_BE: Final = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_apply"),
    "server_encoding": ("UTF8",),
    "transaction_read_only": ("off",),
    "in_hot_standby": ("off",),
}

_SHOWN: Final = (
    "server_version",
    *_MUST_BE,
    "statement_timeout",
    "idle_in_transaction_session_timeout",
)


class PostgresStore:
    """A PostgreSQL database and a bounded pool of connections to it."""

    name: Final = "postgresql"
    reads_beside_writer: Final = False  # nobody waits, but it is elsewhere

    def __init__(self, url: URL) -> None:
        self.errors: tuple[type[BaseException], ...] = (psycopg.Error,)
        self.place = f"{url.host or 'localhost'}/{url.database or ''}"
        self.writer = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=CONNECTIONS,  # one that is made and ended for a call is dear
            max_overflow=0,
            pool_timeout=POOL_WAIT_S,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": 3,
                "application_name": "allybin",
                "keepalives_idle": 5,
                "keepalives_interval": 3,
                "keepalives_count": 3,
                # A peer that fell silent is given up, even with data on its way.
                "tcp_user_timeout": (STATEMENT_S + 5) * 1000,
            },
        )
        event.listen(self.writer, "connect", _set_up)
        event.listen(self.writer, "begin", _begin)
        self.reader = self.writer.execution_options(**{_READS: True})

    @property
    def writers(self) -> tuple[Engine, ...]:
        """All whose connections write."""
        return (self.writer,)

    def aside(self) -> AbstractContextManager[Connection]:
        """Yield a connection that writes, as any."""
        return self.writer.connect()

    def check(self) -> None:
        """Compare what is in force with what is needed to lose nothing.

        Raises
        ------
        StoreRefused
            Naming the setting, its value, and the value it has to have.
        """
        found = self._settings()
        for name, allowed in _MUST_BE.items():
            if found[name] not in allowed:
                raise StoreRefused(
                    f"PostgreSQL at {quoted(self.place)} has {name}={found[name]}; "
                    f"{' or '.join(allowed)} is needed to lose nothing."
                )

    def before_writing(self) -> None:
        """Do nothing: the server knows where its files are."""

    def in_force(self) -> dict[str, str]:
        """Return the settings as the server says them."""
        with self.writer.connect() as connection:
            connection.begin()
            role = grants.in_force(connection)
        return {"database": self.name, "driver": "psycopg", **role, **self._settings()}

    def translated(
        self, error: BaseException, *, committing: bool
    ) -> StoreError | None:
        """Return what an error of the driver means; None where it is no fault."""
        if not isinstance(error, psycopg.Error):
            return None
        state = error.sqlstate or ""
        lost = isinstance(error, psycopg.OperationalError) and not state
        if lost or state[:2] in ("08", "57") or state == "25P03":
            return self._gone(state, committing=committing)
        return _meaning(state, self.place, str(error).partition("\n")[0])

    def close(self) -> None:
        """Close every connection."""
        self.writer.dispose()

    def _gone(self, state: str, *, committing: bool) -> StoreError:
        if state == "57014":
            return StoreUnavailable(
                f"PostgreSQL at {quoted(self.place)} took longer than {STATEMENT_S} "
                "seconds."
            )
        return StoreUnavailable(
            f"PostgreSQL at {quoted(self.place)} does not answer or is starting again.",
            committed=None if committing else False,
        )

    def _settings(self) -> dict[str, str]:
        with self.writer.connect() as connection:
            return {
                name: str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())
                for name in _SHOWN
            }


def _set_up(connection: Any, _record: Any) -> None:
    connection.autocommit = True  # transactions are begun by _begin
    connection.execute(_SESSION)
    if connection.execute("SHOW synchronous_commit").fetchone()[0] != "remote_apply":
        connection.execute("SET synchronous_commit = on")


def _begin(connection: Connection) -> None:
    """Begin a transaction and say for whom it is, in one message to the server."""
    options = connection.get_execution_options()
    driver: Any = connection.connection.dbapi_connection
    try:
        driver.execute(
            _beginning(options.get(OPTION, NOTHING), reads=options.get(_READS, False)),
            prepare=False,
        )
    except psycopg.OperationalError:
        connection.invalidate()
        raise


@lru_cache
def _beginning(reach: Reach, *, reads: bool) -> bytes:
    level = "REPEATABLE READ READ ONLY" if reads else "READ COMMITTED"
    customers, account = sql.Literal(reach.said), sql.Literal(reach.account)
    return (
        sql.SQL(f"BEGIN ISOLATION LEVEL {level}; SET LOCAL allybin.customers = ")
        + customers
        + sql.SQL("; SET LOCAL allybin.account = ")
        + account
    ).as_bytes()


def _meaning(state: str, place: str, detail: str) -> StoreError | None:
    """Return what an SQLSTATE means for the one who asked; None for no fault."""
    at = f"PostgreSQL at {quoted(place)}"
    match state:
        case "53100":
            return StoreFull(
                f"No space is left where {at} keeps its files. Make space."
            )
        case "58030" | "58P01":
            return StoreStopped(
                f"The disk of {at} failed ({quoted(detail)}). Nothing more is written "
                "until the service is started again: look at the disk first.",
                committed=None,
            )
        case "XX001" | "XX002":
            return StoreCorrupt(
                f"The data of {at} is damaged ({quoted(detail)}). Restore a backup."
            )
        case "25006" | "42501" | "28000" | "28P01" | "3D000":
            return StoreRefused(f"{at} does not let the service in: {quoted(detail)}.")
        case "23505" | "40001" | "40P01":
            return StoreCollided(
                f"Others changed the same in {at} at this moment; nothing was stored."
            )
        case "55P03" | "25P02" | "53300" | "53200" | "53400":
            return StoreUnavailable(
                f"{at} was too busy with others, and nothing was stored."
            )
    return None
