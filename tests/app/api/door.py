"""The calls of signing in over a real store, for tests."""

import json
from http.cookies import SimpleCookie
from typing import Any

import httpx2
from fastapi import FastAPI
from sqlalchemy import Connection, text

from app.api import sessions
from app.audit.chain import Entry, append
from app.edge.front import Front
from app.edge.handlers import install_handlers
from app.settings import Settings, read_settings
from app.storage.database import Database
from app.use_cases.access import caller_of_session
from app.use_cases.keys import first_key
from app.use_cases.refusals import Refusal
from app.use_cases.service import Service
from tests.app.edge.calling import call

FORM = "application/x-www-form-urlencoded"


def told(connection: Connection) -> None:
    """Have the trail tell of what a test did by itself."""
    said = Entry(actor="a test", role="", scope="", action="test", object="accounts")
    append(connection, said)


class Door:
    """The calls of signing in over a real store, with one account and its key."""

    def __init__(self, database: Database, **settings: Any) -> None:
        self.database = database
        self.settings: Settings = read_settings(**settings)
        self.service = Service(database, self.settings)
        with database.writing() as connection:
            self.key = first_key(connection) or ""
            told(connection)
        self.api = FastAPI()
        install_handlers(self.api, Refusal)
        self.api.include_router(sessions.router)
        self.parts = sessions.SignIn(self.settings)
        self.api.state.service = self.service
        self.api.state.sign_in = self.parts
        self.front = Front(self.api, self.settings)
        self.host = "bins.example" if self.settings.over_tls else "localhost"

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return call(self.front, "GET", path, headers=headers, host=self.host)

    def post(
        self, path: str, content: str = "", kind: str = FORM, **headers: str
    ) -> httpx2.Response:
        given = {"content-type": kind}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return call(
            self.front, "POST", path, content=content, headers=given, host=self.host
        )

    def sign_in(self) -> tuple[str, str]:
        """Return the cookie header and the form token of a new session."""
        answer = self.post(
            "/sign-in", json.dumps({"key": self.key}), "application/json"
        )
        name, value = cookies(answer)[0]
        return f"{name}={value}", answer.json()["form_token"]

    def name_of(self, cookie: str) -> str:
        """Return who is signed in with a cookie."""
        with self.database.reading() as connection:
            return caller_of_session(connection, cookie.partition("=")[2]).name

    def trail(self) -> list[tuple[str, str]]:
        """Return action and actor of every record."""
        with self.database.reading() as connection:
            rows = connection.execute(
                text("SELECT action, actor FROM audit ORDER BY seq")
            )
            return [(row.action, row.actor) for row in rows]


def cookies(answer: httpx2.Response) -> list[tuple[str, str]]:
    """Return names and values of the cookies that an answer sets."""
    found = []
    for line in answer.headers.get_list("set-cookie"):
        found += [(key, one.value) for key, one in SimpleCookie(line).items()]
    return found
