"""Stop a solve: the best plan so far is kept."""

from sqlalchemy import Connection

from app.storage import proposals
from app.use_cases import clock
from app.use_cases.read_proposals import require, shown_state
from app.use_cases.refusals import Conflict
from app.use_cases.service import Answer, Call, Change, Service


def stop(service: Service, call: Call, proposal_id: str) -> Answer:
    """Ask for a solve to stop; who runs it hears within a second.

    Raises
    ------
    NotThere, Conflict
        As their names say.
    """

    def act(connection: Connection, change: Change) -> Answer:
        row = require(connection, call.caller, proposal_id)
        if row.state not in ("queued", "solving"):
            raise Conflict(
                "The proposal is not being solved: there is nothing to stop."
            )
        at = row.stop_asked_at or clock.now()
        proposals.change(connection, proposal_id, stop_asked_at=at)
        proposals.tell(connection, proposal_id)
        change.before, change.after = {"state": row.state}, {"stop_asked_at": at}
        return Answer.of(
            202, shown_state(row), {"Location": f"/v1/proposals/{proposal_id}"}
        )

    return service.change(call, "proposal.stop", f"proposal/{proposal_id}", act)
