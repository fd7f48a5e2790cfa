"""A proposal as files: JSON, CSV, a workbook and a report that opens offline."""
