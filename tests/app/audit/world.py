"""A small world of requests, bins, decisions and edits, each change with its record."""

import json
from typing import Any

from sqlalchemy import Connection, insert, update

from app.audit.chain import Entry, append, erase
from app.storage import (
    accounts,
    proposals,
    reviews,
    role_grants,
    rulings,
    schema,
)
from app.storage.database import Database
from app.storage.figures import of_asked, of_batch, of_bin, of_plan

AT = "2026-11-22T07:00:00.123456Z"
CUSTOMERS = ("BA", "LV", "PL")
LABELS = tuple(f"{customer}-{number}" for customer in CUSTOMERS for number in (1, 2))
BINS = {"B1": LABELS[:3], "B2": LABELS[3:5], "B3": LABELS[5:]}
P = "proposal-1"
STATED = [
    {"heading": '{"effort": 9}', "incumbent": 9, "bound": 8},
    {"heading": '{"effort": 14}', "incumbent": 14, "bound": 8},
]
"""What the plan states, before its edit and after."""


def entry(action: str, thing: str, **more: Any) -> Entry:
    return Entry(
        actor="ana", role="approver", scope="*", action=action, object=thing, **more
    )


def fill(database: Database, rounds: int = 4, *, erasing: bool = True) -> None:
    """Put the world into a database: six records, six a round, and an erasure."""
    with database.writing() as connection:
        _people(connection)
    for customer in CUSTOMERS:
        with database.writing() as connection:
            _batch(connection, customer)
    with database.writing() as connection:
        _proposal(connection)
    with database.writing() as connection:
        _edit(connection)
    version = dict.fromkeys(BINS, 1) | {"B1": 2, "B2": 2}
    for turn in range(rounds):
        for bin_id in BINS:
            decide(database, bin_id, version[bin_id], f"{turn}-{bin_id}")
            version[bin_id] += 1
        with database.writing() as connection:
            _release(connection, f"release-{turn}")
        with database.writing() as connection:
            append(connection, entry("batch.send", "batch", result="refused: 422"))
        with database.writing() as connection:
            append(connection, entry("key.make", f"key/{turn}", client="10.0.0.1"))
    if not rounds or not erasing:
        return
    with database.writing() as connection:
        erase(connection, 8, entry("", "", reason="Asked by the person."))


def add(connection: Connection, table: str, **values: Any) -> None:
    connection.execute(insert(schema.metadata.tables[table]), values)


def decide(database: Database, bin_id: str, version: int, name: str) -> int:
    """Accept a bin in a version; return the number of the record."""
    with database.writing() as connection:
        members = _members_now(bin_id)
        step(connection, bin_id, version + 1, members, "decided", "accepted")
        add(
            connection, "decisions",
            decision_id=f"decision-{name}", proposal_id=P, bin_id=bin_id,
            version=version + 1, decision="accept", reason_code=None,
            reason=f"Żółty reason {name}", releasable_reason="Fits.", at=AT,
            account_id="ana",
        )  # fmt: skip
        add(
            connection, "rulings",
            ruling_id=f"ruling-{name}", kind="fixed", proposal_id=P,
            decision_id=f"decision-{name}", at=AT, account_id="ana",
        )  # fmt: skip
        add(
            connection, "ruling_members",
            ruling_id=f"ruling-{name}", customer="BA", request_id="1",
        )  # fmt: skip
        return append(
            connection,
            entry(
                "bin.accept", f"bin/{P}/{bin_id}", version_before=version,
                version_after=version + 1, before={"state": "open"},
                after={"state": "accepted"}, reason=f"Żółty reason {name}",
                releasable_reason="Fits.", idempotency_key=f"key-{name}",
                client="10.0.0.1",
            ),
        )  # fmt: skip


