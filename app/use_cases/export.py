"""A proposal as a file."""

from io import BytesIO
from typing import Any, Final

from sqlalchemy import Connection

from app.catalogue import load_catalogue
from app.export.ocds import Told, write_ocds
from app.export.plain_files import write_csv, write_json
from app.export.plan_sheet import Seen, plan_sheet
from app.export.tables import Document, Table, requests_table
from app.export.workbook import MOST_ROWS, write_sheet, write_workbook
from app.policies.notes import stage_notes
from app.storage import bins, proposals
from app.use_cases.access import Caller
from app.use_cases.material import Material, material_of
from app.use_cases.read_proposals import document, require
from app.use_cases.refusals import Conflict
from app.use_cases.service import Service

MEDIA_TYPES: Final = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "ocds": "application/json",
}
"""What each format is sent as."""


def export(
    service: Service, caller: Caller, proposal_id: str, kind: str
) -> tuple[bytes, str]:
    """Return a proposal as a file of some kind, and its media type.

    Raises
    ------
    NotThere
        When there is no such proposal for the caller, or it has no result yet.
    """
    with service.reading() as connection:
        said, row, material, seen = _read(service, connection, caller, proposal_id)
        told = _told(service, connection, row) if kind == "ocds" else None
    out = BytesIO()
    batch, catalogue = material.batch(), load_catalogue()
    if told is not None:
        write_ocds(out, said, batch, catalogue, told)
    elif kind == "json":
        write_json(out, said)
    elif kind == "csv":
        write_csv(out, requests_table(said, batch, catalogue))
    elif kind == "pdf":
        from app.export.pdf import write_pdf

        write_pdf(out, said, batch, material.policy)
    else:
        notes = stage_notes(material.policy)
        editable = _editable(said, material, seen) if len(batch) <= MOST_ROWS else None
        write_workbook(out, said, batch, material.policy, catalogue, notes, editable)
    return out.getvalue(), MEDIA_TYPES[kind]


def sheet(
    service: Service, caller: Caller, proposal_id: str, kind: str
) -> tuple[bytes, str]:
    """Return the sheet in which the bins of a plan may be edited, and its media type.

    Raises
    ------
    NotThere
        When there is no such proposal for the caller, or it has no result yet.
    Conflict
        When it has more requests than a sheet may have.
    """
    with service.reading() as connection:
        said, _, material, seen = _read(service, connection, caller, proposal_id)
    if len(material.requests) > MOST_ROWS:
        raise Conflict(f"A sheet has {MOST_ROWS:,} requests at most; edit the bins.")
    table, out = _editable(said, material, seen), BytesIO()
    if kind == "csv":
        write_csv(out, table)
    else:
        write_sheet(out, said, table)
    return out.getvalue(), MEDIA_TYPES[kind]


def _read(
    service: Service, connection: Connection, caller: Caller, proposal_id: str
) -> tuple[dict[str, Any], proposals.Row, Material, Seen]:
    """Return a proposal the caller may see, and what it is made of."""
    said = document(connection, caller, proposal_id)
    row = require(connection, caller, proposal_id)
    material = material_of(service, connection, row)
    return said, row, material, _seen(connection, row)


def _seen(connection: Connection, row: proposals.Row) -> Seen:
    states = bins.states(connection, row.proposal_id)
    return Seen(
        proposal_id=row.proposal_id,
        version=row.version,
        bins={name: (one.version, one.state) for name, one in states.items()},
    )


def _told(service: Service, connection: Connection, row: proposals.Row) -> Told:
    found = bins.moments(connection, row.proposal_id)
    return Told(
        proposal_id=row.proposal_id,
        prefix=service.settings.ocds_prefix,
        publisher=service.settings.ocds_publisher,
        keys=proposals.labels(connection, row.proposal_id),
        bins={name: (one.version, one.state, one.at) for name, one in found.items()},
    )


def _editable(said: Document, material: Material, seen: Seen) -> Table:
    return plan_sheet(said, material.batch(), load_catalogue(), seen)
