"""What tests of faults may ask for."""

import json
from pathlib import Path

import pytest

from tests.faults.figures import Tell


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Return what adds a figure to the file of the option ``--figures``."""
    path: Path | None = request.config.getoption("--figures")
    on = getattr(request.node, "callspec", None)
    kind = "" if on is None else str(on.params.get("kind", ""))

    def told(promise: str, figure: str) -> None:
        if path is not None:
            said = {"promise": promise, "database": kind, "figure": figure}
            with path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(said) + "\n")

    return told
