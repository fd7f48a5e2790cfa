"""Requests as their own customer follows them: nothing here depends on any other's."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.storage import own, waiting
from app.use_cases import clock
from app.use_cases.access import Caller
from app.use_cases.disclose import standing
from app.web import words

LISTED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRequest:
    """A request with where its review stands, as far as its customer may know."""

    row: Any
    needed_by: str | None
    review: Mapping[str, Any]

    @property
    def stands(self) -> str:
        """Where it stands, in a word or two."""
        if self.row.state == "withdrawn":
            return "withdrawn"
        if self.review["state"] == "decided":
            return words.DECIDED[self.review["decision"]]
        return str(self.review["state"])

    @property
    def waits_for(self) -> str:
        """What has to happen next."""
        if self.row.state == "withdrawn":
            return "nothing"
        return words.WAITS_FOR[self.review.get("decision") or self.review["state"]]

    @property
    def late(self) -> bool:
        """Whether the day it is needed by has passed without an acceptance."""
        needed = self.needed_by
        accepted = self.review.get("decision") == "accept"
        over = accepted or self.row.state == "withdrawn"
        today = clock.today().isoformat()
        return needed is not None and needed < today and not over


def own_request(connection: Connection, caller: Caller, row: Any) -> OwnRequest:
    """Return a request as its customer follows it.

    ``row`` is one of the table, or one with the content of its present version.
    """
    review = standing(connection, caller, row).get("review", {"state": "received"})
    said = row._asdict()
    if "needed_by" not in said:
        said = json.loads(row.content)
    return OwnRequest(row=row, needed_by=said["needed_by"], review=review)


def own_requests(
    connection: Connection, caller: Caller, rows: Iterable[Any]
) -> list[OwnRequest]:
    """Return requests as their customer follows them."""
    return [own_request(connection, caller, row) for row in rows]


def overview(connection: Connection, caller: Caller) -> dict[str, Any]:
    """Return what waits of a customer's requests, and what was accepted lately."""
    today = clock.today().isoformat()
    open_ = waiting.undecided(
        connection, caller.scope, today=today, since=(), limit=LISTED
    )
    rows = own.some(connection, caller.scope, [row.request_uid for row in open_.first])
    waits = [rows[row.request_uid] for row in open_.first]
    accepted = own_requests(
        connection,
        caller,
        own.accepted_lately(connection, caller.scope, limit=LISTED),
    )
    # By the week and the id: the order within a week would tell what was together.
    accepted.sort(key=lambda one: str(one.row.request_id))
    accepted.sort(key=lambda one: str(one.review.get("week_of", "")), reverse=True)
    return {
        "waits": own_requests(connection, caller, waits),
        "total": open_.total,
        "past": open_.past,
        "accepted": accepted,
    }
