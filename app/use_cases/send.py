"""Send, change and withdraw requests."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from app.audit.canonical import row_digest
from app.errors import LISTED_ROWS, Fault
from app.intake import Intake
from app.storage import requests as stored
from app.storage import reviews, trail
from app.storage.figures import of_batch
from app.storage.packs import Packs
from app.storage.plain import content_of, sha256_of, shown_request, text_of
from app.storage.schema import MANY_CUSTOMERS
from app.use_cases import clock
from app.use_cases.access import Caller
from app.use_cases.refusals import (
    Conflict,
    NotAcceptable,
    NotThere,
    SomeoneWasFirst,
)
from app.use_cases.service import Answer, Call, Change, Service
from optimizer.batch import Request

LABEL_LENGTH: Final = 128

AT_ONCE: Final = 500
"""New requests that are stored without more ado; more are put aside first, on SQLite:
others wait to write while they are stored."""

CHANGES_REQUESTS: Final = ("batch.send", "request.change", "request.withdraw")
"""What happens in the trail when requests are added or changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A file that was read, and what is known of it."""

    intake: Intake
    format: str
    label: str | None
    sha256: str


def require_own(caller: Caller, requests: Sequence[Request]) -> None:
    """Refuse requests of customers the caller does not send for (K2).

    Raises
    ------
    NotAcceptable
        Naming the customers it may send for; nothing of others.
    """
    allowed = caller.sends_for
    if allowed is None:
        return
    own = ", ".join(sorted(allowed)) or "no customer"
    bad = [r for r in requests if r.customer not in allowed]
    if not bad:
        return
    raise NotAcceptable(
        f"Your key sends requests of {own} only; {len(bad):,} of these are not. "
        "Nothing was stored.",
        errors=[
            {
                "row": None,
                "column": "customer",
                "code": "not_own",
                "message": f"Request {r.request_id} is not of {own}.",
                "value": r.customer,
            }
            for r in bad[:LISTED_ROWS]
        ],
    )


def send(service: Service, call: Call, sent: Sent, *, dry_run: bool) -> Answer:
    """Store a batch, all of it or nothing; unchanged requests are counted.

    Raises
    ------
    NotAcceptable
        When a request is not of a customer the caller sends for.
    Conflict
        When a request is there with other content, or was withdrawn.
    """
    require_own(call.caller, sent.intake.requests)
    with service.reading() as connection:
        ready = _Batch(connection, call, sent)
    if dry_run:
        ready.refuse_conflicts()
        return Answer.of(200, {**ready.summary(), "batch_id": None, "dry_run": True})
    ready.pack()
    first = True

    def act(connection: Connection, change: Change) -> Answer:
        nonlocal first
        made = ready if first and ready.stands(connection) else None
        first = False
        made = made or _Batch(connection, call, sent)
        made.refuse_conflicts()
        made.store(connection)
        change.object = f"batch/{made.batch_id}"
        change.after = {**made.summary(), "sha256": sent.sha256}
        if not made.fresh and not sent.intake.skipped_rows:
            return Answer.of(200, made.summary(), made.location())
        return Answer.of(201, made.summary(), made.location())

    if len(ready.fresh) <= AT_ONCE:
        return service.change(call, "batch.send", "batch", act)
    with service.database.aside() as aside:
        if aside is not None:
            ready.put_aside(aside)
        return service.change(call, "batch.send", "batch", act, on=aside)


class _Batch:
    """A batch compared with what is stored at a moment: which requests are new.

    All that takes long is done before the transaction that stores it, for others wait
    to write until that is over.
    """

    def __init__(self, connection: Connection, call: Call, sent: Sent) -> None:
        self.batch_id = str(uuid.uuid4())
        self.call = call
        self.sent = sent
        self.at = clock.now()
        self.seen = trail.last(connection)
        self.fresh: list[tuple[Request, str, str]] = []
        self.unchanged = 0
        self._conflicts: list[dict[str, Any]] = []
        self._packs: Sequence[Packs] | None = None
        self._rows_sha256 = ""
        self._compare(connection)

    def _compare(self, connection: Connection) -> None:
        requests = self.sent.intake.requests
        keys = [(r.customer, r.request_id) for r in requests]
        known = {(k.customer, k.request_id): k for k in stored.known(connection, keys)}
        for request in requests:
            content, digest = content_of(request)
            row = known.get((request.customer, request.request_id))
            if row is None:
                self.fresh.append((request, content, digest))
            elif row.state == "withdrawn":
                self._conflicts.append(_conflict(request, "was withdrawn"))
            elif row.sha256 != digest:
                self._conflicts.append(
                    _conflict(request, "is stored with other content")
                )
            else:
                self.unchanged += 1

    def stands(self, connection: Connection) -> bool:
        """Tell whether no request of it was sent, changed or withdrawn since."""
        touched = {
            (customer, request_id)
            for customer, request_id, _ in trail.named_since(
                connection, self.seen, CHANGES_REQUESTS, "request_versions"
            )
        }
        return not touched or touched.isdisjoint(
            (r.customer, r.request_id) for r in self.sent.intake.requests
        )

    def refuse_conflicts(self) -> None:
        """Refuse the whole batch when a request goes against what is stored.

        Raises
        ------
        Conflict
            Naming the first of such requests.
        """
        if self._conflicts:
            raise Conflict(
                f"{len(self._conflicts):,} of {len(self.sent.intake.requests):,} "
                "requests go against what is stored. Nothing was stored; change a "
                "stored request by its own address.",
                errors=self._conflicts[:LISTED_ROWS],
                extra={"faulty_rows": len(self._conflicts)},
            )

    def pack(self) -> Sequence[Packs]:
        """Return its rows, ready to be stored; the second time they are at hand."""
        if self._packs is None:
            account = self.call.caller.account_id
            new = {(r.customer, r.request_id) for r, _, _ in self.fresh}
            rows = [
                (
                    place,
                    r.customer,
                    r.request_id,
                    "stored" if (r.customer, r.request_id) in new else "unchanged",
                )
                for place, r in enumerate(self.sent.intake.requests, start=1)
            ]
            uids = [str(uuid.uuid4()) for _ in self.fresh]
            fresh = [*zip(self.fresh, uids, strict=True)]
            self._rows_sha256 = of_batch(rows)
            self._packs = stored.packed_requests(
                (_present(r, uid, self.batch_id, self.at) for (r, _, _), uid in fresh),
                (
                    _first_version(r, uid, c, d, self.at, account)
                    for (r, c, d), uid in fresh
                ),
                (
                    {
                        "batch_id": self.batch_id,
                        "place": place,
                        "customer": customer,
                        "request_id": request_id,
                        "outcome": outcome,
                    }
                    for place, customer, request_id, outcome in rows
                ),
                row_digest,
            )
        return self._packs

    def put_aside(self, aside: Connection) -> None:
        """Have its rows where to store them takes a statement a table."""
        for one in self.pack():
            one.put_aside(aside)

    def store(self, connection: Connection) -> None:
        """Write it."""
        packs = self.pack()
        stored.add_batch(
            connection,
            batch_id=self.batch_id,
            customer=self._customer(),
            account_id=self.call.caller.account_id,
            created_at=self.at,
            label=self.sent.label and self.sent.label[:LABEL_LENGTH],
            format=self.sent.format,
            sha256=self.sent.sha256,
            stored=len(self.fresh),
            unchanged=self.unchanged,
            refused=self.sent.intake.skipped_rows,
            extra_columns=text_of(list(self.sent.intake.extra_columns)),
            rows_sha256=self._rows_sha256,
        )
        for one in packs:
            one.store(connection)

    def _customer(self) -> str:
        customers = self.call.caller.sends_for
        if customers is not None and len(customers) == 1:
            return next(iter(customers))
        return MANY_CUSTOMERS

    def location(self) -> dict[str, str]:
        """Return the header that says where it is."""
        return {"Location": f"/v1/batches/{self.batch_id}"}

    def summary(self) -> dict[str, Any]:
        """Return what the sender is told."""
        return {
            "batch_id": self.batch_id,
            "requests": len(self.sent.intake.requests),
            "stored": len(self.fresh),
            "unchanged": self.unchanged,
            "refused": self.sent.intake.skipped_rows,
            "extra_columns": list(self.sent.intake.extra_columns),
            "errors": [shown_fault(fault) for fault in self.sent.intake.skipped],
        }


def shown_fault(fault: Fault) -> dict[str, Any]:
    """Return a fault as every answer lists it."""
    return {
        "row": fault.row,
        "column": fault.column,
        "code": str(fault.code),
        "message": fault.message,
        "value": fault.value,
    }


def _conflict(request: Request, what: str) -> dict[str, Any]:
    return {
        "row": None,
        "column": "request_id",
        "code": "stored_otherwise",
        "message": f"Request {request.request_id} of {request.customer} {what}.",
        "value": request.request_id,
    }


def _present(request: Request, uid: str, batch_id: str, at: str) -> dict[str, Any]:
    return {
        "customer": request.customer,
        "request_id": request.request_id,
        "request_uid": uid,
        "version": 1,
        "state": "open",
        **_sought(request),
        "batch_id": batch_id,
        "created_at": at,
        "changed_at": at,
    }


def _sought(request: Request) -> dict[str, Any]:
    """Return the columns that requests are sought by."""
    return {
        "system": request.system,
        "region": request.region,
        "received_on": request.received_on.isoformat(),
        "needed_by": request.needed_by and request.needed_by.isoformat(),
        "value_cents": request.value_cents,
        "priority": str(request.priority),
    }


def _first_version(
    request: Request, uid: str, content: str, digest: str, at: str, account: str
) -> dict[str, Any]:
    return {
        "customer": request.customer,
        "request_id": request.request_id,
        "version": 1,
        "request_uid": uid,
        "previous": None,
        "state": "open",
        "content": content,
        "sha256": digest,
        "at": at,
        "account_id": account,
    }


def replace_request(
    service: Service, call: Call, request_uid: str, version: int, request: Request
) -> Answer:
    """Put another content in the place of a request's; decisions it touches come up.

    Raises
    ------
    NotThere, SomeoneWasFirst, Conflict, NotAcceptable
        As their names say.
    """
    require_own(call.caller, [request])
    content, digest = content_of(request)

    def act(connection: Connection, change: Change) -> Answer:
        row = _present_row(connection, call.caller, request_uid, version)
        if (row.customer, row.request_id) != (request.customer, request.request_id):
            raise NotAcceptable("A request keeps its customer and its request_id.")
        if row.sha256 == digest:
            return _version_answer(request_uid, version, row.state, content)
        return _new_version(
            connection, call, change, row, content=content, digest=digest,
            state="open", cause="changed", sought=_sought(request),
        )  # fmt: skip

    return service.change(call, "request.change", f"request/{request_uid}", act)


def withdraw_request(
    service: Service, call: Call, request_uid: str, version: int
) -> Answer:
    """Withdraw a request; decisions it touches come up for review.

    Raises
    ------
    NotThere, SomeoneWasFirst, Conflict
        As their names say.
    """

    def act(connection: Connection, change: Change) -> Answer:
        row = _present_row(connection, call.caller, request_uid, version)
        return _new_version(
            connection, call, change, row, content=row.content,
            digest=sha256_of(f"withdrawn {row.sha256}"), state="withdrawn",
            cause="withdrawn", sought={},
        )  # fmt: skip

    return service.change(call, "request.withdraw", f"request/{request_uid}", act)


def _present_row(
    connection: Connection, caller: Caller, request_uid: str, version: int
) -> stored.Row:
    row = stored.request(connection, caller.scope, request_uid)
    if row is None:
        raise NotThere("request")
    if row.version != version:
        raise SomeoneWasFirst("request", current=row.version)
    if row.state == "withdrawn":
        raise Conflict("The request was withdrawn; send a new one.")
    return row


def _new_version(
    connection: Connection,
    call: Call,
    change: Change,
    row: stored.Row,
    *,
    content: str,
    digest: str,
    state: str,
    cause: str,
    sought: Mapping[str, Any],
) -> Answer:
    at, version = clock.now(), row.version + 1
    stored.add_version(
        connection,
        (row.customer, row.request_id),
        {
            "customer": row.customer,
            "request_id": row.request_id,
            "version": version,
            "request_uid": row.request_uid,
            "previous": row.version,
            "state": state,
            "content": content,
            "sha256": digest,
            "at": at,
            "account_id": call.caller.account_id,
        },
        {"version": version, "state": state, "changed_at": at, **sought},
    )
    reviews.raise_for(connection, row.customer, row.request_id, cause=cause, at=at)
    change.version_before, change.version_after = row.version, version
    change.before = {"state": row.state, "sha256": row.sha256}
    change.after = {"state": state, "sha256": digest}
    return _version_answer(row.request_uid, version, state, content)


def _version_answer(request_uid: str, version: int, state: str, content: str) -> Answer:
    said = {
        **shown_request(content),
        "uid": request_uid,
        "version": version,
        "state": state,
    }
    return Answer.of(200, said, {"ETag": f'"{version}"'})
