"""What a proposal is made of, read from the store, for a solve, a price, an export."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from app.catalogue import load_catalogue
from app.export.document import InputHashes
from app.intake import (
    precedents_sha256,
    read_precedents,
    requests_sha256,
    rulings_sha256,
)
from app.policies import parse_policy
from app.storage import policies, proposals
from app.storage.plain import request_of
from app.use_cases.service import Service
from optimizer.batch import Batch, Precedent, Request
from optimizer.policy import Policy
from optimizer.problem import Problem
from optimizer.rulings import Ruling, RulingKind, settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The requests of a proposal and the rules they are judged by."""

    requests: tuple[Request, ...]
    precedents: tuple[Precedent, ...]
    policy: Policy
    as_of: date
    rulings: tuple[Ruling, ...]
    hashes: InputHashes

    def batch(self) -> Batch:
        """Return the requests as a batch, in canonical order."""
        return Batch(requests=self.requests, precedents=self.precedents)

    def problem(self) -> Problem:
        """Return the problem this is."""
        batch = self.batch()
        return Problem(
            batch=batch,
            policy=self.policy,
            catalogue=load_catalogue(),
            as_of=self.as_of,
            rulings=settle(self.rulings, batch),
        )


def material_of(
    service: Service,
    connection: Connection,
    row: proposals.Row,
    rulings: Sequence[dict[str, Any]] | None = None,
) -> Material:
    """Return what a proposal is made of.

    Parameters
    ----------
    rulings
        Other rulings than those it was asked under, by its labels.
    """
    contents = proposals.contents(connection, row.proposal_id)
    stated = json.loads(row.rulings) if rulings is None else rulings
    requests = tuple(request_of(one.content, label=one.label) for one in contents)
    settled = tuple(
        Ruling(kind=RulingKind(one["kind"]), request_ids=tuple(one["request_ids"]))
        for one in stated
    )
    known = earlier_approvals(service.settings.precedents)
    return Material(
        requests=requests,
        precedents=known,
        policy=policy_of(connection, row),
        as_of=date.fromisoformat(row.as_of),
        rulings=settled,
        hashes=InputHashes(
            requests=requests_sha256(requests),
            precedents=precedents_sha256(known) if known else None,
            rulings=rulings_sha256(settled) if settled else None,
        ),
    )


def policy_of(connection: Connection, row: proposals.Row) -> Policy:
    """Return the policy a proposal was made under, in its version."""
    found = policies.version(connection, row.policy_name, row.policy_version)
    assert found is not None
    return _parsed(found.toml, found.name)


@lru_cache(maxsize=32)
def _parsed(toml: str, name: str) -> Policy:
    return parse_policy(toml.encode(), name)


@cache
def earlier_approvals(path: Path | None) -> tuple[Precedent, ...]:
    """Return the precedents the service is set up with; none where no file is named."""
    return () if path is None else read_precedents(str(path))
