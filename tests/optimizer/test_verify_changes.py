"""Whatever is changed in a right document, the verifier finds."""

import copy
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, Final

import pytest

from optimizer.verify import verify
from tests.factories import dense_case, random_case
from tests.rich_case import best_document, rich_document

UNCHECKED: Final = {"proposal_id", "created_at", "solve_seconds", "title", "text"}
"""Names of leaves that nothing in the input gives."""

type Path = tuple[str | int, ...]


def nodes(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every node of a document below its root, with the way to it."""
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, inner in items:
        if path[:1] == ("versions",) or key in UNCHECKED or key == "versions":
            continue
        if path == ("input",) and "sha256" in str(key):
            continue
        yield (*path, key), inner
        yield from nodes(inner, (*path, key))


def changed(document: Any, path: Path, value: Any) -> Any:
    """Return a document with another value at one place; the first stays as it is."""
    if not path:
        return value
    key, *rest = path
    copied = copy.copy(document)
    copied[key] = changed(document[key], tuple(rest), value)
    return copied


def is_free_name(path: Path) -> bool:
    """Tell whether any text would do: bin ids, and reasons that are no rule."""
    return path[-1] == "bin_id" or ("alone_because" in path and path[-1] == "code")


def other_leaf(path: Path, value: Any) -> list[Any]:
    """Return wrong values for a number, date, flag, text or null."""
    if value is None:
        return ["something"]
    if isinstance(value, bool):
        return [not value, None]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        return [value + 0.001, value - 0.001]
    if isinstance(value, str):
        if is_free_name(path):
            return [""]
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return [f"{value}?", None]
        return [(day + timedelta(days=1)).isoformat(), None]
    return []


def other_list(path: Path, value: Any) -> list[Any]:
    """Return lists with an item lost, doubled or added."""
    if not isinstance(value, list):
        return []
    wrong: list[Any] = [[*value, "NO-SUCH"]]
    same_if_repeated = {"alone_because", "with", "rulings"} & {*map(str, path)}
    if value and not same_if_repeated:
        wrong.append([*value, value[0]])
    if value and path[-1] != "with" and (path[-1] != "alone_because"):
        wrong.append(value[:-1])
    if value and path[-1] != "with":
        wrong.append([])
    return wrong


@pytest.mark.parametrize("wrong_values", [other_leaf, other_list])
@pytest.mark.parametrize("name", ["rich", "random 8", "random 13", "dense 7"])
def test_every_single_change_is_found(
    name: str, wrong_values: Callable[[Path, Any], list[Any]]
) -> None:
    kind, _, seed = name.partition(" ")
    if kind == "rich":
        case, document = rich_document()
    else:
        case = (random_case if kind == "random" else dense_case)(int(seed), 6)
        document = best_document(case)
    tried = [
        (path, wrong)
        for path, value in nodes(document)
        for wrong in wrong_values(path, value)
    ]
    assert len(tried) > 25
    missed = [
        (path, wrong)
        for path, wrong in tried
        if not verify(changed(document, path, wrong), *case)
    ]
    assert missed == []


def test_every_missing_key_is_found() -> None:
    case, document = rich_document()
    missed = []
    for path, _ in nodes(document):
        if isinstance(path[-1], int):
            continue
        copied = copy.deepcopy(document)
        place: Any = copied
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        optional = {"with"} & {*map(str, path)} or path[-1:] == ("rulings",)
        if not verify(copied, *case) and not optional:
            missed.append(path)
    assert missed == []


JUNK: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    10**400,
    float("inf"),
    "",
    "x",
    [],
    [[]],
    {},
    {"x": []},
)


@pytest.mark.parametrize("turn", range(3))
def test_junk_anywhere_is_judged_and_never_raises(turn: int) -> None:
    """Each place in turn gets another piece of junk."""
    case, document = rich_document()
    for number, (path, value) in enumerate(nodes(document), start=turn):
        junk = JUNK[number % len(JUNK)]
        findings = verify(changed(document, path, junk), *case)
        as_good = "with" in path or (junk == "x" and is_free_name(path))
        if junk != value and not as_good:
            assert findings, (path, junk)
    for junk in JUNK:
        assert verify({"bins": junk, "rulings": junk}, *case)
