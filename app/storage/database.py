"""The one way to the store: transactions that read, and transactions that write.

A transaction that writes on SQLite takes its turn in this process first, then the
write lock of the file: waiting for a turn costs nothing, waiting for the file is done
by sleeping and trying again.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Protocol

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.errors import quoted
from app.storage import added, grants, migrations
from app.storage.errors import (
    SchemaTooNew,
    StoreError,
    StoreRefused,
    StoreStopped,
    StoreUnavailable,
)
from app.storage.postgres import PostgresStore
from app.storage.reach import NOTHING, OPTION, Reach
from app.storage.sqlite import SqliteStore
from app.storage.turns import Turns

TURN_S: Final = 10.0
"""How long a transaction waits for its turn to write."""

SCHEMA_LOOK_S: Final = 1.0
"""How old a look at the schema's revision may be when something is written."""


class Store(Protocol):
    """What the two kinds of database have in common."""

    @property
    def name(self) -> str:
        """``sqlite`` or ``postgresql``."""

    @property
    def writer(self) -> Engine:
        """Connections that write."""

    @property
    def writers(self) -> Sequence[Engine]:
        """All whose connections write."""

    @property
    def reader(self) -> Engine:
        """Connections that read one moment."""

    def aside(self) -> AbstractContextManager[Connection]:
        """Yield a connection that writes, for a large change."""

    @property
    def reads_beside_writer(self) -> bool:
        """Whether the store is in this machine, and no reader waits for a writer."""

    @property
    def errors(self) -> tuple[type[BaseException], ...]:
        """What the driver raises."""

    def check(self) -> None:
        """Refuse a set-up that may lose something."""

    def before_writing(self) -> None:
        """Refuse to write where it would be lost."""

    def in_force(self) -> dict[str, str]:
        """Return settings as the database says them."""

    def translated(
        self, error: BaseException, *, committing: bool
    ) -> StoreError | None:
        """Return what an error of the driver means; None where it is no fault."""

    def close(self) -> None:
        """Close every connection."""


