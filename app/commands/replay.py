"""The command allybin replay, as the command line knows it."""

import os
from typing import Annotated, Literal

import typer

from app.commands.options import (
    DEFAULT_TIME_LIMIT,
    Codes,
    CustomerCodes,
    Gap,
    KeepExtraColumns,
    OnError,
    Precedents,
    Requests,
    RowErrors,
    RulingsFile,
    TimeLimit,
    Workers,
)


def register(app: typer.Typer) -> None:
    """Add the command to a command line."""
    app.command("replay")(replay)


def replay(
    context: typer.Context,
    proposal: Annotated[
        str, typer.Argument(metavar="PROPOSAL", help="A proposal.json.")
    ],
    requests: Requests,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE", help="[default: the policy the proposal names]"
        ),
    ] = None,
    precedents: Precedents = None,
    rulings: RulingsFile = None,
    time_limit: TimeLimit = DEFAULT_TIME_LIMIT,
    gap: Gap = 0.0,
    workers: Workers = None,
    keep_extra_columns: KeepExtraColumns = False,
    customer_codes: Codes = None,
    on_error: RowErrors = OnError.REFUSE,
) -> None:
    """Propose once more, and say whether it is the same or what has changed.

    \b
    Example:
      allybin replay results/proposal.json requests.csv
    """
    from app.commands.question import Files
    from app.commands.replaying import run
    from app.commands.solving import Effort

    halt = context.find_root().obj
    halt.limit(time_limit)
    read_as: Literal["iso", "samm"] | None = None
    if customer_codes is not None:
        read_as = "iso" if customer_codes is CustomerCodes.ISO else "samm"
    files = Files(
        requests=tuple(requests),
        precedents=precedents,
        rulings=rulings,
        customer_codes=read_as,
        keep_extra_columns=keep_extra_columns,
        on_error="skip" if on_error is OnError.SKIP else "refuse",
    )
    effort = Effort(
        time_limit=time_limit,
        gap=gap,
        workers=workers or os.cpu_count() or 1,
        progress=False,
    )
    if not run(proposal, files, policy, effort, halt):
        raise typer.Exit(1)
