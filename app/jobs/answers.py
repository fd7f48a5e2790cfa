"""A solver's answer: a heading, its bins, the proof and what is kept, line by line."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
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

type Pack = bytes | list[bytes]
"""Lines: compressed, or as they are."""


class Lines:
    """Lines as they came: in compressed packs, and the last ones as they are."""

    def __init__(self) -> None:
        self._packs: list[bytes] = []
        self._open: list[bytes] = []
        self._open_size = 0
        self.size = 0  # of all lines, in bytes

    def add(self, line: bytes) -> None:
        """Keep a line."""
        self._open.append(line)
        self._open_size += len(line)
        self.size += len(line)
        if self._open_size > _PACK:
            self._packs.append(zlib.compress(b"\n".join(self._open), 1))
            self._open, self._open_size = [], 0

    @property
    def packs(self) -> Iterator[Pack]:
        """All lines, some at a time, for :func:`unpacked`."""
        yield from self._packs
        yield self._open

    def __iter__(self) -> Iterator[bytes]:
        for pack in self.packs:
            yield from unpacked(pack)


def unpacked(pack: Pack) -> list[bytes]:
    """Return the lines of a pack."""
    return pack if isinstance(pack, list) else zlib.decompress(pack).split(b"\n")


class Reading:
    """An answer that is read as its lines come: its heading, each bin, then its end.

    All of it raises ``Garbage`` when the lines are not such messages, in their order.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._messages = map(parsed, lines)
        heading = _next(self._messages, "heading")
        document = heading.get("document")
        if not isinstance(document, dict) or not {*document} <= _KEYS:
            raise Garbage("its heading is none")
        self._count = whole_of(heading, "bins")
        self.document: Document = document
        self.kept: object = None

    @property
    def many(self) -> bool:
        """Whether there are so many bins that they are not all kept as values."""
        return self._count > KEPT_BINS

    def bins(self) -> Iterator[Document]:
        """Yield the bins, once, as they come; keep none of them."""
        for _ in range(self._count):
            yield _bin(_next(self._messages, "bin"))

    def bins_kept(self) -> Sequence[Document]:
        """Read the bins, and return them; many of them packed."""
        return StoredBins(self.bins()) if self.many else [*self.bins()]

    def end(self) -> None:
        """Read what comes after the bins."""
        certificate = _next(self._messages, "certificate").get("certificate")
        if certificate is not None:
            self.document["certificate"] = certificate
        self.kept = _next(self._messages, "kept").get("kept")
        if next(self._messages, None) is not None:
            raise Garbage("it goes on after its end")


def read_answer(lines: Iterable[bytes]) -> Document:
    """Return the document that lines hold.

    Raises ``Garbage`` when they are not such messages, in their order.
    """
    reading = Reading(lines)
    reading.document["bins"] = reading.bins_kept()
    reading.end()
    return reading.document


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
