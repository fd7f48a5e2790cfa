"""Runs the application: one process, with deadlines, until it is told to stop."""

import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from app.edge.gate import HEADER_BYTES
from app.edge.logs import hold_standard_streams, set_up_logs
from app.edge.protocol import protocol_for
from app.edge.watch import Deadlines
from app.errors import AllybinError, WrongUsage, quoted
from app.settings import Settings

_SPARE_FILES: Final = 128  # for the database, the solvers and the logs

_BACKLOG: Final = 2048
_ACCEPTED_AT_ONCE: Final = 16  # far fewer than may be open: none is dropped unread
_LEAVING_SECONDS: Final = 5


def serve(
    app: ASGIApp,
    settings: Settings,
    *,
    announce: Callable[[str], str] = "allybin serves at {}".format,
    stopping: threading.Event | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way.

    Parameters
    ----------
    announce
        Gives what is said on standard error once calls are answered, for the address
        of the service.
    stopping
        Set as soon as the service is told to stop, so that long answers can end.

    Raises
    ------
    WrongUsage
        When the address cannot be listened on.
    AllybinError
        When the application does not start.
    """
    hold_standard_streams()
    set_up_logs(settings)
    with _listening(settings) as listener:
        config = _config(app, settings)
        address = settings.public_url or _address(listener)
        server = _Server(
            config,
            lambda: _say(announce(address)),
            stopping or threading.Event(),
            settings.stop_seconds + _LEAVING_SECONDS,
        )
        try:
            server.run(sockets=[listener])
        except SystemExit:
            message = "The service could not start; the log says why."
            raise AllybinError(message) from None


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    files = _raise_file_limit()
    if files - _SPARE_FILES < settings.max_connections:
        most = max(10, files - _SPARE_FILES)
        settings = settings.model_copy(update={"max_connections": most})
    return uvicorn.Config(
        app,
        http=protocol_for(Deadlines.of(settings)),
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.forwarded_allow_ips),
        forwarded_allow_ips=list(settings.forwarded_allow_ips),
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=settings.stop_seconds,
        backlog=_ACCEPTED_AT_ONCE,
        h11_max_incomplete_event_size=HEADER_BYTES,
    )


class _Server(uvicorn.Server):
    """Says when it is ready, ends in time, and leaves without a signal's status."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        stopping: threading.Event,
        seconds: float,
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping
        self._seconds = seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(_BACKLOG)  # uvicorn has told the system its own number
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on either signal; unlike uvicorn, do not raise it again at the end."""
        signals = (signal.SIGTERM, signal.SIGINT)
        before = {each: signal.signal(each, self.handle_exit) for each in signals}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop taking calls, and be gone in time even if a thread hangs."""
        if not self._stopping.is_set():
            self._stopping.set()
            last_resort = threading.Timer(self._seconds, os._exit, (1,))
            last_resort.daemon = True
            last_resort.start()
        super().handle_exit(sig, frame)


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    host = settings.host.strip("[]")
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else "there is no such host"
        message = f"{quoted(place)} cannot be listened on: {reason}. Choose another."
        raise WrongUsage(message) from None
    # Accepted connections have it from here: an answer in two pieces must not wait for
    # the client to acknowledge the first, which takes it up to 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listener:
        yield listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _raise_file_limit() -> int:
    """Allow as many descriptors as the system lets us; return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft


def _say(text: str) -> None:
    with suppress(OSError):  # when nobody reads it
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - for who started it
