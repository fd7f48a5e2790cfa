"""The proof of a bound in proposal.json: written, checked again, tampered with."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.commands.bound import NOT_INCLUDED, BoundCheck
from app.commands.question import Files, read, read_policies
from app.engine.halt import SIGNALS, Halt
from app.engine.local import _Run
from app.errors import Stopped
from app.export.document import InputHashes, proposal_document, verify_document
from app.export.plain_files import json_lines
from optimizer.certificate import Certificate
from optimizer.certify.checking import check
from optimizer.problem import Problem
from optimizer.propose import propose
from optimizer.selection.outcome import Selection
from tests.app.command_line import BALTIC, DAY, run
from tests.proving import recording
from tests.solving import CASES, problem_of

type Document = dict[str, Any]


def document_of(problem: Problem, hashes: InputHashes) -> Document:
    """Return a proposal as it is written and read again, with recorded proofs."""
    document = proposal_document(
        propose(problem, engine=recording),
        created_at=datetime(2026, 1, 5, tzinfo=UTC),
        solve_seconds=0.0,
        hashes=hashes,
        versions={},
    )
    return json.loads("".join(json_lines(document)))


@cache
def baltic() -> str:
    found = read(Files(requests=(BALTIC,)))
    (policy,) = read_policies(["nato-rdp"])
    problem = found.problem(policy, date.fromisoformat(DAY[1]))
    return json.dumps(document_of(problem, found.hashes))


@pytest.fixture
def document() -> Document:
    return json.loads(baltic())


def verified(folder: Path, document: Document) -> tuple[int, str]:
    path = folder / "proposal.json"
    path.write_text(json.dumps(document))
    done = run("verify", str(path), BALTIC)
    assert done.stderr == ""
    return done.returncode, done.stdout


def proofs(document: Document) -> list[dict[str, Any]]:
    steps = [step for part in document["certificate"] for step in part["steps"]]
    return [step for step in steps if "duals" in step]


def test_verify_proves_the_bound_again(tmp_path: Path, document: Document) -> None:
    assert [*document][-1] == "certificate"
    count = len(proofs(document))

    code, said = verified(tmp_path, document)

    assert (code, count > 0) == (0, True)
    assert f" {count} proofs priced again in integers, {count} of them held" in said


def test_verify_finds_a_dual_that_was_raised(
    tmp_path: Path, document: Document
) -> None:
    proof = proofs(document)[0]
    proof["duals"][0] += 10**6 * proof["scale"]

    code, said = verified(tmp_path, document)

    assert code == 1
    assert said.startswith("lower_bound: certificate: The proof of the part of ")
    assert "does not hold" in said


def test_verify_finds_a_bound_above_what_is_proven(
    tmp_path: Path, document: Document
) -> None:
    total = document["objective"]["total"]
    proven = document["lower_bound"]
    assert proven < total
    document |= {"lower_bound": total, "gap": 0.0, "status": "optimal"}

    code, said = verified(tmp_path, document)

    assert code == 1
    assert said == (
        f"lower_bound: certificate: The lower bound is stated as {total}; what the "
        f"certificate proves is {proven}.\n1 things do not hold.\n"
    )


def test_verify_finds_a_part_that_is_missing(
    tmp_path: Path, document: Document
) -> None:
    document["certificate"].pop()

    code, said = verified(tmp_path, document)

    assert (code, "what the certificate proves is" in said) == (1, True)


def test_a_proposal_without_a_certificate_is_judged_without(
    tmp_path: Path, document: Document
) -> None:
    del document["certificate"]

    code, said = verified(tmp_path, document)

    assert code == 0
    assert said.splitlines()[1:] == [NOT_INCLUDED]


def test_checking_ends_at_once_when_it_is_told_to(document: Document) -> None:
    found = read(Files(requests=(BALTIC,)))
    (policy,) = read_policies(["nato-rdp"])
    told: list[int] = []

    def interrupt(done: int, of: int) -> None:
        told.append(of - done)
        os.kill(os.getpid(), signal.SIGINT)

    halt = Halt()
    with handlers_restored():
        halt.install()
        with pytest.raises(Stopped, match="SIGINT"):
            check(
                found.problem(policy, date.fromisoformat(DAY[1])),
                document["certificate"],
                progress=interrupt,
            )

    assert told == [len(proofs(document)) - 1]


def test_a_task_begun_again_keeps_the_greater_bound_and_its_proof() -> None:
    heard: list[Selection] = []
    work = _Run((), 0.0, Halt(), lambda _, found: heard.append(found), print)

    def found(cost: int, bound: int) -> Selection:
        proof = Certificate(positions=(0, 1), steps=(), bound=bound)
        return Selection(bins=((0, 1),), cost=cost, bound=bound, certificate=proof)

    for selection in (found(90, 50), found(95, 60), found(96, 40)):
        work._note(0, selection)

    assert [(s.cost, s.bound) for s in heard] == [(90, 50), (90, 60), (90, 60)]
    assert [s.certificate.bound for s in heard if s.certificate] == [50, 60, 60]


@contextmanager
def handlers_restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# --- whatever stands there ------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "R1", "R2", "pair"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["request_ids", "steps", "duals", "pair", "most_bins"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@cache
def problem(seed: int) -> Problem:
    return problem_of(CASES[seed % len(CASES)](seed, 7))


@cache
def random_document(seed: int) -> str:
    return json.dumps(document_of(problem(seed), InputHashes(requests="0" * 64)))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 200))
def test_every_proposal_proves_its_own_bound(seed: int) -> None:
    document = json.loads(random_document(seed))
    check = BoundCheck(document, problem(seed))

    assert verify_document(document, problem(seed), certificate_check=check) == ()
    assert check.summary.startswith("The lower bound is proven: ")


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container in a value with each key or place in it."""
    keys = [*value] if isinstance(value, dict) else range(len(value))
    found = [(value, key) for key in keys]
    for key in keys:
        if isinstance(value[key], dict | list):
            found += places(value[key])
    return found


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 30), value=JSON, at=st.integers(0, 10**6))
def test_anything_in_a_certificate_is_judged_and_never_raises(
    seed: int, value: Any, at: int
) -> None:
    document = json.loads(random_document(seed))
    true_bound = Decimal(str(document["lower_bound"]))
    changed = deepcopy(document)
    inside = [(changed, "certificate"), *places(changed["certificate"])]
    container, key = inside[at % len(inside)]
    if Random(at).random() < 0.2:
        del container[key]
    else:
        container[key] = value

    for sentence in BoundCheck(changed, problem(seed))(true_bound):
        assert sentence.endswith(".")
