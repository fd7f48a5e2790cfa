"""How much of a file is read: the service's defaults, and what always holds."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:  # the command line has no settings, and starts without them
    from app.settings import Settings

CELL_CHARACTERS: Final = 4_096
"""Code points a cell may hold, always."""

KEY_CHARACTERS: Final = 64
"""Code points a column name or a key may hold, always."""

JSON_DEPTH: Final = 16
ARCHIVE_MEMBERS: Final = 200
ARCHIVE_RATIO: Final = 100
"""Unpacked-to-packed size of a workbook, always; looked at above one MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on each file; the defaults are the service's, the command line has none.

    Bytes as sent and unpacked, rows without the header, columns, and the seconds that
    reading a workbook or a Parquet file may take.
    """

    max_bytes: int = 20 << 20
    max_unpacked_bytes: int = 200 << 20
    max_rows: int = 200_000
    max_columns: int = 64
    seconds: int = 60

    @classmethod
    def of(cls, settings: "Settings") -> Self:
        """Return the limits that a service is set up with."""
        return cls(
            max_bytes=settings.import_bytes,
            max_unpacked_bytes=settings.import_unpacked_bytes,
            max_rows=settings.import_rows,
            seconds=settings.import_seconds,
        )


def size_text(count: int) -> str:
    """Return a number of bytes as people say it."""
    mebi = count / (1 << 20)
    return f"{mebi:g} MiB" if mebi >= 1 else f"{count:,} bytes"
