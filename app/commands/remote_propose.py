"""allybin --server URL propose: the service reads, solves and keeps the proposal."""

import json
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Final

from app.commands.progress import ProgressLine
from app.commands.question import STANDARD_INPUT, Files
from app.commands.remote import Place, Remote, digest, printed
from app.commands.remote_problems import fault_of
from app.commands.screen import note, say
from app.commands.summary import print_summary
from app.engine.halt import Halt
from app.errors import (
    LISTED_ROWS,
    Fault,
    InputRefused,
    ServiceFailed,
    Stopped,
    WrongUsage,
    quoted,
)
from app.export.errors import OutputRefused
from app.export.staging import Staging, refuse_targets
from app.intake.decode import Source, format_of, open_format
from app.intake.read import open_input
from app.intake.records import Format, RefusedFile
from optimizer.errors import NoPlan
from optimizer.propose import Progress

type Json = Any

MEDIA_TYPES: Final = {
    Format.CSV: "text/csv",
    Format.JSON: "application/json",
    Format.NDJSON: "application/x-ndjson",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PARQUET: "application/vnd.apache.parquet",
}
"""What a file of each format is sent as."""

EXPORTS: Final = {"bins.csv": "csv", "proposal.xlsx": "xlsx", "proposal.json": "json"}
"""The results the service can give, in the order they are published."""

STOP_S: Final = 4.0
"""How long the best plan is waited for after a signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the service is asked to propose."""

    policy: str
    as_of: date
    time_limit: float
    gap: float

    def body(self, batch_ids: list[str]) -> dict[str, Json]:
        """Return it as the service reads it.

        Raises
        ------
        WrongUsage
            When the service cannot be asked so.
        """
        if self.policy.endswith(".toml") or "/" in self.policy:
            raise WrongUsage(
                f"--policy is {quoted(self.policy)}: a service proposes by a policy it "
                "keeps. An admin puts a file there: PUT /v1/policies/NAME."
            )
        seconds = int(self.time_limit)
        if seconds != self.time_limit or not 1 <= seconds <= 86_400:
            raise WrongUsage(
                f"--time-limit is {self.time_limit:g}; with a server it is a whole "
                "number of seconds from 1 to 86400."
            )
        return {
            "batch_ids": batch_ids,
            "policy": self.policy,
            "as_of": self.as_of.isoformat(),
            "time_limit_s": seconds,
            "gap": self.gap,
        }


def run(
    place: Place,
    files: Files,
    wanted: Wanted,
    halt: Halt,
    *,
    folder: Path | None,
    force: bool,
    as_json: bool,
    progress: bool,
) -> None:
    """Send files, have the service propose for them, and print or write the result."""
    wanted.body([])
    if folder is not None:
        inputs = files.paths()
        refuse_targets(folder, tuple(EXPORTS), force=force, inputs=inputs)
    line = ProgressLine(wanted=progress)
    contents = _contents(files)
    with Remote(place) as remote:
        batch_ids: list[str] = []
        for content in contents:
            line.stage(f"sending {content.path}")
            batch_id = content.send(remote, files)
            if batch_id not in batch_ids:
                batch_ids.append(batch_id)
        with halt.patience():
            proposal_id = _asked(remote, wanted.body(batch_ids))
        _followed(remote, proposal_id, halt, line)
        with halt.patience():
            _deliver(remote, proposal_id, folder, force=force, as_json=as_json)


# --- sending --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """A file as it is sent."""

    path: str
    kind: str
    content: bytes

    def send(self, remote: Remote, files: Files) -> str:
        """Send it as a batch, and return the id of that; rows left out are told of."""
        params = {
            "on_error": files.on_error,
            "extra_columns": "keep" if files.keep_extra_columns else "refuse",
        }
        if files.customer_codes is not None:
            params["customer_codes"] = files.customer_codes
        name = "-" if self.path == STANDARD_INPUT else PurePath(self.path).name
        known = digest(json.dumps([name, self.kind, params]).encode(), self.content)
        said = remote.post(
            "batches",
            about=self.path,
            key=f"batch-{known}",
            content=_form(name, self.kind, self.content, boundary=known),
            kind=f"multipart/form-data; boundary={known}",
            params=params,
        )
        self._note_skipped(said)
        return str(said["batch_id"])

    def _note_skipped(self, said: Json) -> None:
        if not said["refused"]:
            return
        for error in said["errors"]:
            note(str(fault_of(error, self.path)))
        more = max(0, said["refused"] - LISTED_ROWS)
        unlisted = f" ({more:,} of them not listed)" if more else ""
        note(
            f"{said['refused']:,} rows were left out{unlisted}; "
            f"{said['requests']:,} requests were read."
        )


