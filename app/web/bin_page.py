"""The page of a bin: read, decided in a queue, and where changes of it begin."""

from sqlalchemy import Connection
from starlette.responses import Response

from app.storage import bins, order, proposals
from app.use_cases.access import Permission
from app.use_cases.decide_many import why_blocked
from app.use_cases.read_proposals import one_bin, require, shown_state
from app.use_cases.refusals import NotThere
from app.web.ahead import priced_soon
from app.web.door import Visit
from app.web.forms import Form
from app.web.render import draw
from app.web.views.bin import bin_view
from app.web.views.choosing import choices_of
from app.web.views.queue import Queue, queue_at


def draw_bin(
    visit: Visit,
    proposal_id: str,
    bin_id: str,
    status: int = 200,
    *,
    form: Form | None = None,
    wrong: str = "",
    wrong_change: str = "",
    queue: Queue | None = None,
) -> Response:
    """Return a bin with all that a decision on it needs.

    ``form`` is what was filled in where the page is drawn again, ``wrong`` why a
    decision was refused, ``wrong_change`` why a change was.
    """
    with visit.service.reading() as connection:
        row = finished(connection, visit, proposal_id)
        shown, version = one_bin(connection, visit.caller, proposal_id, bin_id)
        said = bin_view(visit.service, connection, row, shown)
        may_decide = visit.caller.may(Permission.DECIDE)
        if may_decide and queue is None:
            queue = queue_at(connection, proposal_id, bin_id)
        said |= {
            "one": shown_state(row),
            "bin": shown,
            "version": version,
            "beside": _neighbours(connection, proposal_id, bin_id),
            "blocked": why_blocked(visit.service, connection, visit.caller, row),
            "may_change": visit.caller.may(Permission.EDIT)
            and row.superseded_by is None
            and shown["state"] != "accepted",
            "choices": choices_of(connection, proposal_id, shown),
            "last_edit": bins.edit_to_undo(connection, proposal_id),
        }
    page = draw(
        visit,
        "bin.html.j2",
        status,
        tab="bins",
        form=form or Form(),
        wrong=wrong,
        wrong_change=wrong_change,
        queue=queue,
        may_decide=may_decide,
        **said,
    )
    return priced_soon(visit, proposal_id, page)


def finished(connection: Connection, visit: Visit, proposal_id: str) -> proposals.Row:
    """Return a proposal that has a plan.

    Raises
    ------
    NotThere
        When it has none, or is not for the visitor.
    """
    row = require(connection, visit.caller, proposal_id)
    if row.heading is None:
        raise NotThere("result of this proposal yet")
    return row


def _neighbours(
    connection: Connection, proposal_id: str, bin_id: str
) -> dict[str, str | None]:
    """Return the bins before and after one, by their saving."""
    before, after = order.beside(connection, proposal_id, bin_id)
    return {"before": before, "after": after}
