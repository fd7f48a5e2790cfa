"""allybin verify: recompute everything in a proposal from the request files."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from app.commands.bound import BoundCheck
from app.commands.question import Files, Read, read, read_policies
from app.commands.screen import say
from app.errors import Fault, FaultCode, InputRefused, WrongUsage, quoted
from app.export.document import verify_document
from app.policies import shipped_policies


def run(proposal: str, files: Files, policy_name: str | None) -> bool:
    """Print what in a proposal does not hold; return whether all of it holds."""
    document = read_document(proposal)
    as_of = as_of_of(document, proposal)
    (policy,) = read_policies([policy_name or policy_name_of(document)])
    found = read(files)
    problem = found.problem(policy, as_of)
    bound = BoundCheck(document, problem)
    lines = _hashes(document, found)
    lines += [
        f"{finding.where}: {finding.code}: {finding.text}"
        for finding in verify_document(document, problem, certificate_check=bound)
    ]
    for line in lines:
        say(line)
    if not lines:
        say(
            f"All of it holds: {len(found.batch):,} requests in "
            f"{len(document['bins']):,} bins, recomputed from the request files."
        )
        say(bound.summary)
        return True
    say(f"{len(lines):,} things do not hold.")
    _hint(document, files)
    return False


def read_document(path: str) -> dict[str, Any]:
    """Read a proposal.

    Raises ``InputRefused`` when the file is not one JSON object.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except OSError as error:
        message = f"The proposal cannot be read: {error.strerror}."
        raise _refused(path, FaultCode.UNREADABLE, message) from None
    except UnicodeDecodeError:
        message = "The proposal is not UTF-8 text."
        raise _refused(path, FaultCode.ENCODING, message) from None
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        message = "The proposal is not a JSON document."
        raise _refused(path, FaultCode.SYNTAX, message) from None
    if not isinstance(document, dict):
        message = "The proposal must be one JSON object, as proposal.json is."
        raise _refused(path, FaultCode.TYPE, message)
    return document


def _no_constant(name: str) -> None:
    raise ValueError(name)


def as_of_of(document: Mapping[str, Any], path: str) -> date:
    """Return the day a proposal is made for; ``InputRefused`` where it names none."""
    stated = document.get("as_of")
    try:
        return date.fromisoformat(stated if isinstance(stated, str) else "")
    except ValueError:
        message = f"as_of is {quoted(stated)}; it must be a date such as 2026-01-05."
        raise _refused(path, FaultCode.DATE, message) from None


def policy_name_of(document: Mapping[str, Any]) -> str:
    """Return the shipped policy a proposal names; ``WrongUsage`` where it is none."""
    policy = document.get("policy")
    name = policy.get("name") if isinstance(policy, Mapping) else None
    if isinstance(name, str) and name in shipped_policies():
        return name
    raise WrongUsage(
        f"The proposal is under the policy {quoted(name)}, which is not a shipped one: "
        "give its file with --policy."
    )


def _hashes(document: Mapping[str, Any], found: Read) -> list[str]:
    """Return a line for each hash of the input that is not that of the files."""
    stated = document.get("input")
    stated = stated if isinstance(stated, Mapping) else {}
    expected = (
        ("sha256", found.hashes.requests),
        ("precedents_sha256", found.hashes.precedents),
        ("rulings_sha256", found.hashes.rulings),
    )
    return [
        f"input.{key}: hash: input.{key} is stated as {stated.get(key)!r}; that of "
        f"the files is {value!r}."
        for key, value in expected
        if stated.get(key) != value
    ]


def _hint(document: Mapping[str, Any], files: Files) -> None:
    stated = document.get("input")
    stated = stated if isinstance(stated, Mapping) else {}
    for key, option, given in (
        ("precedents_sha256", "--precedents", files.precedents),
        ("rulings_sha256", "--rulings", files.rulings),
    ):
        if stated.get(key) and given is None:
            say(f"The proposal was made with {option[2:]}: give them with {option}.")


def _refused(path: str, code: FaultCode, message: str) -> InputRefused:
    return InputRefused([Fault(file=path, code=code, message=message)])
