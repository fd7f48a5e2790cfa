"""A certificate as it is written, and back: plain lists, by request ids.

Whatever stands in a file is read or refused with a sentence, and never raises.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from optimizer.batch import Batch
from optimizer.certificate import (
    Certificate,
    Fine,
    OnNumber,
    OnPair,
    Proof,
    Step,
)

type Plain = dict[str, Any]


class Names(Protocol):
    """What requests are known by name, and where each stands."""

    def __contains__(self, request_id: str) -> bool:
        """Tell whether a request is known."""

    def position(self, request_id: str) -> int:
        """Return where a request stands."""


class Malformed(ValueError):
    """Something in a written certificate is not what belongs there."""


def plain(certificates: Iterable[Certificate], ids: Sequence[str]) -> list[Plain]:
    """Return certificates as plain values.

    Parameters
    ----------
    ids
        The request ids by position.
    """
    return [
        {
            "request_ids": [ids[p] for p in certificate.positions],
            "steps": [_plain_step(step, ids) for step in certificate.steps],
        }
        for certificate in certificates
    ]


def _plain_step(step: Step, ids: Sequence[str]) -> Plain:
    match step:
        case OnPair(first=first, second=second):
            return {"pair": [ids[first], ids[second]]}
        case OnNumber(most=most):
            return {"most_bins": most}
        case Proof():
            return {
                "scale": step.scale,
                "duals": [*step.duals],
                "fines": [
                    [*(ids[p] for p in fine.positions), fine.penalty]
                    for fine in step.fines
                ],
                "tau": step.tau,
            }


def read_parts(stated: object, batch: Batch) -> tuple[list[Certificate], list[str]]:
    """Read the parts of a written certificate; return them and what is wrong.

    ``bound`` of what is read is 0: only a check says what it proves.
    """
    if not isinstance(stated, list | tuple):
        return [], ["The certificate is not a list of parts."]
    found: dict[tuple[int, ...], Certificate] = {}
    faults: list[str] = []
    for place, entry in enumerate(stated):
        try:
            part = read_part(entry, batch)
        except Malformed as fault:
            faults.append(f"certificate[{place}]: {fault}")
            continue
        if part.positions in found:
            name = batch.requests[part.positions[0]].request_id
            faults.append(
                f"certificate[{place}]: the part of {name} has an entry already."
            )
        found[part.positions] = part
    return [*found.values()], faults


def read_part(entry: object, batch: Names) -> Certificate:
    """Read one part of a written certificate.

    Raises
    ------
    Malformed
        When it is not one.
    """
    listed = _list(_at(entry, "request_ids"), "request_ids")
    positions = tuple(_position(request_id, batch) for request_id in listed)
    if not positions or list(positions) != sorted(set(positions)):
        raise Malformed(
            "request_ids must name requests in order of arrival, each once."
        )
    of_part = frozenset(positions)
    return Certificate(
        positions=positions,
        steps=tuple(
            _step(step, batch, of_part) for step in _list(_at(entry, "steps"), "steps")
        ),
        bound=0,
    )


def _step(stated: object, batch: Names, part: frozenset[int]) -> Step:
    if isinstance(stated, Mapping) and "pair" in stated:
        ends = _list(stated["pair"], "pair")
        positions = _members(ends, batch, part, "pair", 2)
        return OnPair(first=positions[0], second=positions[1])
    if isinstance(stated, Mapping) and "most_bins" in stated:
        return OnNumber(most=_whole(stated["most_bins"], "most_bins"))
    duals = [_whole(d, "duals") for d in _list(_at(stated, "duals"), "duals")]
    if len(duals) != len(part):
        raise Malformed(f"there are {len(duals)} duals for {len(part)} requests.")
    scale = _whole(_at(stated, "scale"), "scale")
    if scale < 1 or scale.bit_count() != 1:
        raise Malformed(f"scale is {scale}; it must be a power of two.")
    return Proof(
        duals=tuple(duals),
        fines=tuple(
            _fine(fine, batch, part) for fine in _list(_at(stated, "fines"), "fines")
        ),
        tau=_whole(_at(stated, "tau"), "tau"),
        scale=scale,
    )


def _fine(stated: object, batch: Names, part: frozenset[int]) -> Fine:
    *named, penalty = _list(stated, "fines") or [None]
    a, b, c = _members(named, batch, part, "fines", 3)
    amount = _whole(penalty, "a penalty")
    if amount < 0:
        raise Malformed(f"a penalty is {amount}; it must be at least 0.")
    return Fine(positions=(a, b, c), penalty=amount)


def _members(
    stated: Sequence[object], batch: Names, part: frozenset[int], name: str, count: int
) -> list[int]:
    """Return the positions of so many different requests of the part."""
    positions = [_position(request_id, batch) for request_id in stated]
    if len(set(positions)) != count or len(positions) != count or set(positions) - part:
        raise Malformed(f"{name} must name {count} requests of the part.")
    return positions


def _at(stated: object, key: str) -> object:
    if not isinstance(stated, Mapping) or key not in stated:
        raise Malformed(f"{key} is missing.")
    return stated[key]


def _list(stated: object, name: str) -> list[object]:
    if not isinstance(stated, list | tuple):
        raise Malformed(f"{name} is not a list.")
    return list(stated)


def _whole(stated: object, name: str) -> int:
    if not isinstance(stated, int) or isinstance(stated, bool):
        raise Malformed(f"{name} has {stated!r}; it must be a whole number.")
    return stated


def _position(stated: object, batch: Names) -> int:
    if not isinstance(stated, str) or stated not in batch:
        raise Malformed(f"{stated!r} is not a request of the batch.")
    return batch.position(stated)
