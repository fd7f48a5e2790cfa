"""Orders of synthetic batches, as the service would place them."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from app.export.document import InputHashes, verify_document
from app.generate import COLUMNS, generate
from app.intake import Intake, read_requests, requests_sha256
from app.jobs.orders import Order, PriceOrder, Solved
from app.policies import read_policy


@cache
def order_of(requests: int, seed: int = 7, days: int = 365) -> Order:
    """Return an order of a synthetic batch under the default policy."""
    intake = _intake(requests, seed, days)
    return Order(
        requests=intake.requests,
        policy=read_policy("nato-rdp"),
        as_of=date(2026, 1, 5),
        hashes=InputHashes(requests=requests_sha256(intake.requests)),
        created_at=datetime(2026, 1, 5, 10, tzinfo=UTC),
        time_limit_s=60.0,
    )


def _intake(requests: int, seed: int, days: int) -> Intake:
    import tempfile

    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(generate(requests, seed, days))
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as file:
        file.write(text.getvalue())
        file.flush()
        return read_requests([file.name])


def verified(order: Order, solved: Solved) -> bool:
    """Tell whether an independent check finds nothing wrong with a solved order."""
    assert solved.document is not None
    return verify_document(solved.document, order.problem()) == ()


def bins_of(solved: Solved) -> dict[str, tuple[str, ...]]:
    """Return the plan that was solved, by bin id."""
    assert solved.document is not None
    return {b["bin_id"]: tuple(b["request_ids"]) for b in solved.document["bins"]}


def with_(order: Order, **changes: Any) -> Order:
    """Return an order with some changes."""
    return replace(order, **changes)


def asked(solved, *edits, standing=(), key="one"):
    """Return the order to price edits of a solved proposal."""
    order, first = solved
    kept = with_(order, earlier=first.kept)
    return PriceOrder(
        key=key, load=lambda: kept, bins=bins_of(first), edits=edits, standing=standing
    )
