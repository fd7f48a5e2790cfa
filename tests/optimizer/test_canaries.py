"""The solver is asked models with known answers; a wrong one has a sentence."""

import itertools

import highspy
import pytest

from optimizer.selection import canaries


def test_the_solver_that_ships_is_sound() -> None:
    assert canaries.wrong() == []


def test_the_answers_are_those_of_trying_all() -> None:
    mixed = min(2 * max(0.0, 4.5 - z) + 3 * z for z in range(11))
    ring, costs = canaries._RING, canaries._COSTS
    whole = min(
        sum(costs[place] for place in chosen)
        for count in range(1, 4)
        for chosen in itertools.combinations(range(len(ring)), count)
        if {i for place in chosen for i in ring[place]} == {0, 1, 2}
    )
    # Each pair half is feasible; duals of a half each are too, and cost as much.
    relaxed = sum(costs[place] / 2 for place in range(3)) / 1000
    assert all(len(one) * 500 <= cost for one, cost in zip(ring, costs, strict=True))
    answers = {name: answer for name, (_, answer) in canaries.MODELS.items()}
    assert answers == {"mixed": mixed, "relaxed": relaxed, "whole": whole / 1000}
    assert relaxed == 3 * 0.5


@pytest.mark.parametrize("name", canaries.MODELS)
@pytest.mark.parametrize("value", [15.0, float("nan"), float("-inf")])
def test_a_wrong_answer_is_told(
    name: str, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = canaries.MODELS[name][1]
    monkeypatch.setitem(canaries.MODELS, name, (lambda: value, answer))
    assert canaries.wrong() == [
        f"The model {name} has the answer {answer:g}, not {value:g}."
    ]


def test_a_solver_that_finds_no_optimum_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        highspy.Highs,
        "getModelStatus",
        lambda _: highspy.HighsModelStatus.kUnknown,
    )
    found = canaries.wrong()
    assert [sentence.split()[2] for sentence in found][:2] == ["mixed", "relaxed"]


def test_a_solver_that_cannot_be_called_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> float:
        raise AttributeError("no such call")

    monkeypatch.setitem(canaries.MODELS, "mixed", (broken, 9.0))
    assert canaries.wrong() == ["The model mixed failed: AttributeError."]
