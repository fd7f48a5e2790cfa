"""What passes between the parent and a solving process: pickled messages with a length.

Both ends are one program and the pipe is theirs alone, so pickles are safe here.
"""

import pickle
import struct
from dataclasses import dataclass
from typing import IO, Any, Final

from optimizer.errors import OptimizerError
from optimizer.selection.outcome import Selection

_LENGTH: Final = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Work:
    """What to do with the instances sent before it: solve them in turns.

    ``numbers`` are what they go by, ``seconds`` the time left, None without a limit.
    """

    numbers: tuple[int, ...]
    gap: float
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A plan and bound for an instance."""

    number: int
    selection: Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The work at hand is finished: the last that was found of each counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The work ended in an error: one the core raises on purpose, or a bug in words."""

    error: OptimizerError | None
    text: str


type Message = Found | Done | Failed


def send(stream: IO[bytes], message: Any) -> None:
    """Write one message."""
    payload = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(payload)))
    stream.write(payload)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one message, or None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    payload = stream.read(length)
    return pickle.loads(payload) if len(payload) == length else None
