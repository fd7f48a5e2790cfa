"""Is it alive, is it ready, how does it do."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app.api.described import refusals
from app.api.entrance import Entrance, Needs, response
from app.api.shown import Health, Ready
from app.edge.metrics import MEDIA_TYPE
from app.use_cases.access import Permission
from app.use_cases.readiness import readiness
from app.use_cases.service import Answer

router = APIRouter(tags=["service"])


@router.get(
    "/healthz",
    response_model=Health,
    responses={200: {"description": "The process answers."}},
)
async def get_health() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    response_model=Ready,
    responses={
        200: {"description": "It can be used; with the settings in force."},
        503: {
            "model": Ready,
            "description": "It cannot be used yet, or any more; says why.",
        },
    },
)
def get_ready(request: Request) -> Response:
    """Say whether the service can be used, and with which settings of the store."""
    state = request.app.state
    said = readiness(
        state.service,
        started=state.started,
        stopping=state.stopping.is_set(),
        solver=state.desk.canaries.state,
    )
    return response(Answer.of(200 if said["ready"] else 503, said))


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus text.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **refusals(),
    },
)
def get_metrics(
    entrance: Annotated[Entrance, Depends(Needs(Permission.OPERATE))],
) -> Any:
    """Return counts and times of calls, and of solves."""
    metrics = entrance.request.app.state.metrics
    return Response(metrics.text(), media_type=MEDIA_TYPE)
