"""What is kept of solved parts as plain values, and back: for a store of one's own.

What is read is believed as it stands, which is right for a store that nobody else
writes. For a file that anyone may have changed there is ``certify.earlier``.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from optimizer.certify.reading import Malformed, plain, read_part
from optimizer.earlier import Earlier, Item, SolvedPart

type Plain = dict[str, Any]


def plain_earlier(earlier: Earlier) -> Plain:
    """Return what is kept as mappings, lists, texts and whole numbers."""
    return {"parts": [_plain_part(part) for part in earlier.parts]}


def read_earlier(stated: object) -> Earlier:
    """Return what was kept, from its plain values.

    Raises
    ------
    Malformed
        When they are not what :func:`plain_earlier` makes.
    """
    return Earlier(parts=tuple(map(_part, _list(_at(stated, "parts")))))


def _plain_part(part: SolvedPart) -> Plain:
    proof = part.certificate
    return {
        "key": part.key,
        "request_ids": [*part.request_ids],
        "bins": [[*members] for members in part.bins],
        "columns": [[*members] for members in part.columns],
        "cost": part.cost,
        "bound": part.bound,
        "proven": None if proof is None else proof.bound,
        "proof": None if proof is None else plain([proof], part.request_ids)[0],
    }


def _part(stated: object) -> SolvedPart:
    ids = tuple(_text(name) for name in _list(_at(stated, "request_ids")))
    proof = _at(stated, "proof")
    bins = _bins(_at(stated, "bins"), len(ids))
    if sorted(at for members in bins for at in members) != [*range(len(ids))]:
        raise Malformed("bins must hold every request of their part once.")
    return SolvedPart(
        key=_text(_at(stated, "key")),
        request_ids=ids,
        bins=bins,
        cost=_whole(_at(stated, "cost")),
        bound=_whole(_at(stated, "bound")),
        certificate=(
            None
            if proof is None
            else replace(
                read_part(proof, Listed(ids)), bound=_whole(_at(stated, "proven"))
            )
        ),
        columns=_bins(_at(stated, "columns"), len(ids)),
    )


class Listed:
    """Requests numbered as they are listed."""

    def __init__(self, ids: tuple[str, ...]) -> None:
        self._place = {name: at for at, name in enumerate(ids)}

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._place

    def position(self, request_id: str) -> int:
        """Return the place of a request."""
        return self._place[request_id]


def _bins(stated: object, count: int) -> tuple[Item, ...]:
    found = tuple(tuple(map(_whole, _list(members))) for members in _list(stated))
    if not all(0 <= at < count for members in found for at in members):
        raise Malformed(f"a bin names a request that is none of the part's {count}.")
    return found


def _at(stated: object, key: str) -> object:
    if not isinstance(stated, Mapping) or key not in stated:
        raise Malformed(f"{key} is missing.")
    return stated[key]


def _list(stated: object) -> list[object]:
    if not isinstance(stated, list | tuple):
        raise Malformed(f"{stated!r} is not a list.")
    return list(stated)


def _text(stated: object) -> str:
    if not isinstance(stated, str):
        raise Malformed(f"{stated!r} is not a text.")
    return stated


def _whole(stated: object) -> int:
    if not isinstance(stated, int) or isinstance(stated, bool):
        raise Malformed(f"{stated!r} is not a whole number.")
    return stated
