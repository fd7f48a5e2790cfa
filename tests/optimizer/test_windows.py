"""Long parts by windows: bounds on the whole at every step, and the same optimum."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, pairwise, product

import numpy as np
import pytest

from optimizer.certificate import Certificate
from optimizer.certify import checking
from optimizer.instance import Instance
from optimizer.pricing import price
from optimizer.record import Record
from optimizer.selection import long, schedule, stretches, windows
from optimizer.selection.outcome import Selection
from optimizer.selection.schedule import solve_all
from optimizer.selection.solver import Search, solve
from optimizer.selection.stretches import earliest_held, equal_shares, windows_of
from optimizer.selection.windows import LongSearch, is_long
from tests.factories import dense_case, random_case
from tests.optimizer.test_certify import written
from tests.optimizer.test_selection import check
from tests.solving import all_bins, instances, problem_of


@pytest.fixture(autouse=True)
def short_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make windows of a few items, so that small parts have seams."""
    monkeypatch.setattr(stretches, "WINDOW_CANDIDATES", 12)
    monkeypatch.setattr(stretches, "WINDOW_ITEMS", 6)
    monkeypatch.setattr(stretches, "BLOCK_CANDIDATES", 12)
    monkeypatch.setattr(stretches, "BLOCK", 5)
    monkeypatch.setattr(long, "BLOCK", 5)


def parts() -> Iterator[Instance]:
    """Yield parts of every kind of request: limits, clashes, together rulings."""
    for seed in range(12):
        yield max(instances(problem_of(dense_case(seed, 15))), key=len)
    for seed in range(60):
        part = max(instances(problem_of(random_case(seed, 12))), key=len)
        if len(part) >= 5:
            yield part


def require_feasible(instance: Instance, duals: np.ndarray) -> None:
    """Require that no allowed bin is worth more than it costs, by trying all."""
    for members in all_bins(instance):
        worth = int(duals[list(members)].sum())
        assert worth <= instance.cost(members) * instance.scale, members


def proofs_of(search: LongSearch) -> int:
    """Search windows; try every bin for each new proof, and return how many came."""
    proofs, seen = 0, -1
    for _ in search.steps():
        if search._whole is not None:
            break
        if search.bound > seen:
            seen = search.bound
            duals = search.record.duals(Record.ROOT)
            assert duals is not None
            require_feasible(search.instance, duals)
            proofs += 1
    return proofs


def test_every_step_states_a_plan_and_a_bound_and_the_end_is_the_optimum() -> None:
    steps = seams = 0
    for instance in parts():
        optimum = solve(instance).cost
        search, before = LongSearch(instance), 0
        seams += len(windows_of(instance, earliest_held(instance), 1)) - 1
        for _ in search.steps():
            found = search.selection(certified=True)
            check(instance, found)
            assert before <= found.bound <= optimum <= found.cost
            assert found.certificate is not None
            assert found.certificate.bound >= found.bound
            before, steps = found.bound, steps + 1
        last = search.kept()
        check(instance, last)
        assert last.cost == last.bound == optimum
    assert steps > 500
    assert seams > 50


def test_what_windows_prove_no_bin_of_the_whole_violates() -> None:
    """Over seams too, after every window; every allowed bin is tried."""
    assert sum(proofs_of(LongSearch(instance)) for instance in parts()) > 100


def test_a_window_that_had_no_time_gives_way_to_those_before_it() -> None:
    """It keeps equal shares, which bins over the seam may violate now."""
    proofs = 0
    for instance in parts():
        turns = count()
        search = LongSearch(
            instance,
            remaining=lambda: 100.0,
            budget=lambda turns=turns: 0.0 if next(turns) % 2 else None,
        )
        for _ in search.steps():
            if search.sweeps:
                break
            duals = search.record.duals(Record.ROOT)
            assert duals is not None
            require_feasible(instance, duals)
            proofs += 1
    assert proofs > 100


@pytest.mark.parametrize("seed", range(10))
def test_certificates_of_windows_are_checked_bin_by_bin(seed: int) -> None:
    """By code that shares nothing with the solver."""
    asked = problem_of(dense_case(seed, 15))
    certificates: list[Certificate] = []
    for instance in instances(asked):
        if len(instance) == 1:
            continue
        search = LongSearch(instance)
        for _ in search.steps():
            if search.sweeps:
                break
        if found := search.selection(certified=True).certificate:
            certificates.append(found)
    assert certificates

    checked = checking.check(asked, written(asked, certificates))

    assert checked.findings == ()
    assert checked.by_every_bin == checked.proofs >= len(certificates)


