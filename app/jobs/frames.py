"""What passes between the service and its processes.

Down, to a process that trusts the service: pickles, each with its length. Up, to the
service that trusts nobody: lines of JSON, one object each, read within limits.
"""

import json
import os
import pickle
import select
import struct
import time
from collections import deque
from collections.abc import Iterable
from math import isinf
from typing import Any, Final

type Message = dict[str, Any]

_LENGTH: Final = struct.Struct("<Q")
_PIECE: Final = 1 << 20

encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":")
).encode


class Garbage(Exception):
    """A process said what is no message; the sentence says what is wrong with it."""


class Silence(Exception):
    """A process has closed its end, or has said nothing in the time it had."""


# --- in the process -----------------------------------------------------------------


def receive(descriptor: int) -> Any:
    """Read one pickled value; None at the end."""
    head = _read(descriptor, _LENGTH.size)
    if head is None:
        return None
    payload = _read(descriptor, _LENGTH.unpack(head)[0])
    return None if payload is None else pickle.loads(payload)


def _read(descriptor: int, length: int) -> bytes | None:
    pieces: list[bytes] = []
    while length:
        piece = os.read(descriptor, min(length, _PIECE))
        if not piece:
            return None
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


class Speaker:
    """The end on which a process says what it has found."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, kind: str, **values: Any) -> None:
        """Write a message of plain values.

        Raises ``ValueError`` for a figure that is not finite.
        """
        self.say_text(encode({"kind": kind, **values}))

    def say_text(self, text: str) -> None:
        """Write a line that is JSON already."""
        self.say_texts((text,))

    def say_texts(self, texts: Iterable[str]) -> None:
        """Write lines that are JSON already, together."""
        lines = memoryview(b"".join(text.encode() + b"\n" for text in texts))
        while lines:
            lines = lines[os.write(self._descriptor, lines) :]


# --- in the service -----------------------------------------------------------------


class Listener:
    """The service's end of the pipes to one process; neither end can make it wait.

    Parameters
    ----------
    to_child, from_child
        Descriptors; they are closed by :meth:`close`.
    most
        Bytes that the process may say in all.
    """

    def __init__(self, to_child: int, from_child: int, most: int) -> None:
        self._to, self._from = to_child, from_child
        self._left = most
        self._outgoing: deque[memoryview] = deque()
        self._pieces: list[bytes] = []
        self._lines: deque[bytes] = deque()
        self._ended = False
        for descriptor in (to_child, from_child):
            os.set_blocking(descriptor, False)

    def send(self, value: object) -> None:
        """Let the process have a value, as it comes to read it."""
        payload = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        self._outgoing += (memoryview(_LENGTH.pack(len(payload))), memoryview(payload))

    def put(self, seconds: float) -> None:
        """Wait until the process has taken what it was sent, some seconds at most.

        With no seconds it is given what it can take now.
        """
        until = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._to, select.POLLOUT)
        while self._outgoing:
            left = max(0.0, until - time.monotonic())
            if poll.poll(left * 1000):
                self._write()
            elif not left:
                return

    def allow(self, most: int) -> None:
        """Let the process say so many bytes from now on."""
        self._left = most

    def hear(self, seconds: float) -> bytes | None:
        """Return the next line, or None when none comes in time.

        Raises
        ------
        Silence
            When the process has closed its end.
        Garbage
            When it says more than it may, or ends in the middle of a line.
        """
        until = time.monotonic() + seconds
        while not self._lines:
            if self._ended:
                raise Silence
            left = until - time.monotonic()
            self._turn(max(0.0, left))
            if left <= 0 and not self._lines:
                return None
        return self._lines.popleft()

    def _turn(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        if self._outgoing:
            poll.register(self._to, select.POLLOUT)
        for descriptor, _ in poll.poll(seconds * 1000):
            if descriptor == self._to:
                self._write()
            else:
                self._take()

    def _write(self) -> None:
        piece = self._outgoing[0]
        try:
            done = os.write(self._to, piece[:_PIECE])
        except BlockingIOError:
            return
        except BrokenPipeError:  # it has ended: so its own end will say
            self._outgoing.clear()
            return
        if done == len(piece):
            self._outgoing.popleft()
        else:
            self._outgoing[0] = piece[done:]

    def _take(self) -> None:
        try:
            piece = os.read(self._from, _PIECE)
        except BlockingIOError:
            return
        self._left -= len(piece)
        if self._left < 0:
            raise Garbage("it said more than any answer is long")
        if not piece:
            self._ended = True
            if any(self._pieces):
                raise Garbage("its answer ends in the middle")
            return
        *whole, rest = piece.split(b"\n")
        if whole:
            self._lines.append(b"".join((*self._pieces, whole[0])))
            self._lines.extend(whole[1:])
            self._pieces = []
        self._pieces.append(rest)

    def close(self) -> None:
        """Close both ends."""
        os.close(self._to)
        os.close(self._from)


def parsed(line: bytes) -> Message:
    """Return the message a line is.

    Raises ``Garbage`` when it is none: not UTF-8, not JSON, a number that is not
    finite, no object, or without a kind.
    """
    try:
        found = json.loads(
            line.decode(), parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise Garbage(f"it said what is not JSON ({type(error).__name__})") from None
    if not isinstance(found, dict) or not isinstance(found.get("kind"), str):
        raise Garbage("it said what is no message")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number.")


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError(f"{text} is too large.")
    return number


def whole_of(message: Message, name: str) -> int:
    """Return a whole number of a message, at most 64 bits long.

    Raises ``Garbage`` when there is none.
    """
    found = message.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or abs(found) >> 63:
        raise Garbage(f"its {name} is no whole number")
    return found


def text_of(message: Message, name: str, most: int = 2000) -> str:
    """Return a text of a message, cut where it is too long.

    Raises ``Garbage`` when there is none.
    """
    found = message.get(name)
    if not isinstance(found, str):
        raise Garbage(f"its {name} is no text")
    return found[:most]
