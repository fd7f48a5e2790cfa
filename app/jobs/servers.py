"""Which servers live, and how often each job was begun: what the queue keeps itself."""

import os
import socket
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Float,
    MetaData,
    Row,
    Table,
    Text,
    create_engine,
    delete,
    event,
    func,
    insert,
    literal_column,
    make_url,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError

from app.storage.sqlite import SAFE_WAL, sqlite_driver

SCHEMA: Final = "dbos"
"""Where the queue has its tables, on PostgreSQL."""

_LOCK: Final = 7_215_033_911
"""A number of our own: whoever holds this lock makes the tables."""

_BUSY_MS: Final = 30_000

LEAST_SQLITE: Final = (3, 42, 0)


class CannotQueue(Exception):
    """Jobs cannot be kept where they are to be kept; the sentence says why."""


def open_engine(url: str) -> Engine:
    """Open the database that jobs are kept in.

    Raises ``CannotQueue`` where SQLite is too old: DBOS asks it for milliseconds.
    """
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        return create_engine(
            address.set(drivername="postgresql+psycopg"),
            pool_size=2,
            pool_pre_ping=True,
        )
    driver = sqlite_driver()
    if driver.sqlite_version_info < LEAST_SQLITE:
        least = ".".join(map(str, LEAST_SQLITE))
        raise CannotQueue(
            f"This SQLite is {driver.sqlite_version}; jobs need {least} or later: "
            "install pysqlite3, which brings its own."
        )
    safe = driver.sqlite_version_info >= SAFE_WAL
    engine = create_engine(address, module=driver)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for name, value in (
            ("busy_timeout", _BUSY_MS),
            ("foreign_keys", "ON"),
            ("journal_mode", "WAL" if safe else "TRUNCATE"),
            ("synchronous", "FULL" if safe else "EXTRA"),
        ):
            connection.execute(f"PRAGMA {name}={value}")

    return engine


class Servers:
    """The servers of one service, as one of them sees the others.

    On PostgreSQL a server that has said nothing for a while, by the clock of the
    database, is taken for dead. An SQLite file has its servers on one machine, where
    it can be seen whether their processes live.
    """

    def __init__(self, url: str, server_id: str, lease_s: float) -> None:
        self.engine = open_engine(url)
        self._here = self.engine.dialect.name == "sqlite"
        self._id = server_id
        self._lease = lease_s
        metadata = MetaData(schema=None if self._here else SCHEMA)
        self._servers = Table(
            "allybin_servers",
            metadata,
            Column("server_id", Text, primary_key=True),
            Column("host", Text, nullable=False),
            Column("process", BigInteger, nullable=False),
            Column("born", Text, nullable=False),  # tells apart processes of one number
            Column("beat", Float, nullable=False),  # seconds, by the database's clock
        )
        self._attempts = Table(
            "allybin_attempts",
            metadata,
            Column("job_id", Text, primary_key=True),
            Column("number", BigInteger, primary_key=True, autoincrement=False),
            Column("server_id", Text, nullable=False),
        )
        self._metadata = metadata

    def enter(self) -> None:
        """Make the tables where they are not yet, and say that this server lives."""
        self.make()
        self.beat()

    def make(self) -> None:
        """Make the tables where they are not yet."""
        with self.engine.begin() as connection:
            if not self._here:
                connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            self._metadata.create_all(connection)

    def leave(self) -> None:
        """Say that this server is gone; its jobs may be taken at once."""
        with self.engine.begin() as connection:
            gone = update(self._servers).where(self._servers.c.server_id == self._id)
            connection.execute(gone.values(beat=0.0, process=0))
        self.engine.dispose()

    def beat(self) -> None:
        """Say that this server lives."""
        own = self._servers.c.server_id == self._id
        with self.engine.begin() as connection:
            renewed = connection.execute(
                update(self._servers).where(own).values(beat=self._now)
            )
            if not renewed.rowcount:
                self._note(connection, self._id, os.getpid())

    def lost(self, at_work: set[str]) -> set[str]:
        """Return the servers that are gone; each is told to one server alone.

        Parameters
        ----------
        at_work
            Servers that have jobs. One that nobody knows is known from now on, and is
            gone in its turn.
        """
        found: set[str] = set()
        with self.engine.begin() as connection:
            rows = connection.execute(select(self._servers)).all()
            known = {row.server_id for row in rows}
            for server_id in sorted(at_work - known):
                self._note(connection, server_id, 0)
        for row in rows:
            if row.server_id != self._id and self._is_gone(row):
                found |= self._claimed(row)
        return found

    def _claimed(self, row: Row[Any]) -> set[str]:
        """Return the server when it is this one that finds it gone."""
        same = (
            self._servers.c.server_id == row.server_id,
            self._servers.c.beat == row.beat,
        )
        gone = delete(self._servers).where(*same)
        if not self._here:
            gone = gone.where(self._servers.c.beat < self._now - self._lease)
        with self.engine.begin() as connection:
            taken = connection.execute(gone).rowcount
        return {row.server_id} if taken else set()

    def _is_gone(self, row: Row[Any]) -> bool:
        """Tell whether a server may be gone; PostgreSQL itself has the last word."""
        if not self._here:
            return True
        here = row.host == socket.gethostname()
        return bool(not here or born(row.process) != row.born)

    def _note(self, connection: Connection, server_id: str, process: int) -> None:
        values = {
            "server_id": server_id,
            "host": socket.gethostname(),
            "process": process,
            "born": born(process) or "never",
            "beat": self._now,
        }
        if self._here:
            of_sqlite = sqlite_insert(self._servers).values(values)
            connection.execute(of_sqlite.on_conflict_do_nothing())
        else:
            of_postgres = postgres_insert(self._servers).values(values)
            connection.execute(of_postgres.on_conflict_do_nothing())

    @property
    def _now(self) -> ColumnElement[float]:
        if self._here:
            return literal_column("(julianday('now') - 2440587.5) * 86400.0", Float)
        return literal_column("extract(epoch from clock_timestamp())::float8", Float)

    def begin(self, job_id: str) -> int:
        """Note that a job is begun here; return which attempt this is, from 1."""
        while True:
            of_job = self._attempts.c.job_id == job_id
            last = select(func.coalesce(func.max(self._attempts.c.number), 0))
            try:
                with self.engine.begin() as connection:
                    number = connection.execute(last.where(of_job)).scalar_one() + 1
                    connection.execute(
                        insert(self._attempts).values(
                            job_id=job_id, number=number, server_id=self._id
                        )
                    )
            except IntegrityError:
                continue  # another server has just begun it too
            return int(number)

    def forget(self, job_id: str, number: int) -> None:
        """Do not count an attempt: it was left off, and failed in nothing."""
        with self.engine.begin() as connection:
            connection.execute(
                delete(self._attempts).where(
                    self._attempts.c.job_id == job_id,
                    self._attempts.c.number == number,
                )
            )

    def is_last(self, job_id: str, number: int) -> bool:
        """Tell whether an attempt is the last that was begun."""
        later = select(func.count()).where(
            self._attempts.c.job_id == job_id, self._attempts.c.number > number
        )
        with self.engine.begin() as connection:
            return connection.execute(later).scalar_one() == 0


def born(process: int) -> str | None:
    """Return what tells a living process from others of its number; None if dead."""
    if process <= 0:
        return None
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
        return _without_proc(process)
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else rest[18]


def _without_proc(process: int) -> str | None:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return "unknown"
    return "unknown"
