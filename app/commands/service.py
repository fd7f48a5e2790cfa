"""Commands of the service: serve it, look after it, make its keys."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.screen import note, say
from app.errors import quoted

if TYPE_CHECKING:
    from app.settings import Settings

audit_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Check the audit trail of a service, and sign where it stands.",
)
keys_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make, list and revoke keys on the machine of the service.",
)

Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="sqlite:///PATH or postgresql://…; ALLYBIN_DATABASE_URL when not given.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of the service to a command line."""
    app.command("serve")(serve)
    app.command("doctor")(doctor)
    app.command("migrate")(migrate)
    app.command("backup")(backup)
    app.command("restore")(restore)
    app.command("openapi")(openapi)
    app.add_typer(audit_app, name="audit")
    app.add_typer(keys_app, name="keys")


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; loopback when not given.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")
    ] = None,
    database: Database = None,
) -> None:
    """Serve the API and its review page until stopped.

    Example: allybin serve --port 8000

    Everything else is set by environment variables: docs/settings.md lists them.
    """
    from app.server.assembly import run_service

    settings = settings_of(host=host, port=port, database_url=database)
    run_service(settings)


def doctor(
    database: Database = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print plain values instead of lines.")
    ] = False,
) -> None:
    """Say how the service is set up, and whether anything is wrong with it.

    Example: allybin doctor
    """
    from app.server.checkup import checkup

    found = checkup(settings_of(database_url=database))
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    else:
        for name, value in found["in_force"].items():
            say(f"{name}: {value}")
        for sentence in found["wrong"]:
            say(f"WRONG: {sentence}")
    if found["wrong"]:
        raise typer.Exit(1)


def migrate(
    app_role: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE",
            help="A role of PostgreSQL that owns nothing: it is given what the service "
            "needs, and no more.",
        ),
    ] = None,
    database: Database = None,
) -> None:
    """Bring a database to the schema of this version, as its owner.

    Example: allybin migrate --app-role allybin_app --database postgresql://owner@db/allybin

    serve does the same when it starts, where it comes in as the owner.
    """
    from app.server.checkup import migrated

    found = migrated(settings_of(database_url=database), app_role)
    say(f"The schema is {found['schema']}.")
    if app_role is not None:
        say(f"{app_role} may do what the service does, and no more.")


def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    database: Database = None,
) -> None:
    """Copy the database while the service runs; the file is whole or not there.

    Example: allybin backup /backups/allybin-2026-11-22.db
    """
    from app.storage.backup import back_up

    settings = settings_of(database_url=database)
    back_up(settings.url, target)
    say(f"Written: {target}")


def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    database: Database = None,
) -> None:
    """Put a backup where there is no database yet; it never overwrites one.

    Example: allybin restore /backups/allybin-2026-11-22.db --database sqlite:///new.db
    """
    from app.storage.backup import restore as restored

    settings = settings_of(database_url=database)
    restored(source, settings.url)
    say("Restored. Check it against a checkpoint kept elsewhere:")
    say("  allybin audit verify --checkpoint FILE")


def openapi() -> None:
    """Print the description of the API, for client generators.

    Example: allybin openapi > openapi.json
    """
    from app.server.checkup import description

    sys.stdout.write(json.dumps(description(), ensure_ascii=False, indent=1) + "\n")


@audit_app.command("verify")
def audit_verify(
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Checkpoints kept outside the database; the service's own file when "
            "not given.",
        ),
    ] = None,
    trusted: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The public key that signed the first one."),
    ] = None,
    database: Database = None,
) -> None:
    """Walk every link of the trail and compare it with what is stored.

    Example: allybin audit verify --checkpoint /mnt/other-disk/checkpoints.ndjson
    """
    from app.server.checkup import verified_trail

    found = verified_trail(settings_of(database_url=database), checkpoint, trusted)
    say(f"{found.records:,} records, the last {found.head}.")
    for finding in found.findings:
        say(f"NOT AS IT WAS: {finding}")
    if found.findings:
        raise typer.Exit(1)
    say("Every link holds, and the trail says what is stored.")


@keys_app.command("make")
def keys_make(
    name: Annotated[str, typer.Argument(help="Whom or what the key is for.")],
    role: Annotated[
        str,
        typer.Option(help="submitter, batch, analyst, approver, auditor or admin."),
    ],
    customer: Annotated[
        list[str] | None,
        typer.Option(
            help="Of whom a submitter or batch key is, or what an analyst or approver "
            "is limited to; may be repeated."
        ),
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(help="A region instead of its customers; may be repeated."),
    ] = None,
    expires_on: Annotated[
        str | None, typer.Option(metavar="DATE", help="Its last day, YYYY-MM-DD.")
    ] = None,
    database: Database = None,
) -> None:
    """Make a key and print it, this once.

    Example: allybin keys make "Poland's feed" --role submitter --customer POL
    """
    from app.server.checkup import made_key

    made = made_key(
        settings_of(database_url=database), name, role, customer, expires_on, region
    )
    note(f"Key {made['key_id']} for {made['name']}; it is shown only here:")
    if made["grant_id"]:
        note(
            f"It may nothing yet: that it is {made['role']} waits until an admin "
            f"confirms grant {made['grant_id']}."
        )
    sys.stdout.write(made["key"] + "\n")


@keys_app.command("confirm")
def keys_confirm(
    grant_id: Annotated[
        str | None,
        typer.Argument(metavar="GRANT", help="What to confirm; all are listed if not."),
    ] = None,
    database: Database = None,
) -> None:
    """Confirm a role that an admin asked for, or list those that wait.

    Example: allybin keys confirm 3f2a85e1-6d0c-4a4e-9a55-3f3d1c1f9e10

    What was asked for on this machine is confirmed by an admin with an account.
    """
    from app.server.checkup import confirmed_grant, waiting_grants

    settings = settings_of(database_url=database)
    if grant_id is None:
        for one in waiting_grants(settings):
            customers = ",".join(one["customers"] or ["all"])
            say(f"{one['grant_id']}  {one['role']}  {customers}  {one['name']}")
        return
    given = confirmed_grant(settings, grant_id)
    say(f"{given['name']} is {given['role']} from now on.")


@keys_app.command("list")
def keys_list(database: Database = None) -> None:
    """List keys: whom they are for, never what they are.

    Example: allybin keys list
    """
    from app.server.checkup import listed_keys

    for key in listed_keys(settings_of(database_url=database)):
        ended = f", revoked {key['revoked_at']}" if key["revoked_at"] else ""
        of = ["all"] if key["customers"] is None else key["customers"]
        customers = ",".join(of) or "-"
        role = key["role"] or "no role yet"
        say(f"{key['key_id']}  {role}  {customers}  {key['name']}{ended}")


@keys_app.command("revoke")
def keys_revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID")], database: Database = None
) -> None:
    """End a key at once.

    Example: allybin keys revoke 2c67f82f029f
    """
    from app.server.checkup import revoked_key

    revoked_key(settings_of(database_url=database), key_id)
    say(f"Key {key_id} lets nobody in any more.")


def settings_of(**given: object) -> "Settings":
    """Read the settings, options before the environment; misspelt ones are told of."""
    import os

    from app.settings import read_settings, unknown_variables

    for name in unknown_variables(os.environ):
        if name not in ("ALLYBIN_KEY", "ALLYBIN_SERVER"):
            note(f"{quoted(name)} is no setting; docs/settings.md lists them.")
    return read_settings(**{k: v for k, v in given.items() if v is not None})
