"""The commands beside propose, in processes of their own."""

import json
import re
import subprocess
import sys

import pytest

from tests.app.command_line import (
    BALTIC,
    DAY,
    PRECEDENTS,
    RESULTS,
    RULINGS,
    proposed,
    refused,
    run,
)


def test_verify_says_that_all_holds_and_what_does_not(tmp_path):
    made = ("--precedents", PRECEDENTS, "--rulings", RULINGS)
    assert run("propose", BALTIC, *DAY, *made, "--out", str(tmp_path)).returncode == 0
    path = tmp_path / "proposal.json"
    sound = run("verify", str(path), BALTIC, *made)
    assert sound.returncode == 0
    assert sound.stdout.startswith("All of it holds: 12 requests in ")

    without = run("verify", str(path), BALTIC, "--precedents", PRECEDENTS)
    assert without.returncode == 1
    assert "give them with --rulings" in without.stdout

    document = json.loads(path.read_text())
    document["bins"][0]["effort_days"] += 1
    path.write_text(json.dumps(document))
    wrong = run("verify", str(path), BALTIC, *made)
    assert wrong.returncode == 1
    assert wrong.stdout.startswith("bins[0].effort_days: figure: ")
    assert wrong.stdout.endswith("1 things do not hold.\n")


@pytest.mark.parametrize("text", ["", "[]", "{", "NaN", "\xff", "[" * 100_000, "{}"])
def test_verify_refuses_what_is_no_proposal(tmp_path, text):
    path = tmp_path / "proposal.json"
    path.write_bytes(text.encode("latin-1"))
    assert str(path) in refused(3, "verify", str(path), BALTIC)


def test_verify_asks_for_a_policy_that_is_not_shipped(tmp_path):
    path = tmp_path / "proposal.json"
    path.write_text('{"as_of": "2026-01-05", "policy": {"name": "own"}}')
    assert "--policy" in refused(2, "verify", str(path), BALTIC)
    assert "nowhere" in refused(3, "verify", str(tmp_path / "nowhere"), BALTIC)


def test_compare_has_a_row_for_each_policy():
    done = run(
        "compare", BALTIC, *DAY, "--policy", "nato-all", "--policy", "by-country"
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = {
        line.split()[0]: line.split()
        for line in done.stdout.splitlines()
        if line.startswith(("nato-all", "by-country"))
    }
    assert rows["by-country"][1:3] == ["12", "0"]
    assert int(rows["nato-all"][1]) < 12


def test_compare_needs_two_policies():
    assert "two" in refused(2, "compare", BALTIC, "--policy", "nato-all")


def test_why_gives_the_price_or_the_rules():
    done = run("why", BALTIC, "EST-22-01", "LVA-22-01", *DAY)
    assert done.returncode == 0
    assert done.stdout.startswith("EST-22-01 and LVA-22-01 may share a bin.\n")
    assert "staff-days" in done.stdout
    blocked = run(
        "why", BALTIC, "EST-22-01", "LVA-22-01", *DAY, "--policy", "by-country"
    )
    assert "may not share a bin.\n  category: " in blocked.stdout


def test_why_names_the_nearest_request():
    message = refused(2, "why", BALTIC, "EST-22-01", "LVA-22-1")
    assert '"LVA-22-1"' in message
    assert "LVA-22-01" in message
    assert "two request ids" in refused(2, "why", BALTIC, "EST-22-01")
    assert "name two" in refused(2, "why", BALTIC, "EST-22-01", "EST-22-01")


def test_policies_are_listed_shown_and_checked(tmp_path):
    listed = run("policy", "list").stdout
    for name in ("nato-rdp", "nato-all", "nato-plus-five", "by-country"):
        assert f"\n{name} " in listed
        path = tmp_path / f"{name}.toml"
        path.write_text(run("policy", "show", name).stdout)
        done = run("policy", "check", str(path))
        assert (done.returncode, done.stderr) == (0, "")
        assert f"sound policy: {name}," in done.stdout
    assert "nato-rdp" in refused(3, "policy", "show", "nato")


def test_the_catalogue_is_found_by_alias():
    assert "Stinger" in run("systems", "FIM-92").stdout
    assert "DEU" in run("customers", "germany").stdout
    nothing = run("systems", "Patroit")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "nearest: Patriot" in nothing.stderr


def test_generate_is_reproducible_and_reads_back(tmp_path):
    first = run("generate", "--requests", "30", "--seed", "7", "--days", "90")
    assert first.returncode == 0
    assert first.stdout == run(
        "generate", "--requests", "30", "--seed", "7", "--days", "90"
    ).stdout  # fmt: skip
    path = tmp_path / "batch.csv"
    path.write_text(first.stdout)
    assert proposed(str(path))["input"]["requests"] == 30
    assert "--requests" in refused(2, "generate", "--requests", "0", "--seed", "1")


def test_demo_replaces_its_own_results_and_nobody_elses(tmp_path):
    first = run("demo", cwd=tmp_path)
    assert first.returncode == 0
    assert "out/report.html" in first.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == RESULTS
    assert run("demo", cwd=tmp_path).returncode == 0
    (tmp_path / "out" / "proposal.json").write_text("{}")
    assert "--force" in run("demo", cwd=tmp_path).stderr


@pytest.mark.parametrize(
    "command",
    [["propose"], ["why"], ["verify"], ["compare"], ["policy", "list"],
     ["policy", "show"], ["policy", "check"], ["systems"], ["customers"],
     ["generate"], ["demo"]],
)  # fmt: skip
def test_help_of_every_command_shows_an_example(command):
    done = run(*command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Example:\n    allybin {' '.join(command)}" in done.stdout


def test_help_and_version_load_nothing_they_do_not_need():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, app.cli; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    slow = {"numpy", "numba", "networkx", "pulp", "pydantic", "sqlalchemy", "fastapi",
            "httpx2", "limits", "jinja2", "asyncio"}  # fmt: skip
    assert slow.isdisjoint(loaded)
    assert run("--help").returncode == 0
    assert re.fullmatch(r"allybin \d+\.\d+\.\d+\S*\n", run("--version").stdout)
