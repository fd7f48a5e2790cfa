"""The description of the API is true: valid, with examples, and kept to (P10)."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from app.server.main import described
from tests.service.world import HOST, World

EXAMPLES: Final = 3

NOT_ASKED: Final = [
    ignored_auth,  # the tests of isolation call every route without a key
    positive_data_acceptance,  # a cursor or a policy has to be more than its shape
]


def document(world: World) -> dict[str, Any]:
    """Return the description as it is served."""
    found: dict[str, Any] = world.read("/openapi.json")
    assert found == described(world.built.api)
    return found


def calls(found: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each call of a description with its name."""
    for path, methods in found["paths"].items():
        for method, call in methods.items():
            yield f"{method.upper()} {path}", call


def test_the_description_is_valid_and_its_names_are_unique(shared: World) -> None:
    found = document(shared)
    assert found["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(found).validate()
    names = [call["operationId"] for _, call in calls(found)]
    assert len({*names}) == len(names)
    for name, call in calls(found):
        assert call["summary"] or call["description"], name
        assert call["security"] == ([] if name[-1] == "z" else [{"key": []}]), name


def test_every_error_of_every_call_has_an_example_of_its_shape(shared: World) -> None:
    found = document(shared)
    shape = {
        "$ref": "#/components/schemas/ProblemDetails",
        "components": found["components"],
    }
    is_problem = jsonschema_rs.validator_for(shape)
    for name, call in calls(found):
        errors = [status for status in call["responses"] if int(status) >= 400]
        if call["security"]:
            assert {"400", "401", "403", "422", "429", "503"} <= {*errors}, name
        for status in errors:
            if name == "GET /readyz":
                continue
            media = call["responses"][status]["content"]
            assert [*media] == ["application/problem+json"], (name, status)
            example = media["application/problem+json"]["example"]
            is_problem.validate(example)
            assert example["status"] == int(status)


def test_every_answer_in_json_has_an_example(shared: World) -> None:
    without = [
        f"{name} {status}"
        for name, call in calls(document(shared))
        for status, answer in call["responses"].items()
        for kind, media in answer.get("content", {}).items()
        if kind.endswith("json") and "example" not in media
    ]
    assert without == []


def test_examples_are_what_their_schemas_say(shared: World) -> None:
    found = document(shared)
    checked = 0
    for name, call in calls(found):
        bodies = [call.get("requestBody", {}), *call["responses"].values()]
        for media in (
            one for body in bodies for one in body.get("content", {}).values()
        ):
            if "example" in media and "schema" in media:
                shape = {**media["schema"], "components": found["components"]}
                faults = jsonschema_rs.validator_for(shape).iter_errors(
                    media["example"]
                )
                assert [str(fault) for fault in faults] == [], name
                checked += 1
    assert checked > 100


@pytest.fixture(scope="module")
def tried(shared: World) -> tuple[World, Any]:
    """Return a service with something in it, and its description to try."""
    if shared.service.database.kind != "sqlite":
        pytest.skip("what is described does not depend on the database")
    if not shared.read("/batches")["items"]:
        shared.stored()
        shared.propose(policy="by-country")
    found = json.loads(json.dumps(document(shared)))
    for _, call in calls(found):
        del call["security"]  # each call here has a key, whatever else is wrong with it
    schema = schemathesis.openapi.from_dict(found)
    schema.app = shared.built.app
    return shared, schema


def ids(world: World) -> dict[str, str]:
    """Return ids that are there, by the names that addresses have for them."""
    proposal = world.read("/proposals")["items"][0]["proposal_id"]
    return {
        "batch_id": world.read("/batches")["items"][0]["batch_id"],
        "uid": world.read("/requests")["items"][0]["uid"],
        "proposal_id": proposal,
        "bin_id": world.read(f"/proposals/{proposal}/bins")["items"][0]["bin_id"],
        "name": "by-country",
        "seq": "1",
    }


def test_whatever_is_sent_is_answered_as_described(
    tried: tuple[World, Any], request: pytest.FixtureRequest
) -> None:
    world, schema = tried
    known = ids(world)
    examples = request.config.getoption("--calls") or EXAMPLES
    headers = {"Authorization": f"Bearer {world.first}"}
    faults: dict[str, str] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/events"):
            continue  # a stream; see test_proposals
        for mode in GenerationMode:
            told = try_out(operation, mode, known, headers, examples)
            faults |= told
    assert not faults, "\n\n".join(map(" ".join, faults.items()))
    world.join()


def try_out(
    operation: Any,
    mode: GenerationMode,
    known: dict[str, str],
    headers: dict[str, str],
    examples: int,
) -> dict[str, str]:
    """Make a call in ways that are right, or wrong; return how it was not answered."""
    faults: dict[str, str] = {}

    @seed(1)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(case=operation.as_strategy(generation_mode=mode), there=st.integers(0, 4))
    def one(case: Any, there: int) -> None:
        if there and mode is GenerationMode.POSITIVE and case.path_parameters:
            given_ids = case.path_parameters
            case.path_parameters = {
                name: known.get(name, value) for name, value in given_ids.items()
            }
        answer = case.call(headers=headers, base_url=f"http://{HOST}")
        try:
            case.validate_response(answer, excluded_checks=NOT_ASKED)
        except FailureGroup as group:
            for failure in group.exceptions:
                name = f"{case.method} {case.path}: {failure.title}"
                faults.setdefault(name, str(failure))

    with suppress(Unsatisfiable):  # nothing can be wrong where nothing is sent
        one()
    return faults


def test_what_the_description_shows_is_no_secret(shared: World) -> None:
    assert shared.call("GET", "/openapi.json", key="").status_code == 401
    said = json.dumps(document(shared))
    assert shared.first not in said
    assert re.findall(r"fms_[0-9a-f]{12}_[\w-]{43}", said) == []
