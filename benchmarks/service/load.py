"""A generator of load that costs little: raw sockets, answers hardly looked at."""

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self
from uuid import uuid4


@dataclass(slots=True)
class Times:
    """How long each call took, and what it was answered with."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    over: float = 0.0

    @property
    def rate(self) -> float:
        """Calls in a second that were carried out."""
        good = sum(n for status, n in self.statuses.items() if status < 300)
        return good / self.over if self.over else 0.0

    def quantile(self, part: float) -> float:
        """Return the milliseconds that a part of the calls took at most."""
        if not self.seconds:
            return math.nan
        ordered = sorted(self.seconds)
        place = min(len(ordered) - 1, math.ceil(part * len(ordered)) - 1)
        return 1000 * ordered[place]

    def __str__(self) -> str:
        others = {s: n for s, n in sorted(self.statuses.items()) if s >= 300}
        return (
            f"{self.rate:7.0f} /s   p50 {self.quantile(0.5):6.1f} ms   "
            f"p99 {self.quantile(0.99):6.1f} ms   most {self.quantile(1):6.0f} ms"
            f"{f'   refused {others}' if others else ''}"
        )


class Line:
    """One connection that is kept; calls on it are made one after the other."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._always = f"Host: localhost\r\nAuthorization: Bearer {key}\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close()

    async def call(
        self, method: str, path: str, body: bytes = b"", extra: str = ""
    ) -> tuple[int, bytes]:
        """Make a call; return the status of its answer and the body."""
        head = f"{method} {path} HTTP/1.1\r\n{self._always}{extra}"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        sent = f"{head}\r\n".encode() + body
        try:
            return await self._exchange(sent)
        except (ConnectionError, asyncio.IncompleteReadError):
            self._close()  # it was closed between two calls
            return await self._exchange(sent)

    async def _exchange(self, sent: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        lowered = head.lower()
        at = lowered.index(b"content-length: ") + 16
        length = int(lowered[at : lowered.index(b"\r\n", at)])
        body = await reader.readexactly(length)
        if b"connection: close" in lowered:
            self._close()
        return int(head[9:12]), body

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


type Until = Callable[[], bool]


async def decisions(
    port: int,
    key: str,
    proposal_id: str,
    known: dict[str, int],
    clients: int,
    end: Until,
) -> Times:
    """Have clients decide bins of their own, over and over, until an end.

    ``known`` holds the version of each bin, and is kept at the last.
    """
    found = Times()

    async def client(number: int) -> None:
        own = [*known][number::clients]
        async with Line(port, key) as line:
            while True:
                for bin_id in own:
                    if end():
                        return
                    status, body = await _timed(
                        found,
                        line.call(
                            "POST",
                            f"/v1/proposals/{proposal_id}/bins/{bin_id}/decisions",
                            b'{"decision":"return","reason":"Not as it stands."}',
                            f'If-Match: "{known[bin_id]}"\r\n'
                            f"Idempotency-Key: {uuid4()}\r\n",
                        ),
                    )
                    if status == 201:
                        known[bin_id] += 1
                    elif status == 412:
                        known[bin_id] = json.loads(body)["current_version"]

    began = time.perf_counter()
    await asyncio.gather(*map(client, range(clients)))
    found.over = time.perf_counter() - began
    return found


async def looks(
    port: int, key: str, path: str, clients: int, end: Until, pause: float = 0.0
) -> Times:
    """Have clients read one address, over and over, until an end."""
    found = Times()

    async def client() -> None:
        async with Line(port, key) as line:
            while not end():
                await _timed(found, line.call("GET", path))
                if pause:
                    await asyncio.sleep(pause)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    found.over = time.perf_counter() - began
    return found


async def _timed(found: Times, call: Awaitable[tuple[int, bytes]]) -> tuple[int, bytes]:
    began = time.perf_counter()
    status, body = await call
    found.seconds.append(time.perf_counter() - began)
    found.statuses[status] += 1
    return status, body


def for_seconds(seconds: float) -> Until:
    """Return an end that comes after some seconds."""
    over = time.perf_counter() + seconds
    return lambda: time.perf_counter() >= over
