"""Edits that turn one plan into another: they do, and their rulings agree with it."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.arranged import Arranged, arrange
from optimizer.edits import Edit, Merge, Move, Split, TakeOut, apply

PLAN = {"B001": ("R1", "R2"), "B002": ("R3",), "B003": ("R4", "R5", "R6")}
AS_IS = {name: bin_id for bin_id, ids in PLAN.items() for name in ids}


def arranged(**changes: str) -> Arranged:
    return arrange(PLAN, AS_IS | changes, used=("B007",))


def partition(bins: Mapping[str, tuple[str, ...]]) -> set[frozenset[str]]:
    return {frozenset(ids) for ids in bins.values()}


def edits(**changes: str) -> list[Edit]:
    return [*arranged(**changes).edits]


def test_a_plan_as_it_is_takes_no_edit_whatever_its_bins_are_called():
    assert edits() == []
    assert edits(R1="north", R2="north") == []
    assert edits(R1="B002", R2="B002", R3="B001") == []
    assert arranged(R1="north", R2="north").bins["north"] == "B001"


def test_the_plainest_edit_is_taken():
    assert edits(R3="B001") == [Move(request_id="R3", to_bin="B001")]
    assert edits(R5="alone") == [TakeOut(request_id="R5")]
    assert edits(R4="new", R6="new") == [Split(bin_id="B003", request_ids=("R4", "R6"))]
    merged = edits(R1="B003", R2="B003")
    assert merged == [Merge(bin_ids=("B003", "B001"))]
    found = arranged(R4="new", R3="new")
    assert found.edits == (Move(request_id="R4", to_bin="B002"),)
    assert found.bins["new"] == "B002"


def test_new_bins_have_ids_that_no_bin_has_had():
    found = arranged(R4="a", R1="b", R2="c")
    assert found.bins == {
        "a": "B009",
        "b": "B008",
        "c": "B001",
        "B002": "B002",
        "B003": "B003",
    }
    assert apply(PLAN, found.edits, used=("B007",)).bins["B009"] == ("R4",)


def test_whoever_leaves_leaves_first():
    swapped = edits(R1="B003", R4="B001")
    assert swapped == [
        TakeOut(request_id="R1"),
        Move(request_id="R4", to_bin="B001"),
        Move(request_id="R1", to_bin="B003"),
    ]
    assert apply(PLAN, swapped).contradictions == ()


@st.composite
def plans(draw: st.DrawFn) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    ids = [f"R{number:02}" for number in range(draw(st.integers(1, 14)))]
    homes = [draw(st.integers(1, 5)) for _ in ids]
    bins: dict[str, tuple[str, ...]] = {}
    for name, home in zip(ids, homes, strict=True):
        bins[f"B{home:03}"] = (*bins.get(f"B{home:03}", ()), name)
    names = st.sampled_from([*(f"B{number:03}" for number in range(1, 7)), "x", "y"])
    moved = draw(st.dictionaries(st.sampled_from(ids), names))
    as_is = {name: b for b, members in bins.items() for name in members}
    return bins, as_is | moved


@settings(max_examples=500, deadline=None)
@given(plans())
def test_the_edits_lead_to_what_is_wanted_and_leave_no_contradiction(
    case: tuple[dict[str, tuple[str, ...]], dict[str, str]],
) -> None:
    bins, wanted = case
    found = arrange(bins, wanted, used=("B020",))
    groups: dict[str, set[str]] = {}
    for name, group in wanted.items():
        groups.setdefault(group, set()).add(name)
    if partition(bins) == {frozenset(ids) for ids in groups.values()}:
        assert found.edits == ()
    after = apply(bins, found.edits, used=("B020",))
    assert partition(after.bins) == {frozenset(ids) for ids in groups.values()}
    assert after.contradictions == ()
    assert {name: {*after.bins[b]} for name, b in found.bins.items()} == groups
    for bin_id, members in bins.items():  # one that keeps a request lives on
        if any(wanted[name] == bin_id for name in members):
            assert found.bins[bin_id] == bin_id
    for rulings in after.rulings:
        for ruling in rulings:
            homes = {wanted[name] for name in ruling.request_ids}
            assert (len(homes) == 1) == (str(ruling.kind) == "together")
