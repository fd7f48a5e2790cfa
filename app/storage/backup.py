"""Copying a store while it is used, and putting a copy back.

A backup appears under its name only when it is complete and on the disk. Putting an
old one back is allowed, and found: the checkpoints of the trail, which are kept
elsewhere, say that there was more.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, make_url

from app.errors import OutputExists, OutputFailed, quoted
from app.storage.errors import StoreError
from app.storage.reach import EVERYTHING
from app.storage.sqlite import SqliteStore

PAGES_AT_ONCE: Final = 1024
"""Pages copied before others have their turn."""

PROGRAM_S: Final = 3600


def back_up(url: str, target: Path) -> None:
    """Copy a store to a file that must not exist, as it is at one moment.

    Raises
    ------
    OutputExists
        When the target is there.
    OutputFailed
        When it could not be written whole; nothing is left.
    StoreError
        When the store cannot be read.
    """
    address = make_url(url)
    with _whole_file(target) as draft:
        if address.get_backend_name() == "sqlite":
            _copy_sqlite(address, draft)
        else:
            _run(
                "pg_dump", address, "--format=custom", f"--file={draft}",
                "--no-owner", "--no-privileges", "--enable-row-security",
            )  # fmt: skip


def restore(backup: Path, url: str) -> None:
    """Put a backup where there is no store yet: a new file, or an empty database.

    Raises
    ------
    OutputExists
        When there is a store already.
    OutputFailed
        When the backup is damaged, or could not be put back whole.
    """
    if not backup.is_file():
        raise OutputFailed(f"{quoted(backup)} is no backup: there is no such file.")
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        _restore_sqlite(backup, Path(str(address.database)))
        return
    if _run("psql", address, "--tuples-only", f"--command={_ANYTHING}").strip():
        raise OutputExists(
            "The database holds tables already: name an empty one to restore into."
        )
    _run(
        "pg_restore", address, "--single-transaction", "--exit-on-error",
        "--no-owner", "--no-privileges", str(backup),
    )  # fmt: skip


_ANYTHING: Final = (
    "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LIMIT 1"
)


def _copy_sqlite(address: URL, draft: Path) -> None:
    """Copy by SQLite's own means: one moment, while others write."""
    store = SqliteStore(address)
    store.check()
    try:
        with store.reader.connect() as connection:
            source: Any = connection.connection.dbapi_connection
            copy = store.driver.connect(str(draft), isolation_level=None)
            try:
                # A read transaction holds the moment; writers go on beside it.
                source.execute("BEGIN")
                source.execute("SELECT count(*) FROM sqlite_master").fetchone()
                source.backup(copy, pages=PAGES_AT_ONCE)
                source.execute("ROLLBACK")
                # One file, that needs no other beside it to be read.
                copy.execute("PRAGMA journal_mode=DELETE")
                _refuse_damaged(copy, draft)
            finally:
                copy.close()
    except store.errors as error:
        found = store.translated(error, committing=False)
        raise found or OutputFailed(f"No backup could be made: {error}.") from error
    finally:
        store.close()


def _restore_sqlite(backup: Path, path: Path) -> None:
    for beside in ("", "-wal", "-shm", "-journal"):
        if os.path.lexists(f"{path}{beside}"):
            raise OutputExists(
                f"{quoted(f'{path}{beside}')} is there already. Stop the service, move "
                "it away, and restore then: a journal that is left would be mixed in."
            )
    store_driver = SqliteStore(URL.create("sqlite", database=str(path))).driver
    with _whole_file(path) as draft:
        shutil.copyfile(backup, draft)
        copy = store_driver.connect(str(draft), isolation_level=None)
        try:
            _refuse_damaged(copy, backup)
        except store_driver.Error as error:
            raise OutputFailed(f"{quoted(backup)} is damaged: {error}.") from error
        finally:
            copy.close()


def _refuse_damaged(connection: Any, path: Path) -> None:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise OutputFailed(f"{quoted(path)} is damaged: {found}.")
    tables = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE name = 'audit_head'"
    )
    if tables.fetchone()[0] != 1:
        raise OutputFailed(f"{quoted(path)} holds no store of this program.")


@contextmanager
def _whole_file(target: Path) -> Iterator[Path]:
    """Yield a hidden file beside a target, which takes its name when all went well."""
    if os.path.lexists(target):
        raise OutputExists(f"{quoted(target)} exists: name another file.")
    draft = target.parent / f".{target.name}.{secrets.token_hex(6)}.part"
    try:
        try:
            draft.touch(mode=0o600, exist_ok=False)
            yield draft
            _force(draft)
            os.link(draft, target)  # unlike a rename, never over a file
            draft.unlink()
            _force(target.parent)
        except FileExistsError as error:
            raise OutputExists(f"{quoted(target)} exists by now.") from error
        except OSError as error:
            raise OutputFailed(
                f"{quoted(target)} could not be written: {error.strerror}."
            ) from error
    finally:
        for left in draft.parent.glob(f"{draft.name}*"):
            with suppress(OSError):
                left.unlink()


def _force(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _run(program: str, address: URL, *options: str) -> str:
    """Run one of PostgreSQL's programs; the password goes by the environment."""
    found = shutil.which(program)
    if found is None:
        raise OutputFailed(
            f"{program} is needed, and not on the PATH: install PostgreSQL's client "
            "programs, of the server's version or a later one."
        )
    public = address.set(drivername="postgresql", password=None)
    environment = dict(os.environ)
    # Its owner, too, is held to the policies on the tables: a backup is of everything.
    environment["PGOPTIONS"] = f"-c allybin.customers={EVERYTHING}"
    if address.password is not None:
        environment["PGPASSWORD"] = str(address.password)
    name = public.render_as_string(hide_password=False)
    try:
        done = subprocess.run(
            [found, f"--dbname={name}", *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=PROGRAM_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OutputFailed(f"{program} did not end well: {error}.") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise StoreError(f"{program} said: {quoted(said[0])}.")
    return done.stdout
