"""Tells the API's description of the bodies that ``parsed`` reads."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from pydantic import TypeAdapter

from app.edge.body import JSON

_REF = "#/components/schemas/{model}"


def describe_bodies(app: FastAPI, document: dict[str, Any]) -> None:
    """Add to an OpenAPI document the bodies its calls take, where they are parsed.

    Parameters
    ----------
    app
        Whose calls the document describes.
    document
        As ``FastAPI.openapi`` makes it; changed in place.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for route in iter_route_contexts(app.routes):
        if getattr(route, "dependant", None) is None:
            continue
        for model in _bodies(route.dependant):
            schema = TypeAdapter(model).json_schema(ref_template=_REF)
            schemas.update(schema.pop("$defs", {}))
            name = getattr(model, "__name__", None)
            if name is not None and schema.get("type") == "object":
                schemas[name] = schema
                schema = {"$ref": _REF.format(model=name)}
            for method in route.methods or ():
                call = document["paths"].get(route.path_format, {}).get(method.lower())
                if call is not None:
                    content = call.setdefault("requestBody", {"required": True})
                    content.setdefault("content", {}).setdefault(JSON, {}).setdefault(
                        "schema", schema
                    )


def _bodies(dependant: Dependant) -> Iterator[Any]:
    model = getattr(dependant.call, "body_type", None)
    if model is not None:
        yield model
    for inner in dependant.dependencies:
        yield from _bodies(inner)
