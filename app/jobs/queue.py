"""Durable jobs: whatever is queued is done, though servers come and go.

Behind this module is DBOS: it keeps the queue in a database, gives each job to one
worker at a time and knows what a worker had when it was lost. What it leaves to a paid
service is done here: finding out which servers are gone, and giving their jobs to
others. A job may be begun more than once and must be written so that its result counts
once.
"""

import contextvars
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowStatus

from app.jobs.servers import Servers

NAME: Final = "allybin"
JOB: Final = "allybin.job"

_POLL: Final = 0.1
_PAUSE: Final = 1.0
_ENDED: Final = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

_log = logging.getLogger("allybin.jobs")


class QueueFull(Exception):
    """So many jobs wait that no more are taken; the sentence says how many."""


class _HandedBack(BaseException):
    """The service stops while a job runs: it stays begun, for another to begin again.

    Not an ``Exception``: DBOS would note that as the end of the job.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What jobs are, to the queue.

    Parameters
    ----------
    run
        Does a job, given its id and the number of the attempt, from 1. It may be begun
        again while an earlier attempt that was believed lost still runs.
    give_up
        Told of a job that failed in all its attempts, with a sentence why.
    unfinished
        The ids of all jobs that are to be done, begun or not: those that the queue has
        lost, or never heard of, are queued again.
    """

    run: Callable[[str, int], None]
    give_up: Callable[[str, str], None]
    unfinished: Callable[[], Iterable[str]] = tuple


