"""Keys and accounts: made, listed and ended by an admin."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from app.api.described import IDEMPOTENCY_KEY, refusals
from app.api.entrance import Entrance, Needs, response
from app.api.models import (
    Accounts,
    AccountShown,
    AccountWanted,
    KeyMade,
    KeyWanted,
)
from app.api.shown import KeyRevoked, Keys
from app.use_cases import keys
from app.use_cases.access import Permission, Role
from app.use_cases.service import Answer
from app.use_cases.sessions import subject_of

router = APIRouter(tags=["keys"])

KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]


@router.post(
    "/keys",
    status_code=201,
    response_model=KeyMade,
    responses={
        201: {"description": "The key is shown here, and never again."},
        **refusals(409, 415),
    },
)
def post_key(
    entrance: Annotated[Entrance, Depends(Needs(Permission.WRITE_KEYS, KeyWanted))],
) -> Response:
    """Make a key for a person or a program."""
    wanted = entrance.parsed(KeyWanted)
    answer, key = keys.make_key(
        entrance.service,
        # A repeat could not be answered with the key, which is not kept.
        replace(entrance.call, key=None),
        name=wanted.name,
        role=Role(wanted.role),
        customers=wanted.customers,
        regions=wanted.regions,
        expires_on=wanted.expires_on,
    )
    return response(Answer.of(answer.status, {**answer.value(), "key": key}))


@router.get(
    "/keys",
    response_model=Keys,
    responses={
        200: {"description": "Every key, never its secret."},
        **refusals(),
    },
)
def get_keys(
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_KEYS))],
) -> Any:
    """List keys: whom they are for and until when."""
    with entrance.service.reading() as connection:
        return {"items": keys.listed(connection)}


@router.delete(
    "/keys/{key_id}",
    response_model=KeyRevoked,
    responses={
        200: {"description": "It lets nobody in any more."},
        **refusals(404),
    },
)
def delete_key(
    key_id: KeyId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.WRITE_KEYS))],
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """End a key at once."""
    return response(keys.revoke_key(entrance.service, entrance.call, key_id))


AccountId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


@router.post(
    "/accounts",
    status_code=201,
    response_model=AccountShown,
    responses={
        201: {"description": "The person may sign in by the provider from now on."},
        **refusals(409, 415),
    },
)
def post_account(
    entrance: Annotated[Entrance, Depends(Needs(Permission.WRITE_KEYS, AccountWanted))],
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """Make an account for a person whom an OpenID Connect provider vouches for."""
    wanted = entrance.parsed(AccountWanted)
    answer = keys.make_account(
        entrance.service,
        entrance.call,
        name=wanted.name,
        role=Role(wanted.role),
        customers=wanted.customers,
        regions=wanted.regions,
        subject=subject_of(wanted.issuer, wanted.subject),
    )
    return response(answer)


@router.get(
    "/accounts",
    response_model=Accounts,
    responses={200: {"description": "Every account."}, **refusals()},
)
def get_accounts(
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_KEYS))],
) -> Any:
    """List accounts: who they are and what they may."""
    with entrance.service.reading() as connection:
        return {"items": keys.all_accounts(connection)}


@router.delete(
    "/accounts/{account_id}",
    response_model=AccountShown,
    responses={
        200: {"description": "Its keys and sessions let nobody in any more."},
        **refusals(404),
    },
)
def delete_account(
    account_id: AccountId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.WRITE_KEYS))],
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """Let an account in no more; it is kept, for what it did names it."""
    return response(keys.disable_account(entrance.service, entrance.call, account_id))
