"""The page on problems names every problem there is, with its status."""

from app.edge.problem import _REFUSED, TITLES
from app.use_cases.refusals import Refusal
from tests.documents import page, table_with


def refusals(kind: type[Refusal]) -> set[tuple[str, str]]:
    """Return type and status of a refusal and of all that derive from it."""
    own = {(f"/problems/{kind.code}", str(kind.status))}
    return own.union(*(refusals(one) for one in kind.__subclasses__()))


def test_every_problem_has_its_row_and_every_row_is_a_problem() -> None:
    rows = table_with(page("docs/problems.md"), "type", "status", "what happened")
    told = {(row["type"], row["status"]) for row in rows}
    usual = {(f"/problems/{code}", str(at)) for at, (code, _) in TITLES.items()}
    others = {
        ("/problems/input-refused", "422"),
        (f"/problems/{_REFUSED[0]}", "any other"),
    }

    assert told == usual | others
    assert len(told) == len(rows)
    named = set().union(*(refusals(one) for one in Refusal.__subclasses__()))
    assert {one for one, _ in named} <= {one for one, _ in told}
