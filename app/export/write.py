"""Write the four result files of a proposal, all of them or none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.export.errors import OutputRefused
from app.export.plain_files import write_csv, write_json
from app.export.policy_words import StageNotes
from app.export.staging import Staging, refuse_targets
from app.export.tables import Document, requests_table
from optimizer.batch import Batch
from optimizer.catalogue import Catalogue
from optimizer.policy import Policy

RESULT_FILES: Final = ("bins.csv", "proposal.xlsx", "report.html", "proposal.json")
"""Names of the results in the order they are published: proposal.json, the one that
the others are made from, comes last."""


def refuse_output(folder: Path, *, force: bool, inputs: Sequence[Path]) -> None:
    """Refuse an output folder before any work is done for it.

    Raises
    ------
    OutputRefused
        As :func:`write_results` would for what is in the folder now.
    """
    refuse_targets(folder, RESULT_FILES, force=force, inputs=inputs)


def write_results(
    folder: Path,
    document: Document,
    batch: Batch,
    policy: Policy,
    catalogue: Catalogue,
    *,
    stages_notes: StageNotes,
    force: bool,
    inputs: Sequence[Path],
) -> tuple[Path, ...]:
    """Write proposal.json, bins.csv, proposal.xlsx and report.html into a folder.

    Parameters
    ----------
    folder
        Made when it is not there.
    document
        The proposal as plain values; every request of it is in ``batch``.
    stages_notes
        By stage id, the ``basis``, ``confidence`` and ``source`` of its figures.
    force
        Whether results of an earlier run are replaced.
    inputs
        Files that were read for this proposal: never overwritten.

    Returns
    -------
    The files written, proposal.json first.

    Raises
    ------
    OutputRefused
        When a result exists and ``force`` is not set, is an input, or cannot be
        written. Nothing half-written is left.
    """
    from app.export.report import write_report
    from app.export.workbook import write_workbook

    try:
        refuse_output(folder, force=force, inputs=inputs)
        folder.mkdir(parents=True, exist_ok=True)
        with Staging(folder, force=force) as staging:
            table = requests_table(document, batch, catalogue)
            write_csv(staging.open("bins.csv"), table)
            write_workbook(
                staging.open("proposal.xlsx"),
                document,
                batch,
                policy,
                catalogue,
                stages_notes,
            )
            write_report(
                staging.open("report.html"),
                document,
                batch,
                policy,
                catalogue,
                stages_notes,
            )
            write_json(staging.open("proposal.json"), document)
            *others, main = staging.publish()
    except OSError as error:
        reason = error.strerror or "the system gave no reason"
        raise OutputRefused(
            f"The results cannot be written to {folder}: {reason}.", exit_code=1
        ) from error
    return (main, *others)
