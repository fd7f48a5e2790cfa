"""Two requests side by side, for the question why they are not together."""

from dataclasses import dataclass

from sqlalchemy import Connection

from app.catalogue import load_catalogue
from app.storage import bin_table, bins, proposals
from app.storage.plain import request_of
from optimizer.batch import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that is asked about, and the bin it is in."""

    request: Request
    uid: str
    name: str
    bin_id: str


type Pair = tuple[Asked, Asked]


def pair_of(
    connection: Connection, row: proposals.Row, first: str, second: str
) -> Pair | None:
    """Return two requests of a proposal; None where one is not there."""
    wanted = {first, second} - {""}
    if len(wanted) < 2:
        return None
    found = {
        one.label: one
        for one in bin_table.contents(connection, row.proposal_id, sorted(wanted))
    }
    if len(found) < 2:
        return None
    homes = bins.homes(connection, row.proposal_id, sorted(found))
    customers = load_catalogue().customers

    def asked(label: str) -> Asked:
        request = request_of(found[label].content, label=label)
        return Asked(
            request=request,
            uid=found[label].request_uid,
            name=customers[request.customer].name,
            bin_id=homes[label],
        )

    return asked(first), asked(second)
