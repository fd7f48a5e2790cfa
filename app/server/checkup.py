"""Looking after a service on its own machine: its state, its trail, its keys."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from app.audit import checkpoints
from app.audit.found import Verified
from app.audit.verify import verify
from app.audit.witness import EVERY_RECORDS
from app.errors import AllybinError, WrongUsage
from app.jobs.canaries import SOUND
from app.jobs.queue import make_tables
from app.server.main import built_for_description, described, prepare
from app.settings import Settings
from app.storage import grants
from app.storage.database import Database
from app.storage.errors import StoreError
from app.storage.reach import ALL
from app.use_cases import granting, keys
from app.use_cases.access import Caller, Role
from app.use_cases.refusals import Refusal
from app.use_cases.service import Call, Service, body_hash

UNSIGNED_RECORDS: Final = 2 * EVERY_RECORDS
"""Records without a checkpoint from which something is wrong with writing them."""

ON_SITE: Final = Caller(
    account_id="on-site",
    name="the machine of the service",
    roles=frozenset({Role.ADMIN}),
    customers=None,
)
"""Who acts when a command runs beside the database: whoever may read its file."""


def checkup(settings: Settings) -> dict[str, Any]:
    """Return settings in force, and a sentence for all that is wrong."""
    from optimizer.selection import canaries  # who serves loads no solver

    wrong: list[str] = []
    in_force: dict[str, str] = {"checkpoints": str(settings.checkpoints)}
    unsound = canaries.wrong()
    in_force["solver"] = "; ".join(unsound) or SOUND
    wrong += [f"The solver is not used: {sentence}" for sentence in unsound]
    for name, secret in (("database_url", settings.database_url),):
        if secret is not None:
            in_force[name] = f"set, {len(secret.get_secret_value())} characters"
    try:
        with opened(settings) as service, service.within(ALL).reading() as connection:
            in_force |= service.database.in_force()
            file = settings.checkpoints / checkpoints.FILE
            known = checkpoints.read(file) if file.is_file() else None
            found = verify(connection, () if known is None else known.checkpoints)
            in_force["audit_records"] = str(found.records)
            in_force["audit_records_signed"] = str(found.covered)
            findings = (*found.findings, *(() if known is None else known.findings))
            wrong += [str(one) for one in findings[:10]]
            if found.records - found.covered > UNSIGNED_RECORDS:
                wrong.append(
                    f"The last checkpoint is {found.records - found.covered:,} records "
                    "old: checkpoints are not written any more. Look at their folder, "
                    "and at the log of the service."
                )
        if in_force.get("row_level_security") == grants.PASSED:
            wrong.append(
                "PostgreSQL keeps no customers apart for this role, which is a "
                "superuser or has BYPASSRLS: let the service in by another."
            )
        elif in_force.get("row_level_security") == grants.OFF:
            wrong.append(
                "Row-level security is switched off on some tables of PostgreSQL: "
                "restore it, or find out who did that."
            )
    except StoreError as error:
        wrong.append(str(error))
    if not settings.on_loopback and not settings.over_tls:
        wrong.append(
            "It listens beyond this machine without TLS: put a proxy with TLS before "
            "it and set ALLYBIN_PUBLIC_URL."
        )
    return {"in_force": in_force, "wrong": wrong}


def migrated(settings: Settings, role: str | None) -> dict[str, str]:
    """Bring the store to this program's schema; let a role in that owns nothing.

    Raises
    ------
    StoreRefused
        When the store has no roles, or the role is none to be used.
    """
    with opened(settings) as service:
        service.database.migrate()
        if role is not None:
            service.database.grant(role)
            make_tables(settings.url, role)
        return service.database.in_force()


@contextmanager
def opened(settings: Settings) -> Iterator[Service]:
    """Yield the service of settings without serving it."""
    database = Database.open(settings.url)
    try:
        yield Service(database, settings)
    finally:
        database.close()


def verified_trail(
    settings: Settings, path: Path | None, trusted: str | None
) -> Verified:
    """Return what a walk along the trail found, held against checkpoints.

    Raises
    ------
    WrongUsage
        When the checkpoint file that is named is not there.
    """
    file = path or settings.checkpoints / checkpoints.FILE
    if path is not None and not path.is_file():
        raise WrongUsage(f"There is no checkpoint file {path}.")
    known: Any = None
    if file.is_file():
        known = checkpoints.read(file, trusted=trusted)
    with opened(settings) as service, service.within(ALL).reading() as connection:
        found = verify(connection, () if known is None else known.checkpoints)
    if known is None:
        return found
    return replace(found, findings=(*found.findings, *known.findings))


def description() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return described(built_for_description())


def made_key(
    settings: Settings,
    name: str,
    role: str,
    customers: Sequence[str] | None,
    expires_on: str | None,
    regions: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Make a key beside the service; the trail says it was made on site."""
    if role not in {str(one) for one in Role}:
        raise WrongUsage(f"The role is one of {', '.join(Role)}.")
    service, _ = prepare(settings)
    try:
        with _told():
            answer, key = keys.make_key(
                service,
                _call("keys make"),
                name=name,
                role=Role(role),
                customers=customers,
                expires_on=expires_on,
                regions=regions,
            )
    finally:
        service.database.close()
    return {**answer.value(), "key": key}


def waiting_grants(settings: Settings) -> list[dict[str, Any]]:
    """Return every role that waits for a second admin."""
    with opened(settings) as service, service.reading() as connection:
        return granting.waiting(connection)


def confirmed_grant(settings: Settings, grant_id: str) -> dict[str, Any]:
    """Confirm beside the service a role that an admin asked for elsewhere."""
    with opened(settings) as service, _told():
        answer = granting.confirm(service, _call("keys confirm"), grant_id)
    found: dict[str, Any] = answer.value()
    return found


def listed_keys(settings: Settings) -> list[dict[str, Any]]:
    """Return every key, never its secret."""
    with opened(settings) as service, service.reading() as connection:
        return keys.listed(connection)


def revoked_key(settings: Settings, key_id: str) -> None:
    """End a key beside the service."""
    with opened(settings) as service, _told():
        keys.revoke_key(service, _call("keys revoke"), key_id)


def _call(what: str) -> Call:
    return Call(caller=ON_SITE, what=what, body=body_hash(b""), client="on-site")


@contextmanager
def _told() -> Iterator[None]:
    """Turn a refusal into an error of the command line."""
    try:
        yield
    except Refusal as refusal:
        raise AllybinError(refusal.detail) from None
