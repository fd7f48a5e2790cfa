"""What ships is pinned, hashed and above the floors, and can be listed (P20)."""

import importlib.util
from types import ModuleType
from typing import Final

import pytest

from tests.documents import ROOT

HASH: Final = f"    --hash=sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def chain() -> ModuleType:
    """Return the script."""
    path = ROOT / "scripts" / "supply_chain.py"
    spec = importlib.util.spec_from_file_location("supply_chain", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_lock_has_a_part_below_its_floor_or_without_a_hash(
    chain: ModuleType,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["supply_chain.py"])
    assert chain.main() == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    assert said.startswith("3 locks")
    assert "NOT AUDITED" in said
    assert "passed" not in said


@pytest.mark.parametrize(
    ("lock", "sentence"),
    [
        (f"h11==0.14.0 \\\n{HASH}\n", "h11 0.14.0 is below its floor, 0.16."),
        ("h11==0.16.0\n    # via x\n", "h11 0.16.0 has no hash."),
        (f"h11>=0.16 \\\n{HASH}\n", "h11>=0.16 is not pinned to one version."),
        (f"h11==0.9 ; a \\\n{HASH}\n", "h11 0.9 is below its floor, 0.16."),
    ],
)
def test_what_may_not_ship_is_named(
    chain: ModuleType, lock: str, sentence: str
) -> None:
    good = f"# made\nanyio==4.1 \\\n{HASH}\n    # via\n"
    lowest = chain.floors("# head\nh11 0.16  CVE-1\n")
    assert list(chain.wrong(good, lowest)) == []
    assert list(chain.wrong(good + lock, lowest)) == [sentence]


def test_every_floor_is_of_a_part_that_ships_or_might(chain: ModuleType) -> None:
    lowest = chain.floors(chain.FLOORS.read_text(encoding="utf-8"))
    shipped = {one.name for one in chain.parts(chain.SHIPPED.read_text("utf-8"))}
    assert set(lowest) - shipped == {"pyjwt"}  # joserfc does its work here


def test_all_that_ships_is_listed_as_cyclonedx(chain: ModuleType) -> None:
    text = chain.SHIPPED.read_text(encoding="utf-8")
    made = chain.sbom(text, "0.1.0")
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    listed = {one["purl"] for one in made["components"]}
    pinned = text.count("==") - text.count(" == ")  # those are of platforms
    assert len(listed) == len(made["components"]) == pinned
    assert "pkg:pypi/h11@0.16.0" in listed
