"""The options the commands have in common: types, limits, one sentence of help."""

import math
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

DEFAULT_POLICY: Final = "nato-rdp"
DEFAULT_TIME_LIMIT: Final = 60.0


class Engine(StrEnum):
    """Where solving happens."""

    LOCAL = "local"
    DASK = "dask"


class CustomerCodes(StrEnum):
    """How two-letter customer codes with two meanings are read."""

    ISO = "iso"
    SAMM = "samm"


class OnError(StrEnum):
    """What happens to rows with faults."""

    REFUSE = "refuse"
    SKIP = "skip"


# --- values of options --------------------------------------------------------------


def _day(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise typer.BadParameter(f"{text!r} is not a date such as 2026-01-05.")
    return text


def _seconds(seconds: float) -> float:
    if not (seconds > 0 and math.isfinite(seconds)):
        raise typer.BadParameter(f"{seconds:g} is not a number of seconds above 0.")
    return seconds


def _fraction(gap: float) -> float:
    if not 0 <= gap <= 1:
        raise typer.BadParameter(f"{gap:g} is not from 0 to 1.")
    return gap


Requests = Annotated[
    list[str],
    typer.Argument(
        metavar="REQUESTS",
        help="Files of requests (CSV, JSON, NDJSON, XLSX, Parquet), or - for "
        "standard input.",
    ),
]
PolicyName = Annotated[
    str,
    typer.Option("--policy", metavar="NAME|FILE", help="A shipped policy or a file."),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        callback=_day,
        help="Day the proposal is made on.  [default: today, UTC]",
    ),
]
Precedents = Annotated[
    str | None, typer.Option(metavar="FILE", help="Earlier approved cases, CSV.")
]
RulingsFile = Annotated[
    str | None,
    typer.Option("--rulings", metavar="FILE", help="Reviewers' rulings, JSON."),
]
EarlierFile = Annotated[
    str | None,
    typer.Option(
        "--earlier",
        metavar="FILE",
        help="An earlier proposal.json: only what has changed is solved again.",
    ),
]
TimeLimit = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        callback=_seconds,
        help="The best plan found by then is given, with its gap.",
    ),
]
Gap = Annotated[
    float,
    typer.Option(
        metavar="FRACTION",
        callback=_fraction,
        help="How far from proven best is enough, 0 to 1.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Solving processes.  [default: cores]"),
]
Engines = Annotated[
    Engine,
    typer.Option(
        "--engine", help="Where to solve: here, or on a Dask cluster of any size."
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Of the Dask scheduler, as tcp://HOST:PORT or tls://HOST:PORT.  "
        "[default: processes started here]",
    ),
]
KeepExtraColumns = Annotated[
    bool,
    typer.Option("--keep-extra-columns", help="Carry unknown columns through unread."),
]
Codes = Annotated[
    CustomerCodes | None,
    typer.Option(
        "--customer-codes", help="How to read two-letter codes with two meanings."
    ),
]
RowErrors = Annotated[
    OnError,
    typer.Option("--on-error", help="Whether rows with faults refuse the whole file."),
]
Progress = Annotated[
    bool, typer.Option("--progress", help="Show progress where there is no terminal.")
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Where to write the result files."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace earlier results.")]
