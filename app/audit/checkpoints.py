"""Signed checkpoints of the trail, in a file outside the database.

A chain alone does not notice that its end was cut off, or that it was written anew
from some record on. A checkpoint says how many records there were and what the last
hash was, signed with Ed25519. The file belongs on another disk or machine, or is
copied there; ``allybin audit verify`` takes it.

Every line is one JSON object. A ``key`` line names a public key, signed by the key
before it (the first by itself); a ``checkpoint`` line is signed by the key it names.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from app.audit.canonical import canonical
from app.audit.found import Checkpoint, Finding
from app.errors import AllybinError, quoted

FILE: Final = "checkpoints.ndjson"
KEY_FILE: Final = "signing-key"

_DOMAIN: Final = b"allybin-checkpoint-v1"
_LONGEST_LINE: Final = 4096


class CheckpointFailed(AllybinError):
    """A checkpoint could not be written; what it would have vouched for stands."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs checkpoints."""

    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> str:
        """The public key, in hexadecimal."""
        return self.private.public_key().public_bytes_raw().hex()

    @property
    def key_id(self) -> str:
        """What the key is called: the beginning of the hash of the public key."""
        return key_id_of(self.public)

    def signed(self, content: Mapping[str, object]) -> str:
        """Return a line that says the content, with the signature of this key."""
        signature = self.private.sign(_signed_part(content)).hex()
        return canonical({**content, "signature": signature})


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """What a checkpoint file says, and what in it cannot be believed."""

    checkpoints: tuple[Checkpoint, ...]
    findings: tuple[Finding, ...]
    keys: Mapping[str, str]


def key_id_of(public: str) -> str:
    """Return what a public key is called."""
    return sha256(bytes.fromhex(public)).hexdigest()[:16]


def write(folder: Path, *, size: int, digest: str) -> Checkpoint:
    """Append a checkpoint and force it to the disk.

    The key is made at the first one. A key file put in its place takes over from then
    on, as long as the one before it is kept beside it, as ``signing-key.ID``: that one
    vouches for it.

    Raises
    ------
    CheckpointFailed
        Where it could not be written whole, or a new key has no one to vouch for it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(folder) as descriptor:
            key = _signing_key(folder)
            lines = list(_introduction(folder, key))
            made = Checkpoint(size=size, hash=digest, at=_now(), key_id=key.key_id)
            content = {
                "kind": "checkpoint",
                "size": made.size,
                "hash": made.hash,
                "at": made.at,
                "key_id": made.key_id,
            }
            lines.append(key.signed(content))
            _append(descriptor, folder, lines)
    except OSError as error:
        raise CheckpointFailed(
            f"No checkpoint could be written to {quoted(folder / FILE)}: "
            f"{error.strerror}. The trail goes on; nothing vouches for its end."
        ) from error
    return made


def rotate(folder: Path) -> str:
    """Put a new key in the place of the present one; return its id."""
    with _locked(folder):
        present = _signing_key(folder)
        kept = folder / f"{KEY_FILE}.{present.key_id}"
        if not kept.exists():
            os.link(folder / KEY_FILE, kept)
        fresh = Ed25519PrivateKey.generate()
        draft = folder / f".{KEY_FILE}.part"
        draft.unlink(missing_ok=True)
        _write_private(draft, fresh)
        draft.replace(folder / KEY_FILE)
        _sync_folder(folder)
    return SigningKey(fresh).key_id


def read(path: Path, *, trusted: str | None = None) -> CheckpointFile:
    """Read a checkpoint file, and tell what in it cannot be believed.

    Parameters
    ----------
    trusted
        The id of the first key, as it is known from elsewhere; without it the first key
        in the file is taken at its word.

    Raises
    ------
    CheckpointFailed
        When it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointFailed(
            f"The checkpoint file {quoted(path)} cannot be read: {error.strerror}."
        ) from error
    reader = _Reader(path.name, trusted)
    whole, _, _torn = data.rpartition(b"\n")  # a torn last line was never answered for
    for number, line in enumerate(whole.split(b"\n") if whole else (), start=1):
        reader.take(number, line)
    if trusted is not None and trusted not in reader.keys:
        reader.find(0, f"No line is signed by the key {quoted(trusted)}.")
    return CheckpointFile(
        checkpoints=tuple(reader.checkpoints),
        findings=tuple(reader.findings),
        keys=reader.keys,
    )


