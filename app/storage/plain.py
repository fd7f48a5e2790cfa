"""Values as JSON text, and requests as values: one form, so that hashes compare."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from optimizer.batch import Agency, Document, Priority, Request

_NO_CONTENT: Final = frozenset({"defaulted"})
"""Fields of a stored request that do not make it another request."""

# One encoder each: ``json.dumps`` makes a new one at every call with such settings.
_ordered: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False
).encode
_sorted: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True
).encode


def text_of(value: object) -> str:
    """Return a value as JSON text: keys sorted, no spaces, nothing escaped."""
    return _sorted(value)


def ordered_text_of(value: object) -> str:
    """Return a value as JSON text with its keys in the order they have."""
    return _ordered(value)


def sha256_of(text: str) -> str:
    """Return the SHA-256 of a text, in NFC."""
    return hashlib.sha256(unicodedata.normalize("NFC", text).encode()).hexdigest()


def plain_request(request: Request) -> dict[str, Any]:
    """Return a request as values of JSON; days as ISO dates, amounts in cents."""
    return {
        "request_id": request.request_id,
        "customer": request.customer,
        "system": request.system,
        "received_on": request.received_on.isoformat(),
        "value_cents": request.value_cents,
        "configuration": request.configuration,
        "region": request.region,
        "implementing_agency": str(request.implementing_agency),
        "mde_value_cents": request.mde_value_cents,
        "quantity": request.quantity,
        "lines": request.lines,
        "needed_by": None
        if request.needed_by is None
        else request.needed_by.isoformat(),
        "priority": str(request.priority),
        "force": request.force,
        "technology_review": request.technology_review,
        "end_use_monitoring": request.end_use_monitoring,
        "document": str(request.document),
        "keep_apart_from": list(request.keep_apart_from),
        "remarks": request.remarks,
        "defaulted": list(request.defaulted),
        "extra": [list(pair) for pair in request.extra],
    }


def request_of(content: str, *, label: str | None = None) -> Request:
    """Return the request of a stored content, by another id where one is given."""
    found: dict[str, Any] = json.loads(content)
    needed_by = found["needed_by"]
    return Request(
        request_id=label or found["request_id"],
        customer=found["customer"],
        system=found["system"],
        received_on=date.fromisoformat(found["received_on"]),
        value_cents=found["value_cents"],
        configuration=found["configuration"],
        region=found["region"],
        implementing_agency=Agency(found["implementing_agency"]),
        mde_value_cents=found["mde_value_cents"],
        quantity=found["quantity"],
        lines=found["lines"],
        needed_by=None if needed_by is None else date.fromisoformat(needed_by),
        priority=Priority(found["priority"]),
        force=found["force"],
        technology_review=found["technology_review"],
        end_use_monitoring=found["end_use_monitoring"],
        document=Document(found["document"]),
        keep_apart_from=tuple(found["keep_apart_from"]),
        remarks=found["remarks"],
        defaulted=tuple(found["defaulted"]),
        extra=tuple((name, value) for name, value in found["extra"]),
    )


def content_of(request: Request) -> tuple[str, str]:
    """Return the content of a request as it is stored, and the hash it is known by."""
    plain = plain_request(request)
    said = {name: value for name, value in plain.items() if name not in _NO_CONTENT}
    return text_of(plain), sha256_of(text_of(said))


def dollars(cents: int) -> int | float:
    """Return an amount in dollars, exactly."""
    return cents // 100 if cents % 100 == 0 else cents / 100


def shown_request(content: str) -> dict[str, Any]:
    """Return a stored request as it is shown: the fields it came with."""
    found: dict[str, Any] = json.loads(content)
    found["value_usd"] = dollars(found.pop("value_cents"))
    found["mde_value_usd"] = dollars(found.pop("mde_value_cents"))
    extra: Mapping[str, str] = dict(found.pop("extra"))
    return {**found, "extra": extra}
