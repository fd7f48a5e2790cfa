"""What is compared at once passes only what passes figure by figure."""

import copy
from typing import Any

import pytest

from optimizer.verify import bins as one_bin
from optimizer.verify import verify
from tests.factories import Case
from tests.rich_case import rich_document


def judged(monkeypatch: pytest.MonkeyPatch, case: Case, document: Any) -> list[str]:
    """Return what is found, at once where that may be and then without it."""
    swift = verify(document, *case)
    with monkeypatch.context() as patched:
        patched.setattr(one_bin, "agrees", lambda *_: False)
        assert verify(document, *case) == swift
    return [finding.where for finding in swift]


@pytest.mark.parametrize(
    ("path", "value", "holds"),
    [
        (("wait_days",), float, False),
        (("wait_days",), bool, False),
        (("days_gained",), float, False),
        (("fair_share",), str, False),
        (("effort_by_stage",), float, True),
        (("effort_by_stage",), str, False),
        (("solo_forecast_on",), str.lower, True),
        (("systems",), lambda name: f"{name} ", False),
    ],
)
def test_values_of_another_kind_are_judged_as_one_by_one(
    monkeypatch: pytest.MonkeyPatch, path: tuple[str], value: Any, holds: bool
) -> None:
    case, document = rich_document()
    for place, stated in enumerate(document["bins"]):
        (key,) = path
        known = stated[key]
        other = copy.copy(document)
        other["bins"] = [*document["bins"]]
        found: Any = (
            {name: value(each) for name, each in known.items()}
            if isinstance(known, dict)
            else [value(each) for each in known]
        )
        other["bins"][place] = {**stated, key: found}
        wrong = judged(monkeypatch, case, other)
        assert (wrong == []) is holds


@pytest.mark.parametrize("figure", [True, "0", None, 0.0, -0.0])
def test_a_wait_that_is_no_number_is_found(
    monkeypatch: pytest.MonkeyPatch, figure: Any
) -> None:
    case, document = rich_document()
    place = next(n for n, b in enumerate(document["bins"]) if b["wait_cost"] == 0)
    document["bins"][place] = {**document["bins"][place], "wait_cost": figure}
    wrong = judged(monkeypatch, case, document)
    assert (wrong == []) is (figure == 0)


def test_names_and_stages_in_any_order_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    case, document = rich_document()
    document["bins"] = [
        {
            key: dict(reversed(value.items()))
            if isinstance(value, dict)
            else [*reversed(value)]
            if key in {"systems", "customers", "regions"}
            else value
            for key, value in stated.items()
        }
        for stated in document["bins"]
    ]
    assert judged(monkeypatch, case, document) == []
