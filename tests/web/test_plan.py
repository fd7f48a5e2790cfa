"""A proposal over the page: asked for, followed, and read as the API says it."""

import csv
import io
from pathlib import Path
from urllib.parse import quote

import pytest

from app.export import numbers
from app.jobs.desk import Desk
from app.storage import proposals
from app.storage.reach import ALL
from app.web.views import pictures
from tests.service.conftest import Planned
from tests.service.world import AS_OF, BALTIC, World, row
from tests.web.visiting import Visitor

ASK = "/proposals/new"


def test_a_proposal_is_asked_for_and_followed_to_its_end(world: World) -> None:
    world.stored()
    person = Visitor(world, world.first)
    page = person.fill(ASK, ASK, of="all", policy="nato-all", as_of=AS_OF)
    assert page.status == 303
    there = page.answer.headers["location"]
    world.join()
    part = person.get(f"{there}/progress", **{"HX-Request": "true"})
    assert part.answer.headers["hx-redirect"] == there
    done = person.get(there)
    said = world.read(f"/proposals/{there.split('/')[-1]}")
    saved = said["objective"]["saved_effort_days"]
    assert f"Saves {numbers.days(saved)} staff-days" in done.main.text
    assert "no plan under these rules costs less" in done.main.text
    (latest,) = person.get("/").table("Saving in staff-days")
    assert latest[1].startswith("nato-all")


def test_a_wrong_wish_is_said_and_what_was_filled_in_stays(world: World) -> None:
    world.stored()
    person = Visitor(world, world.first)
    for wrong, words in (
        ({"as_of": "05/01/2026"}, "written YYYY-MM-DD"),
        ({"as_of": "1999-01-01"}, "2000-01-01 to 2100-12-31"),
        ({"time_limit_s": "0"}, "whole seconds"),
        ({"gap": "nan"}, "percent from 0 to 100"),
        ({"of": "batches"}, "Choose at least one batch"),
        ({"policy": "none"}, "no such policy"),
    ):
        page = person.fill(ASK, ASK, **wrong)
        assert page.status == 422, wrong
        assert words in page.main.text
    assert person.fill(ASK, ASK, gap="-1").form(ASK)["gap"] == ["-1"]
    assert world.read("/proposals")["items"] == []


