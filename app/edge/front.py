"""The front of the service: every call passes it first, and every answer last."""

import asyncio
import secrets
import time
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edge.body_limit import BodyLimit
from app.edge.gate import Gate
from app.edge.handlers import unexpected
from app.edge.headers import SecurityHeaders
from app.edge.matched import template_of
from app.edge.metrics import Metrics
from app.edge.problem import Problem
from app.edge.problem_page import for_people, page_response
from app.settings import Settings

_log = structlog.get_logger("allybin.calls")
_NOTED = "allybin.noted"


class Front:
    """Wraps the application: checks calls, completes answers, logs and counts both.

    Problems raised anywhere inside, and faults of ours, end here as answers.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, metrics: Metrics | None = None
    ) -> None:
        self.metrics = metrics or Metrics()
        self._app = app
        self._inside = BodyLimit(app, settings)
        self._gate = Gate(settings)
        self._headers = SecurityHeaders(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call."""
        if scope["type"] == "http":
            await self._answered(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        call_id = secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = call_id
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = message.get("headers", ())
                headers = self._headers.complete(given, call_id)
                message = {**message, "headers": headers}
            await send(message)
            if message.get("more_body"):
                await asyncio.sleep(0)  # let others have their turn, or this one leave

        self.metrics.under_way.inc()
        try:
            self._gate.admit(scope)
            await self._inside(scope, receive, answer)
        except Problem as problem:
            if not status:
                await _shown(problem, scope)(scope, receive, answer)
        except Exception as fault:
            noted = {"request_id": call_id, "route": template_of(scope)}
            _log.error("failed", exc_info=fault, **noted)
            if not status:
                await _shown(unexpected(), scope)(scope, receive, answer)
        finally:
            self.metrics.under_way.dec()
            self._record(scope, call_id, status, time.perf_counter() - began)

    def _record(self, scope: Scope, call_id: str, status: int, seconds: float) -> None:
        route = template_of(scope)
        client = scope.get("client")
        self.metrics.count(scope["method"], route, status, seconds)
        _log.info(
            "call",
            request_id=call_id,
            method=scope["method"][:16],
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            client=client[0] if client else None,
            **scope["state"].get(_NOTED, {}),
        )


def _shown(problem: Problem, scope: Scope) -> Response:
    """Return a problem as whoever called reads it: a program or a person."""
    if for_people(scope["headers"], scope["path"]):
        return page_response(problem, scope["state"]["request_id"])
    return problem.response()


def note(request: Request, **ids: Any) -> None:
    """Put ids, such as that of the caller, into the log line of a call."""
    request.scope.setdefault("state", {}).setdefault(_NOTED, {}).update(ids)
