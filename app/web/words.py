"""The English of the pages that is not in a template: names of codes, short sentences.

Templates hold the text of their page; whatever is chosen by a code is chosen here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.export.report import WARNING_WORDS
from app.export.words import (
    BIN_STATES,
    CHANGES,
    DECISION_REASONS,
    RULES,
    moment,
    proof,
    reason,
    usd,
    weekday,
)

__all__ = [  # what files say too
    "BIN_STATES",
    "CHANGES",
    "DECISION_REASONS",
    "RULES",
    "moment",
    "proof",
    "reason",
    "usd",
    "weekday",
]

PROPOSAL_STATES: Final[Mapping[str, str]] = {
    "queued": "waits to be solved",
    "solving": "is being solved",
    "done": "done",
    "failed": "failed",
    "cancelled": "stopped",
}

REQUEST_STATES: Final[Mapping[str, str]] = {"open": "open", "withdrawn": "withdrawn"}

DECIDED: Final[Mapping[str, str]] = {
    "accept": "accepted",
    "return": "returned to you",
    "reject": "rejected",
    "reopen": "in review",
}
"""What a customer is told of a decision, alike whatever its cause."""

WAITS_FOR: Final[Mapping[str, str]] = {
    "received": "an analyst, to begin its review",
    "in review": "an approver, to decide",
    "accept": "nothing more here",
    "return": "you: change it, and it comes again",
    "reject": "nothing more here",
    "reopen": "an approver, to decide",
}
"""What has to happen next to a customer's request."""

ROLES: Final[Mapping[str, str]] = {
    "submitter": "sends and follows the requests of one customer",
    "batch": "a program: sends, proposes, reads what it sent",
    "analyst": "reads all, sends, proposes and changes plans",
    "approver": "reads all and decides bins, but not of a plan they ran or changed",
    "auditor": "reads all and the audit trail, changes nothing",
    "admin": "looks after keys, accounts and policies, sees no request",
}
"""What each role is for."""

ACTIONS: Final[Mapping[str, str]] = {
    "service.first_start": "started the service for the first time",
    "session.begin": "signed in",
    "session.end": "signed out",
    "batch.send": "sent a batch",
    "request.change": "changed a request",
    "request.withdraw": "withdrew a request",
    "proposal.ask": "asked for a proposal",
    "proposal.resolve": "had a proposal solved again",
    "proposal.stop": "stopped a solve",
    "proposal.done": "finished a proposal",
    "proposal.cancelled": "ended a stopped proposal",
    "proposal.failed": "gave a proposal up",
    "proposal.edit": "changed a plan by hand",
    "bin.accept": "accepted a bin",
    "bin.return": "returned a bin",
    "bin.reject": "rejected a bin",
    "bin.reopen": "took a decision on a bin back",
    "bins.accept": "accepted many bins at once",
    "bins.return": "returned many bins at once",
    "bins.reject": "rejected many bins at once",
    "bins.reopen": "took a decision on many bins back",
    "bin.release": "told customers of a bin",
    "policy.put": "saved a policy",
    "key.make": "made a key",
    "key.revoke": "revoked a key",
    "account.make": "made an account",
    "account.disable": "ended an account",
    "role.change": "changed a role",
    "role.ask": "asked for a role",
    "role.confirm": "confirmed a role",
    "role.refuse": "refused a role",
    "reason.erase": "erased a reason",
    "call.POST": "tried what their roles do not give",
    "call.PUT": "tried to replace what their roles do not let them",
    "call.DELETE": "tried to end what their roles do not let them",
}
"""What records of the audit trail tell of, by the code that is kept."""

CAUSES: Final[Mapping[str, str]] = {
    "changed": "was changed",
    "withdrawn": "was withdrawn",
}

DECISIONS: Final[Mapping[str, tuple[str, str]]] = {
    "accept": ("Accept", "it is reviewed together, as it stands"),
    "return": ("Return", "it is to be changed, and comes again"),
    "reject": ("Reject", "it is not to be reviewed together"),
    "reopen": ("Take back", "it is open again, to be decided anew"),
}
"""What may be decided of a bin: what it is called, and what follows."""

STATE_AFTER: Final[Mapping[str, str]] = {
    "accept": "accepted",
    "return": "returned",
    "reject": "rejected",
    "reopen": "open again",
}

