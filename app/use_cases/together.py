"""Small changes of several callers in one transaction: all of it stored, or each alone.

Making sure that a transaction is on the disk takes longer than most of what is done in
it, and others wait meanwhile. So calls that come in while one is being stored are
stored together next, and the database is asked in few messages. What refuses one call
does not touch the others, and nobody is answered before all of it is stored. Where
another transaction was first with anything of it, or anything fails, nothing of it is
stored, and each call is carried out by itself.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.audit.chain import Told, append_all
from app.storage import answers
from app.storage.errors import StoreCollided, StoreError
from app.storage.prepared import Asked, ask_all, unanswered
from app.use_cases import clock
from app.use_cases.refusals import Conflict, Refusal
from app.use_cases.service import (
    Answer,
    Call,
    Change,
    Service,
    again,
    kept,
    records_of,
    refused,
)

_log = logging.getLogger("allybin.together")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A small change that a call asks for, taken apart so that many can be at once.

    Parameters
    ----------
    action, thing
        What is done to what, as the trail says it.
    among
        Names what changes of different things may be looked at all before any of them
        is written: none of these decides what another sees.
    asks
        The one question that tells most of what has to be known.
    look
        Given the row it has, returns what to write, or refuses; it writes nothing.
    write
        Writes that, fills in the change, and returns the answer.
    plain
        Whether ``write`` runs prepared statements alone, and reads no result.
    """

    call: Call
    action: str
    thing: str
    among: str
    asks: Asked
    look: Callable[[Connection, Any], Any]
    write: Callable[[Connection, Change, Any], Answer]
    plain: Callable[[Any], bool]

    def act(self, connection: Connection, change: Change) -> Answer:
        """Carry it out by itself."""
        question, values = self.asks
        known = self.look(connection, question.one(connection, values))
        return self.write(connection, change, known)

    def by(self, service: Service) -> Answer:
        """Have a service carry it out by itself, as :meth:`Service.change` does."""
        return service.change(self.call, self.action, self.thing, self.act)


type Outcome = Answer | Exception
"""The answer to a call, or what :meth:`Service.change` would raise."""


def change_all(service: Service, wanted: Sequence[Wanted]) -> list[Outcome]:
    """Carry changes out, those that reach alike in one transaction; never raise."""
    found: dict[int, Outcome] = {}
    with ExitStack() as at_work:
        for place, one in enumerate(wanted):
            try:
                at_work.enter_context(service.alone(one.call))
            except Conflict as conflict:
                found[place] = conflict
        left = [place for place in range(len(wanted)) if place not in found]
        for places in _apart(wanted, left):
            outcomes = _stored(service, [wanted[place] for place in places])
            found.update(zip(places, outcomes, strict=True))
    return [found[place] for place in range(len(wanted))]


def _apart(wanted: Sequence[Wanted], places: Sequence[int]) -> list[list[int]]:
    """Return the places of calls that may share a transaction, in the order they came.

    A transaction has one reach, which for all customers is the same for everybody. A
    second change of one thing has to see the first, and so has one that is not among
    the same: a request is in bins of several plans, and is fixed in one of them.
    """
    alike: dict[object, list[int]] = {}
    times: Counter[str] = Counter()
    for place in places:
        one = wanted[place]
        reach = one.call.caller.reach
        whose = None if reach.customers is None else reach
        key = (whose, one.among, times[one.thing])
        times[one.thing] += 1
        alike.setdefault(key, []).append(place)
    return [*alike.values()]


def _stored(service: Service, wanted: Sequence[Wanted]) -> Sequence[Outcome]:
    if len(wanted) > 1:
        try:
            return _in_one_transaction(service, wanted)
        except StoreCollided as first:
            _log.debug("changes are made one by one: %s", type(first).__name__)
        except StoreError as error:  # the store is not there, for none of them
            return [error] * len(wanted)
        except Exception as fault:  # whose it is, is found out one by one
            _log.warning("changes are made one by one: %s", type(fault).__name__)
    return [_by_itself(service, one) for one in wanted]


def _by_itself(service: Service, one: Wanted) -> Outcome:
    try:
        return service.tried(one.call, one.action, one.thing, one.act)
    except Exception as error:
        return error


def _in_one_transaction(service: Service, wanted: Sequence[Wanted]) -> list[Outcome]:
    with service.database.writing(wanted[0].call.caller.reach) as connection:
        looks = [_looked(connection, *one) for one in _asked(connection, wanted)]
        done = _Done(connection)
        plain = all(
            one.plain(look.known)
            for one, look in zip(wanted, looks, strict=True)
            if look.outcome is None
        )
        with unanswered(connection) if plain else nullcontext():
            for one, look in zip(wanted, looks, strict=True):
                done.carry_out(one, look)
        seq = done.keep()
    if seq is not None:
        service.after_change(seq)
    return done.outcomes


def _asked(
    connection: Connection, wanted: Sequence[Wanted]
) -> list[tuple[Wanted, Any, Any]]:
    """Return each change with its first answer, if it had one, and what it asks."""
    firsts = {
        place: answers.asked_first(one.call.caller.account_id, one.call.key)
        for place, one in enumerate(wanted)
        if one.call.key is not None
    }
    rows = ask_all(connection, [*firsts.values(), *(one.asks for one in wanted)])
    first = dict(zip(firsts, rows, strict=False))
    asked = rows[len(firsts) :]
    return [
        (one, first.get(place), row)
        for place, (one, row) in enumerate(zip(wanted, asked, strict=True))
    ]


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known of a change, or what came of it already."""

    known: Any = None
    outcome: Outcome | None = None


def _looked(connection: Connection, one: Wanted, first: Any, row: Any) -> _Look:
    if first is not None:
        return _again(first, one.call)
    try:
        return _Look(known=one.look(connection, row))
    except Refusal as refusal:
        # What is refused may have been done by the same call, through another server,
        # since its first answer was asked for. What was seen then is seen now.
        key = one.call.key
        if key is not None:
            first = answers.first(connection, one.call.caller.account_id, key)
        return _Look(outcome=refusal) if first is None else _again(first, one.call)


def _again(first: Any, call: Call) -> _Look:
    try:
        return _Look(outcome=again(first, call))
    except Refusal as refusal:
        return _Look(outcome=refusal)


class _Done:
    """What was done in a transaction, and what has to be stored of that."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._told: list[Told] = []
        self._kept: list[dict[str, Any]] = []
        self.outcomes: list[Outcome] = []

    def carry_out(self, one: Wanted, look: _Look) -> None:
        """Carry out what is not refused and was not answered before."""
        change = Change(action=one.action, object=one.thing)
        if look.outcome is not None:
            if isinstance(look.outcome, Refusal):
                self._told.append((refused(one.call, change, look.outcome), ()))
            self.outcomes.append(look.outcome)
            return
        answer = one.write(self._connection, change, look.known)
        self._told += records_of(self._connection, one.call, change)
        if one.call.key is not None:
            self._kept.append(
                {
                    "account_id": one.call.caller.account_id,
                    "key": one.call.key,
                    "call": one.call.what,
                    "body_sha256": one.call.body,
                    "at": clock.now(),
                    **kept(answer),
                }
            )
        self.outcomes.append(answer)

    def keep(self) -> int | None:
        """Keep the answers, then the records: others wait for the end of the trail."""
        answers.keep_all(self._connection, self._kept)
        return append_all(self._connection, self._told) if self._told else None
