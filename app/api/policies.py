"""Policies, in all their versions."""

import json
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query
from starlette.responses import Response

from app.api.described import IDEMPOTENCY_KEY, IF_MATCH, refusals
from app.api.entrance import Entrance, Needs, response
from app.api.models import PolicyShown
from app.api.shown import Policies
from app.edge.body import media_type, strict_json
from app.use_cases import policy
from app.use_cases.access import Permission
from app.use_cases.refusals import NotAcceptable
from app.use_cases.service import Answer

router = APIRouter(tags=["policies"])

TOML: Final = "application/toml"
JSON: Final = "application/json"

Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


@router.get(
    "/policies",
    response_model=Policies,
    responses={200: {"description": "Every policy, last version."}, **refusals()},
)
def get_policies(
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_POLICIES))],
) -> Any:
    """List the policies in their last version."""
    with entrance.service.reading() as connection:
        return {"items": policy.listed(connection)}


@router.get(
    "/policies/{name}",
    response_model=PolicyShown,
    responses={
        200: {
            "description": "As JSON, or as TOML with `Accept: application/toml`.",
            "content": {TOML: {"schema": {"type": "string"}}},
        },
        **refusals(404),
    },
)
def get_policy(
    name: Name,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_POLICIES))],
    version: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
    accept: str = Header("", include_in_schema=False),
) -> Response:
    """Return a policy, its last version where none is named."""
    with entrance.service.reading() as connection:
        shown, toml = policy.shown(connection, name, version)
    headers = {"ETag": f'"{shown["version"]}"'}
    if TOML in accept:
        return Response(toml, 200, headers, TOML)
    return response(Answer.of(200, shown, headers))


@router.put(
    "/policies/{name}",
    response_model=PolicyShown,
    responses={
        201: {"model": PolicyShown, "description": "It is new."},
        **refusals(409, 412, 415),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                TOML: {"schema": {"type": "string"}},
                JSON: {"schema": {"type": "object"}},
            },
        }
    },
)
def put_policy(
    name: Name,
    entrance: Annotated[Entrance, Depends(Needs(Permission.WRITE_POLICIES))],
    if_match: str | None = IF_MATCH,
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """Add the next version of a policy; versions there are stay as they are."""
    kind = media_type(entrance.request, TOML, JSON)
    table: Any = None
    if kind == JSON:
        strict_json(entrance.body)
        table = json.loads(entrance.body, parse_float=Decimal)
        if not isinstance(table, dict):
            raise NotAcceptable("A policy is an object with the keys of its TOML form.")
    answer = policy.put(
        entrance.service,
        entrance.call,
        name,
        toml=entrance.body if kind == TOML else None,
        table=table,
        version=None if if_match is None else entrance.version("policy"),
    )
    return response(answer)
