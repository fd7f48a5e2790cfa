"""Queries hold documented options only, each once."""

from difflib import get_close_matches
from typing import Any

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query

from app.edge.matched import matched_route
from app.edge.problem import Problem, error
from app.errors import quoted


async def known_query(request: Request) -> None:
    """Refuse an option that the call does not have, or one given twice.

    A dependency; it belongs behind the one that lets the caller in.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    if not given:
        return
    route = matched_route(request.scope)
    fields = get_flat_params(route.dependant)
    known = {field.alias for field in fields if isinstance(field.field_info, Query)}
    errors = [_unknown(name, known) for name in given if name not in known]
    errors += [
        error(f"{quoted(name)} is given twice.", column=name, code="repeated_key")
        for name in sorted({name for name in given if given.count(name) > 1} & known)
    ]
    if errors:
        raise Problem(422, "Not acceptable", errors[0]["message"], errors=errors)


def _unknown(name: str, known: set[str]) -> dict[str, Any]:
    near = get_close_matches(name[:64], known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    message = f"{quoted(name)} is not an option of this call.{hint}"
    return error(message, column=name, code="unknown_key")