def step(
    connection: Connection,
    bin_id: str,
    version: int,
    members: tuple[str, ...],
    change: str,
    state: str,
) -> None:
    add(
        connection, "bin_versions",
        proposal_id=P, bin_id=bin_id, version=version, previous=version - 1,
        change=change, state=state, members=json.dumps(members), at=AT,
        account_id="ana",
        figures_sha256=of_bin(shown(int(bin_id[1:]), len(members)))
        if change == "edited"
        else None,
    )  # fmt: skip
    bins = schema.bins
    connection.execute(
        update(bins)
        .where(bins.c.proposal_id == P, bins.c.bin_id == bin_id)
        .values(version=version, state=state, size=len(members))
    )


def shown(place: int, size: int) -> dict[str, Any]:
    """Return the figures of a bin."""
    return {
        "place": place,
        "category": None,
        "systems": "|F-16|",
        "customers": "|BA|",
        "regions": "|EUR|",
        "size": size,
        "saved": 1,
        "value_cents": 1,
        "received_on": "2026-01-05",
        "forecast_on": "2026-09-01",
        "document": "{}",
    }


def _people(connection: Connection) -> None:
    add(
        connection, "accounts",
        account_id="ana", name="Ana", roles="[]", created_at=AT,
    )  # fmt: skip
    add(
        connection, "api_keys",
        key_id="aa", account_id="ana", hash="bb", created_at=AT, expires_at=AT,
    )  # fmt: skip
    for version in (1, 2):
        add(
            connection, "policies",
            name="standard", version=version, title="Standard", sha256="ab",
            toml="a = 1", created_at=AT, account_id="ana",
        )  # fmt: skip
    append(connection, entry("policy.add", "policy/standard"))


def _batch(connection: Connection, customer: str) -> None:
    add(
        connection, "batches",
        batch_id=f"batch-{customer}", customer=customer, account_id="ana",
        created_at=AT, format="csv", sha256="cd", stored=2, unchanged=0, refused=0,
        extra_columns="[]",
        rows_sha256=of_batch(
            (place, customer, str(place), "stored") for place in (1, 2)
        ),
    )  # fmt: skip
    for number in ("1", "2"):
        asked = {
            "system": "F-16", "region": "EUR", "received_on": "2026-01-02",
            "needed_by": None, "value_cents": 100, "priority": "routine",
        }  # fmt: skip
        key = {"customer": customer, "request_id": number, "version": 1}
        add(
            connection, "requests",
            **key, **asked, request_uid=f"{customer}{number}", state="open",
            batch_id=f"batch-{customer}", created_at=AT, changed_at=AT,
        )  # fmt: skip
        add(
            connection, "request_versions",
            **key, previous=None, state="open", content=json.dumps(asked),
            request_uid=f"{customer}{number}",
            sha256="ef", at=AT, account_id="ana",
        )  # fmt: skip
        add(
            connection, "batch_requests",
            batch_id=f"batch-{customer}", place=int(number), customer=customer,
            request_id=number, outcome="stored",
        )  # fmt: skip
    append(connection, entry("batch.send", f"batch/batch-{customer}"))


def _proposal(connection: Connection) -> None:
    add(
        connection, "proposals",
        proposal_id=P, account_id="ana", created_at=AT, state="done", version=1,
        policy_name="standard", policy_version=1, as_of="2026-01-02",
        time_limit_s=10, gap_wanted="0", scope="{}", rulings="[]", requests=6,
        customers=json.dumps(CUSTOMERS),
        asked_sha256=of_asked(
            ((label, *label.split("-"), 1) for label in LABELS), ["batch-BA"]
        ),
        **STATED[0],
    )  # fmt: skip
    add(
        connection, "proposal_results",
        proposal_id=P, attempt="1", certificate="{}", kept="{}", document="{}",
        stated_sha256=of_plan(STATED[0]),
    )  # fmt: skip
    for label in LABELS:
        customer, number = label.split("-")
        add(
            connection, "proposal_requests",
            proposal_id=P, label=label, customer=customer, request_id=number,
            request_version=1,
        )  # fmt: skip
    add(connection, "proposal_batches", proposal_id=P, batch_id="batch-BA")
    for place, (bin_id, members) in enumerate(BINS.items(), start=1):
        add(
            connection, "bin_versions",
            proposal_id=P, bin_id=bin_id, version=1, previous=None,
            change="proposed", state="open", members=json.dumps(members), at=AT,
            account_id="ana", figures_sha256=of_bin(shown(place, len(members))),
        )  # fmt: skip
        add(
            connection, "bins",
            proposal_id=P, bin_id=bin_id, version=1, state="open",
            **shown(place, len(members)),
        )  # fmt: skip
        for label in members:
            add(connection, "bin_members", proposal_id=P, label=label, bin_id=bin_id)
    append(connection, entry("proposal.done", f"proposal/{P}"))


