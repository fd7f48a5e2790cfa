"""Why are two requests not together, and what would it cost."""

from typing import Any, Final

from app.jobs.desk import Desk
from app.jobs.orders import WhyOrder
from app.storage import proposals
from app.use_cases.access import Caller
from app.use_cases.pricing import load_of, standing_of
from app.use_cases.read_proposals import require
from app.use_cases.refusals import NotAcceptable
from app.use_cases.service import Service

WHY_S: Final = 15.0
"""Seconds after which an answer comes too late."""

SEARCH_S: Final = 0.4
"""How long the price may be looked for; later it is stated as far as it is proven."""


def why(
    service: Service, desk: Desk, caller: Caller, proposal_id: str, r: str, s: str
) -> dict[str, Any]:
    """Answer for two requests of a proposal, as ``allybin why`` does.

    Raises
    ------
    NotThere
        When there is no such proposal for the caller.
    NotAcceptable
        When one is no request of it, or both are the same.
    """
    with service.reading() as connection:
        row = require(connection, caller, proposal_id)
        known = proposals.keys_of(connection, proposal_id, [r, s])
        standing = standing_of(connection, proposal_id)
    for name in (r, s):
        if name not in known:
            raise NotAcceptable(f"{name!r} is not a request of the proposal.")
    if r == s:
        raise NotAcceptable("Name two requests; these are one.")
    order = WhyOrder(
        key=proposal_id,
        load=lambda: load_of(service, row),
        first_id=r,
        second_id=s,
        standing=standing,
    )
    return desk.why(order, seconds=WHY_S, search=SEARCH_S)
