"""Policy files: shipped ones, and the strict reading of any (model.md section 6)."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from app.errors import Fault, FaultCode, InputRefused, quoted
from app.policies.table import Table
from app.policies.tables import read_policy_table
from optimizer.policy import EffortCase, Policy

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 16

DEFAULT_POLICY: Final = "nato-rdp"

_TOKENS: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"""|\'\'\'(?:[^\']|\'(?!\'\'))*+\'\'\''
    r"|\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+'|#[^\n]*+",
    re.DOTALL,
)
_LONG_KEY: Final = re.compile(r"[\w-]++(?:[ \t]*+\.[ \t]*+[\w-]++){16}")
_POSITION: Final = re.compile(r"\(at line (\d+), column \d+\)")


@cache
def shipped_policies() -> tuple[str, ...]:
    """Return the names of the policies that come with allybin, the default first."""
    folder = files("app").joinpath("reference", "policies")
    names = sorted(
        entry.name.removesuffix(".toml")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )
    names.remove(DEFAULT_POLICY)
    return (DEFAULT_POLICY, *names)


def policy_text(name: str) -> str:
    """Return a shipped policy as TOML.

    Raises
    ------
    InputRefused
        When no policy of that name is shipped.
    """
    if name not in shipped_policies():
        shipped = ", ".join(shipped_policies())
        message = f"{quoted(name)} is not a shipped policy; they are {shipped}."
        raise InputRefused([Fault(file=name, code="unreadable", message=message)])
    source = files("app").joinpath("reference", "policies", f"{name}.toml")
    return source.read_text(encoding="utf-8")


def read_policy(name_or_path: str) -> Policy:
    """Read a shipped policy by name, or any policy by its path.

    Raises
    ------
    InputRefused
        When there is no such policy, or with every fault found in it.
    """
    if name_or_path in shipped_policies():
        return parse_policy(policy_text(name_or_path).encode(), name_or_path)
    path = Path(name_or_path)
    try:
        if not path.is_file():
            raise FileNotFoundError
        with path.open("rb") as stream:
            text = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError):
        shipped = ", ".join(shipped_policies())
        message = (
            f"{quoted(name_or_path)} is neither a readable policy file "
            f"nor a shipped policy; shipped are {shipped}."
        )
        raise _refusal(name_or_path, FaultCode.UNREADABLE, message) from None
    return parse_policy(text, name_or_path)


def parse_policy(text: bytes, label: str) -> Policy:
    """Read a policy from TOML.

    Parameters
    ----------
    text
        The file, UTF-8, at most 1 MiB, nested at most 16 deep.
    label
        What to call the file in faults.

    Raises
    ------
    InputRefused
        With every fault found, not the first alone.
    """
    return parse_policy_table(_parse_toml(text, label), label)


def parse_policy_table(table: Mapping[str, Any], label: str) -> Policy:
    """Read a policy from the same keys as its TOML form, numbers as int or Decimal.

    Raises
    ------
    InputRefused
        With every fault found, not the first alone.
    """
    reader = Table(table, label)
    policy = read_policy_table(reader)
    if reader.faults or policy is None:
        raise InputRefused(reader.faults)
    return _with_sha256(policy)


def _parse_toml(text: bytes, label: str) -> dict[str, Any]:
    if len(text) > MAX_BYTES:
        message = f"The policy is larger than the size limit of {MAX_BYTES >> 20} MiB."
        raise _refusal(label, FaultCode.SIZE_LIMIT, message)
    try:
        document = text.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        message = "The policy is not UTF-8 text; save it as UTF-8."
        raise _refusal(label, FaultCode.ENCODING, message) from None
    deep = f"The policy is nested deeper than the limit of {MAX_DEPTH}."
    if _too_deep(document):
        raise _refusal(label, FaultCode.DEPTH_LIMIT, deep)
    try:
        return tomllib.loads(document, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise _toml_refusal(label, document, str(error)) from None
    except RecursionError:
        raise _refusal(label, FaultCode.DEPTH_LIMIT, deep) from None
    except (ValueError, ArithmeticError):
        message = "The policy holds a number that is too long to read."
        raise _refusal(label, FaultCode.SYNTAX, message) from None


def _too_deep(document: str) -> bool:
    """Tell whether brackets or dotted keys nest deeper than the limit.

    Looked at before the parser sees the text, because its own work grows with depth.
    """
    bare = _TOKENS.sub("_", document)
    if _LONG_KEY.search(bare):
        return True
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", bare):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def _toml_refusal(label: str, document: str, error: str) -> InputRefused:
    position = _POSITION.search(error)
    if position is None:
        return _refusal(label, FaultCode.SYNTAX, "The policy is not complete TOML.")
    number = int(position[1])
    line = document.splitlines()[number - 1 : number] or [""]
    key = line[0].split("=")[0].strip().strip("[]").strip()
    if error.startswith("Duplicate inline table key"):
        message = f"A key is given twice in line {number}: {quoted(line[0].strip())}."
        return _refusal(label, FaultCode.REPEATED_KEY, message)
    if error.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate")):
        message = f"The key {quoted(key)} is given twice, again in line {number}."
        return _refusal(label, FaultCode.REPEATED_KEY, message)
    message = f"Line {number} is not TOML: {quoted(line[0].strip())}."
    return _refusal(label, FaultCode.SYNTAX, message)


def _refusal(label: str, code: FaultCode, message: str) -> InputRefused:
    return InputRefused([Fault(file=label, code=code, message=message)])


def _with_sha256(policy: Policy) -> Policy:
    canonical = json.dumps(
        _canonical(policy), sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    digest = hashlib.sha256(canonical.encode("utf-8")).hexdigest()
    fields = {name: getattr(policy, name) for name in policy.__slots__}
    return Policy(**{**fields, "sha256": digest})


def _canonical(policy: Policy) -> dict[str, Any]:
    """Return what a policy says, free of how its file was written."""
    return {
        "name": policy.name,
        "title": policy.title,
        "precedent_years": policy.precedent_years,
        "keep_apart": [list(pair) for pair in policy.keep_apart],
        "category": [
            [c.name, sorted(c.all_of), sorted(c.include), sorted(c.exclude)]
            for c in policy.categories
        ],
        "pairing": [
            policy.pairing.system,
            policy.pairing.region,
            policy.pairing.same_force_is_same_region,
            policy.pairing.implementing_agency,
            policy.pairing.window_days,
            dict(policy.pairing.max_wait_days),
        ],
        "limits": [
            policy.limits.max_requests,
            policy.limits.max_customers,
            policy.limits.max_value_cents,
        ],
        "wait_cost": dict(policy.wait_cost),
        "coordination": {
            case: [rates.bin, rates.customer_beyond_first]
            for case, rates in policy.coordination.items()
        },
        "coordination_elapsed_days": policy.coordination_elapsed_days,
        "stage": [
            {
                "id": stage.id,
                "name": stage.name,
                "trigger": stage.trigger,
                "effort": {case: dict(stage.effort[case]) for case in EffortCase},
                "precedent_discount": format(stage.precedent_discount.normalize(), "f"),
                "elapsed_days": stage.elapsed_days,
            }
            for stage in policy.stages
        ],
    }
