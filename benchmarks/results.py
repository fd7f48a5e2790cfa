"""Results kept as JSON in a folder, one file a command: plots are drawn from them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

type Row = dict[str, Any]


def save(folder: Path, name: str, rows: Sequence[Row], keys: Sequence[str]) -> None:
    """Write rows, replacing earlier ones of the same keys and keeping the others."""
    folder.mkdir(parents=True, exist_ok=True)
    new = {_key(row, keys) for row in rows}
    kept = [row for row in load(folder, name) if _key(row, keys) not in new]
    lines = ",\n".join(json.dumps(row) for row in [*kept, *rows])
    unfinished = folder / f"{name}.json.part"
    unfinished.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    unfinished.rename(folder / f"{name}.json")


def load(folder: Path, name: str) -> list[Row]:
    """Read rows written earlier; none when there are none."""
    path = folder / f"{name}.json"
    if not path.exists():
        return []
    rows: list[Row] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def _key(row: Mapping[str, object], keys: Sequence[str]) -> tuple[object, ...]:
    return tuple(row[key] for key in keys)
