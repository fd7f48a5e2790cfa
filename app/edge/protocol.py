"""HTTP/1.1 with deadlines: a client that is slow or greedy hurts itself alone.

uvicorn closes connections that are idle between two requests. Here those are closed as
well that never begin a request, send it slowly, or do not read its answer. What is no
HTTP is answered with a problem, which is left to be read before the connection goes.
"""

import asyncio
import fcntl
import logging
import struct
import termios
from contextlib import suppress
from http import HTTPStatus
from typing import Any, ClassVar, Final

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from app.edge.gate import HEADER_BYTES
from app.edge.problem import MEDIA_TYPE, Problem
from app.edge.problem_page import MEDIA_TYPE as PAGE_TYPE
from app.edge.problem_page import for_people, page_of
from app.edge.watch import Deadlines, Watch

MOST_UNREAD: Final = 64 << 20
"""Bytes of a request that was answered already that are taken and thrown away."""

_PROGRESS: Final = 16 << 10  # an answer that is read gets smaller by this, or ends

_INT: Final = struct.Struct("i")

_log = logging.getLogger("allybin.protocol")
_log.setLevel(logging.ERROR)  # below, uvicorn has a line for each call that is no HTTP


class _Connection(h11.Connection):
    """Keeps why a peer was refused; uvicorn does not hand it on."""

    refused: h11.RemoteProtocolError | None = None

    def next_event(self) -> Any:
        try:
            return super().next_event()
        except h11.RemoteProtocolError as error:
            self.refused = error
            raise

    @property
    def begun(self) -> bytes:
        """What has come of the next request."""
        return self.trailing_data[0]


