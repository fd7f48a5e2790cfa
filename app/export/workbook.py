"""proposal.xlsx: the proposal as sheets that planners filter, sort and print.

Text is always written as text, so nothing computes and nothing links; the same
document gives the same bytes.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, BinaryIO, Final

import xlsxwriter

from app.export.numbers import whole
from app.export.policy_words import (
    COORDINATION,
    StageNotes,
    coordination_words,
    elapsed_words,
    policy_words,
    rate_words,
    stage_names,
    stage_note,
    trigger_words,
)
from app.export.receipt import receipt_rows
from app.export.sheet_text import sheet_text
from app.export.tables import (
    Document,
    Kind,
    Table,
    Value,
    alone_table,
    bins_table,
    column,
    fragmentation_table,
    requests_table,
    warnings_table,
)
from optimizer.batch import Batch
from optimizer.catalogue import Catalogue
from optimizer.policy import EffortCase, Policy

STREAMED_FROM: Final = 20_000
"""Requests from which rows go to disk as they are written, to save memory."""
MOST_ROWS: Final = 100_000
"""Rows of a table that its sheet lists; it says how many more there are. A sheet could
hold 1,048,576, but opens slowly long before."""
CELL_CHARACTERS: Final = 32_767
"""Characters that a cell can hold; the whole text is in proposal.json."""
_CUT: Final = " … (cut: the whole text is in proposal.json)"

_WIDTHS: Final = {
    Kind.TEXT: 16,
    Kind.EDIT: 16,
    Kind.LONG: 48,
    Kind.DAYS: 13,
    Kind.MONEY: 18,
    Kind.COUNT: 11,
    Kind.SHARE: 11,
    Kind.DATE: 12,
}
_FORMATS: Final = {
    Kind.TEXT: "@",
    Kind.EDIT: "@",
    Kind.LONG: "@",
    Kind.DAYS: "0.00",
    Kind.MONEY: "#,##0",
    Kind.COUNT: "#,##0",
    Kind.SHARE: "0.0%",
    Kind.DATE: "yyyy-mm-dd",
}


def write_workbook(
    stream: BinaryIO,
    document: Document,
    batch: Batch,
    policy: Policy,
    catalogue: Catalogue,
    stages_notes: StageNotes,
    editable: Table | None = None,
) -> None:
    """Write every sheet of the proposal to a seekable stream of bytes.

    ``editable`` is the sheet that may be edited and sent back, where there is one.
    """
    book, sheets = _opened(stream, document, streamed=len(batch) >= STREAMED_FROM)
    for table in (
        bins_table(document, batch),
        requests_table(document, batch, catalogue),
        *(() if editable is None else (editable,)),
        alone_table(document, batch),
        _stages_table(document, policy, stages_notes),
        _pairs_table("Policy", ("rule", "in words"), policy_words(policy)),
        _pairs_table("Receipt", ("what", "value"), receipt_rows(document)),
    ):
        sheets.add(table)
    if document["fragmentation"]:
        sheets.add(fragmentation_table(document))
    if any(bin_["warnings"] for bin_ in document["bins"]):
        sheets.add(warnings_table(document))
    book.close()


def write_sheet(stream: BinaryIO, document: Document, table: Table) -> None:
    """Write a workbook of one sheet, in the frame of a proposal's."""
    book, sheets = _opened(stream, document, streamed=False)
    sheets.add(table)
    book.close()


def _opened(
    stream: BinaryIO, document: Document, *, streamed: bool
) -> tuple[Any, "_Sheets"]:
    book = xlsxwriter.Workbook(
        stream,
        {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "constant_memory": streamed,
            "in_memory": not streamed,
            "default_date_format": _FORMATS[Kind.DATE],
        },
    )
    created = datetime.fromisoformat(document["created_at"]).replace(tzinfo=None)
    book.set_properties(
        {
            "title": f"Proposal {document['proposal_id']}",
            "subject": document["policy"]["title"],
            "created": created,
        }
    )
    footer = f"{document['proposal_id']}, as of {document['as_of']}"
    return book, _Sheets(book, footer)