def test_the_table_of_bins_is_what_the_api_says(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    bins = plan.world.read(f"{plan.path}/bins?limit=1000")["items"]
    page = person.get(f"{plan.path}/bins?sort=place")
    lines = page.table("Bins, ")
    assert [line[0] for line in lines] == [one["bin_id"] for one in bins]
    for line, one in zip(lines, bins, strict=True):
        assert line[2] == ", ".join(one["customers"])
        assert line[9] == one["starts_on"]
    by_saving = person.get(f"{plan.path}/bins").table("Bins, ")
    saved = {one["bin_id"]: one["saved_effort_days"] for one in bins}
    order = [saved[line[0]] for line in by_saving]
    assert order == sorted(order, reverse=True)


def test_the_table_is_filtered_and_sorted_by_its_address(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    there = f"{plan.path}/bins"
    bins = plan.world.read(f"{there}?limit=1000")["items"]
    for query, wanted in (
        ("customer=EST", lambda one: "EST" in one["customers"]),
        ("system=HIMARS", lambda one: "HIMARS" in one["systems"]),
        ("together=yes", lambda one: len(one["request_ids"]) > 1),
        ("state=accepted", lambda one: one["state"] == "accepted"),
        ("region=Baltic&system=Javelin", lambda one: "Javelin" in one["systems"]),
    ):
        found = {one["bin_id"] for one in bins if wanted(one)}
        page = person.get(f"{there}?{query}")
        lines = page.table("Bins, ") if found else []
        assert {line[0] for line in lines} == found, query
        text = person.get(f"{there}.csv?{query}").answer.text
        rows = list(csv.DictReader(io.StringIO(text)))
        assert {one["bin_id"] for one in rows} == found
    values = {
        one["request_id"]: one["value_usd"]
        for one in plan.world.read("/requests?limit=1000")["items"]
    }
    text = person.get(f"{there}.csv?sort=value").answer.text
    rows = list(csv.DictReader(io.StringIO(text)))
    sums = {one["bin_id"]: sum(values[r] for r in one["request_ids"]) for one in bins}
    assert [float(one["value_usd"]) for one in rows] == sorted(
        sums.values(), reverse=True
    )
    oldest = person.get(f"{there}.csv?sort=received").answer.text
    days = [one["first_received_on"] for one in csv.DictReader(io.StringIO(oldest))]
    assert days == sorted(days)


def test_a_bin_page_says_what_the_api_says_of_it(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    bin_id = plan.combined[0]
    said = plan.world.read(f"{plan.path}/bins/{bin_id}")
    page = person.get(f"{plan.path}/bins/{bin_id}")
    members = {line[0]: line for line in page.table("Who is in it")}
    assert set(members) == set(said["request_ids"])
    for label, line in members.items():
        assert line[5] == str(said["wait_days"][label])
        assert line[6] == said["solo_forecast_on"][label]
    shares = {line[0]: float(line[1]) for line in page.table("What each customer")}
    fair = sorted(round(days, 3) for days in said["fair_share"].values())
    assert all(
        abs(shown - exact) <= 0.05
        for shown, exact in zip(sorted(shares.values()), fair, strict=True)
    )
    for text in (said["starts_on"], said["forecast_on"], said["joint_case"]["text"]):
        assert text in page.main.text


def test_near_misses_name_the_rules_that_why_names(world: World) -> None:
    world.stored([*BALTIC, row("POL-26-9", "POL"), row("NOR-26-9", "NOR")])
    plan = world.propose()
    path = f"/proposals/{plan['proposal_id']}"
    person = Visitor(world, world.first)
    kept_out = 0
    for one in plan["bins"]:
        page = person.get(f"{path}/bins/{one['bin_id']}")
        if "No other request of this proposal" in page.main.text:
            continue
        for line in page.table("Requests for the same"):
            texts: set[str] = set()
            for label in one["request_ids"]:
                said = world.read(f"{path}/why", params={"r": label, "s": line[0]})
                texts |= {block["text"] for block in said["blocks"]}
            assert bool(texts) != ("No rule" in line[5])
            assert not texts or any(text in line[5] for text in texts)
            kept_out += bool(texts)
    assert kept_out


def test_why_a_request_is_alone_is_said(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    for bin_id in plan.alone:
        reasons = plan.world.read(f"{plan.path}/bins/{bin_id}")["alone_because"]
        text = person.get(f"{plan.path}/bins/{bin_id}").main.text
        assert all(" ".join(one["text"].split()) in text for one in reasons)


def test_pictures_have_their_tables(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    page = person.get(f"{plan.path}/pictures")
    bins = plan.world.read(f"{plan.path}/bins?limit=1000")["items"]
    combined = [one for one in bins if len(one["request_ids"]) > 1]
    assert {line[1] for line in page.table("Dates of the requests")} == {
        label for one in combined for label in one["request_ids"]
    }
    share: dict[str, float] = {}
    for one in bins:
        for code, days in one["fair_share"].items():
            share[code] = share.get(code, 0) + days
    for line in page.table("Customers, by their share"):
        code = line[0].split()[-1]
        assert abs(float(line[5]) - share.get(code, 0)) < 0.06


def test_a_decided_bin_says_who_and_why(plan: Planned) -> None:
    bin_id = plan.combined[0]
    answer = plan.world.decide(plan.proposal_id, bin_id, "return", 1, key=plan.approver)
    assert answer.status_code == 201, answer.text
    page = Visitor(plan.world, plan.analyst).get(f"{plan.path}/bins/{bin_id}")
    assert "Returned by" in page.main.text
    assert "Not as it stands." in page.main.text
    assert "Version 2" in page.main.text


def test_home_names_what_is_past_its_day_first(world: World) -> None:
    old = row("LVA-20-1", "LVA", received_on="2020-01-06", system="Javelin")
    needed = row(
        "LTU-20-1",
        "LTU",
        received_on="2020-06-01",
        needed_by="2021-06-01",
        system="Stinger",
    )
    world.stored([row("EST-95-1", "EST", received_on="2095-01-03"), old, needed])
    person = Visitor(world, world.first)
    page = person.get("/")
    first = [line[0] for line in page.table("All, those past")]
    assert first == ["LTU-20-1", "LVA-20-1", "EST-95-1"]
    assert "1 past the day of their decision" in page.main.text
    ages = page.table("How long they have waited")
    assert ages == [["1", "0", "0", "0", "2"]]
    # A proposal made for a day long gone forecasts a day that has passed.
    world.propose(as_of="2020-01-06")
    page = person.get("/")
    first = [line[0] for line in page.table("All, those past")]
    assert first == ["LVA-20-1", "LTU-20-1", "EST-95-1"]
    assert "2 past the day of their decision" in page.main.text
    (waits,) = page.table("Plans with bins")
    assert waits[3:6] == ["3", "3", "2"]
    # Its submitter is told of the day it asked for, not of a forecast.
    own = Visitor(world, world.key("submitter", ["LVA"])).get("/")
    assert "past" not in own.table("All, those past")[0][3]


class Idle:
    """Works at nothing until it is told to."""

    def start(self) -> None:
        """There is nothing to begin."""

    def stop(self) -> None:
        """There is nothing to end."""

    def enqueue(self, proposal_id: str) -> None:
        """Leave it."""


def test_a_solve_is_followed_and_stopped_over_the_page(
    address: str, tmp_path: Path, desk: Desk
) -> None:
    with World(address, tmp_path, desk, worker=Idle()) as world:
        world.stored()
        person = Visitor(world, world.first)
        page = person.fill(ASK, ASK, of="all", policy="nato-all", as_of=AS_OF)
        there = page.answer.headers["location"]
        page = person.get(there)
        assert "It waits to be solved" in page.main.text
        assert page.root.all("noscript")
        (part,) = page.root.all("section", id="progress")
        assert part.attributes["hx-get"] == f"{there}/progress"
        stopped = person.send(f"{there}/stop", page.form(f"{there}/stop"))
        assert stopped.answer.headers["location"] == there
        page = person.get(there)
        assert "will stop with the best plan so far" in page.main.text
        assert not page.root.all("form", action=f"{there}/stop")
        world.run(there.split("/")[-1])
        assert world.read(there)["state"] == "cancelled"
        ended = person.get(there)
        assert not [one for one in ended.root.every() if "hx-get" in one.attributes]


def test_where_there_are_many_requests_each_bin_has_one_line(
    plan: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MOST_LINES", 2)
    with plan.world.service.within(ALL).reading() as connection:
        row = proposals.row(connection, plan.proposal_id)
        said = pictures.pictures(connection, row)
    assert [line["bin_id"] for line in said["lines"]] == list(
        dict.fromkeys(lane["bin_id"] for lane in said["lanes"])
    )
    for line in said["lines"]:
        own = [lane for lane in said["lanes"] if lane["bin_id"] == line["bin_id"]]
        assert line["line"] == f"{line['bin_id']}  {len(own)} requests"
        assert line["ready_on"] == min(lane["ready_on"] for lane in own)
        assert line["forecast_on"] == own[0]["forecast_on"]
    page = Visitor(plan.world, plan.analyst).get(f"{plan.path}/pictures")
    assert "one line each" in page.main.text


def test_a_bin_is_found_by_its_id_and_by_its_requests(plan: Planned) -> None:
    person = Visitor(plan.world, plan.analyst)
    bin_id = plan.combined[0]
    for name in (bin_id, f" {bin_id.lower()} ", *plan.bins[bin_id]):
        page = person.get(f"{plan.path}/find?name={quote(name)}")
        assert page.status == 303
        assert page.answer.headers["location"] == f"{plan.path}/bins/{bin_id}"
    nothing = person.get(f"{plan.path}/find?name=B9999")
    assert nothing.status == 404
    assert "There is no such bin or request of this plan called" in nothing.main.text
    assert person.get(f"{plan.path}/find").answer.headers["location"].endswith("/bins")
