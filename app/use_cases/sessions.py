"""Signed-in browsers: begun with a key or by a provider, ended at once."""

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from app.audit.chain import Entry, append_all
from app.storage import accounts, trail
from app.storage.reach import ALL
from app.use_cases import clock
from app.use_cases.access import (
    KEY_PREFIX,
    Caller,
    Role,
    caller_of_key,
    caller_of_session,
    hash_of,
)
from app.use_cases.refusals import NotAllowed, NotKnown
from app.use_cases.service import Answer, Call, Change, Service

KNOWN_S: Final = 30 * 24 * 3600.0
"""How long an address is one that an account comes from, after it signed in there."""

_SHOWN: Final = 12  # characters of a hash, enough to tell sessions apart
_ID: Final = re.compile(rf"{KEY_PREFIX}_([0-9a-f]{{12}})_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A session that has just begun; here only the hash of its cookie is kept."""

    account_id: str
    name: str
    cookie: str = field(repr=False)
    form_token: str = field(repr=False)
    expires_at: str


def begin_with_key(
    service: Service, key: str, client: str | None, address: str | None = None
) -> Begun:
    """Sign a browser in with an API key; the session ends no later than the key.

    Raises
    ------
    NotKnown
        Whatever is wrong with the key.
    """
    with service.reading() as connection:
        caller = caller_of_key(connection, key)
        row = accounts.key(connection, caller.key_id or "")
    ends = row.expires_at if row else None
    return _begun(service, caller, client, ends, address)


def begin_with_subject(
    service: Service,
    issuer: str,
    subject: str,
    client: str | None,
    address: str | None = None,
) -> Begun:
    """Sign a browser in whose user a provider has named.

    Raises
    ------
    NotAllowed
        When nobody here goes by that name; says it, so that an admin can be asked.
    """
    with service.reading() as connection:
        row = accounts.by_subject(connection, subject_of(issuer, subject))
    if row is None or row.disabled_at:
        raise NotAllowed(
            f"The provider knows you as {subject}, and that is nobody's name here. "
            "Ask an administrator to give you an account."
        )
    customers = None if row.customers is None else frozenset(json.loads(row.customers))
    caller = Caller(
        account_id=row.account_id,
        name=row.name,
        roles=frozenset(Role(role) for role in json.loads(row.roles)),
        customers=customers,
    )
    return _begun(service, caller, client, None, address)


def meant(key: str) -> str | None:
    """Return which key was meant, by its id, whether there is such or not."""
    found = _ID.match(key.strip())
    return None if found is None else found[1]


def note_failure(
    service: Service, address: str, client: str | None, key_id: str | None = None
) -> None:
    """Record that somebody at an address could not be signed in.

    Whom they meant to be is said by a hash of the id of the key alone: what was given
    may be a part of a secret.
    """
    places = [_attempts(address)]
    if key_id is not None:
        places.append(_attempts_for(key_id))
    with service.database.writing() as connection:
        seq = append_all(connection, [(_failed(one, client), ()) for one in places])
    service.after_change(seq)


def _failed(place: str, client: str | None) -> Entry:
    return Entry(
        actor="unknown",
        role="none",
        scope="none",
        action="session.begin",
        object=place,
        client=client,
        result="refused: 401 not_known",
    )


def failures(service: Service, address: str, seconds: float) -> int:
    """Return how often an address failed to sign in lately, at any server."""
    since = clock.before(seconds=seconds)
    with service.within(ALL).reading() as connection:
        return trail.count(connection, _attempts(address), since)


def failures_for(service: Service, key_id: str, address: str, seconds: float) -> int:
    """Return how often anybody failed to sign in with a key lately, at any server.

    None counts for an address that its account signed in from before: whoever tries
    keys elsewhere cannot lock its holder out.
    """
    known = clock.before(seconds=KNOWN_S)
    with service.within(ALL).reading() as connection:
        if accounts.began_at(connection, key_id, address, known):
            return 0
        since = clock.before(seconds=seconds)
        return trail.count(connection, _attempts_for(key_id), since)


def _attempts(address: str) -> str:
    return f"sign-in/{address}"


def _attempts_for(key_id: str) -> str:
    return f"sign-in-for/{hash_of(key_id)[:_SHOWN]}"


def end(service: Service, cookie: str, client: str | None) -> None:
    """Sign a browser out; one that is not signed in stays so."""
    try:
        with service.reading() as connection:
            caller = caller_of_session(connection, cookie)
    except NotKnown:
        return
    digest = hash_of(cookie)

    def act(connection: Connection, _: Change) -> Answer:
        accounts.end_session(connection, digest, clock.now())
        return Answer.of(200, {})

    call = Call(caller=caller, what="POST /sign-out", body="", client=client)
    service.change(call, "session.end", f"session/{digest[:_SHOWN]}", act)


def subject_of(issuer: str, subject: str) -> str:
    """Return how an account names a person of a provider: no two providers alike."""
    return f"{issuer} {subject}"


def _begun(
    service: Service,
    caller: Caller,
    client: str | None,
    latest: str | None,
    address: str | None,
) -> Begun:
    expires_at = clock.after(minutes=service.settings.session_minutes)
    begun = Begun(
        account_id=caller.account_id,
        name=caller.name,
        cookie=secrets.token_urlsafe(32),
        form_token=secrets.token_urlsafe(32),
        expires_at=min(expires_at, latest or expires_at),
    )
    digest = hash_of(begun.cookie)

    def act(connection: Connection, change: Change) -> Answer:
        accounts.add_session(
            connection,
            session_hash=digest,
            account_id=begun.account_id,
            form_token=begun.form_token,
            address=address,
            created_at=clock.now(),
            expires_at=begun.expires_at,
        )
        if caller.key_id is not None:
            today = clock.today().isoformat()
            accounts.use_key(connection, caller.key_id, today)
        change.after = {"expires_at": begun.expires_at, "key_id": caller.key_id}
        return Answer.of(200, {})

    call = Call(caller=caller, what="POST /sign-in", body="", client=client)
    service.change(call, "session.begin", f"session/{digest[:_SHOWN]}", act)
    return begun
