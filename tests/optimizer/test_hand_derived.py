"""The dozen requests of docs/worked-example.md, figure by figure.

Every expected figure was derived by hand in that page from the rates of the policy
``nato-rdp``; the page's tables are read here and must say the same. Amounts are
staff-days.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from app.catalogue import load_catalogue
from app.intake import read_precedents, read_requests
from app.policies import read_policy
from app.samples import sample_path
from optimizer.batch import Batch
from optimizer.problem import Problem
from optimizer.proposal.values import Proposal, ProposedBin
from optimizer.propose import propose
from optimizer.rulings import Rulings
from tests import oracle
from tests.documents import page, result, sums, table_with

PAGE = page("docs/worked-example.md")

ESTONIA_ATACMS = ("EST-22-03",)
GERMANY = ("DEU-22-01",)
LAUNCHERS = (
    "EST-22-01",
    "LTU-22-01",
    "LTU-22-03",
    "POL-22-01",
    "POL-22-02",
    "LVA-22-01",
)
ROCKETS = ("EST-22-02", "LTU-22-02", "FIN-22-01", "LVA-22-02")

WAIT_DAYS = {
    "EST-22-01": 109,  # 14 March to 1 July: 17 + 30 + 31 + 30 + 1
    "LTU-22-01": 60,  # 2 May to 1 July: 29 + 30 + 1
    "LTU-22-03": 60,
    "POL-22-01": 39,  # 23 May to 1 July: 8 + 30 + 1
    "POL-22-02": 39,
    "LVA-22-01": 0,
    "EST-22-02": 109,
    "LTU-22-02": 60,
    "FIN-22-01": 18,  # 13 June to 1 July: 17 + 1
    "LVA-22-02": 0,
}


def thousandths(days: str) -> int:
    return int(Decimal(days) * 1000)


@pytest.fixture(scope="module")
def batch() -> Batch:
    requests = read_requests([str(sample_path("baltic-rocket-artillery.csv"))]).requests
    precedents = read_precedents(str(sample_path("precedents.csv")))
    return Batch(requests=requests, precedents=precedents)


@pytest.fixture(scope="module")
def propose_on(batch: Batch) -> Callable[[date], Proposal]:
    def on(as_of: date) -> Proposal:
        return propose(
            Problem(
                batch=batch,
                policy=read_policy("nato-rdp"),
                catalogue=load_catalogue(),
                as_of=as_of,
            )
        )

    return on


@pytest.fixture(scope="module")
def proposal(propose_on: Callable[[date], Proposal]) -> Proposal:
    return propose_on(date(2022, 3, 1))


@pytest.fixture(scope="module")
def launchers(proposal: Proposal) -> ProposedBin:
    (found,) = (b for b in proposal.bins if b.request_ids == LAUNCHERS)
    return found


def test_the_bins_are_those_derived_by_hand(proposal: Proposal) -> None:
    assert [proposed.request_ids for proposed in proposal.bins] == [
        ESTONIA_ATACMS,
        GERMANY,
        LAUNCHERS,
        ROCKETS,
    ]


def test_the_totals_are_those_derived_by_hand(proposal: Proposal) -> None:
    assert proposal.effort.default == thousandths("302.24")
    assert proposal.wait_cost == thousandths("28.6")
    assert proposal.total == thousandths("330.84")
    assert proposal.baseline_effort.default == thousandths("510.74")
    assert proposal.bound == proposal.total  # no plan is cheaper: section 6


def test_each_stage_of_each_bin_is_that_of_the_page(proposal: Proposal) -> None:
    rows = table_with(PAGE, "stage", "B001: EST-22-03")
    by_hand = {
        row.pop("stage"): [result(cell) for cell in row.values()] for row in rows
    }

    for place, proposed in enumerate(proposal.bins):
        stages = {
            stage: thousandths(str(figures[place]))
            for stage, figures in by_hand.items()
            if stage not in ("effort", "alone", "saved")
        }
        assert stages == dict(proposed.effort_by_stage), proposed.bin_id
        for name, figure in (
            ("effort", proposed.effort.default),
            ("alone", proposed.solo_effort.default),
            ("saved", proposed.saved_effort.default),
        ):
            assert thousandths(str(by_hand[name][place])) == figure, proposed.bin_id


def test_solo_efforts_are_those_derived_by_hand(proposal: Proposal) -> None:
    notified, not_notified = thousandths("46.42"), thousandths("36.42")
    known, germany = thousandths("44.52"), thousandths("32.02")
    expected = dict.fromkeys((*ESTONIA_ATACMS, *LAUNCHERS), notified) | {
        "POL-22-01": known,
        "DEU-22-01": germany,
        "FIN-22-01": notified,
        "EST-22-02": not_notified,
        "LTU-22-02": not_notified,
        "LVA-22-02": not_notified,
    }

    problem = proposal.problem
    assert expected == {
        r.request_id: oracle.bin_cost(
            (r.request_id,),
            problem.batch,
            problem.policy,
            problem.catalogue,
            problem.as_of,
        )
        for r in problem.requests
    }


def test_each_wait_is_that_of_the_page(proposal: Proposal) -> None:
    rows = table_with(PAGE, "bin", "request", "days of waiting")
    days = {row["request"]: int(row["days of waiting"]) for row in rows}
    costs = {row["bin"]: Decimal(0) for row in rows}
    for row in rows:
        costs[row["bin"]] += result(row["staff-days"])

    waited = {r: d for b in proposal.bins for r, d in b.wait_days.items()}
    assert days == WAIT_DAYS
    assert waited == WAIT_DAYS | {"EST-22-03": 0, "DEU-22-01": 0}
    assert {name: thousandths(str(cost)) for name, cost in costs.items()} == {
        b.bin_id: b.wait_cost for b in proposal.bins if b.wait_cost
    }
    assert costs == {"B003": Decimal("19.25"), "B004": Decimal("9.35")}


def test_forecasts_are_262_or_197_days_and_five_more_in_a_bin(
    proposal: Proposal, launchers: ProposedBin
) -> None:
    rockets = proposal.bins[3]

    assert launchers.forecast_on == date(2023, 3, 25)  # 2022-07-01 + 267 days
    assert launchers.solo_forecast_on["EST-22-01"] == date(2022, 12, 1)  # + 262
    assert launchers.days_gained["EST-22-01"] == -114
    assert rockets.solo_forecast_on["EST-22-02"] == date(2022, 9, 27)  # + 197
    assert rockets.days_gained["EST-22-02"] == -179


def test_low_and_high_of_the_launchers_are_those_of_the_page(
    launchers: ProposedBin,
) -> None:
    rows = table_with(PAGE, "charge", "low", "default", "high")
    by_hand = {
        row["charge"]: tuple(
            thousandths(str(result(row[case]))) for case in ("low", "default", "high")
        )
        for row in rows
        if row["charge"].startswith("B003")
    }

    assert by_hand == {
        f"B003, {name}": (effort.low, effort.default, effort.high)
        for name, effort in (
            ("alone", launchers.solo_effort),
            ("effort", launchers.effort),
            ("saved", launchers.saved_effort),
        )
    }


def test_fair_shares_are_those_derived_by_hand(launchers: ProposedBin) -> None:
    one, two = Fraction(23_375), Fraction(47_875)

    assert launchers.fair_share == {"EST": one, "LTU": two, "LVA": one, "POL": two}
    assert sum(launchers.fair_share.values()) == thousandths("142.5")


def test_on_a_later_day_estonia_can_wait(
    propose_on: Callable[[date], Proposal],
) -> None:
    later = propose_on(date(2022, 6, 15))

    assert [set(b.request_ids) for b in later.bins] == [
        set(GERMANY),
        {*LAUNCHERS, *ESTONIA_ATACMS},
        set(ROCKETS),
    ]
    assert [b.effort.default for b in later.bins] == [32_020, 143_540, 89_680]
    assert [b.wait_cost for b in later.bins] == [0, 13_600, 2_400]
    assert later.total == later.bound == thousandths("281.24")


def test_every_plan_is_as_dear_as_the_page_proves(proposal: Proposal) -> None:
    problem = proposal.problem
    allowed = oracle.feasible_bins(
        problem.batch, problem.policy, problem.catalogue, problem.as_of, Rulings()
    )
    cost = {
        members: oracle.bin_cost(
            members, problem.batch, problem.policy, problem.catalogue, problem.as_of
        )
        for members in allowed
    }
    system = {r.request_id: r.system for r in problem.requests}
    charges_of = {m: Counter({system[r] for r in m}) for m in cost}
    least: dict[tuple[int, int, int], int] = {}
    count = 0
    for plan in plans([r.request_id for r in problem.requests], list(cost)):
        count += 1
        charges = sum((charges_of[members] for members in plan), Counter[str]())
        key = (charges["HIMARS"], charges["GMLRS"], charges["ATACMS"])
        more = sum(cost[members] for members in plan) - proposal.total
        least[key] = min(more, least.get(key, more))

    assert count == 107_898
    assert least.pop((1, 1, 2)) == 0  # no extra family charge
    assert least[2, 1, 2] == thousandths("3.3")
    assert least[1, 2, 2] == thousandths("6.1")
    assert min(least.values()) == thousandths("3.3")


def plans(
    ids: list[str], bins: list[tuple[str, ...]]
) -> Iterator[list[tuple[str, ...]]]:
    """Yield every way to put each request into exactly one of the allowed bins."""
    holding: dict[str, list[frozenset[str]]] = {r: [] for r in ids}
    named = {frozenset(members): members for members in bins}
    for members in named:
        holding[min(members, key=ids.index)].append(members)

    def extend(
        left: list[str], plan: list[tuple[str, ...]]
    ) -> Iterator[list[tuple[str, ...]]]:
        if not left:
            yield plan
            return
        for members in holding[left[0]]:
            if members.issubset(left):
                rest = [r for r in left if r not in members]
                yield from extend(rest, [*plan, named[members]])

    return extend(ids, [])


def test_every_sum_on_the_page_adds_up() -> None:
    found = sums(PAGE)

    assert len(found) > 100
    assert [text for text, value, claimed in found if value != claimed] == []


@pytest.mark.parametrize(
    "figure",
    [
        "46.42",
        "36.42",
        "44.52",
        "32.02",
        "510.74",
        "302.24",
        "28.6",
        "330.84",
        "281.24",
    ],
)
def test_the_page_states_the_figures_asserted_here(figure: str) -> None:
    assert f" = {figure}" in " ".join(PAGE.split())


def test_the_page_states_the_dates_and_days_asserted_here() -> None:
    for stated in ("2023-03-25", "2022-12-01", "2022-09-27", "114 days", "loses 179"):
        assert stated in PAGE
    assert "107,898 plans" in PAGE
