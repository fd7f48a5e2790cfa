"""Reads the project's pages: their tables, links, commands and sums."""

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).parents[1]

PAGES = (
    ROOT / "README.md",
    ROOT / "sample_requests" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)

MARKED = re.compile(r"`([^`\n]+)`")
"""What a page marks as code."""

_NUMBER = r"\d+(?:\.\d+)?"
_SUM = re.compile(rf"((?:{_NUMBER})(?: [×+−] {_NUMBER})+) = ({_NUMBER})")
_TERM = re.compile(rf"(^|[+−] )({_NUMBER}(?: × {_NUMBER})*)")


def page(name: str) -> str:
    """Return the text of a page, named from the root of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def tables(text: str) -> list[list[dict[str, str]]]:
    """Return the tables of a page, a row as column name to cell, code marks removed."""
    found: list[list[dict[str, str]]] = []
    header: list[str] | None = None
    for line in text.splitlines():
        if not line.startswith("|"):
            header = None
            continue
        cells = [cell.strip().replace("`", "") for cell in _cells(line)]
        if header is None:
            header = cells
            found.append([])
        elif not set(line) <= set("|-: "):
            found[-1].append(dict(zip(header, cells, strict=True)))
    return found


def table_with(text: str, *columns: str) -> list[dict[str, str]]:
    """Return all rows of the tables of a page that have these columns first."""
    return [
        row
        for table in tables(text)
        if table and tuple(table[0])[: len(columns)] == columns
        for row in table
    ]


def sums(text: str) -> list[tuple[str, Decimal, Decimal]]:
    """Return every sum a page works out: what it says, its value, what it claims."""
    joined = " ".join(text.split())
    return [
        (match[0], _value(match[1]), Decimal(match[2]))
        for match in _SUM.finditer(joined)
    ]


def result(cell: str) -> Decimal:
    """Return what a cell comes to: ``6 × 0.5 = 3`` comes to 3."""
    return Decimal(cell.rpartition("= ")[2])


def shell_blocks(text: str) -> list[str]:
    """Return the commands of a page's ``sh`` blocks, one a line, comments removed."""
    return [
        line.split(" #")[0].strip()
        for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]


def allybin(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("allybin")), *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def _cells(line: str) -> list[str]:
    return [
        cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]
    ]


def _value(expression: str) -> Decimal:
    total = Decimal(0)
    for sign, term in _TERM.findall(expression):
        product = Decimal(1)
        for factor in term.split(" × "):
            product *= Decimal(factor)
        total += -product if sign.startswith("−") else product
    return total