def _stages_table(document: Document, policy: Policy, notes: StageNotes) -> Table:
    """Return effort before and after by stage, with what each figure rests on."""
    before = document["objective"]["baseline_effort_by_stage"]
    after = document["objective"]["effort_by_stage"]
    stages = {stage.id: stage for stage in policy.stages}

    def words(stage_id: str) -> tuple[Value, ...]:
        cases = (EffortCase.DEFAULT, EffortCase.LOW, EffortCase.HIGH)
        if stage_id == COORDINATION:
            rates = tuple(coordination_words(policy, case) for case in cases)
            lasts = f"{policy.coordination_elapsed_days} days"
            return ("reviews of two or more", *rates, lasts)
        stage = stages[stage_id]
        rates = tuple(rate_words(stage, case) for case in cases)
        return (trigger_words(stage), *rates, elapsed_words(stage))

    return Table(
        name="Stages",
        columns=(
            column("stage"),
            column("name", Kind.LONG),
            column("country_by_country_days", Kind.DAYS, total=True),
            column("proposed_days", Kind.DAYS, total=True),
            column("saved_days", Kind.DAYS, total=True),
            column("saved_share", Kind.SHARE),
            column("concerns", Kind.LONG),
            column("staff_days_assumed", Kind.LONG),
            column("low_case", Kind.LONG),
            column("high_case", Kind.LONG),
            column("lasts"),
            column("basis"),
            column("confidence"),
            column("source", Kind.LONG),
        ),
        rows=(
            (
                stage_id,
                name,
                before[stage_id],
                after[stage_id],
                round(before[stage_id] - after[stage_id], 3),
                1 - after[stage_id] / before[stage_id] if before[stage_id] else None,
                *words(stage_id),
                *stage_note(notes, stage_id),
            )
            for stage_id, name in stage_names(policy).items()
        ),
    )


def _pairs_table(
    name: str, headers: tuple[str, str], rows: Sequence[tuple[str, str]]
) -> Table:
    columns = (column(headers[0]), column(headers[1], Kind.LONG))
    return Table(name=name, columns=columns, rows=rows)


class _Sheets:
    """Adds tables to a workbook, one sheet each."""

    def __init__(self, book: Any, footer: str) -> None:
        self._book = book
        self._footer = footer.replace("&", "&&")
        self._header = book.add_format(
            {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
        )
        self._cells = {
            kind: book.add_format(
                {
                    "num_format": form,
                    "valign": "top",
                    "text_wrap": kind in (Kind.LONG, Kind.TEXT),
                }
            )
            for kind, form in _FORMATS.items()
        }
        self._cells[Kind.EDIT].set_bg_color("#fff4cc")
        self._cells[Kind.EDIT].set_border(1)
        self._cells[Kind.EDIT].set_border_color("#c9a94f")
        self._totals = {
            kind: book.add_format({"num_format": form, "bold": True, "top": 1})
            for kind, form in _FORMATS.items()
        }

    def add(self, table: Table) -> None:
        """Write a table; the totals, of listed and other rows, come last."""
        totals = [0] * len(table.columns)
        sheet = self._sheet(table, table.name)
        listed = rows = 0
        for rows, row in enumerate(_counted(table, totals), start=1):
            if rows <= MOST_ROWS:
                self._write_row(sheet, rows, row, table)
                listed = rows
        sheet.autofilter(0, 0, listed, len(table.columns) - 1)
        last = listed
        if rows > listed:
            last += 1
            more = f"… and {whole(rows - listed)} more rows: all are in proposal.json"
            sheet.write_string(last, 0, more, self._totals[Kind.TEXT])
        if any(entry.total for entry in table.columns):
            self._write_totals(sheet, last + 1, totals, table)

    def _sheet(self, table: Table, name: str) -> Any:
        sheet = self._book.add_worksheet(name)
        for place, entry in enumerate(table.columns):
            width = max(_WIDTHS[entry.kind], min(len(entry.name) + 3, 20))
            sheet.set_column(place, place, width)
        for place, entry in enumerate(table.columns):
            sheet.write_string(0, place, _cell_text(entry.name), self._header)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.set_footer(f"&L{self._footer}&C&A&RPage &P of &N")
        return sheet

    def _write_row(
        self, sheet: Any, number: int, row: Sequence[Value], table: Table
    ) -> None:
        for place, (entry, value) in enumerate(zip(table.columns, row, strict=True)):
            form = self._cells[entry.kind]
            if value is None or value == "":
                sheet.write_blank(number, place, None, form)
            elif isinstance(value, str):
                sheet.write_string(number, place, _cell_text(value), form)
            elif isinstance(value, date):
                sheet.write_datetime(number, place, value, form)
            else:
                sheet.write_number(number, place, float(value), form)

    def _write_totals(
        self, sheet: Any, number: int, totals: list[int], table: Table
    ) -> None:
        sheet.write_string(number, 0, "Total", self._totals[Kind.TEXT])
        for place, (entry, total) in enumerate(zip(table.columns, totals, strict=True)):
            if entry.total:
                form = self._totals[entry.kind]
                sheet.write_number(number, place, total / 1000, form)


def _counted(table: Table, totals: list[int]) -> Iterator[Sequence[Value]]:
    """Yield the rows, adding the totals up in exact thousandths."""
    summed = [place for place, entry in enumerate(table.columns) if entry.total]
    for row in table.rows:
        for place in summed:
            value = row[place]
            if value is not None and not isinstance(value, str | date):
                totals[place] += round(value * 1000)
        yield row


def _cell_text(text: str) -> str:
    safe = sheet_text(text)
    if len(safe) <= CELL_CHARACTERS:
        return safe
    return safe[: CELL_CHARACTERS - len(_CUT)] + _CUT
