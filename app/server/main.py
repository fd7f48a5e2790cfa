"""The service put together: the store, the desk, the queue and the API over them."""

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from typing import Any, Final, Protocol

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic.json_schema import models_json_schema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from app.api import (
    audit,
    batches,
    bins,
    health,
    keys,
    many,
    memos,
    policies,
    proposals,
    sessions,
    sheets,
)
from app.api.entrance import Entrance, Needs
from app.api.examples import show_examples
from app.api.quick import Quick
from app.api.shown import BatchSent
from app.api.together import Together
from app.audit.chain import Entry, append
from app.edge.described import describe_bodies
from app.edge.front import Front
from app.edge.handlers import install_handlers
from app.edge.metrics import Metrics
from app.edge.problem import MEDIA_TYPE as PROBLEM
from app.edge.problem import Problem
from app.jobs.desk import DeskClosed, DeskFailed
from app.jobs.trials import Trials
from app.settings import Settings
from app.storage.database import Database
from app.storage.errors import StoreError
from app.use_cases.access import Caller, Permission, callers_of_keys
from app.use_cases.keys import FIRST_ACCOUNT, first_key
from app.use_cases.policy import add_shipped
from app.use_cases.refusals import NotKnown, Refusal
from app.use_cases.service import Service
from app.use_cases.together import change_all
from app.web import OPEN_PAGES, answer_people, include_pages

OPEN: Final = (
    frozenset({"/healthz", "/readyz", "/v1/healthz", "/v1/readyz"})
    | sessions.PATHS
    | OPEN_PAGES
)
"""Calls that need no credential; every other route names a permission."""

SUMMARY: Final = """\
Combined review bins for Foreign Military Sales requests, with proof.

Send batches of requests, ask for a proposal, look at its bins, price and make changes,
decide. Every call but `healthz` and `readyz` needs `Authorization: Bearer KEY`. Errors
are problem details (RFC 9457). A POST may carry an `Idempotency-Key`; what can be
changed has an `ETag`, and a change names it with `If-Match`.

It supports administrative review only: it decides nothing about releasability, and its
effort figures are assumptions.
"""


class Worker(Protocol):
    """What solves proposals, apart from the calls."""

    def start(self) -> None:
        """Begin to work, and take up again what was left."""

    def stop(self) -> None:
        """Stop, and leave what is unfinished for the next start."""

    def enqueue(self, proposal_id: str) -> None:
        """Have a proposal solved; twice is as good as once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The service, ready to be run.

    ``first_key`` is the key of the account that a first start made; it is shown once.
    """

    app: ASGIApp
    api: FastAPI
    service: Service
    first_key: str | None


def prepare(settings: Settings) -> tuple[Service, str | None]:
    """Open the store, bring it to its schema, and put in what a first start needs."""
    database = Database.open(settings.url)
    try:
        database.migrate()
        with database.writing() as connection:
            key = first_key(connection)
            added = add_shipped(connection)
            if key is not None or added:
                append(connection, _first_entry(key is not None, added))
    except BaseException:
        database.close()
        raise
    return Service(database, settings), key


def _first_entry(account: bool, added: list[str]) -> Entry:
    return Entry(
        actor="service",
        role="service",
        scope="*",
        action="service.first_start",
        object="service",
        after={"account": FIRST_ACCOUNT if account else None, "policies": added},
    )