def test_equal_shares_violate_no_bin() -> None:
    for instance in parts():
        require_feasible(instance, equal_shares(instance))
        rebated = replace(instance, pair_fee=-instance.pair_fee)
        bins = all_bins(instance)
        if all(rebated.cost(members) >= 0 for members in bins):
            require_feasible(rebated, equal_shares(rebated))


def test_windows_cover_all_items_once_and_reach_over_their_seams() -> None:
    for instance in parts():
        cut = windows_of(instance, earliest_held(instance), 1)
        assert (cut[0].first, cut[-1].last) == (0, len(instance))
        for earlier, later in pairwise(cut):
            assert earlier.last == later.first
            assert earlier.high > later.first > later.low


def test_only_anchors_named_are_priced() -> None:
    for instance in parts():
        duals = instance.alone * instance.scale
        half = len(instance) // 2
        first = price(instance, duals, anchors=(0, half))
        assert first is not None
        assert (first.duals[half:] == duals[half:]).all()
        rest = price(instance, first.duals, anchors=(half, len(instance)))
        whole = price(instance, duals)
        assert rest is not None
        assert whole is not None
        assert (rest.duals == whole.duals).all()


def test_a_search_of_the_root_only_proves_by_duals_of_items_alone() -> None:
    ended = 0
    for instance in parts():
        search = Search(instance, only_root=True)
        for _ in search.steps():
            pass
        duals = search.record.duals(Record.ROOT)
        assert duals is not None
        require_feasible(instance, duals)
        ended += search.cost > search.bound
    assert ended  # else none was left with a gap, and this says little


@pytest.fixture
def all_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "LONG_CANDIDATES", 1)
    monkeypatch.setattr(windows, "LONG_REACHES", 0)


@pytest.mark.usefixtures("all_long")
def test_long_parts_are_searched_by_windows_among_others() -> None:
    together = list(parts())[:8]
    assert any(is_long(instance) for instance in together)
    heard: dict[int, list[Selection]] = {}
    found = solve_all(together, report=lambda n, s: heard.setdefault(n, []).append(s))
    for number, (instance, selection) in enumerate(zip(together, found, strict=True)):
        check(instance, selection)
        assert selection.cost == selection.bound == solve(instance).cost
        assert heard[number][-1] == selection
        for earlier, now in pairwise(heard[number]):
            assert now.cost <= earlier.cost
            assert now.bound >= earlier.bound


@pytest.mark.usefixtures("all_long")
def test_no_part_takes_the_time_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window that would never end is ended, so that all get their share."""
    together = [part for part in parts() if len(part) >= 12][:4]
    ticks = count()
    searches: list[LongSearch] = []

    class Noted(LongSearch):
        def __init__(self, *args: object, **more: object) -> None:
            super().__init__(*args, **more)  # type: ignore[arg-type]
            searches.append(self)

    class Endless(Search):
        def steps(self) -> Iterator[None]:
            yield from super().steps()
            while True:
                next(ticks)
                yield

    monkeypatch.setattr(schedule, "LongSearch", Noted)
    monkeypatch.setattr(windows, "Search", Endless)
    monkeypatch.setattr(long, "RAISES", 0)  # first duals alone would close some

    def remaining() -> float:
        return max(0.0, 20_000.0 - next(ticks))

    found = solve_all(together, remaining=remaining, stop=lambda: remaining() == 0.0)

    assert len(searches) == 4
    assert all(search.sweeps >= 1 for search in searches)
    for instance, selection in zip(together, found, strict=True):
        check(instance, selection)
        assert selection.bound > 0


@pytest.mark.usefixtures("all_long")
def test_stopped_at_any_moment_there_is_a_plan() -> None:
    instance = max(parts(), key=len)
    optimum = solve(instance).cost
    for seconds, asked in product((None, 0.001), (0, 1, 3, 10, 30, 100, 300)):
        left = iter(range(asked))
        heard: list[Selection] = []
        (found,) = solve_all(
            [instance],
            stop=lambda left=left: next(left, None) is None,
            remaining=lambda seconds=seconds: seconds,
            report=lambda _, selection, heard=heard: heard.append(selection),
        )
        for selection in (*heard, found):
            check(instance, selection)
            assert selection.bound <= optimum <= selection.cost
            assert selection.certificate is not None  # else no bound is checked
