"""Whatever a call raises is answered in one shape, and says nothing of our insides."""

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from app.edge.body import parsed
from app.edge.described import describe_bodies
from app.edge.handlers import install_handlers
from app.edge.query import known_query
from app.errors import Fault, FaultCode, InputRefused
from tests.app.edge.calling import call, post_json


class Item(BaseModel):
    """One thing inside a body."""

    model_config = ConfigDict(extra="forbid")
    op: str = Field(pattern="^[a-z]+$")


class Order(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid")
    items: tuple[Item, ...]


class Refusal(Exception):
    """As the layers above raise."""

    status = 401
    title = "Not signed in"
    code = "not-signed-in"
    detail = "A key is needed."
    errors = ()
    extra = {"hint": "Authorization"}  # noqa: RUF012


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI(dependencies=[Depends(known_query)])
    install_handlers(app, Refusal)

    @app.get("/things/{thing}")
    def thing(
        thing: Annotated[str, Path(pattern="^[a-z]+$")], limit: int = 1
    ) -> dict[str, int]:
        return {thing: limit}

    @app.post("/things")
    def order(body: Annotated[Order, Depends(parsed(Order))]) -> dict[str, int]:
        return {"items": len(body.items)}

    @app.get("/refused")
    def refused() -> None:
        raise Refusal

    @app.get("/input")
    def bad_input() -> None:
        raise InputRefused(
            [
                Fault(
                    file="f", row=2, column="c", code=FaultCode.DATE, message="No day."
                )
            ],
            bad_rows=1,
        )

    @app.get("/teapot")
    def teapot() -> None:
        raise HTTPException(418, "Short and stout.")

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("SELECT secret FROM /srv/allybin.db")

    return app


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not-there"),
        ("DELETE", "/things", 405, "no-such-call"),
        ("GET", "/things/..%2f..%2fetc", 404, "not-there"),
        ("GET", "/things/A", 422, "not-acceptable"),
        ("GET", "/things/a?limit=many", 422, "not-acceptable"),
        ("GET", "/refused", 401, "not-signed-in"),
        ("GET", "/input", 422, "input-refused"),
        ("GET", "/teapot", 418, "refused"),
        ("GET", "/broken", 500, "failed"),
    ],
)
def test_every_error_has_one_shape(
    app: FastAPI, method: str, path: str, status: int, code: str
) -> None:
    answer = call(app, method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == f"/problems/{code}"
    assert document["status"] == status
    assert document["detail"].endswith(".")


def test_a_fault_of_ours_shows_nothing_of_itself(app: FastAPI) -> None:
    text = call(app, "GET", "/broken").text

    assert not any(word in text for word in ("SELECT", "srv", "Runtime", "Traceback"))


def test_a_call_that_is_not_there_says_which_are(app: FastAPI) -> None:
    assert call(app, "PUT", "/things").headers["allow"] == "POST"


def test_a_refusal_brings_its_members_and_the_scheme(app: FastAPI) -> None:
    answer = call(app, "GET", "/refused")

    assert answer.json()["hint"] == "Authorization"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_faults_of_a_body_name_fields_and_what_is_allowed(app: FastAPI) -> None:
    answer = post_json(app, "/things", '{"items": [{"op": "A"}, {"po": 1}], "x": []}')

    assert answer.json()["errors"] == [
        {
            "column": "items.0.op",
            "code": "pattern",
            "message": "\"items.0.op\" must match pattern '^[a-z]+$'.",
            "value": "A",
        },
        {
            "column": "items.1.op",
            "code": "missing_key",
            "message": '"items.1.op" is missing.',
        },
        {
            "column": "items.1.po",
            "code": "unknown_key",
            "message": '"items.1.po" is not among the fields of this call.',
            "value": "1",
        },
        {
            "column": "x",
            "code": "unknown_key",
            "message": '"x" is not among the fields of this call.',
            "value": "a list",
        },
    ]


def test_a_long_value_is_not_sent_back(app: FastAPI) -> None:
    answer = post_json(app, "/things", '{"items": [{"op": "%s"}]}' % ("A" * 900_000))

    assert answer.status_code == 422
    assert len(answer.content) < 1000


def test_an_option_that_is_none_of_the_call_is_refused(app: FastAPI) -> None:
    answer = call(app, "GET", "/things/a?limt=3")

    assert answer.status_code == 422
    assert answer.json()["detail"].endswith("Did you mean limit?")


def test_an_option_given_twice_is_refused(app: FastAPI) -> None:
    assert call(app, "GET", "/things/a?limit=3&limit=4").status_code == 422
    assert call(app, "GET", "/things/a?limit=3").json() == {"a": 3}


def test_the_description_holds_the_bodies(app: FastAPI) -> None:
    document = app.openapi()
    describe_bodies(app, document)

    body = document["paths"]["/things"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert body["required"] is True
    assert schema == {"$ref": "#/components/schemas/Order"}
    schemas = document["components"]["schemas"]
    items = schemas["Order"]["properties"]["items"]["items"]
    assert items == {"$ref": "#/components/schemas/Item"}
    assert schemas["Item"]["required"] == ["op"]