def _contents(files: Files) -> list[_Content]:
    """Return every file, whole; all that cannot be read are refused together."""
    if files.requests.count(STANDARD_INPUT) > 1:
        raise WrongUsage("Standard input (-) can be read once only.")
    found: list[_Content] = []
    faults: list[Fault] = []
    for path in files.requests:
        try:
            with ExitStack() as stack:
                found.append(_read(path, open_input(path, None, stack)))
        except RefusedFile as refused:
            trouble = refused.trouble
            faults.append(Fault(file=path, code=trouble.code, message=trouble.message))
    if faults:
        raise InputRefused(faults)
    return found


def _read(path: str, stream: BinaryIO) -> _Content:
    content = stream.read()
    known = None if path == STANDARD_INPUT else format_of(path)
    source = Source(label=path, stream=BytesIO(content), format=known)
    kind = MEDIA_TYPES[open_format(source, None)]
    return _Content(path=path, kind=kind, content=content)


def _form(name: str, kind: str, content: bytes, *, boundary: str) -> bytes:
    """Return a form of one file; the same file makes the same bytes."""
    shown = "".join(char if char.isprintable() else "_" for char in name)
    shown = shown.replace("\\", "_").replace('"', "_")
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{shown}"\r\n'
        f"Content-Type: {kind}\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode()


# --- solving --------------------------------------------------------------------------


def _asked(remote: Remote, body: dict[str, Json]) -> str:
    """Return the id of the proposal that was asked for, now, and once."""
    said = remote.post(
        "proposals",
        about="proposal",
        key=f"proposal-{uuid.uuid4()}",
        content=json.dumps(body).encode(),
        kind="application/json",
    )
    return str(said["proposal_id"])


def _followed(remote: Remote, proposal_id: str, halt: Halt, line: ProgressLine) -> None:
    """Return when there is a plan; a signal stops the solve and takes the best one."""
    line.stage("waiting for the service to solve it")

    def tell(said: Json) -> None:
        line.update(_progress(said))

    try:
        if halt.signalled:
            raise Stopped("Stopped before there was a plan.")
        ended = remote.follow(proposal_id, tell)
    except Stopped as stopped:
        with halt.patience():
            ended = _stopped(remote, proposal_id, stopped)
    finally:
        line.end()
    if ended["state"] == "failed":
        reason = ended.get("failure") or "It gives no reason."
        if ended.get("failure_code") == "no_plan":
            raise NoPlan((reason,))
        raise ServiceFailed(f"The service made no plan: {reason}")
    if ended["incumbent"] is None:
        raise Stopped("The solve was stopped before there was a plan.")


def _progress(said: Json) -> Progress:
    return Progress(
        clusters_done=said["clusters_done"],
        clusters=said["clusters"],
        incumbent=round(said["incumbent"] * 1000),
        bound=round(said["bound"] * 1000),
    )


def _stopped(remote: Remote, proposal_id: str, stopped: Stopped) -> Json:
    """Stop a solve on the service, and return how it ended, if that is soon."""
    remote.stop(proposal_id)
    until = time.monotonic() + STOP_S
    while time.monotonic() < until:
        said = remote.read(f"proposals/{proposal_id}", bins="false")
        if said["state"] in ("done", "failed", "cancelled"):
            return said
        time.sleep(0.1)
    raise Stopped(
        f"{stopped} The service was asked to stop, and keeps the best plan it has: "
        f"{remote.shown(proposal_id)}"
    ) from None


# --- the result -----------------------------------------------------------------------


def _deliver(
    remote: Remote,
    proposal_id: str,
    folder: Path | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    export = f"proposals/{proposal_id}/export"
    document = remote.get(export, format="json").content
    written: tuple[Path, ...] = ()
    if folder is not None:
        results = {
            name: document
            if kind == "json"
            else remote.get(export, format=kind).content
            for name, kind in EXPORTS.items()
        }
        written = _write(folder, results, force=force)
    if as_json:
        printed(document)
        return
    print_summary(json.loads(document))
    say()
    if written:
        say(f"Written: {', '.join(str(path) for path in written)}")
        say("report.html is made where the requests are; the service has a PDF and an")
        say("OCDS release package, at")
        for kind in ("pdf", "ocds"):
            say(f"  {remote.shown(proposal_id)}/export?format={kind}")
    else:
        say("Give --out FOLDER to write proposal.json, bins.csv and a workbook.")
    say(f"The service keeps it: {remote.shown(proposal_id)}")


def _write(folder: Path, results: dict[str, bytes], *, force: bool) -> tuple[Path, ...]:
    """Write results into a folder, all of them or none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Staging(folder, force=force) as staging:
            for name, content in results.items():
                staging.open(name).write(content)
            *others, main = staging.publish()
    except OSError as error:
        reason = error.strerror or "the system gave no reason"
        raise OutputRefused(
            f"The results cannot be written to {folder}: {reason}.", exit_code=1
        ) from error
    return (main, *others)
