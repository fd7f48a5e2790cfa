"""What the forms of a bin ask to change, as edits."""

from typing import Any, Final

from app.use_cases.refusals import NotAcceptable
from app.web.forms import Form

type Asked = list[dict[str, Any]]

_ONE: Final = "Choose at least one request."


def asked_by(form: Form) -> Asked:
    """Return the edits that a form asks for.

    Raises
    ------
    NotAcceptable
        Naming what is still to be chosen.
    """
    chosen = [*dict.fromkeys(form.all("request_ids"))]
    others = form.text("others").replace(",", " ").split()
    bin_id, to_bin = form.text("bin_id"), form.text("to_bin").strip()
    match form.text("op") or _meant(form):
        case "undo":
            return [{"op": "undo"}]
        case "merge":
            return [{"op": "merge", "bin_ids": [bin_id, _named(form, "with_bin")]}]
        case "move":
            _named(form, "to_bin")
            return [
                {"op": "move", "request_id": one, "to_bin": to_bin}
                for one in _some(chosen)
            ]
        case "take_out":
            return [{"op": "take_out", "request_id": one} for one in _some(chosen)]
        case "split":
            return [{"op": "split", "bin_id": bin_id, "request_ids": _some(chosen)}]
        case "keep_together" | "keep_apart" as op:
            both = [*dict.fromkeys([*chosen, *others])]
            if len(both) < 2:
                raise NotAcceptable("Choose at least two requests, here or elsewhere.")
            return [{"op": op, "request_ids": both}]
    raise NotAcceptable("Choose what is to be changed.")


def _meant(form: Form) -> str:
    """Return what is meant where Enter was pressed in a field, and no button."""
    fields = {"to_bin": "move", "with_bin": "merge"}
    filled = [op for name, op in fields.items() if form.text(name).strip()]
    return filled[0] if len(filled) == 1 else ""


def _some(chosen: list[str]) -> list[str]:
    if not chosen:
        raise NotAcceptable(_ONE)
    return chosen


def _named(form: Form, field: str) -> str:
    name = form.text(field).strip()
    if not name:
        raise NotAcceptable("Name the other bin, such as B0001.")
    return name
