"""Batches of requests, and the requests themselves."""

from io import BytesIO
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import JSONResponse, Response

from app.api.described import IDEMPOTENCY_KEY, IF_MATCH, example, refusals
from app.api.entrance import Entrance, Needs, response
from app.api.models import Batch, BatchSummary, Page, RequestShown
from app.api.pages import Cursor, Limit, page, place_of
from app.catalogue import CustomerCodes
from app.edge.multipart import one_file
from app.errors import Fault, FaultCode, InputRefused
from app.intake import Format, Limits, Source, read_request_sources
from app.storage import requests as stored
from app.storage.plain import shown_request
from app.use_cases.access import Permission
from app.use_cases.disclose import standing
from app.use_cases.refusals import NotAcceptable, NotThere
from app.use_cases.send import (
    Sent,
    replace_request,
    require_own,
    send,
    withdraw_request,
)
from app.use_cases.service import body_hash

router = APIRouter(tags=["batches and requests"])

FORMATS: Final = {
    "application/json": Format.JSON,
    "application/x-ndjson": Format.NDJSON,
    "application/ndjson": Format.NDJSON,
    "application/jsonl": Format.NDJSON,
    "text/csv": Format.CSV,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Format.XLSX,
    "application/vnd.apache.parquet": Format.PARQUET,
    "application/x-parquet": Format.PARQUET,
}
"""The format that a media type stands for."""

_REQUEST: Final = {"$ref": "#/components/schemas/RequestSent"}

_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/BatchSent"},
                "example": {
                    "requests": [
                        {
                            "request_id": "POL-26-0007",
                            "customer": "POL",
                            "system": "HIMARS",
                            "received_on": "2026-01-05",
                            "value_usd": 1500000,
                        }
                    ]
                },
            },
            "text/csv": {
                "schema": {"type": "string"},
                "example": "request_id,customer,system,received_on,value_usd\n"
                "POL-26-0007,POL,HIMARS,2026-01-05,1500000\n",
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
                "schema": {"type": "string", "format": "binary"}
            },
            "application/vnd.apache.parquet": {
                "schema": {"type": "string", "format": "binary"}
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            },
        },
    }
}

Uid = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", description="Its `uid`.")]
BatchId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


@router.post(
    "/batches",
    status_code=201,
    response_model=BatchSummary,
    responses={
        200: {
            "model": BatchSummary,
            "description": "Nothing new was in it, or it was a dry run.",
        },
        201: {
            "description": "It is stored.",
            **example(
                {
                    "batch_id": "0b8f7c1e-5a53-4df5-8a51-6f6f3f3f1b7e",
                    "requests": 1,
                    "stored": 1,
                    "unchanged": 0,
                    "refused": 0,
                    "extra_columns": [],
                    "errors": [],
                }
            ),
        },
        **refusals(409, 415),
    },
    openapi_extra=_BODY,
)
def post_batch(
    entrance: Annotated[Entrance, Depends(Needs(Permission.SEND))],
    dry_run: bool = False,
    on_error: Literal["refuse", "skip"] = "refuse",
    extra_columns: Literal["refuse", "keep"] = "refuse",
    customer_codes: CustomerCodes | None = None,
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001 - the entrance reads it
) -> Response:
    """Send requests as a file: JSON, NDJSON, CSV, XLSX or Parquet."""
    call = entrance.call
    before = entrance.service.first_answer(call)
    if before is not None:
        return response(before)
    source = _source(entrance)
    intake = read_request_sources(
        [source],
        customer_codes=customer_codes,
        keep_extra_columns=extra_columns == "keep",
        on_error=on_error,
        limits=Limits.of(entrance.service.settings),
    )
    if not dry_run:
        with entrance.service.recording_refusals(call, "batch.send", "batch"):
            require_own(call.caller, intake.requests)
    sent = Sent(
        intake=intake,
        format=str(source.format),
        label=None if source.label == "body" else source.label,
        sha256=body_hash(entrance.body),
    )
    return response(send(entrance.service, call, sent, dry_run=dry_run))


def _source(entrance: Entrance) -> Source:
    kind = entrance.content_type
    if kind == "multipart/form-data":
        part = one_file(entrance.request, entrance.body)
        found = FORMATS.get(part.content_type)
        label = part.name or "body"
        return Source(label=label, stream=BytesIO(part.content), format=found)
    found = FORMATS.get(kind)
    if found is None:
        accepted = ", ".join([*FORMATS, "multipart/form-data"])
        message = f"The Content-Type has to be one of {accepted}."
        fault = Fault(file="body", code=FaultCode.FILE_TYPE, message=message)
        raise InputRefused([fault])
    return Source(label="body", stream=BytesIO(entrance.body), format=found)


