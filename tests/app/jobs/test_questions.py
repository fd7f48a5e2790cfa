"""Questions of a plan: what edits cost, and why two are not together."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from app.jobs.desk import Desk, DeskFailed, UnknownRequest
from app.jobs.orders import PriceOrder, WhyOrder
from optimizer import cost
from optimizer.edits import KeepApart, KeepTogether, Merge, Move, TakeOut
from optimizer.errors import BadEdit
from optimizer.propose import propose
from optimizer.rulings import Ruling, RulingKind, settle
from optimizer.why import why
from tests.app.jobs.ordering import asked, bins_of, order_of, with_

FAKE = str(Path(__file__).with_name("fake_solver.py"))


# --- what edits cost ------------------------------------------------------------------


def joint_bins(solved):
    return [b for b, members in bins_of(solved[1]).items() if len(members) > 1]


def test_the_price_of_an_edit_is_that_of_the_model(desk, solved):
    order, first = solved
    problem, bins = order.problem(), bins_of(first)
    taken = bins[joint_bins(solved)[0]][0]
    priced = desk.price(asked(solved, TakeOut(request_id=taken)), seconds=30)

    after = {**bins, **priced.members}
    after = {b: ids for b, ids in after.items() if b not in priced.gone}
    places = [[problem.batch.position(n) for n in ids] for ids in after.values()]
    assert priced.cost_before == first.cost
    assert priced.cost_after == sum(cost.cost(problem, each) for each in places)
    assert round(priced.objective["total"] * 1000) == priced.cost_after
    assert sorted(n for ids in after.values() for n in ids) == sorted(
        r.request_id for r in order.requests
    )
    (left,) = priced.touched
    (own,) = priced.new
    assert priced.members[own] == (taken,)
    stated = {document["bin_id"]: document for document in priced.bins}
    assert {*stated} == {left, own}
    for bin_id, document in stated.items():
        assert sorted(document["request_ids"]) == sorted(priced.members[bin_id])
        members = [problem.batch.position(n) for n in priced.members[bin_id]]
        days = document["effort_days"] + document["wait_cost"]
        assert round(days * 1000) == cost.cost(problem, members)
    assert not priced.refused


def test_who_brings_a_proposal_need_not_load_it_for_its_price(solved):
    order = asked(
        solved, TakeOut(request_id=bins_of(solved[1])[joint_bins(solved)[0]][0])
    )
    loads = []

    def load():
        loads.append(order.key)
        return order.load()

    counted = replace(order, load=load)
    with Desk() as desk:
        desk.bring(order.key, lambda: replace(counted, edits=()))
        assert loads == [order.key]
        desk.bring(order.key, lambda: pytest.fail("it is at hand"))
        priced = desk.price(counted, seconds=30)
        assert loads == [order.key]
    assert priced.cost_before == solved[1].cost


def test_the_best_plan_that_honours_an_edit_is_the_solve_under_its_rulings(
    desk, solved
):
    order, first = solved
    one, other, *_ = joint_bins(solved)
    priced = desk.price(asked(solved, Merge(bin_ids=(one, other))), seconds=30)
    assert not priced.refused
    rulings = tuple(ruling for each in priced.rulings for ruling in each)
    problem = order.problem()
    best = propose(problem.under(settle(rulings, problem.batch)))
    assert priced.best.finished
    assert (priced.best.cost, priced.best.bound) == (best.total, best.bound)
    assert round(priced.best.objective["total"] * 1000) == best.total
    edited = {**bins_of(first), **priced.members}
    kept = {
        frozenset(ids)
        for bin_id, ids in edited.items()
        if bin_id not in {*priced.gone, *priced.best.gone}
    }
    assert kept | {frozenset(b["request_ids"]) for b in priced.best.bins} == {
        frozenset(b.request_ids) for b in best.bins
    }
    assert priced.best.cost <= priced.cost_after


def test_standing_rulings_hold_in_a_preview(desk, solved):
    first_of = bins_of(solved[1])[joint_bins(solved)[0]]
    together = Ruling(kind=RulingKind.TOGETHER, request_ids=first_of)
    order = asked(solved, TakeOut(request_id=first_of[0]), standing=(together,))
    priced = desk.price(order, seconds=30)
    assert priced.refused
    assert priced.contradictions
    assert priced.best is None
    assert "are ruled apart" in priced.best_missing


def test_an_accepted_bin_cannot_be_edited(desk, solved):
    bin_id = joint_bins(solved)[0]
    accepted = Ruling(kind=RulingKind.FIXED, request_ids=bins_of(solved[1])[bin_id])
    taken = accepted.request_ids[0]
    with pytest.raises(BadEdit) as refused:
        desk.price(
            asked(solved, TakeOut(request_id=taken), standing=(accepted,)), seconds=30
        )
    assert refused.value.faults[0].text == f"{bin_id} is accepted: it stays as it is."


def test_rules_a_bin_breaks_are_named_and_limits_refuse_it(desk, solved):
    everyone = tuple(bins_of(solved[1]))
    priced = desk.price(asked(solved, Merge(bin_ids=everyone)), seconds=30)
    assert priced.refused
    assert any(rule.liftable for rule in priced.broken)
    assert {rule.code for rule in priced.broken if not rule.liftable} == {"limits"}
    assert priced.best is None
    assert priced.best_missing == "The edits break a limit or a ruling."


def test_several_edits_are_priced_as_one(desk, solved):
    one, other, *_ = joint_bins(solved)
    bins = bins_of(solved[1])
    edits = (
        Move(request_id=bins[one][0], to_bin=other),
        KeepTogether(request_ids=bins[one][1:] + bins[other][:1])
        if len(bins[one]) > 2
        else KeepApart(request_ids=(bins[one][1], bins[other][0])),
    )
    priced = desk.price(asked(solved, *edits), seconds=30)
    assert len(priced.rulings) == 2
    assert priced.change == priced.cost_after - priced.cost_before


def test_a_proposal_is_loaded_once_and_again_by_another_process(desk, solved):
    loads = []
    order = asked(solved, TakeOut(request_id=bins_of(solved[1])["B001"][0]), key="new")
    if len(bins_of(solved[1])["B001"]) == 1:
        order = asked(solved, Merge(bin_ids=("B001", "B002")), key="new")
    counted = PriceOrder(
        key="new",
        load=lambda: loads.append(1) or order.load(),
        bins=order.bins,
        edits=order.edits,
    )
    first = desk.price(counted, seconds=30)
    assert desk.price(counted, seconds=30) == first
    assert len(loads) == 1
    desk._residents[0]._process.kill()
    desk._residents[0]._process.ended(10)
    assert desk.price(counted, seconds=30) == first
    assert len(loads) == 2


def test_a_resident_process_that_hangs_is_replaced(desk, solved):
    order = asked(solved, Merge(bin_ids=("B001", "B002")), key="hanging")
    expected = desk.price(order, seconds=30)
    process = desk._residents[0]._process
    signal.pidfd_send_signal(process._pidfd, signal.SIGSTOP)
    with pytest.raises(DeskFailed, match=r"was not known within 0\.2 seconds"):
        desk.price(order, seconds=0.2)
    assert desk.price(order, seconds=30) == expected


def test_a_deadline_leaves_the_exact_price_and_what_is_proven():
    big = order_of(2500, days=60)
    with Desk() as desk:
        quick = with_(big, time_limit_s=2.0)
        first = desk.solve(quick)
        bins = bins_of(first)
        joint = [b for b, members in bins.items() if len(members) > 1]
        order = PriceOrder(
            key="big",
            load=lambda: with_(quick, earlier=first.kept),
            bins=bins,
            edits=(TakeOut(request_id=bins[joint[0]][0]),),
        )
        priced = desk.price(order, seconds=20)
    assert priced.cost_before == first.cost
    assert priced.best is None or priced.best.bound <= priced.best.cost


# --- why ------------------------------------------------------------------------------


def test_why_answers_as_the_optimizer_does(desk, solved):
    order, first = solved
    problem, bins = order.problem(), bins_of(first)
    pair = bins[joint_bins(solved)[0]][:2]
    kept = with_(order, earlier=first.kept)
    asked_why = WhyOrder(
        key="one", load=lambda: kept, first_id=pair[0], second_id=pair[1]
    )
    found = desk.why(asked_why, seconds=30)
    here = why(problem, *pair)
    assert found["together_now"] == here.together_now
    assert round(found["price"] * 1000) == here.price
    assert found["texts"] == [*here.texts]
    assert json.dumps(found)


def test_why_of_what_is_not_there_is_told(desk, solved):
    order, first = solved
    kept = with_(order, earlier=first.kept)
    one = order.requests[0].request_id
    with pytest.raises(UnknownRequest, match="R999 is not in the proposal"):
        desk.why(
            WhyOrder(key="one", load=lambda: kept, first_id=one, second_id="R999"),
            seconds=30,
        )
    with pytest.raises(ValueError, match="is one request: name two"):
        desk.why(
            WhyOrder(key="one", load=lambda: kept, first_id=one, second_id=one),
            seconds=30,
        )
