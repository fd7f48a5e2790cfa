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
    Grants,
    KeyMade,
    KeyWanted,
    RoleWanted,
)
from app.api.shown import KeyRevoked, Keys
from app.use_cases import granting, keys
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


@router.put(
    "/accounts/{account_id}/role",
    response_model=AccountShown,
    responses={
        200: {"description": "It has this role from its next call on."},
        202: {
            "model": AccountShown,
            "description": "An approver's or auditor's role waits for the second "
            "admin, where there is one.",
        },
        **refusals(404, 409, 415),
    },
)
def put_role(
    account_id: AccountId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.WRITE_KEYS, RoleWanted))],
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """Put a role in the place of those an account has."""
    wanted = entrance.parsed(RoleWanted)
    answer = granting.change_role(
        entrance.service,
        entrance.call,
        account_id,
        role=Role(wanted.role),
        customers=wanted.customers,
        regions=wanted.regions,
    )
    return response(answer)


GrantId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


@router.get(
    "/grants",
    response_model=Grants,
    responses={200: {"description": "What waits, oldest first."}, **refusals()},
)
def get_grants(
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_KEYS))],
) -> Any:
    """List the roles that wait for a second admin."""
    with entrance.service.reading() as connection:
        return {"items": granting.waiting(connection)}


@router.post(
    "/grants/{grant_id}/confirm",
    response_model=AccountShown,
    responses={
        200: {"description": "The account has the role from its next call on."},
        **refusals(404, 409),
    },
)
def post_confirm(
    grant_id: GrantId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.WRITE_KEYS))],
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """Give a role that another admin asked for."""
    return response(granting.confirm(entrance.service, entrance.call, grant_id))


@router.post(
    "/grants/{grant_id}/refuse",
    response_model=AccountShown,
    responses={
        200: {"description": "The account keeps the role it had, or none."},
        **refusals(404, 409),
    },
)
def post_refuse(
    grant_id: GrantId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.WRITE_KEYS))],
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """Refuse a role that was asked for, or take back that one asked for it."""
    return response(granting.refuse(entrance.service, entrance.call, grant_id))