class DeadlineProtocol(H11Protocol):
    """One connection; a class made for each server holds its watch."""

    watch: ClassVar[Watch]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _log
        self.conn: _Connection = _Connection(h11.SERVER, HEADER_BYTES)
        self._unread = 0  # bytes that come though nobody waits for them
        self._lingering = False
        self._owed_since: float | None = None  # the rest of a request
        self._unsent: tuple[int, float] | None = None

    # --- what the transport tells ---

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or say that there are too many."""
        super().connection_made(transport)
        if self.watch.enter(self, self.loop):
            self._owe()
        else:
            self._refuse(503, "There are too many connections.")
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.watch.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what comes; of what nobody waits for, only so much."""
        if self._lingering or self._answered_early():
            self._unread += len(data)
            if self._unread > MOST_UNREAD:
                self.drop()
            if self._lingering:
                return
        super().data_received(data)
        self._note_debt()

    def pause_writing(self) -> None:
        """Write no more: the client does not read what it asked for."""
        self.watch.wait_for(self)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Go on writing: the client has read something."""
        self._unsent = None
        self.watch.work_for(self)
        super().resume_writing()

    # --- what uvicorn tells ---

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._note_debt()
        if self._idle:
            self.watch.wait_for(self)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words
        """Answer what is no HTTP, or too much of it."""
        refused = self.conn.refused
        hint = refused.error_status_hint if refused else 400
        if hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            if b"\r\n" not in self.conn.begun:
                self._refuse(414, "The address is longer than 8,192 bytes.")
            else:
                self._refuse(431, f"The headers exceed {HEADER_BYTES:,} bytes.")
        else:
            self._refuse(400, "This is not a whole and valid HTTP/1.1 request.")

    def shutdown(self) -> None:
        """Let a request be answered that is here; do not wait for the rest of one."""
        if self._lingering or self._idle:
            self.drop()
        elif self._owed_since is not None and not self.transport.is_closing():
            if self._under_way:
                self._refuse(503, "The service is being stopped; try again later.")
            else:
                self.drop()
        elif self.conn.our_state is not h11.ERROR:
            super().shutdown()

    # --- what the watch asks ---

    def look(self, now: float) -> None:
        """Close when a deadline is over."""
        deadlines = self.watch.deadlines
        self._look_at_answer(now, deadlines.answer)
        if self._owed_since is None or self.transport.is_closing():
            return
        headers = self.conn.their_state is h11.IDLE
        if now - self._owed_since >= (
            deadlines.headers if headers else deadlines.request
        ):
            self._too_slow(headers)

    def drop(self) -> None:
        """Close at once, whatever is under way."""
        self._leave_cycle()
        self.transport.abort()

    # --- inside ---

    def _look_at_answer(self, now: float, seconds: float) -> None:
        size = self._unread_answer()
        if not size:
            self._unsent = None
        elif self._unsent is None or size <= self._unsent[0] - _PROGRESS:
            self._unsent = (size, now)
        elif now - self._unsent[1] >= seconds:
            self.drop()

    def _unread_answer(self) -> int:
        """Return how many bytes of answers are waiting here, 0 when all were sent.

        Those the system holds count too where some wait: it takes more only once a
        third of what it holds, megabytes, was read.
        """
        size = self.transport.get_write_buffer_size()
        if size:
            with suppress(OSError, ValueError):  # not every kind of socket tells
                socket = self.transport.get_extra_info("socket").fileno()
                told = fcntl.ioctl(socket, termios.TIOCOUTQ, bytes(_INT.size))
                size += _INT.unpack(told)[0]
        return size

    def _too_slow(self, headers: bool) -> None:
        if headers and not self.conn.begun:
            self.drop()  # nothing was asked, so nothing is answered
        else:
            what = "headers of a request" if headers else "whole request"
            self._refuse(408, f"The {what} did not arrive in time.")

    def _note_debt(self) -> None:
        state = self.conn.their_state
        if state is h11.SEND_BODY or (state is h11.IDLE and self.conn.begun):
            self._owe()
        elif self._owed_since is not None and (state is not h11.IDLE or self._asked):
            self._owed_since = None
            self._unread = 0
            self.watch.work_for(self)

    def _owe(self) -> None:
        if self._owed_since is None:
            self._owed_since = self.loop.time()
            self.watch.wait_for(self)

    @property
    def _asked(self) -> bool:
        """Whether a request has come already, once."""
        return self.scope is not None

    @property
    def _idle(self) -> bool:
        return self.conn.their_state is h11.IDLE and self._owed_since is None

    @property
    def _under_way(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first
        return cycle is not None and not cycle.response_complete

    def _answered_early(self) -> bool:
        return (
            self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY
        )

    def _refuse(self, status: int, detail: str) -> None:
        """Answer with a problem where an answer can still begin, and close."""
        self._leave_cycle()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        problem = Problem.of(status, detail)
        page = self._for_a_person()
        body = page_of(problem) if page else problem.body()
        headers = [
            ("content-type", PAGE_TYPE if page else MEDIA_TYPE),
            ("content-length", str(len(body))),
            ("cache-control", "no-store"),
            ("connection", "close"),
            *(
                [("retry-after", "5")]
                if status == HTTPStatus.SERVICE_UNAVAILABLE
                else []
            ),
        ]
        reason = HTTPStatus(status).phrase
        answer = h11.Response(status_code=status, headers=headers, reason=reason)
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event))
        self._linger()

    def _for_a_person(self) -> bool:
        """Tell whether a browser looks for a page, as far as its request has come."""
        if self.conn.their_state is h11.SEND_BODY and self.scope is not None:
            return for_people(self.scope["headers"], self.scope["path"])
        begun = self.conn.begun[:HEADER_BYTES]
        return b"text/html" in begun and b" /v1/" not in begun.partition(b"\r\n")[0]

    def _linger(self) -> None:
        """Take what still comes for a while: else the client loses the answer."""
        self._unset_keepalive_if_required()
        self._owed_since = None
        self._lingering = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.flow.resume_reading()
            self.loop.call_later(self.watch.deadlines.lingering, self.drop)
        else:
            self.transport.close()

    def _leave_cycle(self) -> None:
        """Let the application see that nobody waits for its answer any more."""
        if self._under_way:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self.flow.resume_writing()


def protocol_for(deadlines: Deadlines) -> type[DeadlineProtocol]:
    """Return the protocol of one server, with a watch of its own."""
    return type("ServerProtocol", (DeadlineProtocol,), {"watch": Watch(deadlines)})
