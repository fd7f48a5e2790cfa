"""The sheet of a plan that may be edited and sent back: the bin of each request.

Each row says what its reader saw: the bin, its version and that of the plan. What is
in ``bin`` when it comes back is what is wanted; nothing else is read from it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.export.tables import Document, Kind, Table, Value, column, dollars
from optimizer.batch import Batch
from optimizer.catalogue import Catalogue

SHEET: Final = "Edit bins"
"""What the sheet is called in a workbook of more sheets."""

BIN: Final = "bin"
"""The column to edit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The version of a plan that a sheet is made of.

    ``bins`` are the version and the state of each bin, by its id.
    """

    proposal_id: str
    version: int
    bins: Mapping[str, tuple[int, str]]


_COLUMNS: Final = (
    column("request_id"),
    column(BIN, Kind.EDIT),
    column("bin_state"),
    column("customer"),
    column("customer_name"),
    column("system"),
    column("configuration"),
    column("region"),
    column("category"),
    column("received_on", Kind.DATE),
    column("starts_on", Kind.DATE),
    column("forecast_on", Kind.DATE),
    column("value_usd", Kind.MONEY),
    column("was_in"),
    column("bin_version", Kind.COUNT),
    column("plan_version", Kind.COUNT),
    column("proposal_id"),
)


def plan_sheet(
    document: Document, batch: Batch, catalogue: Catalogue, seen: Seen
) -> Table:
    """Return one row for each request, bin by bin."""
    rows = _rows(document, batch, catalogue, seen)
    return Table(name=SHEET, columns=_COLUMNS, rows=rows)


def _rows(
    document: Document, batch: Batch, catalogue: Catalogue, seen: Seen
) -> Iterator[Sequence[Value]]:
    for bin_ in document["bins"]:
        version, state = seen.bins[bin_["bin_id"]]
        for request_id in bin_["request_ids"]:
            request = batch[request_id]
            yield (
                request_id,
                bin_["bin_id"],
                state,
                request.customer,
                catalogue.customers[request.customer].name,
                request.system,
                request.configuration,
                request.region,
                bin_["category"],
                request.received_on,
                date.fromisoformat(bin_["starts_on"]),
                date.fromisoformat(bin_["forecast_on"]),
                dollars(request.value_cents),
                bin_["bin_id"],
                version,
                seen.version,
                seen.proposal_id,
            )
