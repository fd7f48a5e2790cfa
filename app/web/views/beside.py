"""Alternatives to a bin as their page shows them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.catalogue import load_catalogue
from app.storage import bin_table
from app.storage.plain import request_of
from app.web import words
from optimizer.batch import Request

_FEW: Final = 2
"""Edits that say in short what an alternative is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BinLine:
    """A bin that an alternative has, or does without."""

    name: str
    is_new: bool
    requests: tuple[str, ...]
    customers: str
    value_cents: int
    stated: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternativeView:
    """An alternative: what it says, its bins, and who gains and loses days by it."""

    number: int
    said: Mapping[str, Any]
    summary: str
    gone: tuple[BinLine, ...]
    new: tuple[BinLine, ...]
    earlier: tuple[Mapping[str, Any], ...]
    later: tuple[Mapping[str, Any], ...]
    customer_of: Mapping[str, str]


def beside_view(
    said: Mapping[str, Any], contents: Iterable[bin_table.Row]
) -> list[AlternativeView]:
    """Return the alternatives with what is known of their requests."""
    known = {one.label: request_of(one.content, label=one.label) for one in contents}
    return [
        _view(number, one, known)
        for number, one in enumerate(said["alternatives"], start=1)
    ]


def _view(
    number: int, one: Mapping[str, Any], known: Mapping[str, Request]
) -> AlternativeView:
    customers = load_catalogue().customers
    asked = one["requests"]
    return AlternativeView(
        number=number,
        said=one,
        summary=_in_short(one),
        gone=tuple(_line(each, each["bin_id"], known) for each in one["gone"]),
        new=tuple(
            _line(each, f"{number}.{at}", known, is_new=True)
            for at, each in enumerate(one["new"], start=1)
        ),
        earlier=tuple(each for each in asked[::-1] if each["days_later"] < 0),
        later=tuple(each for each in asked if each["days_later"] > 0),
        customer_of={
            name: customers[known[name].customer].name
            for name in (each["request_id"] for each in asked)
        },
    )


def _line(
    stated: Mapping[str, Any],
    name: str | None,
    known: Mapping[str, Request],
    *,
    is_new: bool = False,
) -> BinLine:
    ids = tuple(stated["request_ids"])
    return BinLine(
        name=name or "–",
        is_new=is_new,
        requests=ids,
        customers=", ".join(stated["customers"]),
        value_cents=sum(known[each].value_cents for each in ids),
        stated=stated,
    )


def _in_short(one: Mapping[str, Any]) -> str:
    """Say an alternative by the few edits that lead there, or by its bins."""
    edits = one["edits"]
    if 0 < len(edits) <= _FEW:
        return " ".join(words.change(each) for each in edits)
    return f"{_summary(one['gone'], one['new'])}."


def _summary(
    gone: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> str:
    """Say in a few words what becomes of the bins.

    >>> _summary([{"request_ids": ["a", "b"]}], [{"request_ids": ["a"]},
    ...                                          {"request_ids": ["b"]}])
    'a and b each alone'
    """
    before = [{*one["request_ids"]} for one in gone]
    after = [{*one["request_ids"]} for one in new]
    alone = sorted(next(iter(ids)) for ids in after if len(ids) == 1)
    shared = [ids for ids in after if len(ids) > 1]
    said = [_joined(ids, before) for ids in sorted(shared, key=sorted)]
    if alone:
        named = words.listed(alone) if len(alone) <= 4 else f"{len(alone)} requests"
        said.append(f"{named} {'each ' if len(alone) > 1 else ''}alone")
    return "; ".join(said)


def _joined(ids: set[str], before: Sequence[set[str]]) -> str:
    """Say how a shared bin comes about: out of which bins, with whom, without whom."""
    home = max(before, key=lambda one: (len(one & ids), sorted(one)))
    came, left = sorted(ids - home), sorted(home - ids)
    if not came and not left:
        return f"{words.listed(sorted(ids))} together"
    if not came and len(ids) <= 4:
        return f"{words.listed(sorted(ids))} together"
    said = [f"{_short(sorted(home & ids))} together"]
    if came:
        said.append(f"joined by {_short(came)}")
    if left and not came:
        said.append(f"without {_short(left)}")
    return " ".join(said)


def _short(names: Sequence[str]) -> str:
    return (
        words.listed(names)
        if len(names) <= 4
        else f"{names[0]} and {len(names) - 1} more"
    )
