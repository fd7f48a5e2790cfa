"""The bins of a large document: kept as the lines they are written as, compressed.

A bin as plain values takes some kilobytes, a million of them more memory than most
machines have. As packed lines of proposal.json they take a twentieth, and reading
one is a matter of microseconds.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, overload

type Document = dict[str, Any]

A_PACK: Final = 64
"""Bins that are compressed together."""

encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
"""Turns plain values into the text that stands in proposal.json.

It raises ``ValueError`` for a figure that is not a finite number.
"""


class StoredBins(Sequence[Document]):
    """Bins in their order; each is read anew when it is asked for."""

    def __init__(self, bins: Iterable[Document]) -> None:
        self._packs: list[bytes] = []
        self._count = 0
        self._open: tuple[int, list[str]] = (-1, [])
        lines: list[str] = []
        for bin_ in bins:
            lines.append(encode(bin_))
            self._count += 1
            if len(lines) == A_PACK:
                self._pack(lines)
                lines = []
        if lines:
            self._pack(lines)

    def _pack(self, lines: list[str]) -> None:
        self._packs.append(zlib.compress("\n".join(lines).encode(), 1))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Document]:
        return map(json.loads, self.lines())

    @overload
    def __getitem__(self, place: int) -> Document: ...
    @overload
    def __getitem__(self, place: slice) -> list[Document]: ...
    def __getitem__(self, place: int | slice) -> Document | list[Document]:
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(self._count))]
        at = range(self._count)[place]
        number = at // A_PACK
        if self._open[0] != number:
            self._open = (number, self._unpack(self._packs[number]))
        found: Document = json.loads(self._open[1][at % A_PACK])
        return found

    def lines(self) -> Iterator[str]:
        """Yield every bin as the text it has in proposal.json."""
        for pack in self._packs:
            yield from self._unpack(pack)

    @staticmethod
    def _unpack(pack: bytes) -> list[str]:
        # Not splitlines(): a text may hold other line ends than the JSON encoder's own.
        return zlib.decompress(pack).decode().split("\n")
