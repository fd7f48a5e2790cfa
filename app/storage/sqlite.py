"""The store in an SQLite file, set up so that what is acknowledged is on the disk.

Versions before 3.51.3 can corrupt a database in WAL mode when two connections write
and checkpoint at once; they get a rollback journal instead, which is slower and safe.
"""

import importlib
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

from app.errors import quoted
from app.storage.errors import (
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreStopped,
    StoreUnavailable,
)

SAFE_WAL: Final = (3, 51, 3)
"""The first version of SQLite without the WAL-reset race."""

BUSY_MS: Final = 10_000
READERS: Final = 40
"""Connections that read at once; as many as the server has threads."""
WRITER_KIB: Final = 131_072
"""Memory for pages that a writer has in hand; used by large batches alone."""
POOL_WAIT_S: Final = 3.0
CHECK_S: Final = 3.0
"""How long the check of the whole file may take at start."""

_LITTLE_ROOM: Final = 65_536

_LOG_PAGES: Final = 1000
"""Pages of the log from which on a commit puts them into the file, as SQLite has it."""

_ONE: Final = {
    "poolclass": QueuePool,
    "pool_size": 1,
    "max_overflow": 0,
    "pool_timeout": POOL_WAIT_S,
}
_MANY: Final = {**_ONE, "pool_size": 8, "max_overflow": READERS - 8}

_REMOTE: Final = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "fuse.s3", "afs", "ceph")


def sqlite_driver() -> ModuleType:
    """Return the newest SQLite there is: the one of pysqlite3, else Python's own."""
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3


