"""What a change by hand would cost, before anything is saved."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from app.export.document import days
from app.jobs.desk import Desk, DeskClosed, DeskFailed
from app.jobs.orders import Best, Order, Priced, PriceOrder
from app.storage import bins, proposals, rulings
from app.storage.errors import StoreUnavailable
from app.use_cases.access import Caller
from app.use_cases.material import material_of
from app.use_cases.propose import among
from app.use_cases.read_proposals import require
from app.use_cases.refusals import Conflict, NotAcceptable, Refusal
from app.use_cases.run import order_of
from app.use_cases.service import Service
from optimizer.edits import (
    Edit,
    KeepApart,
    KeepTogether,
    Merge,
    Move,
    Split,
    TakeOut,
)
from optimizer.errors import BadEdit, EditFault
from optimizer.rulings import Ruling

PREVIEW_S: Final = 15.0
"""Seconds after which the answer to a preview comes too late."""

SEARCH_S: Final = 0.4
"""How long a preview may look for the best plan; the exact price is sooner."""

type Shown = dict[str, Any]


class Given(Protocol):
    """An edit as it came in a body: what it does, and to what."""

    @property
    def op(self) -> str:
        """What it does."""

    def model_dump(self) -> dict[str, Any]:
        """Return it as plain values."""


@dataclass(frozen=True, slots=True)
class Made:
    """An edit that was worked out here, as if it had come in a body."""

    edit: Edit

    @property
    def op(self) -> str:
        """What it does."""
        return _OPS[type(self.edit)]

    def model_dump(self) -> dict[str, Any]:
        """Return it as plain values."""
        said = {
            name: [*value] if isinstance(value, tuple) else value
            for name, value in asdict(self.edit).items()
        }
        return {"op": self.op, **said}


_OPS: Final[Mapping[type[Edit], str]] = {
    Move: "move",
    TakeOut: "take_out",
    Split: "split",
    Merge: "merge",
    KeepTogether: "keep_together",
    KeepApart: "keep_apart",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedOn:
    """A plan as it is now, with all that pricing and saving an edit needs."""

    row: proposals.Row
    members: Mapping[str, tuple[str, ...]]
    used: tuple[str, ...]
    standing: tuple[Ruling, ...]


def preview(
    service: Service,
    desk: Desk,
    caller: Caller,
    proposal_id: str,
    edits: Sequence[Given],
) -> tuple[Shown, int]:
    """Return what edits would change, and the version they are priced on.

    Raises
    ------
    NotThere, Conflict
        As their names say.
    NotAcceptable
        With a sentence for each edit that makes no sense.
    """
    plan = plan_of(service, caller, proposal_id)
    if is_undo(edits):
        with service.reading() as connection:
            last = edit_to_undo(connection, proposal_id)
        said = {"undoes": last.seq, "change": days(-last.change)}
        return {**said, "edits": json.loads(last.edits)}, plan.row.version
    priced = priced_of(service, desk, plan, edits)
    return shown(priced), plan.row.version


def bring(service: Service, desk: Desk, caller: Caller, proposal_id: str) -> None:
    """Have a proposal at hand for prices and answers, because someone looks at it.

    What stands in the way is no matter here: a question will say what it is.
    """

    def order() -> PriceOrder:
        return _order(service, plan_of(service, caller, proposal_id), ())

    with suppress(Refusal, StoreUnavailable, DeskFailed, DeskClosed):
        desk.bring(proposal_id, order)


def plan_of(service: Service, caller: Caller, proposal_id: str) -> PricedOn:
    """Return a plan as it is now; refuse one that cannot be edited."""
    with service.reading() as connection:
        row = require(connection, caller, proposal_id)
        if row.heading is None or row.state not in ("done", "cancelled"):
            raise Conflict("The proposal has no plan to edit yet.")
        if row.superseded_by is not None:
            raise Conflict(
                "The proposal is superseded; edit the one that took its place.",
                extra={"superseded_by": row.superseded_by},
            )
        return PricedOn(
            row=row,
            members=bins.members(connection, proposal_id),
            used=bins.names(connection, proposal_id),
            standing=standing_of(connection, proposal_id),
        )


def standing_of(connection: Connection, proposal_id: str) -> tuple[Ruling, ...]:
    """Return the rulings that stand over the requests of a proposal, by its labels."""
    standing = rulings.standing(connection)
    if not standing:
        return ()  # most plans that are looked at have none: nothing more to read
    labels = proposals.labels(connection, proposal_id)
    label = {key: name for name, key in labels.items()}
    return tuple(among(standing, label))


def load_of(service: Service, row: proposals.Row) -> Order:
    """Return the order a proposal was made by, with what was kept of its solve."""
    with service.reading() as connection:
        result = proposals.result(connection, row.proposal_id)
        material = material_of(service, connection, row)
    return order_of(material, row, None if result is None else result.kept)


def priced_of(
    service: Service, desk: Desk, plan: PricedOn, edits: Sequence[Given]
) -> Priced:
    """Return the exact price of edits on a plan."""
    order = _order(service, plan, edits)
    try:
        return desk.price(order, seconds=PREVIEW_S, search=SEARCH_S)
    except BadEdit as bad:
        raise NotAcceptable(
            "Some edits make no sense; see errors.",
            errors=[_fault(fault) for fault in bad.faults],
        ) from None


def _order(service: Service, plan: PricedOn, edits: Sequence[Given]) -> PriceOrder:
    return PriceOrder(
        key=plan.row.proposal_id,
        load=lambda: load_of(service, plan.row),
        bins=plan.members,
        edits=[_edit(one) for one in edits],
        standing=plan.standing,
        used=plan.used,
    )


def is_undo(edits: Sequence[Given]) -> bool:
    """Tell whether the edits are an undo, which comes alone."""
    undos = [one for one in edits if one.op == "undo"]
    if undos and len(edits) > 1:
        raise NotAcceptable("An undo is the only edit of its call.")
    return bool(undos)


def _edit(given: Given) -> Edit:
    said = given.model_dump()
    match given.op:
        case "move":
            return Move(request_id=said["request_id"], to_bin=said["to_bin"])
        case "take_out":
            return TakeOut(request_id=said["request_id"])
        case "split":
            ids = tuple(said["request_ids"])
            return Split(bin_id=said["bin_id"], request_ids=ids)
        case "merge":
            return Merge(bin_ids=tuple(said["bin_ids"]))
        case "keep_together":
            return KeepTogether(request_ids=tuple(said["request_ids"]))
        case "keep_apart":
            return KeepApart(request_ids=tuple(said["request_ids"]))
    raise AssertionError(given.op)  # the body's model lets no other pass


def _fault(fault: EditFault) -> Shown:
    return {
        "row": fault.index + 1,
        "column": "edits",
        "code": "bad_edit",
        "message": fault.text,
        "value": None,
    }


def forbidden(priced: Priced) -> list[Shown]:
    """Return what forbids edits to be saved, as entries of ``errors``."""
    listed = [_fault(fault) for fault in priced.contradictions]
    listed += [
        {
            "row": None,
            "column": rule.bin_id,
            "code": rule.code,
            "message": rule.text,
            "value": None,
        }
        for rule in priced.broken
        if not rule.liftable
    ]
    return listed


def shown(priced: Priced) -> Shown:
    """Return a price as callers see it; costs in staff-days."""
    return {
        "cost_before": days(priced.cost_before),
        "cost_after": days(priced.cost_after),
        "change": days(priced.change),
        "may_be_saved": not priced.refused,
        "touched": [*priced.touched],
        "new": [*priced.new],
        "gone": [*priced.gone],
        "broken": [
            {
                "bin_id": rule.bin_id,
                "code": rule.code,
                "text": rule.text,
                "request_ids": [*rule.request_ids],
                "lifted_by_the_edit": rule.liftable,
            }
            for rule in priced.broken
        ],
        "contradictions": [fault.text for fault in priced.contradictions],
        "rulings": [
            {"kind": str(ruling.kind), "request_ids": [*ruling.request_ids]}
            for left in priced.rulings
            for ruling in left
        ],
        "bins": [*priced.bins],
        "objective": priced.objective,
        "best": None if priced.best is None else _shown_best(priced, priced.best),
        "best_missing": priced.best_missing,
    }


def _shown_best(priced: Priced, best: Best) -> Shown:
    return {
        "finished": best.finished,
        "cost": days(best.cost),
        "bound": days(best.bound),
        "gap": best.gap,
        "change": days(best.cost - priced.cost_before),
        "bins": [*best.bins],
        "gone": [*best.gone],
        "objective": best.objective,
    }


def edit_to_undo(connection: Connection, proposal_id: str) -> bins.Row:
    """Return the edit that an undo would take back."""
    last = bins.edit_to_undo(connection, proposal_id)
    if last is None:
        raise Conflict("There is no edit to undo.")
    return last
