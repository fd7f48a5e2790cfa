"""Rulings: a JSON list of what reviewers want together, apart or fixed (rule R4)."""

import io
from contextlib import ExitStack
from typing import Any, BinaryIO, Final

from app.catalogue import nearest
from app.errors import Fault, FaultCode, InputRefused, quoted
from app.intake.decode import Source, open_format
from app.intake.json_text import Repeating, parse_document, read_text, said
from app.intake.limits import Limits
from app.intake.read import open_input
from app.intake.records import Format, RefusedFile, Trouble, refuse
from app.intake.values import Wrong, parse_request_id
from optimizer.rulings import Ruling, RulingKind

_KEYS: Final = ("kind", "request_ids")
_LISTED: Final = 100


def read_rulings(
    path: str, *, limits: Limits | None = None, stdin: BinaryIO | None = None
) -> tuple[Ruling, ...]:
    """Read rulings from a JSON file, in the order of its list; it may be empty.

    Whether the requests are in the batch, and the rulings agree, is not looked at
    here.

    Raises
    ------
    InputRefused
        With every fault of the file; ``row`` is the place of a ruling in the list.
    """
    with ExitStack() as stack:
        try:
            stream = open_input(path, stdin, stack)
            return _read(stream, path, limits)
        except RefusedFile as refused:
            raise InputRefused([refused.trouble.fault(path)]) from None


def parse_rulings(text: bytes, label: str) -> tuple[Ruling, ...]:
    """Read rulings from the bytes of a JSON document; as `read_rulings` in all else."""
    try:
        return _read(io.BytesIO(text), label, None)
    except RefusedFile as refused:
        raise InputRefused([refused.trouble.fault(label)]) from None


def _read(stream: BinaryIO, label: str, limits: Limits | None) -> tuple[Ruling, ...]:
    open_format(Source(label=label, stream=stream, format=Format.JSON), limits)
    text = read_text(stream)
    if not text.strip():
        raise refuse(FaultCode.EMPTY, "The file is empty: no rulings.")
    document = parse_document(text)
    if not isinstance(document, list):
        message = f"The document must be a list of rulings, not {said(document)}."
        raise refuse(FaultCode.TYPE, message, value=said(document))
    rulings = []
    faults: list[Fault] = []
    bad = 0
    for number, item in enumerate(document, start=1):
        troubles: list[Trouble] = []
        ruling = _ruling(item, number, troubles)
        if ruling is not None and not troubles:
            rulings.append(ruling)
            continue
        bad += 1
        if bad <= _LISTED:
            faults += [trouble.fault(label) for trouble in troubles]
    if faults:
        raise InputRefused(faults, len(rulings), bad)
    return tuple(rulings)


def _ruling(item: Any, number: int, troubles: list[Trouble]) -> Ruling | None:
    def trouble(code: FaultCode, message: str, column: str | None = None) -> None:
        troubles.append(Trouble(code=code, message=message, row=number, column=column))

    if not isinstance(item, dict):
        trouble(FaultCode.TYPE, f"Each ruling must be an object, not {said(item)}.")
        return None
    if isinstance(item, Repeating):
        message = f"The key {quoted(item.repeated)} is given twice."
        trouble(FaultCode.REPEATED_KEY, message)
    for key in item:
        if key not in _KEYS:
            near = nearest(key, _KEYS)[0]
            message = f"{quoted(key)} is not a key of a ruling; nearest: {near}."
            trouble(FaultCode.UNKNOWN_KEY, message, key)
    kind: Any = item.get("kind")
    if type(kind) is not str or kind not in tuple(RulingKind):
        allowed = ", ".join(RulingKind)
        message = f"kind is {said(kind)}; allowed are {allowed}."
        trouble(FaultCode.CHOICE, message, "kind")
    ids = item.get("request_ids")
    if not isinstance(ids, list) or not ids:
        message = (
            f"request_ids must be a list of ids that is not empty, not {said(ids)}."
        )
        trouble(FaultCode.TYPE, message, "request_ids")
        return None
    _check_ids(ids, trouble)
    if troubles:
        return None
    return Ruling(kind=RulingKind(kind), request_ids=tuple(ids))


def _check_ids(ids: list[Any], trouble: Any) -> None:
    seen: set[str] = set()
    for request_id in ids:
        if type(request_id) is not str:
            message = f"request_ids holds {said(request_id)}; ids are texts in quotes."
            trouble(FaultCode.TYPE, message, "request_ids")
            continue
        wrong = parse_request_id(request_id)
        if isinstance(wrong, Wrong):
            message = f"request_ids holds an id that {wrong.message}."
            trouble(wrong.code, message, "request_ids")
        if request_id in seen:
            message = f"request_ids names {quoted(request_id)} twice."
            trouble(FaultCode.DUPLICATE_ID, message, "request_ids")
        seen.add(request_id)
