"""A service on either database, and one that has a finished proposal already."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from app.jobs.desk import Desk
from tests.databases import KINDS
from tests.postgres import PostgresServer
from tests.service.world import World

_numbers = count(1)


@pytest.fixture(scope="session")
def desk() -> Iterator[Desk]:
    """Yield the one desk of the test process."""
    with Desk() as desk:
        yield desk


@pytest.fixture
def world(address: str, tmp_path: Path, desk: Desk) -> Iterator[World]:
    """Yield a service on a fresh database of either kind."""
    with World(address, tmp_path, desk) as world:
        yield world


@pytest.fixture(scope="module", params=KINDS)
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, desk: Desk
) -> Iterator[World]:
    """Yield a service on either kind that a module asks, and does not change."""
    kind = request.param
    if request.config.getoption("--db") not in ("both", kind):
        pytest.skip(f"--db {request.config.getoption('--db')}")
    folder = tmp_path_factory.mktemp(f"shared-{kind}")
    if kind == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), folder / "a.db")
        address, drop = f"sqlite:///{folder / 'a.db'}", lambda: None
    else:
        server = request.getfixturevalue("postgres")
        address, drop = _copy(server, "allybin_migrated")
    with World(address, folder, desk) as world:
        yield world
    drop()


@dataclass(frozen=True, slots=True)
class Planned:
    """A service with requests and a finished proposal, and keys of people.

    The proposal was run by ``analyst``; ``approver`` decides it.
    """

    world: World
    proposal: Any
    analyst: str
    other_analyst: str
    approver: str

    @property
    def proposal_id(self) -> str:
        """The proposal."""
        return str(self.proposal["proposal_id"])

    @property
    def path(self) -> str:
        """Where the proposal is."""
        return f"/proposals/{self.proposal_id}"

    @property
    def bins(self) -> dict[str, tuple[str, ...]]:
        """The requests of each live bin, as they are now."""
        return self.world.bins(self.proposal_id)

    @property
    def version(self) -> int:
        """The version the plan is in now."""
        return int(self.world.read(self.path)["version"])

    @property
    def combined(self) -> list[str]:
        """The bins of more than one request, as they are now."""
        return [name for name, ids in self.bins.items() if len(ids) > 1]

    @property
    def alone(self) -> list[str]:
        """The bins of one request, as they are now."""
        return [name for name, ids in self.bins.items() if len(ids) == 1]


type Made = dict[str, tuple[str, dict[str, Any]]]


@pytest.fixture(scope="session")
def made_plans() -> Made:
    """Return where planned databases are, by kind, once they are made."""
    return {}


type Copies = Callable[[], AbstractContextManager[Planned]]


@pytest.fixture
def copies(
    kind: str,
    made_plans: Made,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    desk: Desk,
) -> Copies:
    """Return what makes copies of a service with a proposal that was solved once."""
    if kind not in made_plans:
        folder = tmp_path_factory.mktemp(f"planned-{kind}")
        made_plans[kind] = _make(kind, request, folder, desk)
    source, keys = made_plans[kind]

    @contextmanager
    def copy() -> Iterator[Planned]:
        if kind == "sqlite":
            path = tmp_path / f"copy-{next(_numbers)}.db"
            shutil.copyfile(source, path)
            address, drop = f"sqlite:///{path}", lambda: None
        else:
            address, drop = _copy(request.getfixturevalue("postgres"), source)
        with World(address, tmp_path, desk, first_key=keys["first_key"]) as world:
            names = ("analyst", "other_analyst", "approver")
            proposal = world.read(f"/proposals/{keys['proposal_id']}")
            yield Planned(world, proposal, **{name: keys[name] for name in names})
        drop()

    return copy


@pytest.fixture
def plan(copies: Copies) -> Iterator[Planned]:
    """Yield a copy of a service with a finished proposal; it was solved only once."""
    with copies() as plan:
        yield plan


def _copy(server: PostgresServer, source: str) -> tuple[str, Callable[[], None]]:
    name = f"planned_{next(_numbers)}"
    return server.create(name, template=source), lambda: server.drop(name)


def _make(
    kind: str, request: pytest.FixtureRequest, folder: Path, desk: Desk
) -> tuple[str, dict[str, Any]]:
    name = f"allybin_planned_{next(_numbers)}"  # the pages have one of their own
    if kind == "sqlite":
        source = str(folder / "allybin.db")
        shutil.copyfile(request.getfixturevalue("sqlite_template"), source)
        address = f"sqlite:///{source}"
    else:
        source = name
        server: PostgresServer = request.getfixturevalue("postgres")
        address = server.create(name, template="allybin_migrated")
    with World(address, folder, desk) as world:
        keys = {
            "analyst": world.key("analyst", name="analyst"),
            "other_analyst": world.key("analyst", name="other analyst"),
            "approver": world.key("approver", name="approver"),
        }
        world.stored(key=keys["analyst"])
        proposal = world.propose(key=keys["analyst"])
        assert proposal["state"] == "done"
        return source, {
            **keys,
            "first_key": world.first,
            "proposal_id": proposal["proposal_id"],
        }
