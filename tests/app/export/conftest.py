"""Named samples for the export: each a document and what it was made from."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from app.export.write import write_results
from tests.app.export.factories import (
    Sample,
    baltic,
    many,
    request,
    sample,
    stages_notes,
)

type Write = Callable[[Sample], Path]


@pytest.fixture
def six_bins() -> Sample:
    """Return thirteen requests in six bins: four combined, two alone."""
    return baltic()


@pytest.fixture(scope="session")
def five_hundred() -> Sample:
    """Return 500 synthetic requests in bins of one to six."""
    return many(500)


@pytest.fixture
def hostile() -> Sample:
    """Return a combined and a single review whose free texts attack their readers."""
    markup = "<script>alert(1)</script>"
    formula = '=HYPERLINK("http://x","open")'
    return sample(
        [
            request(
                "R1",
                "EST",
                configuration=markup,
                extra=(("note", formula), ("bin_id", "<img src=x onerror=alert(2)>")),
            ),
            request(
                "R2",
                "LVA",
                received_on=date(2026, 2, 9),
                configuration="@SUM(A1)",
                extra=(("note", "line one\nline, two"), ("=cmd", "\u200b－1")),
            ),
            request(
                "R3",
                "NOR",
                "NASAMS",
                configuration="{{ 7 * 7 }}",
                extra=(("note", "+1"),),
            ),
        ],
        [["R1", "R2"], ["R3"]],
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a sample's results and returns their folder."""

    def into(made: Sample) -> Path:
        folder = tmp_path / "out"
        write_results(
            folder,
            made.document,
            made.batch,
            made.policy,
            made.catalogue,
            stages_notes=stages_notes(),
            force=True,
            inputs=(),
        )
        return folder

    return into
