"""All pages, and how calls that came to none of them are answered."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.edge.handlers import unexpected
from app.edge.problem import Problem
from app.edge.problem_page import for_people
from app.errors import InputRefused
from app.storage.errors import StoreError
from app.use_cases.refusals import Refusal
from app.web import (
    audit,
    batches,
    bins,
    changing,
    comparing,
    deciding,
    deciding_many,
    finding,
    help,
    home,
    keys,
    nearest,
    policies,
    policy_editing,
    proposals,
    request_changes,
    requests,
    sheets,
    static_files,
    why,
)
from app.web.route import page_of, problem_page

OPEN_PAGES: Final = frozenset({static_files.PATH, static_files.ICON})
"""Pages that need no one signed in."""

_ROUTERS: Final = (
    static_files.router,
    home.router,
    help.router,
    requests.router,
    request_changes.router,
    batches.router,
    proposals.router,
    bins.router,
    finding.router,
    deciding.router,
    deciding_many.router,
    changing.router,
    sheets.router,
    why.router,
    comparing.router,
    nearest.router,
    audit.router,
    keys.router,
    policies.router,
    policy_editing.router,
)
"""Every router of pages. A new one adds itself here."""


def include_pages(api: FastAPI) -> None:
    """Give an application the review page."""
    for router in _ROUTERS:
        api.include_router(router, include_in_schema=False)


def answer_people(api: FastAPI) -> None:
    """Answer people who came to no page, or met a fault of ours, with a page."""
    before: Any = api.exception_handlers[HTTPException]

    async def stray(request: Request, raised: Exception) -> Response:
        assert isinstance(raised, HTTPException)
        if not _is_person(request):
            found: Response = await before(request, raised)
            return found
        detail = _DETAILS.get(raised.status_code, str(raised.detail))
        return problem_page(request, Problem.of(raised.status_code, detail))

    async def fault(request: Request, _: Exception) -> Response:
        if not _is_person(request):
            return unexpected().response()
        return problem_page(request, Problem.of(500, _FAULT))

    api.add_exception_handler(HTTPException, stray)
    api.add_exception_handler(Exception, fault)
    for kind in (Problem, Refusal, InputRefused, RequestValidationError, StoreError):
        _answer_people(api, kind)


def _answer_people(api: FastAPI, kind: type[Exception]) -> None:
    """Answer people with a page where a call that is no page, as to sign in, fails."""
    before: Any = api.exception_handlers[kind]

    async def answer(request: Request, raised: Exception) -> Response:
        page = page_of(request, raised) if _is_person(request) else None
        if page is not None:
            return page
        found: Response = await before(request, raised)
        return found

    api.add_exception_handler(kind, answer)


def _is_person(request: Request) -> bool:
    return for_people(request.scope["headers"], request.url.path)


_FAULT: Final = (
    "Something went wrong here, and it is in the log. What you sent may be sent again: "
    "a form acts once."
)


_DETAILS: Final = {
    404: "There is no such page.",
    405: "This page cannot be asked for in this way.",
}
