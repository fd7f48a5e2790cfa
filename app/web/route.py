"""A route whose answers are pages, also where something cannot be answered."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.edge.handlers import not_valid, of_refusal
from app.edge.problem import Problem
from app.errors import InputRefused
from app.storage.errors import StoreError
from app.use_cases.access import Caller
from app.use_cases.refusals import NotKnown, Refusal
from app.use_cases.service import Service
from app.web.door import signed_in
from app.web.render import draw_apart

type Answering = Callable[[Request], Awaitable[Response]]

SIGN_IN = "/sign-in"


class PageRoute(APIRoute):
    """Answers problems with pages, and who is not signed in with the way in."""

    def get_route_handler(self) -> Any:
        """Return what answers a call."""
        inner = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await inner(request)
            except Exception as raised:
                page = page_of(request, raised)
                if page is None:
                    raise
                return page

        return answered


def page_of(request: Request, raised: Exception) -> Response | None:
    """Return the page that answers an exception; None where it is a fault of ours."""
    if isinstance(raised, NotKnown):
        return to_sign_in(request)
    problem = _problem_of(raised)
    return None if problem is None else problem_page(request, problem)


def to_sign_in(request: Request) -> Response:
    """Send somebody to sign in, and back here from there.

    A link from elsewhere comes without the cookie, also of who is signed in: then the
    page is asked for once more from here, which comes with it.
    """
    if request.headers.get("hx-request") == "true":
        return Response(status_code=200, headers={"HX-Redirect": SIGN_IN})
    url = request.url
    here = url.path + (f"?{url.query}" if url.query else "")
    looking = request.method in ("GET", "HEAD")
    if looking and request.headers.get("sec-fetch-site") == "cross-site":
        service: Service = request.app.state.service
        return draw_apart(service, "once_more.html.j2", here=here)
    back = looking and here != "/"
    address = f"{SIGN_IN}?to={quote(here, safe='')}" if back else SIGN_IN
    return RedirectResponse(address, 303)


def problem_page(request: Request, problem: Problem) -> Response:
    """Return a problem as a page, with the frame of whoever is signed in."""
    service: Service = request.app.state.service
    answer = draw_apart(
        service,
        "problem.html.j2",
        problem.status,
        caller=_caller_or_none(service, request),
        problem=problem,
        errors=_shown(problem.errors),
        call_id=request.scope.get("state", {}).get("request_id", ""),
    )
    for name, value in problem.headers.items():
        answer.headers[name] = value
    return answer


def _problem_of(raised: Exception) -> Problem | None:
    match raised:
        case Problem():
            return raised
        case Refusal():
            return of_refusal(raised)
        case InputRefused():
            return Problem.of_input(raised)
        case RequestValidationError():
            return not_valid(raised.errors())
        case HTTPException():
            return Problem.of(raised.status_code, str(raised.detail))
        case StoreError():
            headers = {"Retry-After": str(raised.retry_after_s or 5)}
            return Problem(
                raised.status, "The store is not there", str(raised), headers=headers
            )
    return None


def _caller_or_none(service: Service, request: Request) -> Caller | None:
    try:
        with service.reading() as connection:
            return signed_in(connection, request)
    except (Refusal, StoreError):
        return None


def _shown(errors: Sequence[Any]) -> list[Any]:
    return [one for one in errors if one.get("message")][:100]
