"""What the options of a command line come to, for the commands that share them."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from app.commands.options import CustomerCodes, OnError

if TYPE_CHECKING:
    from app.commands.question import Files
    from app.commands.solving import Effort


def files_of(
    requests: Sequence[str],
    precedents: str | None,
    rulings: str | None,
    codes: CustomerCodes | None,
    keep_extra_columns: bool,
    on_error: OnError,
) -> "Files":
    """Return the files of a question, as the options of a command name them."""
    from app.commands.question import Files

    read_as: Literal["iso", "samm"] | None = None
    if codes is not None:
        read_as = "iso" if codes is CustomerCodes.ISO else "samm"
    return Files(
        requests=tuple(requests),
        precedents=precedents,
        rulings=rulings,
        customer_codes=read_as,
        keep_extra_columns=keep_extra_columns,
        on_error="skip" if on_error is OnError.SKIP else "refuse",
    )


def effort_of(
    time_limit: float,
    gap: float,
    workers: int | None,
    progress: bool,
    *,
    dask: bool = False,
    scheduler: str | None = None,
) -> "Effort":
    """Return how to solve; by default with a process for each core there is."""
    from app.commands.solving import Effort

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return Effort(
        time_limit=time_limit,
        gap=gap,
        workers=workers or cores or os.cpu_count() or 1,
        progress=progress,
        dask=dask,
        scheduler=scheduler,
    )