ASIDE: Final[Mapping[str, str]] = {
    "gone": "gone",
    "changed": "changed since",
    "decided": "decided already",
    "open": "open already",
    "withdrawn": "withdrawn",
    "taken": "accepted elsewhere",
}
"""Why a bin is left out of a decision on many."""

RULE_SETTINGS: Final[Mapping[str, str]] = {
    "category": "category",
    "system": "pairing.system",
    "region": "pairing.region",
    "agency": "pairing.implementing_agency",
    "window": "pairing.window_days",
    "wait": "pairing.max_wait_days",
}
"""What lays a rule down in the file of a policy."""

PRIORITIES: Final = ("routine", "priority", "urgent")
AGENCIES: Final = ("army", "navy", "air_force", "other")
DOCUMENTS: Final = ("LOA", "P&A")


def short_usd(cents: int | None) -> str:
    """Return an amount in millions, for a cell whose title has it in full."""
    return "–" if cents is None else f"${cents / 1e8:,.1f} M"


def rule_source(code: str, policy: str, version: int) -> str:
    """Say where a rule is laid down.

    >>> rule_source("window", "nato-all", 1)
    'Policy nato-all, version 1: pairing.window_days'
    """
    if code == "document":
        return "Every policy: one bin is for one kind of document"
    if code == "kept_apart":
        return f"A ruling, a request itself, or policy {policy}, version {version}"
    return f"Policy {policy}, version {version}: {RULE_SETTINGS.get(code, code)}"


def change(edit: Mapping[str, Any]) -> str:
    """Say in words what an edit does.

    >>> change({"op": "merge", "bin_ids": ["B1", "B2"]})
    'Merge B1 and B2 into B1.'
    """
    ids = listed(edit.get("request_ids", ()))
    match edit["op"]:
        case "move":
            return f"Move {edit['request_id']} to {edit['to_bin']}."
        case "take_out":
            return f"Take {edit['request_id']} out, into a bin of its own."
        case "split":
            return f"Split {ids} off from {edit['bin_id']}, into a new bin."
        case "merge":
            return f"Merge {listed(edit['bin_ids'])} into {edit['bin_ids'][0]}."
        case "keep_together":
            return f"Keep {ids} together."
        case "keep_apart":
            return f"Keep {ids} apart."
    return "Take the last change back."


def ruling(kind: str, request_ids: Sequence[str]) -> str:
    """Say in words what holds from now on."""
    how = "in one bin" if kind == "together" else "in different bins"
    return f"{listed(request_ids)} stay {how}, also when the plan is solved again."


def reason_apart(code: str) -> str:
    """Say in a word why requests are apart: a rule, a ruling, or the cost."""
    return {"ruling": "a ruling", "cost": "cost or a limit"}.get(
        code, RULES.get(code, code)
    )


GROUPS: Final[Mapping[str, str]] = {
    "only": "in one of the plans only",
    "split": "split",
    "merged": "merged",
    "members": "others in it",
    "rearranged": "rearranged",
}
"""What became of bins from one plan to another."""


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def warning(code: str) -> str:
    """Return what a warning is called."""
    return WARNING_WORDS.get(code, code.replace("_", " "))


def action(code: str) -> str:
    """Return what a record of the trail tells of; an unknown code is shown."""
    return ACTIONS.get(code, code)


def second(text: str) -> str:
    """Return a stored moment to the second.

    >>> second("2026-11-22T07:00:00.123456Z")
    '2026-11-22 07:00:00'
    """
    return f"{text[:10]} {text[11:19]}"


def released(shown: Mapping[str, Any]) -> str:
    """Say what a customer is told of a bin, by the level that was released.

    >>> released({"level": 1, "combined": True})
    'It is reviewed together with requests of others.'
    """
    match shown["level"]:
        case 1 if shown["combined"]:
            return "It is reviewed together with requests of others."
        case 1:
            return "It is reviewed alone."
        case 2:
            return (
                f"It is reviewed together with others for {listed(shown['systems'])}: "
                f"{shown['members']} requests, begun in {shown['quarter']}."
            )
    return (
        f"It is reviewed together for {listed(shown['systems'])}, with the consent of "
        f"all: {listed(shown['customers'])}."
    )
