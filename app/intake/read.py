"""Files of requests in, one intake out; all faults of all files in one answer."""

import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, Literal, cast

from app.catalogue import CustomerCodes
from app.errors import Fault, FaultCode
from app.intake.decode import Source, format_of
from app.intake.gathering import Gathering, decoded
from app.intake.limits import Limits
from app.intake.records import (
    PRECEDENTS,
    REQUESTS,
    Format,
    Record,
    RefusedFile,
    Trouble,
    refuse,
)
from app.intake.rows import PrecedentReader, RowReader
from optimizer.batch import Precedent, Request

STANDARD_INPUT: Final = "-"
_SPOOLED_BYTES: Final = 4 << 20
_TOLD_EVERY: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What was read: the requests, in the order of the files, and what was left out.

    ``skipped`` lists the faults of at most 100 rows that were left out on request,
    ``skipped_rows`` counts them all. ``extra_columns`` are the columns kept unread,
    in the order they were first met.
    """

    requests: tuple[Request, ...]
    skipped: tuple[Fault, ...] = ()
    skipped_rows: int = 0
    extra_columns: tuple[str, ...] = ()


def read_requests(
    paths: Sequence[str],
    *,
    customer_codes: CustomerCodes | None = None,
    keep_extra_columns: bool = False,
    on_error: Literal["refuse", "skip"] = "refuse",
    limits: Limits | None = None,
    stdin: BinaryIO | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Intake:
    """Read requests from files.

    Parameters
    ----------
    paths
        One or more files; ``-`` is standard input, whose format is found out.
    customer_codes
        How to read two-letter codes with two meanings; None refuses them.
    keep_extra_columns
        Whether unknown columns are kept unread instead of refused.
    on_error
        ``skip`` leaves rows with faults out and reports them; a fault of a whole file
        is refused all the same.
    limits
        Limits on each file; None reads files of any size.
    stdin
        What ``-`` reads; the process's standard input by default.
    told
        Hears, now and then, how many requests have been read.

    Raises
    ------
    InputRefused
        With the faults of every file.
    """
    with ExitStack() as stack:
        gathering = Gathering()
        sources = []
        for path in paths:
            try:
                sources.append(_open(path, stdin, stack))
            except RefusedFile as refused:
                gathering.file_fault(path, refused.trouble)
        return _read(
            sources,
            gathering,
            customer_codes,
            keep_extra_columns,
            on_error,
            limits,
            told,
        )


def read_request_sources(
    sources: Sequence[Source],
    *,
    customer_codes: CustomerCodes | None = None,
    keep_extra_columns: bool = False,
    on_error: Literal["refuse", "skip"] = "refuse",
    limits: Limits | None = None,
) -> Intake:
    """Read requests from open streams; as `read_requests` in all else."""
    return _read(
        sources, Gathering(), customer_codes, keep_extra_columns, on_error, limits
    )


def read_precedents(
    path: str,
    *,
    customer_codes: CustomerCodes | None = None,
    limits: Limits | None = None,
    stdin: BinaryIO | None = None,
) -> tuple[Precedent, ...]:
    """Read precedents from a CSV file, in the order of its rows (R5).

    Raises
    ------
    InputRefused
        With every fault of the file.
    """
    gathering = Gathering()
    reader = PrecedentReader(customer_codes)
    precedents: list[Precedent] = []
    with ExitStack() as stack:
        try:
            stream = _open(path, stdin, stack, Format.CSV).stream
            source = Source(label=path, stream=stream, format=Format.CSV)
            for found in decoded(source, PRECEDENTS, keep_extra=False, limits=limits):
                if isinstance(found, Trouble):
                    gathering.add(0, path, found)
                    continue
                precedent, troubles = reader.read(found)
                for trouble in troubles:
                    gathering.add(0, path, trouble)
                if precedent is not None:
                    precedents.append(precedent)
        except RefusedFile as refused:
            gathering.add(0, path, refused.trouble)
    if gathering.faulty:
        raise gathering.refusal(len(precedents))
    return tuple(precedents)


def open_input(path: str, stdin: BinaryIO | None, stack: ExitStack) -> BinaryIO:
    """Open a readable regular file, or standard input for ``-`` (E1).

    Raises
    ------
    RefusedFile
        When there is no such file, or it cannot be read.
    """
    if path == STANDARD_INPUT:
        return _spooled(stdin or sys.stdin.buffer, stack)
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            message = "It is not a regular file; give a file, or - for standard input."
            raise refuse(FaultCode.UNREADABLE, message)
        return stack.enter_context(Path(path).open("rb"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise refuse(FaultCode.UNREADABLE, "There is no such file.") from None
    except OSError:
        raise refuse(FaultCode.UNREADABLE, "The file cannot be read.") from None


def _open(
    path: str, stdin: BinaryIO | None, stack: ExitStack, known: Format | None = None
) -> Source:
    stream = open_input(path, stdin, stack)
    found = known
    if known is None and path != STANDARD_INPUT:
        found = format_of(path)
    return Source(label=path, stream=stream, format=found)


def _spooled(stream: BinaryIO, stack: ExitStack) -> BinaryIO:
    """Copy a stream that cannot be moved in to where it can; small ones in memory."""
    spool = SpooledTemporaryFile(max_size=_SPOOLED_BYTES)  # noqa: SIM115 - the stack's
    stack.enter_context(spool)
    while chunk := stream.read(1 << 20):
        spool.write(chunk)
    spool.seek(0)
    return cast("BinaryIO", spool)


def _read(
    sources: Sequence[Source],
    gathering: Gathering,
    customer_codes: CustomerCodes | None,
    keep_extra_columns: bool,
    on_error: Literal["refuse", "skip"],
    limits: Limits | None,
    told: Callable[[int], None] = lambda _: None,
) -> Intake:
    reader = RowReader(customer_codes)
    ids = _Ids([source.label for source in sources])
    read: list[tuple[tuple[int, int], Request]] = []
    extra_columns: dict[str, None] = {}
    for index, source in enumerate(sources):
        try:
            for found in decoded(
                source, REQUESTS, keep_extra=keep_extra_columns, limits=limits
            ):
                if isinstance(found, Trouble):
                    gathering.add(index, source.label, found)
                    continue
                place = (index, found.number)
                ids.see(found, place)
                request, troubles = reader.read(found)
                for trouble in troubles:
                    gathering.add(index, source.label, trouble)
                if request is not None:
                    read.append((place, request))
                    if len(read) % _TOLD_EVERY == 0:
                        told(len(read))
                    for name, _ in request.extra:
                        extra_columns[name] = None
        except RefusedFile as refused:
            gathering.add(index, source.label, refused.trouble)
    for (index, _), trouble in ids.repeated():
        gathering.add(index, sources[index].label, trouble, late=True)
    good = [request for place, request in read if place not in gathering.bad]
    if gathering.whole or (gathering.faulty and (on_error == "refuse" or not good)):
        raise gathering.refusal(len(good))
    return Intake(
        requests=tuple(good),
        skipped=gathering.listed(),
        skipped_rows=len(gathering.bad),
        extra_columns=tuple(extra_columns),
    )


class _Ids:
    """Where each request_id was seen, so that the rows of a repeated one are named."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels
        self._first: dict[str, tuple[int, int]] = {}
        self._all: dict[str, list[tuple[int, int]]] = {}

    def see(self, record: Record, place: tuple[int, int]) -> None:
        """Note the request_id of a record, by any case and without outer spaces."""
        text = record.cells[0]
        if not text or not (key := text.strip().upper()):
            return
        first = self._first.setdefault(key, place)
        if first is not place:
            self._all.setdefault(key, [first]).append(place)

    def repeated(self) -> Iterator[tuple[tuple[int, int], Trouble]]:
        """Yield a trouble for every row whose id another row has (U1)."""
        for key, places in self._all.items():
            for place in places:
                named = [self._named(p, place) for p in places[:6] if p != place][:5]
                more = len(places) - 1 - len(named)
                others = ", ".join(named) + (f" and {more:,} more" if more else "")
                yield (
                    place,
                    Trouble(
                        code=FaultCode.DUPLICATE_ID,
                        message=f"The request_id is also in {others}.",
                        row=place[1],
                        column="request_id",
                        value=key,
                    ),
                )

    def _named(self, other: tuple[int, int], place: tuple[int, int]) -> str:
        row = f"row {other[1]}"
        return row if other[0] == place[0] else f"{row} of {self._labels[other[0]]}"
