"""Files that appear whole or not at all.

Every file is written beside its target under no name at all (``O_TMPFILE``, where the
file system offers it) or under a hidden name, forced to disk, and given its real name
only when all of them are complete. A program killed before that leaves the targets
as they were.
"""

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from app.export.errors import OutputRefused

_UNNAMED = getattr(os, "O_TMPFILE", 0)


def refuse_targets(
    folder: Path, names: Sequence[str], *, force: bool, inputs: Sequence[Path]
) -> None:
    """Refuse a folder whose files must not be replaced.

    Raises
    ------
    OutputRefused
        When a target is an input file, is a folder, or exists without ``force``.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputRefused(
            f"{folder} is a file: name a folder for the results.", exit_code=2
        )
    for name in names:
        target = folder / name
        if not os.path.lexists(target):
            continue
        for source in inputs:
            if target.exists() and source.exists() and target.samefile(source):
                raise OutputRefused(
                    f"{target} is an input of this run and is never overwritten: "
                    "name another folder.",
                    exit_code=2,
                )
        if target.is_dir():
            raise OutputRefused(
                f"{target} is a folder: no result can be written there.", exit_code=1
            )
        if not force:
            raise _exists(target)


def _exists(target: Path) -> OutputRefused:
    return OutputRefused(
        f"{target} exists: name another folder, or use --force to overwrite it.",
        exit_code=2,
    )


@dataclass(slots=True, kw_only=True)
class _Draft:
    """One file being written; ``path`` is None while it has no name."""

    target: Path
    stream: BinaryIO
    path: Path | None


class Staging:
    """Files of one folder that are published together.

    Use as a context manager: leaving it without :meth:`publish` leaves nothing.

    Parameters
    ----------
    folder
        An existing folder, on one file system with the targets.
    force
        Whether a target that exists is replaced.
    """

    def __init__(self, folder: Path, *, force: bool) -> None:
        self._folder = folder
        self._force = force
        self._drafts: list[_Draft] = []
        self._folder_fd = -1

    def __enter__(self) -> Self:
        self._folder_fd = os.open(self._folder, os.O_RDONLY)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for draft in self._drafts:
            with suppress(OSError):  # the error under way says more than this one
                draft.stream.close()
            if draft.path is not None:
                draft.path.unlink(missing_ok=True)
        os.close(self._folder_fd)

    def open(self, name: str) -> BinaryIO:
        """Open a new file that will be called ``name``; bytes, seekable."""
        path: Path | None = None
        descriptor = self._open_unnamed()
        if descriptor is None:
            path = self._hidden(name)
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        stream = os.fdopen(descriptor, "w+b")
        self._drafts.append(
            _Draft(target=self._folder / name, stream=stream, path=path)
        )
        return stream

    def publish(self) -> tuple[Path, ...]:
        """Force every file to disk, then give each its name, in the order opened.

        Raises
        ------
        OutputRefused
            When a target appeared meanwhile and may not be replaced; the files
            published a moment before are taken back.
        """
        for draft in self._drafts:
            draft.stream.flush()
            os.fsync(draft.stream.fileno())
        published: list[Path] = []
        try:
            for draft in self._drafts:
                self._name(draft)
                published.append(draft.target)
        except FileExistsError:
            for path in published:
                path.unlink()
            raise _exists(self._drafts[len(published)].target) from None
        os.fsync(self._folder_fd)
        return tuple(published)

    def _name(self, draft: _Draft) -> None:
        if not self._force:
            self._link(draft, draft.target)
            return
        if draft.path is None:
            path = self._hidden(draft.target.name)
            self._link(draft, path)
            draft.path = path
        draft.path.replace(draft.target)
        draft.path = None

    def _link(self, draft: _Draft, name: Path) -> None:
        """Give a draft a name nothing has; never replaces a file."""
        if draft.path is None:
            unnamed = f"/proc/self/fd/{draft.stream.fileno()}"
            # A folder descriptor makes the call follow the symbolic link.
            os.link(unnamed, name, src_dir_fd=self._folder_fd)
            return
        try:
            os.link(draft.path, name)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if os.path.lexists(name):
                raise FileExistsError(name) from None
            draft.path.rename(name)
            draft.path = None

    def _open_unnamed(self) -> int | None:
        """Open a file without a name, or return None where there are none."""
        if not _UNNAMED:
            return None
        try:
            return os.open(self._folder, _UNNAMED | os.O_RDWR, 0o666)
        except OSError:
            return None

    def _hidden(self, name: str) -> Path:
        return self._folder / f".{name}.{secrets.token_hex(6)}.part"
