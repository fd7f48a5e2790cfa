"""The nearest alternatives over the desk: as the optimizer has them, beside prices."""

import json
import threading

import pytest

from app.jobs.desk import Desk, DeskClosed, DeskFailed
from app.jobs.orders import NearestOrder, PriceOrder
from optimizer.edits import TakeOut
from optimizer.nearest import nearest
from tests.app.jobs.ordering import with_
from tests.app.jobs.test_questions import bins_of, joint_bins


def asking(solved, **changes):
    """Return the question for a bin of two requests or more."""
    order, first = solved
    kept = with_(order, earlier=first.kept)
    bins = bins_of(first)
    given = {"bins": bins, "members": bins[joint_bins(solved)[0]], **changes}
    return NearestOrder(key="one", load=lambda: kept, **given)


def test_alternatives_are_those_of_the_optimizer(desk, solved):
    order, _ = solved
    asked = asking(solved)
    found = desk.nearest(asked, seconds=60, search=30)
    here = nearest(order.problem(), asked.bins.values(), asked.members)
    assert found["cost"] == here.cost
    assert found["bound"] == here.bound
    assert found["in_time"] is True
    costs = [one["cost"] for one in found["alternatives"]]
    assert costs == [one.cost for one in here.alternatives]
    for one, same in zip(found["alternatives"], here.alternatives, strict=True):
        stated = {tuple(sorted(bin_["request_ids"])) for bin_ in one["bins"]}
        assert stated == {*same.bins} - {*here.bins}
        assert {tuple(ids) for ids in one["gone"]} == {*here.bins} - {*same.bins}
        for bin_ in one["bins"]:
            assert bin_["forecast_on"] >= bin_["starts_on"]
    assert json.dumps(found)


def test_without_time_to_search_a_bound_is_all_there_is(desk, solved):
    found = desk.nearest(asking(solved), seconds=60, search=0)
    assert found["alternatives"] == []
    assert found["in_time"] is False
    whole = desk.nearest(asking(solved), seconds=60, search=30)
    assert found["bound"] <= whole["alternatives"][0]["cost"]


def test_a_price_is_known_while_alternatives_are_looked_for(desk, solved):
    order, first = solved
    kept = with_(order, earlier=first.kept)
    asked = asking(solved)
    held, go_on = threading.Event(), threading.Event()

    def load():
        held.set()
        assert go_on.wait(60)
        return kept

    slow = threading.Thread(
        target=desk.nearest,
        args=(
            NearestOrder(key="two", load=load, bins=asked.bins, members=asked.members),
        ),
        kwargs={"seconds": 60, "search": 1},
    )
    slow.start()
    assert held.wait(60)
    priced = desk.price(
        PriceOrder(
            key="one",
            load=lambda: kept,
            bins=asked.bins,
            edits=[TakeOut(request_id=asked.members[0])],
        ),
        seconds=60,
    )
    assert priced.change > 0
    go_on.set()
    slow.join()


def test_what_is_no_bin_of_the_plan_gets_no_answer(desk, solved):
    with pytest.raises(DeskFailed, match="no bin of the plan"):
        desk.nearest(asking(solved, members=("R999",)), seconds=60, search=1)


def test_a_closed_desk_answers_nothing(solved):
    desk = Desk()
    desk.close()
    with pytest.raises(DeskClosed):
        desk.nearest(asking(solved), seconds=1, search=1)
