"""proposal.json and bins.csv: the two files that programs read."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from app.export.sheet_text import sheet_text
from app.export.stored import StoredBins, encode
from app.export.tables import Document, Table, Value


def json_lines(document: Document) -> Iterator[str]:
    """Yield the lines of proposal.json, keys in the document's order.

    One key a line, and one line for each bin, finding and ruling: such a file is
    read, searched and compared by line, and a large one is written fast.

    Raises
    ------
    ValueError
        When a figure is not a finite number: such a proposal is a bug.
    """
    last = len(document) - 1
    yield "{\n"
    for number, (key, value) in enumerate(document.items()):
        comma = "" if number == last else ","
        stored = isinstance(value, StoredBins)
        if (stored or isinstance(value, list)) and value:
            texts = value.lines() if stored else map(encode, value)
            yield f" {encode(key)}: [\n"
            for place, text in enumerate(texts, start=1):
                yield f"  {text}{'' if place == len(value) else ','}\n"
            yield f" ]{comma}\n"
        else:
            yield f" {encode(key)}: {encode(value)}{comma}\n"
    yield "}\n"


def write_json(stream: BinaryIO, document: Document) -> None:
    """Write the document as UTF-8 JSON (:func:`json_lines`)."""
    for line in json_lines(document):
        stream.write(line.encode())


def write_csv(stream: BinaryIO, table: Table) -> None:
    """Write a table as UTF-8 CSV with LF line ends; text never reads as a formula."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([sheet_text(column.name) for column in table.columns])
    writer.writerows([csv_cell(value) for value in row] for row in table.rows)
    text.detach()


def csv_cell(value: Value) -> str:
    """Return a value as a CSV field: numbers without exponent, dates in ISO form."""
    match value:
        case None:
            return ""
        case str():
            return sheet_text(value)
        case date():
            return value.isoformat()
        case float():
            return format(Decimal(repr(value)), "f")
        case Decimal():
            return format(value, "f")
        case int():
            return str(value)
