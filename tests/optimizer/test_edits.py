"""Edits keep every request in one bin, cost what the model says, hide no conflict."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import cost
from optimizer.compatibility import blocks
from optimizer.edits import (
    KeepApart,
    KeepTogether,
    Merge,
    Move,
    Split,
    TakeOut,
    apply,
    broken,
)
from optimizer.errors import BadEdit, NoPlan, RulingsContradict
from optimizer.propose import propose
from optimizer.rulings import Ruling, RulingKind, settle
from optimizer.verify import verify
from optimizer.why import as_rulings
from tests import oracle
from tests.factories import dense_case, random_case, request
from tests.optimizer.problems import document_of, problem_of
from tests.solving import problem

PLAN = {"B001": ("R1", "R2"), "B002": ("R3",), "B003": ("R4", "R5", "R6")}


def together(*ids: str) -> Ruling:
    return Ruling(kind=RulingKind.TOGETHER, request_ids=ids)


def apart(*ids: str) -> Ruling:
    return Ruling(kind=RulingKind.APART, request_ids=ids)


def fixed(*ids: str) -> Ruling:
    return Ruling(kind=RulingKind.FIXED, request_ids=ids)


def texts(refused: BadEdit) -> list[tuple[int, str]]:
    return [(fault.index, fault.text) for fault in refused.faults]


# --- one edit at a time ---------------------------------------------------------------


def test_a_moved_request_is_ruled_together_with_those_it_joins():
    after = apply(PLAN, [Move(request_id="R1", to_bin="B003")])
    assert after.bins == {
        "B001": ("R2",),
        "B002": ("R3",),
        "B003": ("R1", "R4", "R5", "R6"),
    }
    assert (after.touched, after.new, after.gone) == (("B001", "B003"), (), ())
    assert after.rulings == ((together("R1", "R4", "R5", "R6"),),)
    assert after.contradictions == ()


def test_a_bin_whose_last_request_moves_is_gone():
    after = apply(PLAN, [Move(request_id="R3", to_bin="B001")])
    assert after.bins == {"B001": ("R1", "R2", "R3"), "B003": ("R4", "R5", "R6")}
    assert (after.touched, after.new, after.gone) == (("B001",), (), ("B002",))


def test_a_request_taken_out_is_ruled_apart_from_each_it_left():
    after = apply(PLAN, [TakeOut(request_id="R5")])
    assert after.bins["B003"] == ("R4", "R6")
    assert after.bins["B004"] == ("R5",)
    assert (after.touched, after.new, after.gone) == (("B003",), ("B004",), ())
    assert after.rulings == ((apart("R4", "R5"), apart("R5", "R6")),)


def test_a_split_rules_every_pair_across_apart():
    after = apply(PLAN, [Split(bin_id="B003", request_ids=("R6", "R4"))])
    assert after.bins["B003"] == ("R5",)
    assert after.bins["B004"] == ("R4", "R6")
    assert after.rulings == ((apart("R4", "R5"), apart("R5", "R6")),)


def test_merged_bins_live_on_as_the_first():
    after = apply(PLAN, [Merge(bin_ids=("B002", "B001"))])
    assert after.bins == {"B002": ("R1", "R2", "R3"), "B003": ("R4", "R5", "R6")}
    assert (after.touched, after.gone) == (("B002",), ("B001",))
    assert after.rulings == ((together("R1", "R2", "R3"),),)


def test_requests_kept_together_join_the_bin_that_holds_most_of_them():
    after = apply(PLAN, [KeepTogether(request_ids=("R1", "R6", "R5"))])
    assert after.bins["B003"] == ("R1", "R4", "R5", "R6")
    assert after.rulings == ((together("R1", "R5", "R6"),),)


def test_requests_kept_together_bring_those_a_ruling_joins_to_them():
    after = apply(
        PLAN,
        [KeepTogether(request_ids=("R3", "R1"))],
        standing=[together("R1", "R2")],
    )
    assert after.bins == {"B001": ("R1", "R2", "R3"), "B003": ("R4", "R5", "R6")}
    assert after.contradictions == ()


def test_requests_kept_apart_leave_the_bin_they_share_but_for_the_first():
    after = apply(PLAN, [KeepApart(request_ids=("R5", "R4", "R1", "R6"))])
    assert after.bins == {
        "B001": ("R1", "R2"),
        "B002": ("R3",),
        "B003": ("R5",),
        "B004": ("R4",),
        "B005": ("R6",),
    }
    assert after.rulings == ((apart("R1", "R4", "R5", "R6"),),)


def test_new_bins_get_no_id_that_was_ever_used():
    after = apply(PLAN, [TakeOut(request_id="R1")], used=["B0041", "B007", "x", "B٣"])
    assert after.new == ("B0042",)
    assert apply({"A": ("R1", "R2")}, [TakeOut(request_id="R1")]).new == ("B001",)


def test_edits_that_undo_each_other_touch_nothing():
    there_and_back = [
        Move(request_id="R1", to_bin="B003"),
        Move(request_id="R1", to_bin="B001"),
    ]
    after = apply(PLAN, there_and_back)
    assert after.bins == PLAN
    assert (after.touched, after.new, after.gone) == ((), (), ())
    assert [fault.index for fault in after.contradictions] == [1]  # two ruled homes


# --- edits that make no sense -------------------------------------------------------


def test_every_faulty_edit_is_told_by_its_place():
    with pytest.raises(BadEdit) as refused:
        apply(
            PLAN,
            [
                Move(request_id="R9", to_bin="B001"),
                Move(request_id="R1", to_bin="B009"),
                Move(request_id="R1", to_bin="B001"),
                TakeOut(request_id="R3"),
                TakeOut(request_id="R9"),
                Split(bin_id="B009", request_ids=("R1",)),
                Split(bin_id="B001", request_ids=()),
                Split(bin_id="B001", request_ids=("R1", "R2")),
                Split(bin_id="B001", request_ids=("R1", "R3")),
                Split(bin_id="B001", request_ids=("R1", "R1")),
                Merge(bin_ids=("B001",)),
                Merge(bin_ids=()),
                Merge(bin_ids=("B001", "B001")),
                Merge(bin_ids=("B001", "B009")),
                KeepTogether(request_ids=("R1",)),
                KeepTogether(request_ids=("R1", "R9")),
                KeepApart(request_ids=()),
                KeepApart(request_ids=("R1", "R1")),
            ],
        )
    assert texts(refused.value) == [
        (0, "R9 is not a request of the proposal."),
        (1, "B009 is not a bin of the proposal."),
        (2, "R1 is in B001 already."),
        (
            3,
            "R3 is the only request of B002: there is nothing to take it out of.",
        ),
        (4, "R9 is not a request of the proposal."),
        (5, "B009 is not a bin of the proposal."),
        (6, "The edit names a request or more."),
        (
            7,
            "These are all requests of B001: a split leaves at least one where it is.",
        ),
        (8, "R3 is not in B001."),
        (9, "An edit names each request once."),
        (10, "A merge names two bins or more."),
        (11, "A merge names two bins or more."),
        (12, "A merge names each bin once."),
        (13, "B009 is not a bin of the proposal."),
        (14, "The edit names two requests or more."),
        (15, "R9 is not a request of the proposal."),
        (16, "The edit names two requests or more."),
        (17, "An edit names each request once."),
    ]


@pytest.mark.parametrize(
    "edit",
    [
        Move(request_id="R1", to_bin="B003"),
        Move(request_id="R3", to_bin="B001"),
        TakeOut(request_id="R1"),
        Split(bin_id="B001", request_ids=("R1",)),
        Merge(bin_ids=("B002", "B001")),
        KeepTogether(request_ids=("R1", "R2")),
        KeepApart(request_ids=("R3", "R1")),
    ],
)
def test_an_accepted_bin_stays_as_it_is(edit):
    with pytest.raises(BadEdit) as refused:
        apply(PLAN, [edit], standing=[fixed("R2", "R1")])
    assert texts(refused.value) == [(0, "B001 is accepted: it stays as it is.")]


# --- rulings against each other -----------------------------------------------------


@pytest.mark.parametrize(
    ("standing", "edit", "sentence"),
    [
        (
            apart("R1", "R4"),
            Move(request_id="R1", to_bin="B003"),
            "R1 and R4 are ruled apart and, by other rulings, together.",
        ),
        (
            together("R1", "R2"),
            TakeOut(request_id="R1"),
            "R1 and R2 are ruled apart and, by other rulings, together.",
        ),
        (
            together("R1", "R2"),
            Move(request_id="R1", to_bin="B002"),
            "R1 and R2 are ruled together and would be in B002 and B001.",
        ),
        (
            apart("R2", "R3"),
            KeepTogether(request_ids=("R1", "R3")),
            "R2 and R3 are ruled apart and would both be in B001.",
        ),
    ],
)
def test_what_standing_rulings_do_not_allow_is_told(standing, edit, sentence):
    first = KeepApart(request_ids=("R4", "R5"))
    after = apply(PLAN, [first, edit], standing=[standing])
    assert (1, sentence) in [(f.index, f.text) for f in after.contradictions]
    assert {fault.index for fault in after.contradictions} == {1}


def test_what_was_out_of_line_before_is_not_laid_to_the_edit():
    after = apply(PLAN, [TakeOut(request_id="R5")], standing=[together("R1", "R3")])
    assert after.contradictions == ()


# --- whole plans ----------------------------------------------------------------------


@st.composite
def plans_and_edits(draw):
    """Draw a case, a plan of it and some edits, most of which make sense."""
    make = draw(st.sampled_from([random_case, dense_case]))
    case = make(draw(st.integers(0, 60)), draw(st.integers(3, 9)))
    ids = [r.request_id for r in case.batch.requests]
    accepted = [{*members} for members in case.rulings.fixed]
    free = [name for name in ids if not any(name in members for members in accepted)]
    homes = {name: draw(st.integers(1, 4)) for name in free}
    groups = [[n for n in free if homes[n] == home] for home in range(1, 5)]
    groups += [sorted(members) for members in accepted]
    bins = {
        f"B{at:03}": tuple(members)
        for at, members in enumerate(filter(None, groups), start=1)
    }
    name = st.sampled_from([*ids, "R999"])
    some = st.lists(name, max_size=4).map(tuple)
    bin_id = st.sampled_from([*bins, "B005", "B999"])
    edit = st.one_of(
        st.builds(Move, request_id=name, to_bin=bin_id),
        st.builds(TakeOut, request_id=name),
        st.builds(Split, bin_id=bin_id, request_ids=some),
        st.builds(Merge, bin_ids=st.lists(bin_id, max_size=3).map(tuple)),
        st.builds(KeepTogether, request_ids=some),
        st.builds(KeepApart, request_ids=some),
    )
    return case, bins, draw(st.lists(edit, max_size=5))


def sensible(bins, edits, standing):
    """Return the edits that make sense, one after another."""
    kept = []
    for edit in edits:
        with suppress(BadEdit):
            apply(bins, [*kept, edit], standing=standing)
            kept.append(edit)
    return kept


@settings(deadline=None, max_examples=300)
@given(plans_and_edits())
def test_every_request_stays_in_one_bin_at_the_cost_of_the_model(drawn):
    case, bins, edits = drawn
    asked = problem_of(case)
    standing = as_rulings(case.rulings)
    edits = sensible(bins, edits, standing)
    after = apply(bins, edits, standing=standing)

    everyone = sorted(r.request_id for r in case.batch.requests)
    assert sorted(n for members in after.bins.values() for n in members) == everyone
    assert all(after.bins.values())
    assert {*after.bins} == ({*bins} - {*after.gone}) | {*after.new}
    assert {*after.new}.isdisjoint(bins)
    for members in case.rulings.fixed:
        assert {*members} in [{*each} for each in after.bins.values()]

    def priced(plan, which):
        return sum(
            cost.cost(asked, [case.batch.position(name) for name in plan[bin_id]])
            for bin_id in which
            if bin_id in plan
        )

    def by_oracle(plan):
        return sum(oracle.bin_cost(members, *case[:4]) for members in plan.values())

    which = {*after.changed, *after.gone}
    difference = priced(after.bins, which) - priced(bins, which)
    assert difference == by_oracle(after.bins) - by_oracle(bins)


@settings(deadline=None, max_examples=200)
@given(plans_and_edits())
def test_what_is_not_told_to_contradict_can_be_ruled_and_is_kept(drawn):
    case, bins, edits = drawn
    asked = problem_of(case)
    in_line = [  # a plan that the standing rulings agree with
        ruling for ruling in as_rulings(case.rulings) if ruling.kind is RulingKind.FIXED
    ]
    edits = sensible(bins, edits, in_line)
    after = apply(bins, edits, standing=in_line)
    given_rulings = [*in_line, *after.all_rulings]
    try:
        rulings = settle(given_rulings, case.batch)
    except RulingsContradict:
        assert after.contradictions
        return
    home = {name: b for b, members in after.bins.items() for name in members}
    kept = all(home[one] != home[other] for one, other in rulings.apart) and all(
        len({home[name] for name in members}) == 1 for members in rulings.together
    )
    assert kept == (not after.contradictions)
    refused = {
        rule.code
        for members in after.bins.values()
        for rule in broken(asked.under(rulings), members).refused
    }
    assert kept == refused.isdisjoint({"kept_apart", "together", "fixed"})


@pytest.mark.parametrize("seed", range(12))
def test_a_plan_under_the_rulings_of_an_edit_keeps_it(seed):
    case = dense_case(3 * seed, 8)  # without rulings
    asked = problem_of(case)
    found = propose(asked)
    bins = {each.bin_id: each.request_ids for each in found.bins}
    if len(bins) < 2:
        pytest.skip("There is one bin only.")
    first, second, *_ = bins
    after = apply(bins, [Merge(bin_ids=(first, second))])
    try:
        ruled = asked.under(settle(after.all_rulings, case.batch))
        again = propose(ruled)
    except NoPlan:
        assert "limits" in {r.code for r in broken(asked, after.bins[first]).refused}
        return
    assert "limits" not in {r.code for r in broken(asked, after.bins[first]).refused}
    joined = {*after.bins[first]}
    assert any(joined <= {*each.request_ids} for each in again.bins)
    assert verify(document_of(again), *case[:4], ruled.rulings) == ()


# --- what a bin breaks --------------------------------------------------------------


def test_rules_are_liftable_and_limits_are_not():
    asked = problem(
        request("R1"),
        request("R2", customer="KOR"),
        request("R3", customer="LVA", document="P&A"),
        max_requests=2,
    )
    found = broken(asked, ["R3", "R1", "R2"])
    assert {(rule.code, rule.request_ids) for rule in found.liftable} == {
        (block.code, (f"R{one + 1}", f"R{other + 1}"))
        for one, other in ((0, 1), (0, 2), (1, 2))
        for block in blocks(asked, one, other)
    }
    assert "document" in {rule.code for rule in found.liftable}
    assert [(rule.code, rule.text) for rule in found.refused] == [
        ("limits", "3 requests are more than max_requests allows, 2.")
    ]


def test_a_ruling_apart_is_refused_and_one_by_the_policy_is_not():
    greece, turkey = request("R1", customer="GRC"), request("R2", customer="TUR")
    by_policy = broken(problem(greece, turkey), ["R1", "R2"])
    assert "kept_apart" in {rule.code for rule in by_policy.liftable}
    assert by_policy.refused == ()
    by_ruling = broken(
        problem(greece, turkey, rulings=[apart("R1", "R2")]), ["R1", "R2"]
    )
    assert by_ruling.liftable == by_policy.liftable
    assert [(rule.code, rule.text) for rule in by_ruling.refused] == [
        ("kept_apart", "A ruling keeps R1 and R2 apart.")
    ]


def test_requests_that_rulings_want_elsewhere_are_refused():
    asked = problem(
        request("R1"),
        request("R2"),
        request("R3"),
        request("R4"),
        rulings=[together("R1", "R2"), fixed("R3", "R4")],
    )
    assert broken(asked, ["R3", "R4"]).refused == ()
    assert [(r.code, r.text) for r in broken(asked, ["R1", "R3"]).refused] == [
        ("together", "A ruling wants R2 with R1."),
        ("fixed", "R3 is in an accepted bin, which stays as it is."),
    ]


def test_a_bin_of_hundreds_is_answered_with_some_of_what_it_breaks():
    many = [request(f"R{at}", customer=c) for at, c in enumerate(["EST", "KOR"] * 150)]
    found = broken(problem(*many), [each.request_id for each in many])
    assert len(found.liftable) == 60
    assert "limits" in {rule.code for rule in found.refused}
