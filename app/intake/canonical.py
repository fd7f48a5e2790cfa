"""Hashes of what was read, free of file format, row order and file order."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from optimizer.batch import Precedent, Request
from optimizer.rulings import Ruling


def requests_sha256(requests: Iterable[Request]) -> str:
    """Return the hash of requests in canonical order.

    Remarks and kept columns are left out: they never affect a result. Which fields
    were filled by a default is in it, because a warning depends on it.
    """
    ordered = sorted(requests, key=lambda r: (r.received_on, r.request_id))
    return _sha256(_request(request) for request in ordered)


def precedents_sha256(precedents: Iterable[Precedent]) -> str:
    """Return the hash of precedents, each counted once."""
    known = {(p.customer, p.system, p.approved_on.isoformat()) for p in precedents}
    return _sha256(list(precedent) for precedent in sorted(known))


def rulings_sha256(rulings: Iterable[Ruling]) -> str:
    """Return the hash of rulings, each counted once, their members in order."""
    known = {(str(r.kind), tuple(sorted(set(r.request_ids)))) for r in rulings}
    return _sha256([kind, list(members)] for kind, members in sorted(known))


def _request(request: Request) -> list[Any]:
    return [
        request.request_id,
        request.customer,
        request.system,
        request.received_on.isoformat(),
        request.value_cents,
        request.configuration,
        request.region,
        request.implementing_agency,
        request.mde_value_cents,
        request.quantity,
        request.lines,
        request.needed_by and request.needed_by.isoformat(),
        request.priority,
        request.force,
        request.technology_review,
        request.end_use_monitoring,
        request.document,
        list(request.keep_apart_from),
        list(request.defaulted),
    ]


def _sha256(items: Iterable[list[Any]]) -> str:
    digest = hashlib.sha256()
    for item in items:
        line = json.dumps(item, ensure_ascii=False, separators=(",", ":"))
        digest.update(line.encode("utf-8") + b"\n")
    return digest.hexdigest()
