"""Columns of bins that pages filter and sort by, and the order bins are shown in."""

import json

from app.storage import bins, order, proposals
from app.storage.reach import ALL
from tests.service.conftest import Planned


def check_columns(plan: Planned) -> None:
    """Hold every column of every bin against its document and its requests."""
    with plan.world.service.within(ALL).reading() as connection:
        asked = {
            row.label: json.loads(row.content)
            for row in proposals.contents(connection, plan.proposal_id)
        }
        members = bins.members(connection, plan.proposal_id)
        for row in bins.listed(connection, plan.proposal_id):
            own = [asked[label] for label in members[row.bin_id]]
            assert row.size == len(own)
            assert row.value_cents == sum(int(one["value_cents"]) for one in own)
            assert row.received_on == min(one["received_on"] for one in own)
            assert row.forecast_on == json.loads(row.document)["forecast_on"]


def check_order(plan: Planned) -> None:
    """Hold what is said of the order against the order itself."""
    with plan.world.service.within(ALL).reading() as connection:
        rows = sorted(
            bins.listed(connection, plan.proposal_id),
            key=lambda row: (-row.saved, row.place),
        )
        names = [row.bin_id for row in rows]
        is_open = [row.state == "open" for row in rows]
        decided = is_open.count(False)
        for at, name in enumerate(names):
            before, after = order.beside(connection, plan.proposal_id, name)
            assert before == (names[at - 1] if at else None)
            assert after == (names[at + 1] if at + 1 < len(names) else None)
            following = [n for n, o in zip(names, is_open, strict=True) if o]
            following = [n for n in following if names.index(n) > at]
            found = order.next_open(connection, plan.proposal_id, name)
            assert found == next(iter(following), None)
            counted = order.counted(connection, plan.proposal_id, name)
            assert counted == (decided, sum(is_open[at:]), sum(is_open[:at]))
        first = next(n for n, o in zip(names, is_open, strict=True) if o)
        for nothing in ("", "B999"):
            assert order.next_open(connection, plan.proposal_id, nothing) == first
        ended = order.counted(connection, plan.proposal_id, None)
        assert ended == (decided, 0, sum(is_open))


def test_columns_and_order_follow_every_decision_and_edit(plan: Planned) -> None:
    check_columns(plan)
    check_order(plan)
    first, second = plan.combined[:2]
    decided = plan.world.decide(
        plan.proposal_id, plan.alone[0], "return", 1, key=plan.approver
    )
    assert decided.status_code == 201, decided.text
    taken = {"op": "take_out", "request_id": plan.bins[first][0]}
    merged = {"op": "merge", "bin_ids": [second, plan.alone[1]]}
    for edits in ([taken, merged], [{"op": "undo"}]):
        answer = plan.world.edit(
            plan.proposal_id, plan.version, *edits, key=plan.analyst
        )
        assert answer.status_code == 201, answer.text
        check_columns(plan)
        check_order(plan)