def _members_now(bin_id: str) -> tuple[str, ...]:
    """Return the members of a bin after the edit: the last of B1 is in B2."""
    moved = LABELS[2]
    if bin_id == "B1":
        return BINS["B1"][:2]
    return (*BINS["B2"], moved) if bin_id == "B2" else BINS[bin_id]


def _edit(connection: Connection) -> None:
    add(
        connection, "edits",
        proposal_id=P, seq=1, version=2, edits="[]", before="{}", after="{}",
        reason="Moved by hand.", change=5, at=AT, account_id="ana", undoes=None,
        stated_sha256=of_plan(STATED[1]),
    )  # fmt: skip
    stated = update(schema.proposals).values(version=2, **STATED[1])
    connection.execute(stated.where(schema.proposals.c.proposal_id == P))
    for bin_id in ("B1", "B2"):
        step(connection, bin_id, 2, _members_now(bin_id), "edited", "open")
    members = schema.bin_members
    connection.execute(
        update(members).where(members.c.label == LABELS[2]).values(bin_id="B2")
    )
    _changes(connection)
    append(connection, entry("proposal.edit", f"proposal/{P}", reason="Moved by hand."))


def _changes(connection: Connection) -> None:
    """Change what changes: each with the record that comes next."""
    accounts.add_account(
        connection, account_id="ben", name="Ben", roles='["analyst"]',
        customers='["BA"]', subject="issuer ben", created_at=AT, created_by="ana",
    )  # fmt: skip
    accounts.disable_account(connection, "ben", AT)
    accounts.give(connection, "ben", roles='["batch"]', customers=None)
    for grant_id in ("g1", "g2"):
        role_grants.add(
            connection, grant_id=grant_id, account_id="ben", role="auditor",
            customers=None, asked_at=AT, asked_by="ana",
        )  # fmt: skip
    role_grants.settle(connection, "g1", outcome="refused", at=AT, by="ana")
    accounts.revoke_key(connection, "aa", AT)
    proposals.change(connection, P, stop_asked_at=AT, finished_at=AT)
    proposals.tell(connection, P)
    for review_id, bin_id in (("r1", "B1"), ("r2", "B2")):
        add(
            connection, "reviews",
            review_id=review_id, customer="BA", request_id="1", proposal_id=P,
            bin_id=bin_id, cause="changed", at=AT,
        )  # fmt: skip
    reviews.settle(connection, P, ["B1"], at=AT, by="ana")
    rulings.add(
        connection, "apart", [("BA", "1"), ("LV", "1")],
        proposal_id=P, at=AT, account_id="ana", edit=1,
    )  # fmt: skip
    rulings.end_of_edit(connection, P, 1, at=AT, by="ana")


def _release(connection: Connection, name: str) -> None:
    add(
        connection, "releases",
        release_id=name, proposal_id=P, bin_id="B1", customer="BA", level=1,
        shown="{}", consents="[]", at=AT, account_id="ana",
    )  # fmt: skip
    told = update(schema.bins).values(level=1)
    connection.execute(told.where(schema.bins.c.bin_id == "B1"))
    append(connection, entry("bin.release", f"bin/{P}/B1"))
