"""A solver that is not sound solves nothing; everything else goes on."""

from pathlib import Path

import pytest

from app.jobs.canaries import NOT_YET, SOUND, Canaries
from app.jobs.desk import Desk
from app.jobs.frames import Garbage, parsed
from app.jobs.nursery import NoProcess, Nursery
from app.jobs.orders import Outcome
from tests.app.jobs.ordering import order_of, verified
from tests.service.world import World

MEMORY = 4096 << 20
UNSOUND = "The solver is not used: it failed."


def test_the_models_are_asked_in_a_process_of_their_own(desk: Desk) -> None:
    assert desk.canaries.wrong() is None
    assert desk.canaries.state == SOUND
    assert desk.canaries.known_wrong is None


def test_a_process_that_dies_makes_the_solver_unsound(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_: bytes) -> None:
        raise Garbage

    assert desk.canaries.wrong() is None  # else the desk's own would hear it die too
    canaries = Canaries(desk._nursery, MEMORY)
    assert canaries.state == NOT_YET
    monkeypatch.setattr("app.jobs.canaries.parsed", dies)
    assert "It gave no answer." in str(canaries.wrong())
    assert canaries.state == canaries.known_wrong
    assert "models with known answers" in canaries.state


def test_a_process_that_died_once_is_asked_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[bytes] = []

    def dies_once(line: bytes) -> object:
        lines.append(line)
        if len(lines) == 1:
            raise Garbage
        return parsed(line)

    assert desk.canaries.wrong() is None
    canaries = Canaries(desk._nursery, MEMORY)
    monkeypatch.setattr("app.jobs.canaries.parsed", dies_once)
    assert canaries.wrong() is None
    assert canaries.state == SOUND
    assert len(lines) == 2


def test_where_no_process_can_be_had_nothing_is_known() -> None:
    class Gone(Nursery):
        def begin(self, *_: object, **__: object) -> None:
            raise NoProcess("The desk is closed.")

    canaries = Canaries(Gone(), MEMORY)
    assert canaries.wrong() is None
    assert canaries.state == NOT_YET


@pytest.fixture
def unsound(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return the desk once its solver failed on a model."""
    assert desk.canaries.wrong() is None
    monkeypatch.setattr(desk.canaries, "_found", UNSOUND)
    return desk


def test_an_unsound_solver_is_not_asked(unsound: Desk) -> None:
    order = order_of(30, days=30)
    found = unsound.solve(order)
    assert found.outcome is Outcome.FALLBACK
    assert found.reason == UNSOUND
    assert verified(order, found)


def test_an_unsound_solver_stops_proposals_and_nothing_else(
    unsound: Desk, sqlite_template: Path, tmp_path: Path
) -> None:
    path = tmp_path / "allybin.db"
    path.write_bytes(sqlite_template.read_bytes())
    with World(f"sqlite:///{path}", tmp_path, unsound) as world:
        world.stored()
        wanted = {"all_open": True, "policy": "nato-all"}
        said = world.post("/proposals", wanted)
        assert said.status_code == 503
        assert said.json()["detail"].startswith(UNSOUND)
        assert world.read("/proposals")["items"] == []
        assert world.records(action="proposal.ask")[-1]["result"] == (
            "refused: 503 busy"
        )
        ready = world.read("/readyz")
        assert ready["ready"] is True
        assert ready["solver"] == UNSOUND
        assert world.read("/requests")["items"]


def test_readiness_says_that_the_solver_is_sound(
    desk: Desk, sqlite_template: Path, tmp_path: Path
) -> None:
    path = tmp_path / "allybin.db"
    path.write_bytes(sqlite_template.read_bytes())
    with World(f"sqlite:///{path}", tmp_path, desk) as world:
        assert desk.canaries.wrong() is None
        assert world.read("/readyz")["solver"] == SOUND
        world.service.unsigned = lambda: "/some/path is full"
        said = world.get("/readyz")
        assert said.json()["checkpoints"].endswith("the log says why.")
        assert "/some/path" not in said.text
