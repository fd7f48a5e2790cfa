"""Write docs/openapi.json and docs/api.md from what the service says of itself.

    .venv/bin/python scripts/api_page.py

A test compares both with it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.server.checkup import description

type Json = Any

DOCS = Path(__file__).parents[1] / "docs"

HEAD = """\
# The API

Every call of `allybin serve`, made from the [description of the API](openapi.json)
(OpenAPI 3.1), from which clients can be generated. `allybin openapi` prints it, and
`GET /v1/openapi.json` answers with it. [The service](service.md) shows how the calls
work together, with examples that run.

- Every call but `/healthz` and `/readyz` needs `Authorization: Bearer KEY`. What a
  caller sees comes from the key alone. A thing of another customer's answers 404, as
  one that never was.
- Errors are `application/problem+json` in one shape. Any call may be answered with
  {always}; below are the others.
- A call that changes something may carry an `Idempotency-Key`: the same key and call
  again get the first answer, and are done once.
- What can be changed has an `ETag`; a change names it with `If-Match`. Without it the
  answer is 428, with an old one 412.
- Lists come in pages: `limit`, `cursor`, and `next`, which is null on the last page.
- Times are UTC, RFC 3339. Figures are staff-days unless the name says otherwise.
"""


def written(document: Json) -> dict[str, str]:
    """Return what each file holds."""
    return {
        "openapi.json": json.dumps(document, ensure_ascii=False, indent=1) + "\n",
        "api.md": "\n".join(_page(document)) + "\n",
    }


def _page(document: Json) -> Iterator[str]:
    calls = [
        (method.upper(), path, call)
        for path, methods in document["paths"].items()
        for method, call in methods.items()
    ]
    secured = [call for _, _, call in calls if call["security"]]
    always = set.intersection(*[_errors(call) for call in secured])
    yield HEAD.replace("{always}", ", ".join(sorted(always)))
    for tag in dict.fromkeys(call["tags"][0] for _, _, call in calls):
        yield f"## {tag.capitalize()}\n"
        for method, path, call in calls:
            if call["tags"][0] == tag:
                yield from _call(method, path, call, always)
    yield "## What goes in and out\n"
    yield "`?` marks what may be left out or null.\n"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _schema(name, schema)


def _errors(call: Json) -> set[str]:
    return {status for status in call["responses"] if status >= "400"}


def _call(method: str, path: str, call: Json, always: set[str]) -> Iterator[str]:
    yield f"### {method} {path}\n"
    yield f"{call.get('description') or call['summary']}\n"
    parameters = [one for one in call.get("parameters", []) if one["in"] != "path"]
    if parameters:
        yield "| parameter | in | value | meaning |"
        yield "| --- | --- | --- | --- |"
        for one in parameters:
            schema = one["schema"]
            yield _row(
                f"`{one['name']}`{'' if one.get('required') else '?'}",
                one["in"],
                _kind(schema),
                one.get("description") or _default(schema),
            )
        yield ""
    body = call.get("requestBody")
    if body is not None:
        kinds = [
            f"`{kind}`{_named(content.get('schema', {}))}"
            for kind, content in body["content"].items()
        ]
        yield f"Body: {', '.join(kinds)}.\n"
    yield "| answer | when | holds |"
    yield "| --- | --- | --- |"
    for status, answer in sorted(call["responses"].items()):
        if status in always and call["security"]:
            continue
        held = [
            f"`{kind.partition(';')[0]}`{_named(content.get('schema', {}))}"
            for kind, content in answer.get("content", {}).items()
        ]
        yield _row(status, answer["description"], ", ".join(held))
    yield ""


def _named(schema: Json) -> str:
    kind = _kind(schema)
    return f" {kind}" if "](#" in kind else ""


def _schema(name: str, schema: Json) -> Iterator[str]:
    if schema.get("type") != "object" or "properties" not in schema:
        values = ", ".join(f"`{value}`" for value in schema.get("enum", []))
        yield f"### {name}\n"
        yield f"{schema.get('description', '')} {values}".strip() + "\n"
        return
    yield f"### {name}\n"
    yield f"{schema.get('description', '')}\n"
    required = set(schema.get("required", []))
    yield "| field | value | meaning |"
    yield "| --- | --- | --- |"
    for field, of in schema["properties"].items():
        mark = "" if field in required else "?"
        yield _row(f"`{field}`{mark}", _kind(of), of.get("description") or _default(of))
    yield ""


def _default(schema: Json) -> str:
    if schema.get("default") in (None, {}):
        return ""
    return f"`{json.dumps(schema['default'])}` when not given"


def _kind(schema: Json) -> str:
    """Return what values a schema allows, in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_kind(one) for one in schema[several]))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"map to {_kind(inner)}" if isinstance(inner, dict) else "object"
    words = {"integer": "whole number", "boolean": "true or false", "string": "text"}
    return words.get(kind, kind) or "anything"


def _row(*cells: str) -> str:
    plain = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(plain)} |"


def main() -> None:
    """Write both files."""
    for name, text in written(description()).items():
        (DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
