"""One text for one value, so that the same content always has the same hash."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

DOMAIN: Final = b"allybin-audit-v1"
"""What is hashed before anything else, so that no other hash can pass for one."""

DIGEST_LENGTH: Final = 32
"""Hexadecimal digits of the digest of a row: 128 bits."""


def canonical(value: object) -> str:
    """Return a value as JSON text: keys sorted, NFC, no spaces, no binary fractions."""
    return unicodedata.normalize("NFC", _dumped(_plain(value)))


def record_hash(previous: str, content: Mapping[str, object]) -> str:
    """Return the hash of a record, which covers the one before it.

    Parameters
    ----------
    previous
        The hash of the record before, in hexadecimal.
    content
        The stored columns, hash and previous hash aside; hashed exactly as stored.
    """
    text = _dumped(content).encode()
    length = len(text).to_bytes(8, "big")
    whole = b"".join((DOMAIN, bytes.fromhex(previous), length, text))
    return hashlib.sha256(whole).hexdigest()


def row_digest(values: Mapping[str, object]) -> str:
    """Return the digest of a row, exactly as it is stored."""
    return hashlib.sha256(_dumped(values).encode()).hexdigest()[:DIGEST_LENGTH]


def salted(salt: str, text: str) -> str:
    """Return what a text is known by that may be erased later."""
    return hashlib.sha256(f"{salt}:{text}".encode()).hexdigest()


class Plain(dict[str, object]):
    """Values that JSON can say as they are; nobody needs to look at each."""


_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)
_dumped = _ENCODER.encode


def _plain(value: object) -> object:
    match value:
        case Plain():
            return value
        case None | bool():
            return value
        case str():
            return str(value)
        case int():
            return int(value)
        case float() | Decimal():
            return str(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case Sequence():
            return [_plain(inner) for inner in value]
        case set() | frozenset():
            return sorted((_plain(inner) for inner in value), key=_dumped)
    raise TypeError(f"A {type(value).__name__} cannot stand in the audit trail.")