class Queue:
    """The jobs of one service, on one of its servers; one a process.

    Parameters
    ----------
    url
        Where jobs are kept: ``sqlite:///PATH``, a file of the queue's own, for one
        server, or ``postgresql://…``, for as many as there are.
    workers
        Jobs that this server does at once.
    waiting
        Jobs that may wait; more are refused.
    attempts
        How often a job is begun.
    lease_s
        How long a server may say nothing before its jobs are given to others.
    """

    def __init__(
        self,
        url: str,
        work: Work,
        *,
        workers: int = 1,
        waiting: int = 20,
        attempts: int = 3,
        lease_s: float = 15.0,
    ) -> None:
        self._url = url
        self._work = work
        self._workers = workers
        self._waiting = waiting
        self._attempts = attempts
        self._lease = lease_s
        self._server = uuid.uuid4().hex
        self._servers = Servers(url, self._server, lease_s)
        self._stopping = threading.Event()
        self._running: set[str] = set()
        self._missed: set[str] = set()  # begun here, it is said, and not at work
        self._ended: set[str] = set()  # ended, it is said, and still to be done
        self._looking: threading.Thread | None = None

    @property
    def stopping(self) -> bool:
        """Whether the queue stops: a job that is at work is to leave off."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Take jobs from now on, those that were left by servers that are gone too."""
        _quiet()
        DBOS(config=self._config())
        _Current.queue = self
        DBOS.launch()
        DBOS.register_queue(
            NAME,
            worker_concurrency=self._workers,
            polling_interval_sec=_POLL,
            on_conflict="always_update",
        )
        self._servers.enter()
        self._look()
        self._looking = threading.Thread(target=self._keep_looking, name="jobs-look")
        self._looking.start()

    def stop(self) -> None:
        """Take no more jobs; those at work are handed back once they leave off."""
        self._stopping.set()
        if self._looking is not None:
            self._looking.join()
        until = time.monotonic() + self._lease
        while self._running and time.monotonic() < until:
            time.sleep(_POLL / 2)
        DBOS.destroy()
        _Current.queue = None
        self._servers.leave()

    def enqueue(self, job_id: str) -> None:
        """Have a job done; to say so twice is as good as once.

        Raises
        ------
        QueueFull
            When as many wait as may.
        """
        if self.waiting() >= self._waiting:
            raise QueueFull(
                f"{self._waiting} jobs wait already, and no more are taken."
            )
        self._put(job_id)

    def cancel(self, job_id: str) -> bool:
        """Take back a job that has not begun; tell whether it had not."""
        (found,) = self._listed(job_ids=[job_id]) or (None,)
        if found is None or found.status != "ENQUEUED":
            return False
        DBOS.cancel_workflow(job_id)
        return True

    def waiting(self) -> int:
        """Return how many jobs wait."""
        return len(self._listed(status="ENQUEUED", limit=self._waiting))

    def _put(self, job_id: str) -> None:
        with SetWorkflowID(job_id):
            DBOS.enqueue_workflow(NAME, _job, job_id)

    def _listed(
        self,
        *,
        job_ids: list[str] | None = None,
        status: str | None = None,
        limit: int | None = None,
    ) -> list[WorkflowStatus]:
        return DBOS.list_workflows(
            workflow_ids=job_ids,
            status=status,
            limit=limit,
            name=JOB,
            load_input=False,
            load_output=False,
        )

    def _config(self) -> DBOSConfig:
        """Return settings that keep DBOS to this machine and this database."""
        config = DBOSConfig(
            name=NAME,
            system_database_url=self._url,
            executor_id=self._server,
            application_version="1",  # a new version of ours does jobs of an old one
            enable_otlp=False,
            log_level="WARNING",
            sys_db_pool_size=5,
            use_listen_notify=False,
            notification_listener_polling_interval_sec=0.5,
            scheduler_polling_interval_sec=300.0,
        )
        if self._servers.engine.dialect.name == "sqlite":
            # The SQLite that comes with Python may be too old for DBOS.
            config["system_database_engine"] = self._servers.engine
        return config

    # --- jobs at work -------------------------------------------------------------

    def do(self, job_id: str) -> None:
        """Do a job that DBOS gave to this server; in a thread of its own."""
        self._running.add(job_id)
        try:
            while not self._done(job_id):
                if self._stopping.wait(_PAUSE):
                    raise _HandedBack
        finally:
            self._running.discard(job_id)

    def _done(self, job_id: str) -> bool:
        """Make one attempt; False when it failed and may be tried again."""
        if self._stopping.is_set():
            raise _HandedBack
        number = 0
        ended = False
        try:
            number = self._servers.begin(job_id)
            self._attempt(job_id, number)
            ended = True
        except Exception:
            if not self._stopping.is_set():
                _log.exception("job_failed", extra={"job_id": job_id})
        if self._stopping.is_set():
            # It may be done, or have left off: whoever begins it again will see.
            self._servers.forget(job_id, number)
            raise _HandedBack
        if not self._servers.is_last(job_id, number):
            raise _HandedBack  # it was believed lost, and is another's by now
        return ended

    def _attempt(self, job_id: str, number: int) -> None:
        if number > self._attempts:
            reason = f"It was begun {self._attempts} times and never came to an end."
            self._work.give_up(job_id, reason)
        else:
            # What runs is no step of a workflow of DBOS, whatever it calls.
            contextvars.Context().run(self._work.run, job_id, number)

    # --- looking after jobs -------------------------------------------------------

    def _keep_looking(self) -> None:
        while not self._stopping.wait(self._lease / 5):
            try:
                self._look()
            except Exception:
                _log.exception("jobs_not_looked_after")

    def _look(self) -> None:
        """Say that this server lives, and take up what those left that do not."""
        self._servers.beat()
        begun = self._listed(status="PENDING")
        lost = self._servers.lost({str(job.executor_id) for job in begun})
        missed: set[str] = set()
        for job in begun:
            if job.executor_id in lost:
                DBOS.resume_workflow(job.workflow_id, queue_name=NAME)
            elif (
                job.executor_id == self._server and job.workflow_id not in self._running
            ):
                missed.add(job.workflow_id)
        for job_id in missed & self._missed:  # two looks running: it is not just begun
            DBOS.resume_workflow(job_id, queue_name=NAME)
        self._missed = missed - self._missed
        self._put_what_is_missing()

    def _put_what_is_missing(self) -> None:
        """Queue what was lost; give up what has ended and still is to be done."""
        wanted = [*self._work.unfinished()]
        known = {job.workflow_id: job.status for job in self._listed(job_ids=wanted)}
        for job_id in wanted:
            if job_id not in known:
                self._put(job_id)
        ended = {job_id for job_id in wanted if known.get(job_id) in _ENDED}
        for job_id in ended & self._ended:
            self._work.give_up(job_id, "It ended without a result.")
        self._ended = ended - self._ended


def make_tables(url: str, role: str) -> None:
    """Make the tables of the queue in a PostgreSQL, for a role that owns nothing."""
    _quiet()
    DBOS.migrate(url)
    servers = Servers(url, "none", 0)
    servers.make()
    servers.engine.dispose()
    DBOS.migrate(url, application_role=role)


class _Current:
    """The queue of this process: DBOS calls functions, not objects."""

    queue: Queue | None = None


@DBOS.workflow(name=JOB, max_recovery_attempts=None)
def _job(job_id: str) -> None:
    if _Current.queue is None:
        raise _HandedBack
    _Current.queue.do(job_id)


def _quiet() -> None:
    """Have DBOS log as the rest of the service does, not on a console of its own."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.propagate = True
