"""Examples of what calls answer, as a service answered that was asked."""

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

JSON: Final = "application/json"

STARTING: Final = {
    "ready": False,
    "store": "sqlite",
    "solver": "not checked yet",
    "checkpoints": "written",
    "reason": "The service starts.",
}


@cache
def examples() -> dict[str, Any]:
    """Return an example of each answer, by call and status."""
    text = files("app.api").joinpath("examples.json").read_text(encoding="utf-8")
    return {**json.loads(text), "GET /readyz 503": STARTING}


def show_examples(document: dict[str, Any]) -> None:
    """Give the answers of an OpenAPI document the examples there are."""
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            for status, answer in call["responses"].items():
                found = examples().get(f"{method.upper()} {path} {status}")
                content = answer.get("content", {}).get(JSON)
                if found is not None and content is not None:
                    content["example"] = found