class _Reader:
    """Takes one line after the other; believes what a known key has signed."""

    def __init__(self, name: str, trusted: str | None) -> None:
        self._name = name
        self._trusted = trusted
        self.keys: dict[str, str] = {}
        self.checkpoints: list[Checkpoint] = []
        self.findings: list[Finding] = []

    def find(self, line: int, sentence: str) -> None:
        """Keep what is wrong."""
        place = f"{self._name}, line {line}" if line else self._name
        self.findings.append(Finding(place=place, sentence=sentence))

    def take(self, number: int, line: bytes) -> None:
        """Believe a line, or say why not."""
        try:
            content = json.loads(line)
            signature = bytes.fromhex(content.pop("signature"))
            kind = content["kind"]
            if canonical({**content, "signature": signature.hex()}).encode() != line:
                raise ValueError("not as it was written")
            if kind == "key":
                self._key(number, content, signature)
            else:
                self._checkpoint(number, content, signature)
        except (ValueError, KeyError, TypeError, AttributeError):
            self.find(number, "It is no checkpoint: the line was changed or damaged.")

    def _key(self, number: int, content: Mapping[str, str], signature: bytes) -> None:
        public, by = content["public"], content["by"]
        key_id = key_id_of(public)
        first = not self.keys and by == key_id and self._trusted in (None, key_id)
        signer = public if first else self.keys.get(by)
        if signer is None or not _valid(signer, content, signature):
            self.find(number, f"No known key vouches for the key {quoted(key_id)}.")
            return
        self.keys[key_id] = public

    def _checkpoint(
        self, number: int, content: Mapping[str, str], signature: bytes
    ) -> None:
        found = Checkpoint(
            size=int(content["size"]),
            hash=content["hash"],
            at=content["at"],
            key_id=content["key_id"],
        )
        public = self.keys.get(found.key_id)
        if public is None or not _valid(public, content, signature):
            self.find(
                number, f"The checkpoint of {found.size} is not signed by a known key."
            )
            return
        self.checkpoints.append(found)


def _valid(public: str, content: Mapping[str, str], signature: bytes) -> bool:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    try:
        key.verify(signature, _signed_part(content))
    except InvalidSignature:
        return False
    return True


def _signed_part(content: Mapping[str, object]) -> bytes:
    return _DOMAIN + canonical(content).encode()


def _signing_key(folder: Path) -> SigningKey:
    path = folder / KEY_FILE
    if not path.exists():
        _write_private(path, Ed25519PrivateKey.generate())
        _sync_folder(folder)
    raw = path.read_text(encoding="ascii", errors="replace").strip()
    try:
        return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(raw)))
    except ValueError:
        raise CheckpointFailed(
            f"{quoted(path)} is no signing key: it holds 64 hexadecimal digits."
        ) from None


def _introduction(folder: Path, key: SigningKey) -> Iterator[str]:
    """Yield the line that names a key, where the file does not know it yet."""
    known = _keys_named(folder / FILE)
    if key.key_id in known:
        return
    voucher = _last_key(folder, known[-1]) if known else key
    content = {
        "kind": "key",
        "public": key.public,
        "at": _now(),
        "by": voucher.key_id,
    }
    yield voucher.signed(content)


def _keys_named(path: Path) -> list[str]:
    """Return the ids of the keys a file names, without asking whether to believe it."""
    with path.open("rb") as lines:
        named = [json.loads(line) for line in lines if b'"kind":"key"' in line]
    return [key_id_of(content["public"]) for content in named]


def _last_key(folder: Path, last: str) -> SigningKey:
    path = folder / f"{KEY_FILE}.{last}"
    try:
        raw = bytes.fromhex(path.read_text(encoding="ascii").strip())
        return SigningKey(Ed25519PrivateKey.from_private_bytes(raw))
    except (OSError, ValueError):
        raise CheckpointFailed(
            f"The signing key is new, and the one before it is not there to vouch for "
            f"it: keep it beside the new one as {quoted(path.name)}."
        ) from None


def _write_private(path: Path, key: Ed25519PrivateKey) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, key.private_bytes_raw().hex().encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Yield the checkpoint file, held against other processes."""
    descriptor = os.open(folder / FILE, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _append(descriptor: int, folder: Path, lines: list[str]) -> None:
    """Append lines whole; what a crash left of a line before is cut off first."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - _LONGEST_LINE)
    end = start + os.pread(descriptor, _LONGEST_LINE, start).rfind(b"\n") + 1
    if end != size:
        os.ftruncate(descriptor, end)
    text = "".join(f"{line}\n" for line in lines).encode()
    try:
        written = os.pwrite(descriptor, text, end)
        if written != len(text):
            raise OSError(28, "No space left on device")
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, end)
        raise
    if end == 0:
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
