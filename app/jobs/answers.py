"""A solver's answer: a heading, its bins, the proof and what is kept, line by line."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from app.export.document import KEPT_BINS, Document
from app.export.stored import StoredBins
from app.jobs.frames import Garbage, Message, parsed, whole_of

KINDS: Final = ("heading", "bin", "certificate", "kept")
"""The messages of an answer, in their order; of bins as many as the heading says."""

_KEYS: Final = frozenset(
    {
        *("proposal_id", "created_at", "as_of", "policy", "input", "status"),
        *("objective", "lower_bound", "gap", "solve_seconds", "bins"),
        *("fragmentation", "rulings", "extra_columns", "versions"),
    }
)

_PACK: Final = 1 << 20


class Lines:
    """Lines as they came, in compressed packs."""

    def __init__(self) -> None:
        self.packs: list[bytes] = []
        self._open: list[bytes] = []
        self._size = 0

    def add(self, line: bytes) -> None:
        """Keep a line."""
        self._open.append(line)
        self._size += len(line)
        if self._size > _PACK:
            self.close()

    def close(self) -> None:
        """Pack the lines that are not packed yet."""
        if self._open:
            self.packs.append(zlib.compress(b"\n".join(self._open), 1))
        self._open, self._size = [], 0

    def __iter__(self) -> Iterator[bytes]:
        for pack in self.packs:
            yield from unpacked(pack)


def unpacked(pack: bytes) -> list[bytes]:
    """Return the lines of a pack."""
    return zlib.decompress(pack).split(b"\n")


def read_answer(lines: Iterable[bytes]) -> tuple[Document, object]:
    """Return the document that lines hold, and what the solver kept.

    Raises ``Garbage`` when they are not such messages, in their order.
    """
    messages = map(parsed, lines)
    heading = _next(messages, "heading")
    document = heading.get("document")
    if not isinstance(document, dict) or not {*document} <= _KEYS:
        raise Garbage("its heading is none")
    count = whole_of(heading, "bins")
    bins = (_bin(_next(messages, "bin")) for _ in range(count))
    document["bins"] = StoredBins(bins) if count > KEPT_BINS else [*bins]
    certificate = _next(messages, "certificate").get("certificate")
    if certificate is not None:
        document["certificate"] = certificate
    kept = _next(messages, "kept").get("kept")
    if next(messages, None) is not None:
        raise Garbage("it goes on after its end")
    return document, kept


def _next(messages: Iterator[Message], kind: str) -> Message:
    found = next(messages, None)
    if found is None or found["kind"] != kind:
        raise Garbage(f"there is no {kind} where one must be")
    return found


def _bin(message: Message) -> Document:
    found = message.get("bin")
    if not isinstance(found, dict):
        raise Garbage("a bin of it is none")
    return found
