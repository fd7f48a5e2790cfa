"""Tables as files to download."""

import csv
import io
from collections.abc import Iterable

from starlette.responses import Response

from app.export.sheet_text import sheet_text


def csv_file(
    name: str, columns: Iterable[str], lines: Iterable[Iterable[str]]
) -> Response:
    """Return a table as CSV; no cell is one that a sheet would take for a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([map(sheet_text, line) for line in lines])
    return Response(
        out.getvalue(),
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
        media_type="text/csv; charset=utf-8",
    )
