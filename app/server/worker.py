"""Who solves what waits: the durable queue, with what one of its jobs is."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import make_url

from app.jobs.desk import Desk, DeskClosed
from app.jobs.queue import Queue, QueueFull, Work
from app.settings import Settings
from app.storage import proposals
from app.storage.reach import ALL
from app.use_cases.run import SecondResult, give_up, run
from app.use_cases.service import Service

_log = logging.getLogger("allybin.jobs")


class Crew:
    """Solves proposals in the order they were asked for, as many at once as set."""

    def __init__(self, service: Service, desk: Desk, settings: Settings) -> None:
        self._service = service.within(ALL)
        self._desk = desk
        work = Work(run=self._run, give_up=self._give_up, unfinished=self._unfinished)
        self._queue = Queue(
            queue_url(settings.url),
            work,
            workers=settings.solver_workers,
            waiting=settings.queue_length,
        )

    def start(self) -> None:
        """Begin to work, and take up again what was left."""
        self._queue.start()

    def stop(self) -> None:
        """Stop, and leave what is unfinished for the next start, or another server."""
        self._queue.stop()

    def enqueue(self, proposal_id: str) -> None:
        """Have a proposal solved; twice is as good as once."""
        # What finds no room now is stored as queued, and taken up as soon as there is.
        with suppress(QueueFull):
            self._queue.enqueue(proposal_id)

    def _unfinished(self) -> Sequence[str]:
        with self._service.reading() as connection:
            return proposals.unfinished(connection)

    def _run(self, proposal_id: str, attempt: int) -> None:
        stopping = self._queue
        with suppress(DeskClosed):
            try:
                run(
                    self._service,
                    self._desk,
                    proposal_id,
                    attempt,
                    abandoned=lambda: stopping.stopping,
                )
            except SecondResult:
                _log.info("second_result", extra={"proposal_id": proposal_id})

    def _give_up(self, proposal_id: str, reason: str) -> None:
        give_up(self._service, proposal_id, reason)


def queue_url(url: str) -> str:
    """Return where jobs are kept: beside an SQLite file, or in the PostgreSQL."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or address.database is None:
        return url
    file = Path(address.database)
    beside = file.with_name(f"{file.stem}-jobs{file.suffix or '.db'}")
    return address.set(database=str(beside)).render_as_string(hide_password=False)