def build(
    settings: Settings,
    service: Service,
    worker: Worker,
    desk: Any,
    *,
    first_key: str | None = None,
    on_stop: Callable[[], None] = lambda: None,
) -> Built:
    """Put the API over an open store and what works for it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(worker.start)
        app.state.started = True
        try:
            yield
        finally:
            app.state.stopping.set()
            await run_in_threadpool(worker.stop)
            on_stop()

    api = FastAPI(
        title="allybin",
        version=version("allybin"),
        description=SUMMARY,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=_name_of,
    )
    metrics = Metrics()
    state = api.state
    state.service, state.desk, state.metrics = service, desk, metrics
    state.quick = Quick(service.database)
    state.together = Together(partial(change_all, service))
    state.callers = Together(partial(_callers, service))
    state.enqueue = worker.enqueue
    state.trials = Trials(desk)
    service.unsound = lambda: desk.canaries.known_wrong
    state.sign_in = sessions.SignIn(settings)
    state.started, state.stopping = False, threading.Event()
    install_handlers(api, Refusal)
    api.add_exception_handler(StoreError, _of_store)
    for gone in (DeskFailed, DeskClosed):
        api.add_exception_handler(gone, _of_desk)
    api.router.routes.extend(_every_route())
    answer_people(api)
    return Built(
        app=Front(api, settings, metrics),
        api=api,
        service=service,
        first_key=first_key,
    )


@cache
def _every_route() -> tuple[BaseRoute, ...]:
    """Return all calls and pages; they hold nothing of the application they are of.

    To make them takes longer than all else, and is done once a process. A route that
    names no permission is refused here.
    """
    api = built_for_description()
    api.include_router(sessions.router)
    include_pages(api)
    require_permissions(api)
    return tuple(api.routes)


def _callers(service: Service, keys: Sequence[str]) -> list[Caller | NotKnown]:
    """Return who is let in by some keys."""
    with service.reading() as connection:
        return callers_of_keys(connection, keys)


def built_for_description() -> FastAPI:
    """Return the API without a store behind it: it can only describe itself."""
    api = FastAPI(
        title="allybin", version=version("allybin"), description=SUMMARY,
        docs_url=None, redoc_url=None, openapi_url=None,
        generate_unique_id_function=_name_of,
    )  # fmt: skip
    include_routes(api)
    return api


def _name_of(route: APIRoute) -> str:
    """Return what generated clients call a call: the name of its function."""
    return route.name


def include_routes(api: FastAPI) -> None:
    """Give an application every call of the service."""
    for module in (
        batches,
        proposals,
        bins,
        many,
        memos,
        sheets,
        policies,
        keys,
        audit,
    ):
        api.include_router(module.router, prefix="/v1")
    api.include_router(_description, prefix="/v1")
    api.include_router(health.router)
    api.include_router(health.router, prefix="/v1", include_in_schema=False)


async def _of_desk(_: Request, raised: Exception) -> Response:
    """Answer what the desk could not price or say now."""
    title, later = "The solver is not there", {"Retry-After": "5"}
    return Problem(503, title, str(raised), headers=later).response()


async def _of_store(_: Request, raised: Exception) -> Response:
    """Answer what the store cannot do; its sentences name no secret."""
    assert isinstance(raised, StoreError)
    headers = {}
    if raised.status == 503:
        headers["Retry-After"] = str(raised.retry_after_s or 5)
    extra = {"carried_out": raised.committed}
    title = "The store is not there"
    problem = Problem(raised.status, title, str(raised), headers=headers, extra=extra)
    return problem.response()


_description = APIRouter()


@_description.get("/openapi.json", include_in_schema=False)
def get_description(
    entrance: Entrance = Depends(Needs(Permission.READ_DESCRIPTION)),  # noqa: B008
) -> JSONResponse:
    """Return what describes all the other calls."""
    return JSONResponse(described(entrance.request.app))


def described(api: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the service."""
    if api.openapi_schema is None:
        document = api.openapi()
        describe_bodies(api, document)
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(_sent())
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, calls in document["paths"].items():
            for call in calls.values():
                call["security"] = [] if path in OPEN else [{"key": []}]
                call["responses"].pop("422", None) if path in OPEN else None
                for answer in call["responses"].values():
                    content = answer.get("content", {})
                    if PROBLEM in content:
                        content.pop("application/json", None)
                    if answer["description"] == "Successful Response":
                        answer["description"] = "As asked."
        show_examples(document)
        api.openapi_schema = document
    return api.openapi_schema


def _sent() -> dict[str, Any]:
    """Return what describes the bodies that are files, read by no model."""
    _, found = models_json_schema(
        [(BatchSent, "validation")], ref_template="#/components/schemas/{model}"
    )
    schemas: dict[str, Any] = found["$defs"]
    return schemas


def require_permissions(api: FastAPI) -> None:
    """Refuse to run with a route that names no permission and is not open to all."""
    for route in routes_of(api):
        if route.path not in OPEN and permission_of(route) is None:
            raise RuntimeError(f"{route.path} names no permission: it is denied.")


def routes_of(api: FastAPI) -> list[Any]:
    """Return every route of the API."""
    found = iter_route_contexts(api.routes)
    return [one for one in found if getattr(one, "dependant", None) is not None]


def permission_of(route: Any) -> Permission | None:
    """Return the permission a route needs."""
    for inner in route.dependant.dependencies:
        if isinstance(inner.call, Needs):
            return inner.call.permission
    return None
