"""Judges what the service says of a plan, apart from the service and its solver."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from io import BytesIO
from typing import Any

from app.catalogue import load_catalogue
from app.export.document import verify_document
from app.intake import Format, Source, read_request_sources
from app.policies import parse_policy, policy_text
from optimizer.batch import Batch
from optimizer.problem import Problem
from optimizer.rulings import Ruling, RulingKind, settle
from tests import oracle
from tests.service.world import AS_OF, BALTIC


def problem(
    rows: Sequence[Mapping[str, Any]] = BALTIC,
    rulings: Iterable[Mapping[str, Any]] = (),
    policy: str = "nato-all",
) -> Problem:
    """Return the problem that rows are under some rulings, read from the rows again."""
    stream = BytesIO(json.dumps([*rows]).encode())
    source = Source(label="body", stream=stream, format=Format.JSON)
    batch = Batch(requests=read_request_sources([source]).requests)
    stated = [
        Ruling(kind=RulingKind(one["kind"]), request_ids=tuple(one["request_ids"]))
        for one in rulings
    ]
    return Problem(
        batch=batch,
        policy=parse_policy(policy_text(policy).encode(), policy),
        catalogue=load_catalogue(),
        as_of=date.fromisoformat(AS_OF),
        rulings=settle(stated, batch),
    )


def cost(bins: Iterable[Sequence[str]], asked: Problem) -> float:
    """Return what a plan costs in staff-days, by the words of the model alone."""
    thousandths = sum(
        oracle.bin_cost(ids, asked.batch, asked.policy, asked.catalogue, asked.as_of)
        for ids in bins
    )
    return thousandths / 1000


def least(asked: Problem) -> float:
    """Return the least cost of any plan in staff-days, by trying every one."""
    total, _ = oracle.best_partition(
        asked.batch, asked.policy, asked.catalogue, asked.as_of, asked.rulings
    )
    return total / 1000


def faults(
    document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]] = BALTIC
) -> list[str]:
    """Return what in a document does not hold, under the rulings that it states."""
    asked = problem(rows, document["rulings"], document["policy"]["name"])
    found = verify_document(dict(document), asked)
    return [f"{one.where}: {one.code}: {one.text}" for one in found]
