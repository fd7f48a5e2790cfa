"""The command line: options in, one use case called, exit code out."""

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands import service, with_server
from app.commands.given import effort_of, files_of
from app.commands.options import (
    DEFAULT_POLICY,
    DEFAULT_TIME_LIMIT,
    AsOf,
    Codes,
    EarlierFile,
    Engine,
    Engines,
    Force,
    Gap,
    KeepExtraColumns,
    OnError,
    Out,
    PolicyName,
    Precedents,
    Progress,
    Requests,
    RowErrors,
    RulingsFile,
    Scheduler,
    TimeLimit,
    Workers,
)
from app.commands.with_server import KeyFile, Server
from app.errors import WrongUsage

if TYPE_CHECKING:
    from app.engine.halt import Halt

app = typer.Typer(
    name="allybin",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Propose combined review bins for Foreign Military Sales requests, with proof "
    "of how good they are.",
)
policy_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, show and check policies: every number that shapes a proposal.",
)
app.add_typer(policy_app, name="policy")
service.register(app)
app.command("batches")(with_server.batches)


def _as_of(text: str | None) -> date:
    from app.commands.question import now

    return now().date() if text is None else date.fromisoformat(text)


def _check_engine(engine: Engine, scheduler: str | None) -> None:
    """Refuse at once what could not be solved with, before any file is read."""
    if engine is Engine.DASK:
        from app.engine.cluster_address import probe, refuse_without_distributed

        refuse_without_distributed()
        if scheduler is not None:
            probe(scheduler)
    elif scheduler is not None:
        raise WrongUsage("--scheduler names a dask scheduler: it needs --engine dask.")


# --- commands -----------------------------------------------------------------------


@app.command()
def propose(
    context: typer.Context,
    requests: Requests,
    policy: PolicyName = DEFAULT_POLICY,
    as_of: AsOf = None,
    precedents: Precedents = None,
    rulings: RulingsFile = None,
    earlier: EarlierFile = None,
    time_limit: TimeLimit = DEFAULT_TIME_LIMIT,
    gap: Gap = 0.0,
    workers: Workers = None,
    engine: Engines = Engine.LOCAL,
    scheduler: Scheduler = None,
    keep_extra_columns: KeepExtraColumns = False,
    customer_codes: Codes = None,
    on_error: RowErrors = OnError.REFUSE,
    out: Out = None,
    force: Force = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print proposal.json and nothing else.")
    ] = False,
    progress: Progress = False,
) -> None:
    """Propose review bins of least effort and waiting, with a proven bound.

    \b
    Example:
      allybin propose requests.csv --as-of 2026-01-05 --out results
      allybin propose requests.csv --as-of 2026-01-05 --rulings rulings.json \\
        --earlier results/proposal.json --out results-2
      allybin propose requests.csv --engine dask --scheduler tcp://10.0.0.5:8786
      allybin --server https://bins.example.org propose requests.csv --out results
    """
    halt = _halt(context)
    files = files_of(
        requests, precedents, rulings, customer_codes, keep_extra_columns, on_error
    )
    place = with_server.place_of(context)
    if place is not None:
        with_server.refuse_local_options(context)
        from app.commands import remote_propose

        remote_propose.run(
            place,
            files,
            remote_propose.Wanted(
                policy=policy, as_of=_as_of(as_of), time_limit=time_limit, gap=gap
            ),
            halt,
            folder=out,
            force=force,
            as_json=as_json,
            progress=progress,
        )
        return
    _check_engine(engine, scheduler)
    halt.limit(time_limit)
    from app.commands import propose as command

    command.run(
        files,
        policy,
        _as_of(as_of),
        effort_of(
            time_limit,
            gap,
            workers,
            progress,
            dask=engine is Engine.DASK,
            scheduler=scheduler,
        ),
        halt,
        earlier=earlier,
        folder=out,
        force=force,
        as_json=as_json,
    )


@app.command()
def why(
    context: typer.Context,
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="REQUESTS... R S", help="Files of requests, then two request ids."
        ),
    ],
    policy: PolicyName = DEFAULT_POLICY,
    as_of: AsOf = None,
    precedents: Precedents = None,
    rulings: RulingsFile = None,
    time_limit: TimeLimit = DEFAULT_TIME_LIMIT,
    gap: Gap = 0.0,
    workers: Workers = None,
    keep_extra_columns: KeepExtraColumns = False,
    customer_codes: Codes = None,
    on_error: RowErrors = OnError.REFUSE,
    progress: Progress = False,
) -> None:
    """Say whether two requests may share a bin: the rules that block, or the price.

    \b
    Example:
      allybin why requests.csv EST-26-01 LVA-26-02
    """
    if len(arguments) < 3:
        raise WrongUsage(
            "why needs at least one file of requests and then two request ids."
        )
    halt = _halt(context)
    halt.limit(time_limit)
    from app.commands import why as command

    *files, first, second = arguments
    command.run(
        files_of(
            files, precedents, rulings, customer_codes, keep_extra_columns, on_error
        ),
        (first, second),
        policy,
        _as_of(as_of),
        effort_of(time_limit, gap, workers, progress),
        halt,
    )


