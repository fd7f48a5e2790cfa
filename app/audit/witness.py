"""Writes checkpoints as the trail grows: every hundred records, and every hour."""

import logging
import threading
from pathlib import Path
from typing import Final

from sqlalchemy import select

from app.audit import checkpoints
from app.audit.found import Checkpoint
from app.errors import AllybinError
from app.storage.database import Database
from app.storage.schema import audit_head

EVERY_RECORDS: Final = 100
EVERY_SECONDS: Final = 3600.0

_log = logging.getLogger("allybin.audit")

_HEAD: Final = select(audit_head.c.seq, audit_head.c.hash)


class Witness:
    """Watches the trail from outside the transactions that add to it.

    ``failed`` says why the last checkpoint could not be written; None when it could.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._size = 0
        self.failed: str | None = None

    def start(self) -> None:
        """Write a checkpoint now, and from now on every hour, in a thread."""
        self._thread = threading.Thread(target=self._hourly, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write a last checkpoint, and write no more."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()
        self.write()

    def noticed(self, seq: int) -> None:
        """Write a checkpoint when a hundred records came since the last one.

        Call it after the commit of a record; a failure is kept, not raised.
        """
        if seq - self._size >= EVERY_RECORDS:
            self.write()

    def write(self) -> Checkpoint | None:
        """Write a checkpoint now; None when another is at it, or it cannot be done."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            with self._database.reading() as connection:
                head = connection.execute(_HEAD).one()
            self._size = head.seq
            made = checkpoints.write(self._folder, size=head.seq, digest=head.hash)
            self.failed = None
        except AllybinError as error:
            self.failed = str(error)
            _log.warning("checkpoint_not_written", extra={"reason": self.failed})
            return None
        finally:
            self._lock.release()
        return made

    def _hourly(self) -> None:
        self.write()
        while not self._done.wait(EVERY_SECONDS):
            self.write()