class Database:
    """The store of one process; :meth:`open` it once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        for engine in store.writers:
            added.watch(engine)
        self._errors: tuple[type[BaseException], ...] = (DBAPIError, *store.errors)
        self._process = os.getpid()
        self._turns = Turns() if store.name == "sqlite" else None
        self._writes = threading.local()
        self._stopped: StoreStopped | None = None
        self._schema_seen = float("-inf")

    @classmethod
    def open(cls, url: str) -> "Database":
        """Open a store, and look whether it may be used.

        Parameters
        ----------
        url
            ``sqlite:///relative/path``, ``sqlite:////absolute/path`` or
            ``postgresql://user:password@host/name``.

        Raises
        ------
        StoreRefused
            Where it is set up in a way that may lose what was stored.
        StoreCorrupt, StoreUnavailable
            Where it is damaged, or does not answer.
        """
        store = _store_of(url)
        database = cls(store)
        try:
            with database._translating():
                store.check()
        except BaseException:
            store.close()
            raise
        return database

    @property
    def kind(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._store.name

    @property
    def at_once(self) -> bool:
        """Whether a small transaction needs to wait for nobody: here, and now."""
        return self._turns is not None and self._turns.free

    @property
    def read_at_once(self) -> bool:
        """Whether a small look needs to wait for nobody."""
        return self._store.reads_beside_writer or self.at_once

    @property
    def stopped(self) -> str | None:
        """Why nothing is written any more; None while writing goes on."""
        return str(self._stopped) if self._stopped else None

    def migrate(self) -> None:
        """Bring the schema to this program's revision, whole or not at all.

        Raises
        ------
        SchemaTooNew
            Where a newer program was here before.
        """
        with self._turn(), self._translating():
            migrations.upgrade(self._store.writer)
        self._schema_seen = float("-inf")

    @contextmanager
    def reading(self, reach: Reach = NOTHING) -> Iterator[Connection]:
        """Yield a connection that sees one moment of the store, and changes nothing."""
        self._refuse_other_process()
        with self._translating(), self._store.reader.connect() as connection:
            connection.execution_options(**{OPTION: reach})
            if self._turns is None:
                connection.begin()  # also for what goes past SQLAlchemy
            yield connection

    @contextmanager
    def aside(self) -> Iterator[Connection | None]:
        """Yield a connection to make rows ready on, without a turn to write.

        Tables of its own are in memory, and gone at its end. :meth:`writing` goes on
        with it. None where nobody waits while another writes: then it is of no use.
        """
        self._refuse_other_process()
        if self._turns is None:
            yield None
            return
        with self._translating(), self._store.aside() as connection:
            yield connection

    @contextmanager
    def writing(
        self, reach: Reach = NOTHING, *, on: Connection | None = None
    ) -> Iterator[Connection]:
        """Yield a connection whose changes are all stored at its end, or none is.

        Parameters
        ----------
        on
            The connection to use, from :meth:`aside`.

        Raises
        ------
        StoreError
            Where they could not be stored; ``committed`` says how sure that is.
        """
        self._refuse_other_process()
        state = _State()
        with self._turn(), self._translating(state):
            self._refuse_stopped()
            self._store.before_writing()
            held = self._store.writer.connect() if on is None else nullcontext(on)
            with (
                held as connection,
                connection.execution_options(**{OPTION: reach}).begin() as whole,
            ):
                self._refuse_newer_schema(connection)
                yield connection
                added.refuse_unrecorded(connection)
                state.committing = True
                whole.commit()

    def grant(self, role: str) -> None:
        """Let another role of PostgreSQL do what the service does, and no more.

        Raises
        ------
        StoreRefused
            On SQLite, and where the role is none to be used.
        """
        if self.kind == "sqlite":
            raise StoreRefused(
                "SQLite has no roles: who may read the file may change it."
            )
        with self._translating(), self._store.writer.begin() as connection:
            grants.grant(connection, role)

    def in_force(self) -> dict[str, str]:
        """Return the settings in force, read back from the database itself."""
        with self._translating():
            found = self._store.in_force()
            with self._store.reader.connect() as connection:
                revision = migrations.revision_of(connection)
        return {
            **found,
            "schema": revision or "none",
            "schema_of_program": migrations.HEAD,
            "writes": self.stopped or "on",
        }

    def close(self) -> None:
        """Close every connection."""
        self._store.close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for a turn to write; only on SQLite, which has one writer."""
        if self._turns is None:
            yield
            return
        if getattr(self._writes, "under_way", False):
            raise RuntimeError("This thread is writing already.")
        if not self._turns.take(seconds=TURN_S):
            raise StoreUnavailable(
                f"Too many wait to write: it was not this one's turn in {TURN_S:.0f} s."
            )
        self._writes.under_way = True
        try:
            yield
        finally:
            self._writes.under_way = False
            self._turns.give()

    @contextmanager
    def _translating(self, state: "_State | None" = None) -> Iterator[None]:
        """Say in a sentence what went wrong with the store."""
        try:
            yield
        except PoolTimeout as error:
            raise StoreUnavailable(
                "Every connection to the store is in use."
            ) from error
        except StoreStopped as error:
            self._stopped = self._stopped or error
            raise
        except self._errors as error:
            found = self._store.translated(
                _original(error), committing=state is not None and state.committing
            )
            if found is None:
                raise
            if isinstance(found, StoreStopped):
                self._stopped = self._stopped or found
            raise found from error

    def _refuse_stopped(self) -> None:
        if self._stopped is not None:
            raise StoreStopped(str(self._stopped))

    def _refuse_other_process(self) -> None:
        if os.getpid() != self._process:
            raise StoreRefused(
                "This store was opened by another process: a connection that two share "
                "corrupts it. Open it anew after the fork."
            )

    def _refuse_newer_schema(self, connection: Connection) -> None:
        """Stop writing when a newer program has migrated the store meanwhile."""
        moment = time.monotonic()
        if moment - self._schema_seen < SCHEMA_LOOK_S:
            return
        revision = migrations.revision_of(connection)
        if revision is not None and not migrations.knows(revision):
            raise SchemaTooNew(migrations.too_new(revision))
        self._schema_seen = moment


class _State:
    """How far a transaction has come."""

    __slots__ = ("committing",)

    def __init__(self) -> None:
        self.committing = False


def _original(error: BaseException) -> BaseException:
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig
    return error


def _store_of(url: str) -> Store:
    try:
        address = make_url(url)
    except ArgumentError:
        raise StoreRefused(_ADDRESSES) from None  # it may hold a password
    kind = address.get_backend_name()
    if kind == "sqlite":
        return SqliteStore(address)
    if kind in ("postgresql", "postgres"):
        return PostgresStore(address)
    raise StoreRefused(f"{quoted(kind)} is no kind of store. {_ADDRESSES}")


_ADDRESSES: Final = "The address of the store is sqlite:///path or postgresql://user:password@host/name."