@app.command()
def verify(
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
    keep_extra_columns: KeepExtraColumns = False,
    customer_codes: Codes = None,
    on_error: RowErrors = OnError.REFUSE,
) -> None:
    """Recompute everything in a proposal and say what does not hold.

    \b
    Example:
      allybin verify results/proposal.json requests.csv
    """
    from app.commands import verify as command

    files = files_of(
        requests, precedents, rulings, customer_codes, keep_extra_columns, on_error
    )
    if not command.run(proposal, files, policy):
        raise typer.Exit(1)


@app.command()
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
    progress: Progress = False,
) -> None:
    """Propose once more, and say whether it is the same or what has changed.

    \b
    Example:
      allybin replay results/proposal.json requests.csv
    """
    halt = _halt(context)
    halt.limit(time_limit)
    from app.commands import replay as command

    files = files_of(
        requests, precedents, rulings, customer_codes, keep_extra_columns, on_error
    )
    effort = effort_of(time_limit, gap, workers, progress)
    if not command.run(proposal, files, policy, effort, halt):
        raise typer.Exit(1)


@app.command()
def compare(
    context: typer.Context,
    requests: Requests,
    policy: Annotated[
        list[str],
        typer.Option(
            metavar="NAME|FILE",
            help="A policy; give two or more.",
        ),
    ],
    as_of: AsOf = None,
    precedents: Precedents = None,
    rulings: RulingsFile = None,
    time_limit: TimeLimit = DEFAULT_TIME_LIMIT,
    gap: Gap = 0.0,
    workers: Workers = None,
    keep_extra_columns: KeepExtraColumns = False,
    customer_codes: Codes = None,
    on_error: RowErrors = OnError.REFUSE,
    progress: Progress = False,
) -> None:
    """Compare policies on one batch; the time limit is for each of them.

    \b
    Example:
      allybin compare requests.csv --policy nato-rdp --policy nato-all
    """
    halt = _halt(context)
    from app.commands import compare as command

    command.run(
        files_of(
            requests, precedents, rulings, customer_codes, keep_extra_columns, on_error
        ),
        policy,
        _as_of(as_of),
        effort_of(time_limit, gap, workers, progress),
        halt,
    )


@policy_app.command("list")
def policy_list() -> None:
    """List the shipped policies, the default first.

    \b
    Example:
      allybin policy list
    """
    from app.commands.reference import list_policies

    list_policies()


@policy_app.command("show")
def policy_show(name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Print a shipped policy as TOML, to read or to start one's own from.

    \b
    Example:
      allybin policy show nato-rdp > own.toml
    """
    from app.commands.reference import show_policy

    show_policy(name)


@policy_app.command("check")
def policy_check(file: Annotated[str, typer.Argument(metavar="FILE")]) -> None:
    """Check a policy file and name every fault in it.

    \b
    Example:
      allybin policy check own.toml
    """
    from app.commands.reference import check_policy

    check_policy(file)


Query = Annotated[
    str, typer.Argument(metavar="[QUERY]", help="Part of a name, alias or group.")
]


@app.command()
def systems(query: Query = "") -> None:
    """List the system families of the catalogue, with aliases.

    \b
    Example:
      allybin systems patriot
    """
    from app.commands.reference import list_systems

    list_systems(query)


@app.command()
def customers(query: Query = "") -> None:
    """List the customers of the catalogue, with codes and aliases.

    \b
    Example:
      allybin customers baltic
    """
    from app.commands.reference import list_customers

    list_customers(query)


@app.command()
def generate(
    requests: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many requests.")
    ],
    seed: Annotated[int, typer.Option(metavar="S", help="Same seed, same batch.")],
    days: Annotated[
        int, typer.Option(min=1, metavar="D", help="Days they arrive over.")
    ] = 365,
) -> None:
    """Print a synthetic batch as CSV, the same for the same seed.

    How each column is drawn is written at the head of app/generate.py.

    \b
    Example:
      allybin generate --requests 200 --seed 7 > batch.csv
    """
    from app.generate import write_batch

    write_batch(sys.stdout, requests, seed, days)


@app.command()
def demo(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where to write the result files.")
    ] = Path("out"),
    force: Force = False,
    time_limit: TimeLimit = DEFAULT_TIME_LIMIT,
    workers: Workers = None,
    progress: Progress = False,
) -> None:
    """Propose bins for a shipped batch of real notifications, and say what to look at.

    \b
    Example:
      allybin demo
    """
    halt = _halt(context)
    halt.limit(time_limit)
    from app.commands import propose as command

    effort = effort_of(time_limit, 0.0, workers, progress)
    command.demo(effort, halt, folder=out, force=force)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"allybin {version('allybin')}\n")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    server: Server = None,
    key_file: KeyFile = None,
    version: Annotated[  # noqa: ARG001 - its callback prints it
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_print_version,
            help="Print the version and leave.",
        ),
    ] = False,
) -> None:
    with_server.check(context, server, key_file)


# --- the process --------------------------------------------------------------------


def _halt(context: typer.Context) -> "Halt":
    halt: Halt = context.find_root().obj
    return halt


def main() -> None:
    """Run the command line of this process and exit with its code."""
    from app.commands.process import run_process

    run_process(typer.main.get_command(app))