@router.get("/batches", response_model=Page[Batch], responses=refusals())
def get_batches(
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_REQUESTS))],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List batches, newest first."""
    after = place_of(cursor, str, str)
    with entrance.service.reading() as connection:
        rows = stored.batch_page(
            connection,
            entrance.caller.scope,
            after=None if after is None else (after[0], after[1]),
            limit=limit + 1,
        )
    return page(rows, limit, _shown_batch, lambda row: (row.created_at, row.batch_id))


@router.get("/batches/{batch_id}", response_model=Batch, responses=refusals(404))
def get_batch(
    batch_id: BatchId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_REQUESTS))],
) -> Response:
    """Return a batch."""
    with entrance.service.reading() as connection:
        row = stored.batch(connection, entrance.caller.scope, batch_id)
    if row is None:
        raise NotThere("batch")
    return JSONResponse(_shown_batch(row))


@router.get(
    "/batches/{batch_id}/requests",
    response_model=Page[RequestShown],
    responses=refusals(404),
)
def get_batch_requests(
    batch_id: BatchId,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_REQUESTS))],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List the requests of a batch, in the order of its rows."""
    after = place_of(cursor, int)
    scope = entrance.caller.scope
    with entrance.service.reading() as connection:
        if stored.batch(connection, scope, batch_id) is None:
            raise NotThere("batch")
        rows = stored.batch_members(
            connection,
            scope,
            batch_id,
            after=None if after is None else after[0],
            limit=limit + 1,
        )
    return page(
        rows,
        limit,
        lambda row: {**_shown(row), "outcome": row.outcome},
        lambda row: (row.place,),
    )


@router.get("/requests", response_model=Page[RequestShown], responses=refusals())
def get_requests(
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_REQUESTS))],
    customer: Annotated[str | None, Query(pattern=r"^[A-Z]{3}$")] = None,
    system: Annotated[str | None, Query(max_length=128)] = None,
    region: Annotated[str | None, Query(max_length=64)] = None,
    request_id: Annotated[str | None, Query(max_length=64)] = None,
    state: Literal["open", "withdrawn"] | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List requests, oldest first."""
    after = place_of(cursor, str, str, str)
    given = {
        "customer": customer,
        "system": system,
        "region": region,
        "request_id": request_id,
        "state": state,
    }
    with entrance.service.reading() as connection:
        rows = stored.request_page(
            connection,
            entrance.caller.scope,
            filters={name: value for name, value in given.items() if value},
            after=None if after is None else (after[0], after[1], after[2]),
            limit=limit + 1,
        )
    return page(
        rows, limit, _shown, lambda row: (row.created_at, row.customer, row.request_id)
    )


@router.get("/requests/{uid}", response_model=RequestShown, responses=refusals(404))
def get_request(
    uid: Uid,
    entrance: Annotated[Entrance, Depends(Needs(Permission.READ_REQUESTS))],
) -> Response:
    """Return a request, and what became of it as far as the caller may know."""
    with entrance.service.reading() as connection:
        row = stored.request(connection, entrance.caller.scope, uid)
        if row is None:
            raise NotThere("request")
        outcome = standing(connection, entrance.caller, row)
    said = {**_shown(row), **outcome}
    return JSONResponse(said, headers={"ETag": f'"{row.version}"'})


@router.put(
    "/requests/{uid}",
    response_model=RequestShown,
    responses=refusals(404, 409, 412, 415, 428),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _REQUEST}},
        }
    },
)
def put_request(
    uid: Uid,
    entrance: Annotated[Entrance, Depends(Needs(Permission.WITHDRAW))],
    customer_codes: CustomerCodes | None = None,
    if_match: str | None = IF_MATCH,  # noqa: ARG001 - the entrance reads it
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001
) -> Response:
    """Put a new version in the place of a request; decisions it touches come up."""
    version = entrance.version("request")
    if entrance.content_type != "application/json":
        raise InputRefused(
            [
                Fault(
                    file="body",
                    code=FaultCode.FILE_TYPE,
                    message="The Content-Type has to be application/json.",
                )
            ]
        )
    source = Source(
        label="body", stream=BytesIO(b"[" + entrance.body + b"]"), format=Format.JSON
    )
    intake = read_request_sources(
        [source],
        customer_codes=customer_codes,
        keep_extra_columns=True,
        limits=Limits(),
    )
    if len(intake.requests) != 1:
        raise NotAcceptable("The body is one request.")
    call, thing = entrance.call, f"request/{uid}"
    with entrance.service.recording_refusals(call, "request.change", thing):
        require_own(call.caller, intake.requests)
    answer = replace_request(entrance.service, call, uid, version, intake.requests[0])
    return response(answer)


@router.delete(
    "/requests/{uid}",
    response_model=RequestShown,
    responses=refusals(404, 409, 412, 428),
)
def delete_request(
    uid: Uid,
    entrance: Annotated[Entrance, Depends(Needs(Permission.WITHDRAW))],
    if_match: str | None = IF_MATCH,  # noqa: ARG001 - the entrance reads it
    idempotency_key: str | None = IDEMPOTENCY_KEY,  # noqa: ARG001
) -> Response:
    """Withdraw a request; it is kept, and decisions it touches come up for review."""
    version = entrance.version("request")
    return response(withdraw_request(entrance.service, entrance.call, uid, version))


def _shown_batch(row: stored.Row) -> dict[str, Any]:
    return {
        name: getattr(row, name)
        for name in (
            "batch_id",
            "customer",
            "created_at",
            "label",
            "format",
            "sha256",
            "stored",
            "unchanged",
            "refused",
        )
    }


def _shown(row: stored.Row) -> dict[str, Any]:
    return {
        "uid": row.request_uid,
        "version": row.version,
        "state": row.state,
        "created_at": row.created_at,
        "changed_at": row.changed_at,
        **shown_request(row.content),
    }
