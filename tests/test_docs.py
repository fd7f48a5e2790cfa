"""What the pages say is so: their figures, commands, links and pictures."""

import importlib
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from app.catalogue import load_catalogue, read_table
from app.export.policy_words import (
    coordination_words,
    elapsed_words,
    rate_words,
    stage_names,
    trigger_words,
)
from app.intake import read_requests
from app.policies import read_policy, shipped_policies
from app.samples import sample_path, samples_folder
from optimizer.batch import Batch
from optimizer.compatibility import may_share
from optimizer.policy import EffortCase
from optimizer.pricing import Cut, price
from optimizer.problem import Problem
from optimizer.selection.model import choose
from optimizer.selection.parts import fewest_bins
from tests import factories
from tests.documents import MARKED, PAGES, ROOT, allybin, page, shell_blocks, table_with
from tests.solving import all_bins, problem, whole_instances

HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
LINK = re.compile(r"(?<!\!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


# --- policies ------------------------------------------------------------------------


def test_the_policies_page_has_every_rate_of_the_shipped_stages() -> None:
    text = page("docs/policies.md")
    rows = {
        row["stage"]: row
        for row in table_with(text, "stage", "name", "concerns", "staff-days")
    }
    for name in shipped_policies():
        policy = read_policy(name)
        assert list(rows) == list(stage_names(policy)), name
        for stage in policy.stages:
            row = rows[stage.id]
            default = rate_words(stage, EffortCase.DEFAULT)
            assert row["name"] == stage.name
            assert row["concerns"] == trigger_words(stage)
            assert row["staff-days"] == default
            assert row["lasts"] == elapsed_words(stage)
            for cell, case in (("low", EffortCase.LOW), ("high", EffortCase.HIGH)):
                stated = default if row[cell] == "the same" else row[cell]
                assert stated == rate_words(stage, case), (stage.id, cell)
        together = rows["coordination"]
        default = coordination_words(policy, EffortCase.DEFAULT)
        assert together["staff-days"] == default
        assert together["low"] == coordination_words(policy, EffortCase.LOW)
        assert default == coordination_words(policy, EffortCase.HIGH)  # "the same"
        assert together["high"] == "the same"
        assert together["lasts"] == f"{policy.coordination_elapsed_days} days"


def test_the_policies_page_tells_basis_and_source_of_every_stage() -> None:
    rows = table_with(page("docs/policies.md"), "stage", "basis", "confidence")
    known = {row["stage_id"]: row for row in read_table("stages.csv")}

    assert [row["stage"].split()[0] for row in rows[:-1]] == [
        stage.id for stage in read_policy("nato-rdp").stages
    ]
    for row in rows:
        source = known["S03" if "S03" in row["stage"] else row["stage"]]
        for key in ("basis", "confidence", "evidence", "source"):
            assert row[key] == source[key], (row["stage"], key)


def test_the_policies_page_states_what_compare_prints(tmp_path: Path) -> None:
    text = page("docs/policies.md")
    (command,) = [line for line in shell_blocks(text) if " compare " in line]

    (tmp_path / "sample_requests").symlink_to(samples_folder())
    run = allybin(*command.split()[1:], folder=tmp_path)

    assert run.returncode == 0, run.stderr
    printed = [line.split() for line in run.stdout.splitlines()]
    rows = table_with(text, "policy", "bins", "combined")
    assert [row["policy"] for row in rows] == list(
        dict.fromkeys(["nato-rdp", "nato-all", "nato-plus-five", *shipped_policies()])
    )
    for row in rows:
        assert list(row.values()) in printed


def test_the_pages_count_the_customers_of_the_default_policy() -> None:
    customers = load_catalogue().customers.values()
    names = {c.name for c in customers if "nato_rdp_cohort" in c.flags}
    text = page("docs/policies.md")

    assert len(names) == 22
    assert all(name in text for name in names)


# --- the README ----------------------------------------------------------------------


def readme_commands() -> list[str]:
    """Return the commands that need no service; acceptance tests run the others."""
    before, _, served = page("README.md").partition("\n## Run it as a service\n")
    text = before + served.partition("\n## ")[2]
    return [line for line in shell_blocks(text) if "allybin" in line]


@pytest.mark.acceptance
def test_every_command_of_the_readme_runs_and_prints_what_it_says(
    tmp_path: Path,
) -> None:
    (tmp_path / "sample_requests").symlink_to(samples_folder())
    bin_folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([bin_folder, os.environ.get("PATH", "")])
    printed = ""

    assert len(readme_commands()) > 10
    for line in ["allybin demo", *readme_commands()]:
        run = subprocess.run(
            ["sh", "-c", line],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert run.returncode == 0, f"{line}\n{run.stderr}"
        printed += run.stdout

    lines = {" ".join(line.split()) for line in printed.splitlines()}
    for stated in readme_output():
        assert stated in lines, stated
    for name in ("report.html", "proposal.xlsx", "bins.csv", "proposal.json"):
        assert (tmp_path / "out" / name).is_file()


def readme_output() -> list[str]:
    """Return the lines of the README that a command is said to print."""
    first_result = page("README.md").partition("## First result")[2]
    blocks = re.findall(r"^```text\n(.*?)^```", first_result, re.DOTALL | re.MULTILINE)
    stated = [
        " ".join(line.split())
        for block in blocks[:2]
        for line in block.splitlines()
        if line.strip("─ ")
    ]
    assert len(stated) >= 8
    return stated


def test_the_readme_names_targets_that_make_has() -> None:
    targets = set(re.findall(r"^([a-z-]+):", page("Makefile"), re.MULTILINE))
    named = {
        line.split()[1]
        for line in shell_blocks(page("README.md"))
        if line.startswith("make ")
    }

    assert {"demo", "test", "check", "lock"} <= named <= targets


def test_the_readme_counts_the_catalogue_and_the_batch() -> None:
    catalogue = load_catalogue()
    text = " ".join(page("README.md").split())
    requests = read_requests([str(sample_path("announced-2022-2026.csv"))]).requests
    nobody = [r for r in requests if in_no_category(r.customer)]

    assert f"{len(catalogue.systems)} system families" in text
    assert f"{len(catalogue.customers)} customers" in text
    assert f"({len(nobody)} of the {len(requests)} requests)" in text


def in_no_category(customer: str) -> bool:
    flags = load_catalogue().customers[customer].flags
    return not any(
        customer in category.include or flags.issuperset(category.all_of)
        for category in read_policy("nato-rdp").categories
    )


def test_the_layout_in_the_readme_is_there() -> None:
    text = page("README.md").partition("## Layout")[2].partition("## ")[0]

    for name in re.findall(r"\b[a-z_]+(?:/|\.py)", text):
        folders = (ROOT, ROOT / "app", ROOT / "optimizer")
        assert any((folder / name).exists() for folder in folders), name


def test_the_picture_shows_the_links_there_are() -> None:
    svg = ET.fromstring(page("docs/pictures/requests-links-bins.svg"))
    space = "{http://www.w3.org/2000/svg}"
    requests = read_requests([str(sample_path("baltic-rocket-artillery.csv"))]).requests
    problem = Problem(
        batch=Batch(requests=requests),
        policy=read_policy("nato-rdp"),
        catalogue=load_catalogue(),
        as_of=date(2022, 3, 1),
    )
    links = sum(
        may_share(problem, one, other) for other in range(12) for one in range(other)
    )

    lines = [e for e in svg.iter(f"{space}line") if e.get("class") == "link"]
    assert len(lines) == links
    described = svg.findtext(f"{space}desc") or ""
    assert f"{links} lines" in described
    labels = [e for e in svg.iter(f"{space}text") if e.get("class") == "label"]
    assert len(labels) == len(requests)


def test_the_picture_loads_nothing_from_elsewhere() -> None:
    text = page("docs/pictures/requests-links-bins.svg")

    addresses = re.findall(r'(?:href|src)="([^"]*)"|url\(([^)]*)\)', text)
    assert all(one.startswith("#") for pair in addresses for one in pair if one)
    assert "<script" not in text
    assert "@import" not in text


# --- the method ----------------------------------------------------------------------


def test_the_method_states_the_constants_of_the_code() -> None:
    text = page("docs/method.md")
    rows = table_with(text, "constant", "module", "value")

    assert len(rows) > 20
    for row in rows:
        value = getattr(importlib.import_module(row["module"]), row["constant"])
        values = value if isinstance(value, tuple) else (value,)
        assert row["value"] == "; ".join(f"{one:,}" for one in values), row["constant"]
    prose = text.partition("## Constants")[0]
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", prose))
    assert named == {row["constant"] for row in rows}


def test_the_example_of_the_method_is_what_pricing_proves() -> None:
    """Three requests alike, two in a bin at most: every row of the table is priced."""
    asked = problem(
        *(factories.request(name) for name in "ABC"),
        max_requests=2,
        coordination=(0, 0),
        stages=(
            factories.stage("S1", "all", {"bin": 6000}),
            factories.stage("S2", "all", {"request": 2000}),
        ),
    )
    (instance,) = whole_instances(asked)
    text = " ".join(page("docs/method.md").partition("### Repair, fines")[2].split())
    rows = table_with(page("docs/method.md"), "given duals", "fine", "credit")

    bins = all_bins(instance)
    costs = [instance.cost(members) for members in bins]
    chosen = choose(bins, costs, range(3), start=(), node_limit=99, time_limit=None)
    assert chosen is not None
    best = sum(costs[j] for j in chosen)
    assert {(len(b), c) for b, c in zip(bins, costs, strict=True)} == {
        (1, 8000),
        (2, 10_000),
    }
    assert "One alone costs 8 and any two cost 10" in text
    assert f"a pair and a single: {best // 1000}." in text
    assert f"The grain is {instance.grain / 1000:.0f}," in text
    assert fewest_bins(instance) == 2
    step = 1000 * instance.scale
    for row in rows:
        duals = [int(dual) for dual in row["given duals"].split(", ")]
        fine, credit = int(row["fine"]), int(row["credit"])
        found = price(
            instance,
            np.array(duals) * step,
            (Cut(items=(0, 1, 2)),),
            np.array([fine * step]),
            credit * step,
            least=fewest_bins(instance),
        )
        assert found is not None
        repaired = [int(dual) // step for dual in found.duals]
        assert ", ".join(map(str, repaired)) == row["duals repaired"]
        assert [dual * step for dual in repaired] == found.duals.tolist()
        assert int(row["sum proven"]) == sum(repaired) - fine + 2 * credit
        assert int(row["rounded"]) * 1000 == found.bound <= best
    assert len(rows) == 5


# --- links and words -----------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(path.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(path: Path) -> None:
    for match in LINK.finditer(path.read_text(encoding="utf-8")):
        target = match[1] or match[2]
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        assert file.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(file), target


def test_every_page_is_linked_from_another() -> None:
    linked = {
        (path.parent / target.partition("#")[0]).resolve()
        for path in PAGES
        for match in LINK.finditer(path.read_text(encoding="utf-8"))
        for target in (match[1] or match[2],)
        if not target.startswith("https://") and target.partition("#")[0]
    }

    assert [path for path in PAGES[1:] if path.resolve() not in linked] == []


def test_every_code_path_a_page_names_is_there() -> None:
    for path in PAGES:
        for text in MARKED.findall(path.read_text(encoding="utf-8")):
            if re.fullmatch(r"(?:app|optimizer|tests|docs)/[\w./-]+", text):
                assert (ROOT / text).exists(), f"{path.name}: {text}"


def test_the_glossary_is_in_order_and_says_each_word_once() -> None:
    words = [row["word"] for row in table_with(page("docs/glossary.md"), "word")]
    folded = [word.casefold().replace("&", "") for word in words]

    assert len(words) > 50
    assert folded == sorted(set(folded))


def test_every_decision_record_has_its_parts_and_its_place() -> None:
    folder = ROOT / "docs" / "decisions"
    index = table_with(page("docs/decisions/README.md"), "no.", "title", "decision")
    records = sorted(folder.glob("[0-9]*.md"))

    assert len(index) == len(records)
    assert len({path.name[:4] for path in records}) == len(records)
    for path, row in zip(records, index, strict=True):
        text = path.read_text(encoding="utf-8")
        number = int(path.name[:4])
        assert text.startswith(f"# {number}. {row['title']}\n")
        assert row["no."].startswith(f"[{number}]({path.name})")
        assert f"> {row['decision']}" in text.replace("`", "")
        parts = ["Context", "Decision", "Consequences", "Alternatives"]
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == parts
