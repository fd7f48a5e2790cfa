"""Logs: an object a line, without contents, without secrets, never in the way."""

import json
import logging
import os
import re
import select
import sys
import traceback
from collections.abc import Iterable
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor

from app.settings import Settings

_HIDDEN: Final = "[hidden]"
_SECRETS: Final = re.compile(
    r"fms_[\w-]+"  # an API key
    r"|(?<=[Bb]earer )[\w.~+/=-]{8,}"
    r"|(?<=[Bb]asic )[\w+/=]{8,}"
    r"|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"  # user and password of an address
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"  # a token of OpenID Connect
)
_MARKS: Final = ("fms_", "earer ", "asic ", "://", "eyJ")  # one is in each of these
_CHUNK: Final = 4096  # a pipe that can be written to takes this much at once
_FRAMES: Final = 30


class Sink:
    """Writes lines to a descriptor, and drops those that it cannot take at once.

    A log that is full, closed or read by nobody must not stop the service.
    """

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self.dropped = 0

    def write(self, line: str) -> None:
        """Write a line, or count it as dropped."""
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        try:
            for start in range(0, len(data), _CHUNK):
                if not self._ready():
                    self.dropped += 1
                    return
                os.write(self._descriptor, data[start : start + _CHUNK])
        except OSError:
            self.dropped += 1

    def _ready(self) -> bool:
        ready = select.poll()
        ready.register(self._descriptor, select.POLLOUT)
        return bool(ready.poll(0))


class Redact:
    """Hides what is a secret, or looks like one, in a line ready to be written."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted(filter(None, secrets), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, line: str) -> str:
        """Return a line without secrets."""
        if self._known is not None:
            line = self._known.sub(_HIDDEN, line)
        if any(mark in line for mark in _MARKS):
            line = _SECRETS.sub(_HIDDEN, line)
        return line


def set_up_logs(settings: Settings, sink: Sink | None = None) -> Sink:
    """Send what we and the libraries log to standard error, one line each."""
    sink = sink or Sink()
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    redact = Redact(settings.secrets())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        exception_names,
    ]
    render: Processor = structlog.processors.JSONRenderer(_as_json)
    if settings.log_format == "text":
        render = structlog.dev.ConsoleRenderer(colors=False)

    def written(logger: Any, name: str, event: EventDict) -> str:
        return redact(str(render(logger, name, event)))

    structlog.configure(
        processors=[*shared, written],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Lines(sink),
        cache_logger_on_first_use=False,
    )
    handler = _Handler(sink)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                written,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for name in ("httpx2", "httpcore2", "sqlalchemy", "uvicorn.access"):
        # At lower levels they tell addresses, statements and values.
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # It warns again and again of a client that left in its answer.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    return sink


def exception_names(_: Any, __: str, event: EventDict) -> EventDict:
    """Put an exception as its class and places: its text may hold anything."""
    given = event.pop("exc_info", None)
    raised = given[1] if isinstance(given, tuple) else given
    if given is True:
        raised = sys.exc_info()[1]
    if isinstance(raised, BaseException):
        frames = traceback.extract_tb(raised.__traceback__)[-_FRAMES:]
        event["exception"] = type(raised).__name__
        event["trace"] = [
            f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}"
            for frame in frames
        ]
    return event


def hold_standard_streams() -> None:
    """Open what was closed of the three standard streams, on nothing.

    Else the next file opened, a database perhaps, would get what is written to them.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=repr)


def _as_json(event: Any, **_: Any) -> str:
    return _ENCODER.encode(event)


class _Lines:
    """What structlog hands its lines to."""

    def __init__(self, sink: Sink) -> None:
        self.debug = self.info = self.warning = self.error = sink.write
        self.critical = self.exception = self.msg = sink.write


class _Handler(logging.Handler):
    """Hands what libraries log to the sink."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; one that cannot be written as text is dropped."""
        try:
            self._sink.write(self.format(record))
        except Exception:
            self._sink.dropped += 1
