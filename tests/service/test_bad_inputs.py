"""Bad inputs over the API: a clear refusal, never a fault of ours, and nothing stored.

Numbers are those of the examples of bad inputs that the project keeps to; what a file
can hold is tested in depth where files are read (``tests/app/intake``).
"""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from app.jobs.desk import Desk
from tests.service.bad_calls import CALLS
from tests.service.bad_files import FILES, Bad
from tests.service.test_batches import TYPES
from tests.service.world import BALTIC, World, problem_of, row


@pytest.fixture(scope="module")
def counted(shared: World) -> tuple[World, dict[str, int]]:
    """Return a service that nothing may be stored in, and what it holds."""
    return shared, shared.rows()


def check(counted: tuple[World, dict[str, int]], bad: Bad) -> None:
    """Make a bad call, and look at its answer and at what is stored."""
    world, before = counted
    content = bad.content() if callable(bad.content) else bad.content
    headers = dict(bad.headers)
    if bad.kind is not None:
        headers.setdefault("Content-Type", TYPES[bad.kind])
    answer = world.call(
        bad.method, bad.path, content=content, headers=headers, key=bad.key
    )
    said = problem_of(answer)
    assert said["status"] in bad.statuses, said
    told = json.dumps(said, ensure_ascii=False).replace('\\"', '"')
    assert all(word in told for word in bad.words), said
    if bad.row is not None:
        assert {error["row"] for error in said["errors"]} == {bad.row}, said
    assert world.rows() == before
    assert world.call("GET", "/healthz", key="").status_code == 200


@pytest.mark.parametrize("bad", FILES, ids=lambda bad: bad.name)
def test_a_bad_file_is_refused_and_nothing_of_it_is_stored(
    counted: tuple[World, dict[str, int]], bad: Bad
) -> None:
    check(counted, bad)


@pytest.mark.parametrize("bad", CALLS, ids=lambda bad: bad.name)
def test_a_bad_call_is_refused_and_nothing_is_stored(
    counted: tuple[World, dict[str, int]], bad: Bad
) -> None:
    check(counted, bad)


def test_the_refusal_of_many_bad_rows_is_small_and_counts_them(
    counted: tuple[World, dict[str, int]],
) -> None:
    world, before = counted
    rows = [row(f"A-{n}", "Germny" * 600, remarks="\x01" * 4000) for n in range(500)]
    said = problem_of(world.send(rows))
    assert said["bad_rows"] == 500
    assert len({error["row"] for error in said["errors"]}) <= 100
    assert said["unlisted_rows"] >= 400
    assert world.rows() == before


def test_12_the_limits_are_those_that_are_set(
    address: str, tmp_path: Path, desk: Desk
) -> None:
    limits = {"import_rows": 3, "import_bytes": 2048}
    with World(address, tmp_path, desk, **limits) as world:
        said = problem_of(world.send(BALTIC[:4]))
        assert said["status"] == 413
        assert "row limit of 3" in said["detail"]
        assert problem_of(world.send(BALTIC[:1] * 30))["status"] == 413
        assert world.send(BALTIC[:3]).status_code == 201


def test_no_refusal_says_anything_of_the_machine(
    counted: tuple[World, dict[str, int]],
) -> None:
    world, _ = counted
    for bad in CALLS:
        content = bad.content() if callable(bad.content) else bad.content
        headers = dict(bad.headers)
        if bad.kind is not None:
            headers.setdefault("Content-Type", TYPES[bad.kind])
        answer = world.call(
            bad.method, bad.path, content=content, headers=headers, key=bad.key
        )
        for word in ("Traceback", "sqlalchemy", "pydantic", "site-packages", ".py"):
            assert word not in answer.text, bad.name
        assert world.first not in answer.text


GOOD: Final[tuple[tuple[str, list[Any]], ...]] = (
    ("G3", [row("A-1", system="m142 himars"), row("A-2", system=" FIM-92 ")]),
    ("G4", [row("A-1", "Türkiye"), row("A-2", "turkiye"), row("A-3", "TR")]),
    ("G4 Côte d'Ivoire", [row("A-1", "cote d'ivoire"), row("A-2", "Côte d'Ivoire")]),
    ("G5", [row("A-1", value_usd=1234567.89, needed_by=None)]),
    ("G8", [row("A-1", received_on="2027-06-01", needed_by="2027-06-01")]),
    ("36", [row("A-1", remarks="<script>alert(1)</script>")]),
    ("13", [row("A-1", remarks='=HYPERLINK("http://x","open")')]),
)


@pytest.mark.parametrize("rows", [rows for _, rows in GOOD], ids=[n for n, _ in GOOD])
def test_odd_but_good_requests_are_taken_and_shown_as_they_came(
    world: World, rows: list[Any]
) -> None:
    world.stored(rows)
    shown = {one["request_id"]: one for one in world.read("/requests")["items"]}
    assert len({one["customer"] for one in shown.values()}) == 1
    for one in rows:
        said = shown[one["request_id"]]
        assert said["value_usd"] == one["value_usd"]
        assert said["remarks"] == one.get("remarks", said["remarks"])
        assert date.fromisoformat(said["received_on"])
        assert Decimal(str(said["value_usd"])) == Decimal(str(one["value_usd"]))
