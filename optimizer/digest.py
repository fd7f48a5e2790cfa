"""A digest of plain values: the same for equal ones, in any process."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256


def digest(*values: object) -> str:
    """Return the SHA-256 of values: dataclasses, mappings, sets, lists and scalars.

    Mappings and sets count in sorted order, so that equal values agree, whatever order
    they were made in and whatever order a process happens to hold them in.
    """
    return sha256(_canonical(values).encode()).hexdigest()


def _canonical(value: object) -> str:
    if isinstance(value, Enum):
        return _canonical(value.value)
    if is_dataclass(value):
        named = ((each.name, getattr(value, each.name)) for each in fields(value))
        inside = ",".join(f"{name}={_canonical(found)}" for name, found in named)
        return f"{type(value).__name__}({inside})"
    if isinstance(value, Mapping):
        pairs = sorted((_canonical(key), _canonical(value[key])) for key in value)
        return "{" + ",".join(f"{key}:{found}" for key, found in pairs) + "}"
    if isinstance(value, AbstractSet):
        return "{" + ",".join(sorted(map(_canonical, value))) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(map(_canonical, value)) + "]"
    return repr(value)
