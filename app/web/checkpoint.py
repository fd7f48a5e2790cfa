"""The last checkpoint of the audit trail, for the foot of every page."""

import json
from pathlib import Path
from typing import Any

from app.audit.checkpoints import FILE

_END = 8192


def last_checkpoint(folder: Path) -> dict[str, Any] | None:
    """Return size, hash and time of the last checkpoint; None where there is none.

    It is shown as the file has it; ``allybin audit verify`` checks its signature.
    """
    try:
        with (folder / FILE).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _END))
            whole = file.read().rpartition(b"\n")[0]
    except OSError:
        return None
    for line in reversed(whole.split(b"\n")):
        if b'"kind":"checkpoint"' in line:
            try:
                found: dict[str, Any] = json.loads(line)
            except ValueError:
                continue
            return found
    return None
