"""allybin propose and demo: propose bins, print them, write the results."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Final

from app.catalogue import load_catalogue
from app.commands.progress import ProgressLine
from app.commands.question import Files, Read, read, read_policies
from app.commands.screen import note, say
from app.commands.solving import Effort, solve
from app.commands.verify import read_document
from app.engine.halt import Halt
from app.errors import LISTED_ROWS
from app.export.document import Document
from app.export.plain_files import json_lines
from app.export.write import refuse_output, write_results
from app.policies import read_policy, shipped_policies
from app.policies.notes import stage_notes
from app.samples import sample_path
from optimizer.policy import Policy

DEMO_BATCH: Final = "announced-2022-2026.csv"
DEMO_PRECEDENTS: Final = "precedents.csv"
DEMO_AS_OF: Final = date(2022, 1, 3)
"""The first working day of the batch: none of its requests was there before."""


def run(
    files: Files,
    policy_name: str,
    as_of: date,
    effort: Effort,
    halt: Halt,
    *,
    earlier: str | None,
    folder: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Propose bins for the requests of files; ``earlier`` is a proposal made before."""
    inputs = files.paths(policy_name, *([] if earlier is None else [earlier]))
    if folder is not None:
        refuse_output(folder, force=force, inputs=inputs)
    line = ProgressLine(wanted=effort.progress)
    line.stage(f"reading {', '.join(files.requests)}")
    before = None if earlier is None else read_document(earlier)
    (policy,) = read_policies([policy_name])
    found = read(files, told=lambda rows: line.stage(f"{rows:,} requests read"))
    note_skipped(found)
    document = solve(
        found.problem(policy, as_of),
        found.hashes,
        effort,
        halt,
        line,
        earlier=before,
        to_write=folder is not None,
    )
    with halt.patience():
        written = (
            ()
            if folder is None
            else _write(folder, document, found, policy, inputs, force=force)
        )
        if as_json:
            sys.stdout.writelines(json_lines(document))
            return
        _print(document, written)


def demo(effort: Effort, halt: Halt, *, folder: Path, force: bool) -> None:
    """Propose bins for the shipped batch of real notifications."""
    files = Files(
        requests=(str(sample_path(DEMO_BATCH)),),
        precedents=str(sample_path(DEMO_PRECEDENTS)),
    )
    found = read(files)
    replaces = force or _is_of(folder, found)
    refuse_output(folder, force=replaces, inputs=files.paths())
    policy = read_policy(shipped_policies()[0])
    say(
        f"{len(found.batch)} possible sales the United States announced from 2022 to "
        f"2026, as if all were known on {DEMO_AS_OF.isoformat()}."
    )
    say("The day of the announcement stands in for the day of the request.")
    say()
    document = solve(found.problem(policy, DEMO_AS_OF), found.hashes, effort, halt)
    with halt.patience():
        written = _write(folder, document, found, policy, files.paths(), force=replaces)
        _print(document, written)
        say()
        say("What to look at:")
        say(f"  {folder / 'report.html'}    the proposal to read, in any browser")
        say(f"  {folder / 'proposal.xlsx'}  the same as tables to sort and filter")
        say(f"  {folder / 'bins.csv'}       one row for each request")
        say(f"  {folder / 'proposal.json'}  everything, for programs")
        _print_best(document)


def note_skipped(found: Read) -> None:
    """Say on standard error which rows were left out on request."""
    intake = found.intake
    for fault in intake.skipped:
        note(str(fault))
    if intake.skipped_rows:
        more = max(0, intake.skipped_rows - LISTED_ROWS)
        unlisted = f" ({more:,} of them not listed)" if more else ""
        note(
            f"{intake.skipped_rows:,} rows were left out{unlisted}; "
            f"{len(intake.requests):,} requests were read."
        )


def _write(
    folder: Path,
    document: Document,
    found: Read,
    policy: Policy,
    inputs: tuple[Path, ...],
    *,
    force: bool,
) -> tuple[Path, ...]:
    return write_results(
        folder,
        document,
        found.batch,
        policy,
        load_catalogue(),
        stages_notes=stage_notes(policy),
        force=force,
        inputs=inputs,
    )


def _print(document: Document, written: tuple[Path, ...]) -> None:
    from app.commands.summary import print_summary

    print_summary(document)
    if written:
        say()
        say(f"Written: {', '.join(str(path) for path in written)}")
    else:
        say("Give --out FOLDER to write proposal.json, a workbook and a report.")


def _print_best(document: Document) -> None:
    combined = [b for b in document["bins"] if len(b["request_ids"]) > 1]
    best = max(combined, key=lambda b: b["saved_effort_days"], default=None)
    if best is not None:
        say(
            f"  Begin with {best['bin_id']}, which saves most: "
            f"{', '.join(best['customers'])} for {', '.join(best['systems'])}."
        )


def _is_of(folder: Path, found: Read) -> bool:
    """Tell whether a folder holds the demo's own earlier results."""
    try:
        with (folder / "proposal.json").open(encoding="utf-8") as stream:
            earlier = json.load(stream)
        return bool(earlier["input"]["sha256"] == found.hashes.requests)
    except (OSError, ValueError, KeyError, TypeError):
        return False
