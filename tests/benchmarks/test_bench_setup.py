"""What `make bench` installs, and that its commands say what they do."""

import subprocess
import sys

import pytest

from app.policies import read_policy
from benchmarks.batches import policy_file
from benchmarks.peers.methods import PEERS
from tests.acceptance.test_setup import pins
from tests.documents import ROOT


def test_the_lock_of_the_benchmarks_pins_what_the_others_pin() -> None:
    bench, shipped = pins("requirements-bench.lock"), pins("requirements-runtime.lock")

    assert shipped.items() <= bench.items()
    assert {"ortools", "spopt", "scipy", "cbcbox", "matplotlib"} <= bench.keys()


def test_every_pin_of_the_benchmarks_has_a_hash_and_no_host() -> None:
    text = (ROOT / "requirements-bench.lock").read_text(encoding="utf-8")

    assert text.count("--hash=sha256:") > len(pins("requirements-bench.lock"))
    assert "://" not in text
    assert "find-links" not in text


def test_packages_of_peers_alone_are_in_neither_lock_that_setup_installs() -> None:
    needed = {need for peer in PEERS.values() for need in peer.needs}

    assert needed
    assert not needed & pins("requirements.lock").keys()


@pytest.mark.parametrize("command", ["", "peers", "scale", "published", "plots"])
def test_help_is_printed(command: str) -> None:
    asked = [sys.executable, "-m", "benchmarks", *command.split(), "--help"]

    said = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, check=True)

    assert said.stdout.startswith("usage: python -m benchmarks")
    assert "[default:" in said.stdout or not command
    assert "examples:" in said.stdout or command


def test_the_denser_policies_differ_from_the_shipped_one_only_in_whom_they_let_in():
    shipped, denser, dense = (
        read_policy(policy_file(name)) for name in ("nato-all", "denser", "dense")
    )

    assert denser.categories == shipped.categories
    assert denser.pairing == dense.pairing
    assert denser.pairing != shipped.pairing
    for policy in (denser, dense):
        assert policy.stages == shipped.stages
        assert policy.limits == shipped.limits
        assert policy.coordination == shipped.coordination
        assert policy.wait_cost == shipped.wait_cost
        assert policy.pairing.window_days == shipped.pairing.window_days
