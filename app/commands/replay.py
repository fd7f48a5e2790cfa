"""allybin replay: propose once more, and say whether it comes out the same."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.commands.question import Files, read, read_policies
from app.commands.screen import say
from app.commands.solving import Effort, solve
from app.commands.verify import as_of_of, policy_name_of, read_document
from app.engine.halt import Halt
from app.export.document import Document, InputHashes, versions
from app.storage.plain import text_of

PER_RUN: Final = frozenset({"created_at", "solve_seconds", "versions", "certificate"})
"""Parts of a proposal that tell of one run, or can be written in more than one way."""

_INPUTS: Final = {
    "sha256": "the requests",
    "precedents_sha256": "the precedents",
    "rulings_sha256": "the rulings",
}


def run(
    path: str, files: Files, policy_name: str | None, effort: Effort, halt: Halt
) -> bool:
    """Print whether a proposal comes out the same; return whether it does."""
    stated = read_document(path)
    as_of = as_of_of(stated, path)
    (policy,) = read_policies([policy_name or policy_name_of(stated)])
    found = read(files)
    asked = [*_asked_otherwise(stated, found.hashes, policy.sha256)]
    if asked:
        say(f"It is asked otherwise than it was: {'; '.join(asked)}. Not replayed.")
        return False
    again = solve(found.problem(policy, as_of), found.hashes, effort, halt)
    made = [*_made_otherwise(stated, again)]
    before, after = result_digest(stated), result_digest(again)
    if before == after:
        say(f"The same: {len(again['bins']):,} bins, result {after[:16]}.")
        for one in made:
            say(f"Yet it was made otherwise: {one}.")
        return True
    parts = ", ".join(differing(stated, again))
    say(f"Not the same: {before[:16]} then, {after[:16]} now. What differs: {parts}.")
    for one in made or ["nothing that a proposal states: the code is another one"]:
        say(f"What has changed: {one}.")
    return False


def result_digest(document: Document) -> str:
    """Return the SHA-256 of what a proposal says, whenever and by whom it was made."""
    said = {name: value for name, value in document.items() if name not in PER_RUN}
    return hashlib.sha256(text_of(said).encode()).hexdigest()


def differing(before: Document, after: Document) -> list[str]:
    """Return the names of the parts that two proposals say otherwise."""
    names = {*before, *after} - PER_RUN
    return sorted(
        name for name in names if text_of(before.get(name)) != text_of(after.get(name))
    )


def _asked_otherwise(
    stated: Mapping[str, Any], hashes: InputHashes, policy_sha256: str
) -> Iterator[str]:
    """Yield what a question has that is not that of the proposal."""
    said = _mapping(stated.get("input"))
    given = {
        "sha256": hashes.requests,
        "precedents_sha256": hashes.precedents,
        "rulings_sha256": hashes.rulings,
    }
    for key, what in _INPUTS.items():
        if said.get(key) != given[key]:
            then, now = _short(said.get(key)), _short(given[key])
            yield f"{what} are others ({then}, now {now})"
    rules = _mapping(stated.get("policy")).get("sha256")
    if rules != policy_sha256:
        then, now = _short(rules), _short(policy_sha256)
        yield f"the policy is another one ({then}, now {now})"


def _made_otherwise(stated: Mapping[str, Any], again: Document) -> Iterator[str]:
    """Yield what made a proposal that is not what makes it now."""
    said = _mapping(stated.get("versions"))
    for name, now in versions().items():
        then = said.get(name)
        if then != now:
            kind = "the code" if name == "allybin" else "the solver or its libraries"
            yield f"{kind}: {name} was {then}, and is {now}"
    if stated.get("proposal_id") != again["proposal_id"]:
        yield "the gap that was asked for: give it with --gap"
    for which, document in (("then", stated), ("now", again)):
        if document.get("status") != "optimal":
            left = document.get("gap")
            yield f"a limit or a gap ended it {which}, with {left:.2%} left to prove"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _short(digest: object) -> str:
    return "none" if digest is None else str(digest)[:12]
