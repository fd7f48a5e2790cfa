"""Commands that a service elsewhere carries out: ``allybin --server URL …``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from app.errors import WrongUsage

if TYPE_CHECKING:
    from app.commands.remote import Place

COMMANDS: Final = ("propose", "batches")
"""The commands that know what a server is."""

_LOCAL: Final = {
    "precedents": "the service has its own precedents (ALLYBIN_PRECEDENTS)",
    "rulings": "rulings stand on the service, and are made by edits of a proposal",
    "earlier": "the service keeps what it solved, and solves again what changed",
    "workers": "the service has its own solvers (ALLYBIN_SOLVER_WORKERS)",
    "engine": "the service solves where it runs",
    "scheduler": "the service solves where it runs",
}
"""Options of propose that make no sense with a server, and why."""

Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        envvar="ALLYBIN_SERVER",
        help="Have a running service do it; its key is in ALLYBIN_KEY.",
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file", metavar="FILE", help="The key for --server, when in a file."
    ),
]


def check(context: typer.Context, server: str | None, key_file: Path | None) -> None:
    """Refuse a server for commands that work on this machine only.

    One that the environment names is for the commands that know it; others ignore it.
    """
    command = context.invoked_subcommand
    if command in COMMANDS or command is None:
        return
    if server is not None and _given(context, "server"):
        raise WrongUsage(
            f"{command} works on this machine: leave --server out. With a server there "
            f"are {' and '.join(COMMANDS)}."
        )
    if key_file is not None:
        raise WrongUsage("--key-file is the key of a service: it needs --server.")


def place_of(context: typer.Context) -> "Place | None":
    """Return the service that is to do it; None when it is done here."""
    options = context.find_root().params
    server, key_file = options.get("server"), options.get("key_file")
    if not server:
        if key_file is not None:
            raise WrongUsage("--key-file is the key of a service: it needs --server.")
        return None
    from app.commands.remote import Place

    file = None if key_file is None else Path(key_file)  # typer may not have made it
    return Place.of(server, os.environ.get("ALLYBIN_KEY"), file)


def refuse_local_options(context: typer.Context) -> None:
    """Refuse options that only solving on this machine knows."""
    for name, reason in _LOCAL.items():
        if _given(context, name):
            raise WrongUsage(f"--{name} is not for a server: {reason}.")


def _given(context: typer.Context, name: str) -> bool:
    source: Any = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def batches(
    context: typer.Context,
    batch_id: Annotated[
        str | None,
        typer.Argument(metavar="[BATCH_ID]", help="List the requests of this one."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON list instead of columns.")
    ] = False,
) -> None:
    """List the batches a service was sent, or the requests of one.

    \b
    Example:
      allybin --server http://127.0.0.1:8000 batches
    """
    place = place_of(context)
    if place is None:
        raise WrongUsage(
            "batches lists what a service was sent: give --server URL before it, or "
            "set ALLYBIN_SERVER."
        )
    from app.commands import remote_batches as command

    command.run(place, batch_id, as_json=as_json)
