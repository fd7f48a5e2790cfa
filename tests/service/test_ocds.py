"""The OCDS export: valid by the schemas of the standard, and true to the plan."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from app.jobs.desk import Desk
from tests.documents import ROOT
from tests.service.conftest import Planned
from tests.service.world import BALTIC, World, problem_of, row

SCHEMAS = ROOT / "tests" / "vendor" / "ocds"


@cache
def checker() -> jsonschema_rs.Draft4Validator:
    """Return what checks a package, each release in it too."""
    package, release = (
        json.loads((SCHEMAS / f"release-{name}.json").read_text(encoding="utf-8"))
        for name in ("package-schema-1__1__5", "schema-1__1__4")
    )
    address = package["properties"]["releases"]["items"]["$ref"]
    registry = jsonschema_rs.Registry([(address, {**release, "id": address})])
    return jsonschema_rs.Draft4Validator(
        package, registry=registry, validate_formats=True
    )


def faults(package: Any) -> list[str]:
    return [str(fault) for fault in checker().iter_errors(package)]


def package_of(plan: Planned) -> Any:
    answer = plan.world.get(f"{plan.path}/export?format=ocds", key=plan.analyst)
    assert answer.status_code == 200, answer.text
    name = f'attachment; filename="proposal-{plan.proposal_id[:8]}.ocds.json"'
    assert answer.headers["content-disposition"] == name
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def test_the_schemas_notice_what_is_wrong(plan: Planned) -> None:
    good = package_of(plan)
    assert faults(good) == []
    release = good["releases"][0]
    for wrong in (
        {key: value for key, value in release.items() if key != "ocid"},
        {**release, "initiationType": "request"},
        {**release, "tag": []},
        {**release, "date": "yesterday"},
        {**release, "planning": {"budget": {"amount": {"amount": "1"}}}},
    ):
        assert faults({**good, "releases": [wrong]}), wrong
    assert faults({**good, "releases": []})


@pytest.mark.parametrize("changed", [False, True])
def test_every_request_is_a_process_that_comes_out_of_its_bin(
    plan: Planned, changed: bool
) -> None:
    world = plan.world
    if changed:
        edit = {"op": "take_out", "request_id": "LTU-26-1"}
        assert world.edit(plan.proposal_id, 1, edit).status_code == 201
        name = next(name for name, ids in plan.bins.items() if "EST-26-2" in ids)
        world.decide(plan.proposal_id, name, "accept", 1, key=plan.approver)
    package = package_of(plan)
    assert faults(package) == []
    assert package["uri"] == f"urn:uuid:{plan.proposal_id}"
    releases = {one["ocid"]: one for one in package["releases"]}
    assert len(releases) == len(package["releases"])
    bins = {one["bin_id"]: one for one in world.read(f"{plan.path}/bins")["items"]}
    requests = {one["request_id"]: one for one in BALTIC}
    assert len(releases) == len(bins) + len(requests)
    for name, one in bins.items():
        release = releases[f"ocds-213czf-{plan.proposal_id}-{name}"]
        assert release["id"] == f"{plan.proposal_id}-{name}-{one['version']}"
        total = sum(requests[each]["value_usd"] for each in one["request_ids"])
        assert release["planning"]["budget"]["amount"] == {
            "amount": total,
            "currency": "USD",
        }
        start, forecast, decision = release["planning"]["milestones"]
        assert start["dueDate"] == f"{one['starts_on']}T00:00:00Z"
        assert forecast["dueDate"] == f"{one['forecast_on']}T00:00:00Z"
        assert decision["code"] == one["state"]
        assert (decision["status"] == "met") == (one["state"] != "open")
        buyers = [p["id"] for p in release["parties"] if "buyer" in p["roles"]]
        assert sorted(buyers) == sorted(one["customers"])
        assert "tender" not in release
        for label in one["request_ids"]:
            process = releases[f"ocds-213czf-{requests[label]['customer']}-{label}"]
            (related,) = process["relatedProcesses"]
            assert related["identifier"] == release["ocid"]
            assert related["relationship"] == ["planning"]
            tender = process["tender"]
            assert tender["id"] == label
            assert tender["value"]["amount"] == requests[label]["value_usd"]
            assert tender["items"][0]["classification"]["id"] == one["systems"][0]
            known = {party["id"] for party in process["parties"]}
            assert {process["buyer"]["id"], tender["procuringEntity"]["id"]} == known
    roles = Counter(
        role
        for one in package["releases"]
        for party in one["parties"]
        for role in party["roles"]
    )
    assert set(roles) == {"buyer", "procuringEntity"}
    moments = [one["date"] for one in package["releases"]]
    assert package["publishedDate"] == max(moments)


def test_a_release_keeps_its_id_until_its_bin_has_another_version(
    plan: Planned,
) -> None:
    before = {one["ocid"]: one for one in package_of(plan)["releases"]}
    edit = {"op": "take_out", "request_id": "LTU-26-1"}
    assert plan.world.edit(plan.proposal_id, 1, edit).status_code == 201
    after = {one["ocid"]: one for one in package_of(plan)["releases"]}
    same = [ocid for ocid in before if before[ocid]["id"] == after[ocid]["id"]]
    assert same
    for ocid in same:
        assert before[ocid] == after[ocid]


def test_what_is_published_is_what_the_settings_say(
    address: str, tmp_path: Path, desk: Desk
) -> None:
    settings = {"ocds_prefix": "ocds-abc123", "ocds_publisher": "A Staff"}
    with World(address, tmp_path, desk, **settings) as world:
        rows = [row("A-1", needed_by="2027-01-05", quantity=6), row("A/2", "LVA")]
        assert world.send(rows).status_code == 201
        path = f"/proposals/{world.propose()['proposal_id']}"
        package = world.read(f"{path}/export?format=ocds")
        assert faults(package) == []
        assert package["publisher"] == {"name": "A Staff"}
        ids = {one["ocid"] for one in package["releases"]}
        assert {"ocds-abc123-EST-A-1", "ocds-abc123-LVA-A/2"} <= ids
        (first,) = [o for o in package["releases"] if o["ocid"].endswith("EST-A-1")]
        assert first["tender"]["items"][0]["quantity"] == 6
        assert first["planning"]["milestones"][1]["dueDate"] == "2027-01-05T00:00:00Z"


def test_a_program_publishes_of_its_own_requests_alone(plan: Planned) -> None:
    program = plan.world.key("batch", ["EST"])
    path = f"{plan.path}/export?format=ocds"
    assert problem_of(plan.world.get(path, key=program))["status"] == 404
    plan.world.stored([row("EST-26-90", "EST")], key=program)
    own = plan.world.propose(key=program)["proposal_id"]
    answer = plan.world.get(f"/proposals/{own}/export?format=ocds", key=program)
    assert faults(answer.json()) == []
    for other in ("LVA", "LTU", "POL", "Latvia", "Lithuania", "Poland"):
        assert other not in answer.text
