"""Sources decoded where that is safe, and the faults of all of them gathered."""

from contextlib import ExitStack
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import BinaryIO, Final, cast

from app.errors import LISTED_ROWS, Fault, InputRefused
from app.intake.decode import Source, decode_text, open_format
from app.intake.limits import Limits
from app.intake.records import Decoded, Format, Schema, Trouble
from app.intake.sandbox import decode_apart

_IN_PROCESS_BYTES: Final = 4 << 20


def decoded(
    source: Source, schema: Schema, *, keep_extra: bool, limits: Limits | None
) -> Decoded:
    """Decode a source: here where that is safe and small, else in a process apart."""
    found = open_format(source, limits)
    size = source.stream.seek(0, 2)
    source.stream.seek(0)
    apart = found in (Format.XLSX, Format.PARQUET)
    if apart or (limits is not None and size > _IN_PROCESS_BYTES):
        with ExitStack() as stack:
            stream = source.stream
            if not _has_descriptor(stream):
                stream = cast("BinaryIO", stack.enter_context(TemporaryFile()))
                while chunk := source.stream.read(1 << 20):
                    stream.write(chunk)
                stream.flush()
            yield from decode_apart(
                stream, found, schema, keep_extra=keep_extra, limits=limits
            )
    else:
        yield from decode_text(
            source.stream, found, schema, keep_extra=keep_extra, limits=limits
        )


def _has_descriptor(stream: BinaryIO) -> bool:
    if isinstance(stream, SpooledTemporaryFile):
        return False
    try:
        stream.fileno()
    except OSError:
        return False
    return True


class Gathering:
    """All faults of all files; those of the first 100 bad rows are kept."""

    def __init__(self) -> None:
        self.bad: set[tuple[int, int]] = set()
        self.whole = False
        self._of_files: list[Fault] = []
        self._of_rows: dict[tuple[int, int], list[Fault]] = {}

    @property
    def faulty(self) -> bool:
        """Tell whether anything was wrong."""
        return self.whole or bool(self.bad)

    def file_fault(self, path: str, trouble: Trouble) -> None:
        """Note a fault of a file that could not be opened."""
        self.whole = True
        self._of_files.append(trouble.fault(path))

    def add(
        self, index: int, label: str, trouble: Trouble, *, late: bool = False
    ) -> None:
        """Note a trouble; ``late`` ones may be of rows before those already noted."""
        self.whole = self.whole or trouble.whole
        if trouble.row is None:
            self._of_files.append(trouble.fault(label))
            return
        place = (index, trouble.row)
        known = place in self._of_rows
        self.bad.add(place)
        if known or late or len(self._of_rows) < LISTED_ROWS:
            self._of_rows.setdefault(place, []).append(trouble.fault(label))

    def listed(self) -> tuple[Fault, ...]:
        """Return the faults of files, then those of the first 100 bad rows."""
        rows = sorted(self._of_rows)[:LISTED_ROWS]
        return (
            *self._of_files,
            *(fault for row in rows for fault in self._of_rows[row]),
        )

    def refusal(self, good_rows: int) -> InputRefused:
        """Return the answer that refuses all."""
        return InputRefused(self.listed(), good_rows, len(self.bad))
