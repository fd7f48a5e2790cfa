"""Which route a call came to, its prefixes included."""

from typing import Any

from starlette.types import Scope


def matched_route(scope: Scope) -> Any:
    """Return the route, None where none matched.

    FastAPI keeps a route that was included under a prefix apart from how it was
    included; the latter has the whole path and all dependencies.
    """
    context = scope.get("fastapi", {}).get("effective_route_context")
    return context or scope.get("route")


def template_of(scope: Scope) -> str | None:
    """Return the path of the route with its parameters as names, as in the API."""
    return getattr(matched_route(scope), "path_format", None)
