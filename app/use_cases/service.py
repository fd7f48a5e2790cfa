"""Changes: one transaction each, with its record in the trail and its first answer.

A change that is refused leaves nothing behind but a record that it was tried.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from app.audit.chain import Entry, Told, append, append_all
from app.settings import Settings
from app.storage import added, answers
from app.storage.added import Added
from app.storage.database import Database
from app.storage.errors import StoreCollided
from app.storage.plain import text_of
from app.storage.reach import NOTHING, Reach
from app.use_cases import clock
from app.use_cases.access import Caller
from app.use_cases.news import News
from app.use_cases.refusals import Conflict, NotAcceptable, Refusal

COLLISIONS: Final = 5
"""How often a change looks again after others were first with the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that wants to change something, as far as any use case needs to know it.

    ``what`` is its method, path and query; ``body`` its SHA-256.
    """

    caller: Caller
    what: str
    body: str
    key: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a change is answered with; kept word for word where the call has a key."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, status: int, value: object, headers: Mapping[str, str] | None = None
    ) -> "Answer":
        """Return the answer that says a value."""
        body = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return cls(status=status, body=body, headers=headers or {})

    def value(self) -> Any:
        """Return what the answer says."""
        return json.loads(self.body)


@dataclass(slots=True, kw_only=True)
class Change:
    """What a change did, as the trail will say it.

    ``parts`` have records of their own, before its one, with the rows they added.
    """

    action: str
    object: str
    version_before: int | None = None
    version_after: int | None = None
    before: Any = None
    after: Any = None
    reason: str | None = None
    releasable_reason: str | None = None
    parts: list[tuple["Change", list[Added]]] = field(default_factory=list)

    def part(self, connection: Connection, done: "Change") -> None:
        """Give what was done since the last part a record of its own."""
        self.parts.append((done, added.take(connection)))


type Act = Callable[[Connection, Change], Answer]


class Service:
    """The store and how it may be changed.

    What it reads is within a reach: no customer's rows, until it is told whose.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.reach = NOTHING
        self.settings = settings
        self._under_way: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self.news = News()
        self.after_change: Callable[[int], None] = lambda _: None
        self.unsound: Callable[[], str | None] = lambda: None
        """Why the solver is not used; None while nothing is known against it."""
        self.unsigned: Callable[[], str | None] = lambda: None
        """Why the last checkpoint could not be written; None when it could."""

    def within(self, reach: Reach) -> "Service":
        """Return the same service, within what a caller or a part of it reaches."""
        found = copy(self)
        found.reach = reach
        return found

    def reading(self) -> Any:
        """Return a read transaction."""
        return self.database.reading(self.reach)

    def writing(self) -> Any:
        """Return a transaction that writes, for what keeps a record by itself."""
        return self.database.writing(self.reach)

    def change(
        self,
        call: Call,
        action: str,
        thing: str,
        act: Act,
        *,
        on: Connection | None = None,
    ) -> Answer:
        """Carry a change out, once, with its record; or say why not.

        Parameters
        ----------
        action, thing
            What is done to what, as the trail says it; ``act`` may say it more exactly.
        act
            Does it, in the transaction it is given, and fills in the change. It is
            asked again when a transaction of another server was first with the same.
        on
            The connection where rows were made ready for it, where some were.
        """
        with self.alone(call):
            return self.tried(call, action, thing, act, on=on)

    def tried(
        self,
        call: Call,
        action: str,
        thing: str,
        act: Act,
        *,
        on: Connection | None = None,
    ) -> Answer:
        """Carry out a change whose key is :meth:`alone` at work, as :meth:`change`."""
        for _ in range(COLLISIONS):
            try:
                return self._tried(call, Change(action=action, object=thing), act, on)
            except StoreCollided:
                continue
        return self._tried(call, Change(action=action, object=thing), act, on)

    def first_answer(self, call: Call) -> Answer | None:
        """Return the answer the same call had before, if it had one."""
        if call.key is None:
            return None
        with self.database.reading(call.caller.reach) as connection:
            row = answers.first(connection, call.caller.account_id, call.key)
        return None if row is None else again(row, call)

    def answer_to(self, caller: Caller, key: str) -> Answer | None:
        """Return what a caller's own call with a key was answered with, if it was."""
        with self.database.reading(caller.reach) as connection:
            row = answers.first(connection, caller.account_id, key)
        if row is None or not row.body:
            return None
        return Answer(status=row.status, body=row.body)

    @contextmanager
    def recording_refusals(self, call: Call, action: str, thing: str) -> Iterator[None]:
        """Record a change that is refused before it begins, by a check made within."""
        try:
            yield
        except Refusal as refusal:
            self._record_refusal(call, Change(action=action, object=thing), refusal)
            raise

    def _tried(
        self, call: Call, change: Change, act: Act, on: Connection | None
    ) -> Answer:
        try:
            return self._carried_out(call, change, act, on)
        except Refusal as refusal:
            self._record_refusal(call, change, refusal)
            raise

    def _carried_out(
        self, call: Call, change: Change, act: Act, on: Connection | None
    ) -> Answer:
        with self.database.writing(call.caller.reach, on=on) as connection:
            if call.key is not None:
                row = _reserve(connection, call, call.key)
                if row is not None:
                    return again(row, call)
            answer = act(connection, change)
            seq = append_all(connection, records_of(connection, call, change))
            if call.key is not None:
                answers.fill(
                    connection, call.caller.account_id, call.key, **kept(answer)
                )
        self.after_change(seq)
        return answer

    def _record_refusal(self, call: Call, change: Change, refusal: Refusal) -> None:
        tried = Change(action=change.action, object=change.object)
        with self.database.writing(call.caller.reach) as connection:
            seq = append(connection, refused(call, tried, refusal))
        self.after_change(seq)

    @contextmanager
    def alone(self, call: Call) -> Iterator[None]:
        """Refuse a call whose key is at work in this process already."""
        if call.key is None:
            yield
            return
        place = (call.caller.account_id, call.key)
        with self._lock:
            if place in self._under_way:
                raise Conflict(
                    "A call with this Idempotency-Key is still being carried out. "
                    "Try again when it is done."
                )
            self._under_way.add(place)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(place)