class SqliteStore:
    """An SQLite file and the connections to it: many that read, one that writes."""

    name: Final = "sqlite"

    def __init__(self, url: URL, *, driver: ModuleType | None = None) -> None:
        self.driver = driver or sqlite_driver()
        self.version: tuple[int, ...] = self.driver.sqlite_version_info
        self.path = _file_of(url)
        self.file_system = _file_system(self.path.parent)
        self.errors: tuple[type[BaseException], ...] = (self.driver.Error,)
        try:
            _refuse_place(self.path, self.file_system)
        except PermissionError as error:
            raise StoreRefused(
                f"{quoted(error.filename)} cannot be looked at by this user "
                f"({os.geteuid()}): a folder above it may not be entered. Change its "
                "owner or its mode."
            ) from error
        self._checked = "not yet"
        self.writer = self._engine(_ONE)
        self.reader = self._engine(_MANY, reads_only=True)
        self.writers = (self.writer, self._engine({"poolclass": NullPool}))
        self._large = 0  # large changes under way
        self._file: tuple[int, int] | None = None

    @property
    def wanted(self) -> dict[str, str]:
        """The settings that must be in force on every connection that writes."""
        wal = self.reads_beside_writer
        return {
            "journal_mode": "wal" if wal else "truncate",
            "synchronous": "2" if wal else "3",  # FULL, EXTRA
            "busy_timeout": str(BUSY_MS),
            "foreign_keys": "1",
            "recursive_triggers": "1",  # or a REPLACE would pass by the guards
            "trusted_schema": "0",
            "cell_size_check": "1",
            "mmap_size": "0",
        }

    @property
    def reads_beside_writer(self) -> bool:
        """Whether readers wait for no writer: in WAL mode."""
        return self.version >= SAFE_WAL

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """Yield a connection that writes, for a large change; its tables are in memory.

        What such a change left in the log is put into the file afterwards: by this
        connection, so that no other transaction has to do it in its turn.
        """
        self._large += 1
        try:
            with self.writers[-1].connect() as connection:
                driver: Any = connection.connection.dbapi_connection
                driver.execute("PRAGMA temp_store=2")
                yield connection
                connection.rollback()
                with suppress(self.driver.Error):  # the next one will do
                    driver.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            self._large -= 1

    def check(self) -> None:
        """Connect, compare what is in force with what is wanted, look for damage.

        Raises
        ------
        StoreRefused
            Where a setting did not take, or the file cannot be written.
        StoreCorrupt
            Where the file is damaged.
        """
        found = self._pragmas(self.writer)
        for name, value in self.wanted.items():
            if found[name] != value:
                raise StoreRefused(
                    f"SQLite has {name}={found[name]} where {value} is needed to lose "
                    f"nothing: is {quoted(self.path)} on a local disk, and writable?"
                )
        status = self.path.stat()
        self._file = (status.st_dev, status.st_ino)
        self._quick_check()

    def before_writing(self) -> None:
        """Refuse to write to a file that is no longer where it was opened.

        SQLite would go on in the file without a name, and all of it would be lost.
        """
        try:
            status = self.path.stat()
        except OSError as error:
            raise StoreStopped(
                f"The database {quoted(self.path)} is gone: {error.strerror}. "
                "Stop the service, restore the file, and start it again."
            ) from error
        if self._file != (status.st_dev, status.st_ino):
            raise StoreStopped(
                f"Another file was put in the place of {quoted(self.path)}. "
                "Start the service again to use it."
            )

    def in_force(self) -> dict[str, str]:
        """Return the settings as the database says them."""
        return {
            "database": self.name,
            "version": self.driver.sqlite_version,
            "driver": self.driver.__name__.partition(".")[0],
            **self._pragmas(self.reader),  # set up alike, and never waited for
            "file_system": self.file_system,
            "quick_check": self._checked,
        }

    def translated(
        self, error: BaseException, *, committing: bool
    ) -> StoreError | None:
        """Return what an error of the driver means; None where it is no fault."""
        code = getattr(error, "sqlite_errorcode", None)
        if code is None and str(error).startswith("Could not decode to UTF-8"):
            return _damaged(self.path, "text that is no text")
        if code is None:
            return None
        committed = None if committing else False
        if code & 0xFF == sqlite3.SQLITE_IOERR and not committing and self._no_room():
            # What fails before a commit for want of room is an index that is only
            # shared, not stored; a failed sync fails the commit, and ends all writing.
            code = sqlite3.SQLITE_FULL
        return _meaning(code, str(error), self.path, committed)

    def close(self) -> None:
        """Close every connection."""
        self.reader.dispose()
        for engine in self.writers:
            engine.dispose()

    def _no_room(self) -> bool:
        try:
            found = os.statvfs(self.path.parent)
        except OSError:
            return False
        return found.f_bavail * found.f_frsize < _LITTLE_ROOM

    def _engine(self, pool: Mapping[str, Any], *, reads_only: bool = False) -> Engine:
        engine = create_engine(
            URL.create("sqlite+pysqlite", database=str(self.path)),
            module=self.driver,
            **pool,
            connect_args={
                "timeout": BUSY_MS / 1000,
                "check_same_thread": False,
                "cached_statements": 512,
                # Transactions begin where we say so, not where the driver guesses.
                "isolation_level": None,
            },
        )
        begin = "BEGIN" if reads_only else "BEGIN IMMEDIATE"

        @event.listens_for(engine, "connect")
        def _set_up(connection: Any, _record: Any) -> None:
            try:
                for name, value in self.wanted.items():
                    connection.execute(f"PRAGMA {name}={value}")
                connection.execute("PRAGMA journal_size_limit=67108864")
                if reads_only:
                    connection.execute("PRAGMA query_only=1")
                else:
                    connection.execute(f"PRAGMA cache_size={-WRITER_KIB}")
            except UnicodeDecodeError as error:
                connection.close()
                raise _damaged(self.path, "text that is no text") from error
            except self.errors as error:
                connection.close()
                raise self.translated(error, committing=False) or error from error

        @event.listens_for(engine, "begin")
        def _begin(connection: Any) -> None:
            # Past the layers of SQLAlchemy: it is said once for every transaction.
            driver = connection.connection.dbapi_connection
            pages = 0 if self._large else _LOG_PAGES
            if not reads_only and connection.info.get("log_pages", _LOG_PAGES) != pages:
                driver.execute(f"PRAGMA wal_autocheckpoint={pages}")
                connection.info["log_pages"] = pages
            driver.execute(begin)

        return engine

    def _pragmas(self, engine: Engine) -> dict[str, str]:
        with engine.connect() as connection:
            dbapi = connection.connection.dbapi_connection
            return {
                name: str(dbapi.execute(f"PRAGMA {name}").fetchone()[0])  # type: ignore[union-attr]
                for name in self.wanted
            }

    def _quick_check(self) -> None:
        """Look at every page, for as long as a start may take."""
        until = time.monotonic() + CHECK_S
        with self.reader.connect() as connection:
            dbapi: Any = connection.connection.dbapi_connection
            dbapi.set_progress_handler(lambda: time.monotonic() > until, 100_000)
            try:
                found = dbapi.execute("PRAGMA quick_check(1)").fetchone()[0]
            except UnicodeDecodeError as error:  # its words quote what is damaged
                raise _damaged(self.path, "text that is no text") from error
            except self.errors as error:
                if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
                    raise self.translated(error, committing=False) or error from error
                self._checked = f"not finished in {CHECK_S:.0f} s"
                return
            finally:
                dbapi.set_progress_handler(None, 0)
        if found != "ok":
            raise _damaged(self.path, str(found))
        self._checked = "ok"


def _file_of(url: URL) -> Path:
    name = url.database
    if not name or name == ":memory:" or url.query:
        raise StoreRefused(
            "An SQLite store is a file on disk: give its address as "
            "sqlite:///relative/path or sqlite:////absolute/path, and nothing after it."
        )
    return Path(os.path.abspath(name))


def _refuse_place(path: Path, file_system: str) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise StoreRefused(
            f"The folder {quoted(folder)} of the database does not exist: make it, "
            "or name another."
        )
    if path.is_dir():
        raise StoreRefused(f"{quoted(path)} is a folder; a database is a file.")
    if file_system.startswith(_REMOTE):
        raise StoreRefused(
            f"{quoted(folder)} is on a file system of another machine "
            f"({file_system}), where SQLite loses data: use a local one, or PostgreSQL."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreRefused(
            f"The folder {quoted(folder)} cannot be written by this user "
            f"({os.geteuid()}): SQLite keeps its journal there. Change its owner."
        )
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise StoreRefused(
            f"The database {quoted(path)} belongs to user {path.stat().st_uid} and "
            f"cannot be written by this user ({os.geteuid()}). Change its owner."
        )


def _file_system(folder: Path) -> str:
    """Return the kind of file system a folder is on, or ``unknown``."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    kinds: dict[str, str] = {}
    for line in lines:
        _, place, kind, *_ = line.split(" ")
        kinds[place.replace("\\040", " ")] = kind
    real = Path(os.path.realpath(folder))
    over = (str(place) for place in (real, *real.parents))
    return next((kinds[place] for place in over if place in kinds), "unknown")


def _damaged(path: Path, detail: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"The database {quoted(path)} is damaged ({quoted(detail)}). Stop the service "
        "and restore the last backup: allybin restore."
    )


def _meaning(
    code: int, detail: str, path: Path, committed: bool | None
) -> StoreError | None:
    """Return what a result code of SQLite means for the one who asked."""
    file = quoted(path)
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return StoreFull(
                f"No space is left where {file} is. Make space; the service goes on by "
                "itself.",
                committed=False,
            )
        case sqlite3.SQLITE_IOERR:
            return StoreStopped(
                f"The disk failed while {file} was used ({quoted(detail)}). Nothing "
                "more is written until the service is started again: look at the disk "
                "first.",
                committed=committed,
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return _damaged(path, detail)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreRefused(
                f"{file} cannot be written ({quoted(detail)}): is the file or its disk "
                "read-only, or does it belong to another user?"
            )
        case sqlite3.SQLITE_CANTOPEN:
            return StoreUnavailable(
                f"{file} cannot be opened: is it gone, or does it or its folder belong "
                "to another user?",
                committed=committed,
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return StoreUnavailable(
                f"{file} was kept busy by others for {BUSY_MS // 1000} seconds."
            )
        case sqlite3.SQLITE_NOMEM:
            return StoreUnavailable("There is no memory left.", committed=committed)
    return None