def _reserve(connection: Connection, call: Call, key: str) -> answers.Row | None:
    """Take the key of a call; return what stands there when it was taken before."""
    taken = answers.reserve(
        connection,
        account_id=call.caller.account_id,
        key=key,
        call=call.what,
        body_sha256=call.body,
        at=clock.now(),
    )
    if taken:
        return None
    return answers.first(connection, call.caller.account_id, key)


def kept(answer: Answer) -> dict[str, Any]:
    """Return what is kept of an answer for the same call."""
    return {
        "status": answer.status,
        "headers": text_of(dict(answer.headers)),
        "body": answer.body,
    }


def records_of(connection: Connection, call: Call, change: Change) -> list[Told]:
    """Return what the trail is told of a change that was just carried out."""
    last = (_entry(call, change, "done"), added.take(connection))
    return [*((_entry(call, part, "done"), rows) for part, rows in change.parts), last]


def refused(call: Call, change: Change, refusal: Refusal) -> Entry:
    """Return what the trail is told of a change that is refused."""
    return _entry(call, change, f"refused: {refusal.status} {refusal.code}")


def again(row: answers.Row, call: Call) -> Answer:
    """Return the answer that the same call had before.

    Raises
    ------
    NotAcceptable
        When its key was used for another call.
    """
    if row.call != call.what or row.body_sha256 != call.body:
        raise NotAcceptable(
            "This Idempotency-Key was used before, for another call. Use a new one."
        )
    return Answer(status=row.status, body=row.body, headers=json.loads(row.headers))


def _entry(call: Call, change: Change, result: str) -> Entry:
    return Entry(
        actor=call.caller.account_id,
        role=call.caller.role_text,
        scope=call.caller.scope_text,
        action=change.action,
        object=change.object,
        version_before=change.version_before,
        version_after=change.version_after,
        before=change.before,
        after=change.after,
        reason=change.reason,
        releasable_reason=change.releasable_reason,
        idempotency_key=call.key,
        client=call.client,
        result=result,
    )


def body_hash(body: bytes) -> str:
    """Return what the body of a call is known by."""
    return hashlib.sha256(body).hexdigest()
