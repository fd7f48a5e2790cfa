"""The memo of a bin: what an approver files with a decision, on one to two pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from app.export.numbers import counted, days, percent, signed_days, signed_whole, whole
from app.export.report import WARNING_WORDS
from app.export.typeset import write_typeset
from app.export.words import (
    BIN_STATES,
    CHANGES,
    RULES,
    moment,
    proof,
    reason,
    usd,
    weekday,
)

type Document = Mapping[str, Any]

_MOST_NEAR: Final = 6
_NONE: Final = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memo:
    """What a memo is made of.

    Parameters
    ----------
    bin
        The bin as readers see it, with its history.
    proposal
        The state of the proposal: its policy, day, version, total and gap.
    policy
        The title of the policy.
    customers
        Names of the customers of the bin, by code.
    members, near
        Requests of the bin, and those that almost belonged, as plain values.
    steps
        How the cost comes about: what, staff-days, whether it is a whole.
    stages
        Effort alone and together by stage.
    decisions
        Every decision of the bin, first to last.
    people
        Names of accounts.
    printed_at, printed_by
        When the memo was made, and for whom.
    """

    bin: Document
    proposal: Document
    policy: str
    customers: Mapping[str, str]
    members: Sequence[Document]
    near: Sequence[Document]
    steps: Sequence[tuple[str, float, bool]]
    stages: Sequence[Document]
    decisions: Sequence[Document]
    people: Mapping[str, str]
    printed_at: str
    printed_by: str


def write_memo(stream: BinaryIO, memo: Memo) -> None:
    """Write the memo of a bin as a tagged PDF."""
    write_typeset(stream, "memo.typ", _said(memo))


def _said(memo: Memo) -> dict[str, Any]:
    """Return what the template shows, all of it as text."""
    one, proposal = memo.bin, memo.proposal
    systems, customers = ", ".join(one["systems"]), ", ".join(memo.customers.values())
    several = len(memo.members) > 1
    return {
        "title": f"Memo on {one['bin_id']}: {systems} for {customers}",
        "foot": f"{one['bin_id']}, version {one['version']}, of proposal "
        f"{proposal['proposal_id']}",
        "lead": _lead(memo, several),
        "facts": [
            f"State: {BIN_STATES[one['state']]}, in version {one['version']} of the "
            f"bin and {proposal['version']} of the plan.",
            f"Policy: {memo.policy} ({proposal['policy']['name']}, version "
            f"{proposal['policy']['version']}), as of {weekday(proposal['as_of'])}.",
            f"Printed {moment(memo.printed_at)} by {memo.printed_by}.",
        ],
        "warnings": [
            {
                "code": WARNING_WORDS.get(warning["code"], warning["code"]),
                "text": warning["text"],
            }
            for warning in one["warnings"]
        ],
        "members": [_member(member) for member in memo.members],
        "alone": [said["text"] for said in one.get("alone_because", ())],
        "several": several,
        "steps": _steps(memo.steps),
        "stages": [
            [
                stage["name"],
                days(stage["alone"]),
                days(stage["together"]),
                signed_days(stage["saved"]),
            ]
            for stage in memo.stages
        ],
        "shares": _shares(memo),
        "joint": _joint(one["joint_case"]),
        "joint_text": (one["joint_case"] or {}).get("text", ""),
        "precedents": [
            [member["request_id"], member["name"], member["system"], day]
            for member in memo.members
            for day in member["precedents"]
        ],
        "near": [_near(near) for near in memo.near[:_MOST_NEAR]],
        "proof": _proof(proposal),
        "history": _history(memo),
        "undecided": one["state"] == "open",
    }


def _lead(memo: Memo, several: bool) -> str:
    one = memo.bin
    value = usd(sum(member["value_cents"] for member in memo.members))
    said = (
        f"{counted(len(memo.members), 'request')}, {value}, "
        f"{' and '.join(one['regions'])}, category {one['category'] or 'none'}. "
    )
    if several:
        said += (
            f"Together they take {days(one['effort_days'])} staff-days instead of "
            f"{days(one['solo_effort_days'])}: {days(one['saved_effort_days'])} saved "
            f"({days(one['saved_effort_days_low'])} to "
            f"{days(one['saved_effort_days_high'])} in the low and high case). "
        )
    else:
        said += f"It takes {days(one['effort_days'])} staff-days. "
    return said + (
        f"The review starts on {weekday(one['starts_on'])}; a decision is forecast for "
        f"{weekday(one['forecast_on'])}."
    )


def _member(member: Document) -> list[str]:
    system = member["system"]
    if member["configuration"] != system:
        system += f", {member['configuration']}"
    if member["quantity"]:
        system += f" × {whole(member['quantity'])}"
    return [
        member["request_id"],
        member["name"],
        system,
        usd(member["value_cents"]),
        member["ready_on"],
        whole(member["wait"]),
        member["solo_forecast"],
        signed_whole(member["gained"]),
        member["needed_by"] or _NONE,
    ]


def _steps(steps: Sequence[tuple[str, float, bool]]) -> list[list[str]]:
    rows, level = [], 0.0
    for name, value, is_whole in steps:
        level = value if is_whole else round(level + value, 3)
        figure = days(value) if is_whole else signed_days(value)
        rows.append([name, figure, days(level)])
    return rows


def _shares(memo: Memo) -> list[list[str]]:
    saved = memo.bin["saved_effort_days"]
    shares = sorted(memo.bin["fair_share"].items(), key=lambda one: (-one[1], one[0]))
    return [
        [
            memo.customers[code],
            days(round(share, 3)),
            percent(share / saved) if saved else _NONE,
        ]
        for code, share in shares
    ]


def _joint(joint: Document | None) -> list[list[str]]:
    rows = [["Offers", "one for each request", "one, through a lead nation or agency"]]
    if joint is None:
        return rows
    value, defense = (
        usd(round(joint[name] * 100)) for name in ("value_usd", "mde_value_usd")
    )
    needed = "needed" if joint["notification"] else "not needed"
    if joint["creates_notification"]:
        needed += ", and only because they join"
    if joint["threshold_id"]:
        needed += f" ({joint['threshold_id']}, {joint['clock_days']} days)"
    return [
        *rows,
        [
            "Tested against the thresholds",
            "each request by itself",
            f"the sum, {value}, of it {defense} major defense equipment",
        ],
        ["Notification of Congress", "as the requests need it", needed],
    ]


def _near(near: Document) -> list[str]:
    kept_out = " ".join(f"{RULES[code]}: {text}" for code, text in near["rules"])
    return [
        near["request_id"],
        near["name"],
        near["system"],
        near["bin_id"],
        kept_out
        or "No rule: it costs less where it is, or a limit of the policy is reached.",
    ]


def _proof(proposal: Document) -> str:
    said = proof(proposal["gap"], proposal["incumbent"])
    if proposal["incumbent"] is None or proposal["bound"] is None:
        return said
    return (
        f"{said} The plan costs {days(proposal['incumbent'])} staff-days of effort and "
        f"waiting; the proven bound is {days(proposal['bound'])}."
    )


def _history(memo: Memo) -> list[list[str]]:
    """Return versions and decisions, first to last; a decision makes a version too."""
    decided = {one["version"]: one for one in memo.decisions}
    versions = memo.bin["history"]
    before: list[set[str]] = [
        set(),
        *(set(one["request_ids"]) for one in versions[:-1]),
    ]
    rows: list[list[str]] = []
    for one, old in zip(versions, before, strict=True):
        decision = decided.get(one["version"])
        words = _words(decision) if decision else _moved(old, set(one["request_ids"]))
        what = f"Version {one['version']}: {CHANGES[one['change']]}"
        if decision:
            reopened = decision["decision"] == "reopen"
            state = "opened again" if reopened else BIN_STATES[one["state"]]
            what = f"Version {one['version']}: {state}"
        by = memo.people.get(one["by"], one["by"])
        rows.append([moment(one["at"]), by, what, words if rows or decision else _NONE])
    return rows


def _words(decision: Document) -> str:
    said = [reason(decision["reason_code"])] if decision["reason_code"] else []
    if decision["reason"]:
        said.append(decision["reason"])
    if decision["releasable_reason"]:
        said.append(f"To be told: {decision['releasable_reason']}")
    return "; ".join(said) or _NONE


def _moved(old: set[str], new: set[str]) -> str:
    came, left = sorted(new - old), sorted(old - new)
    said = [f"came in: {', '.join(came)}"] if came else []
    if left:
        said.append(f"went out: {', '.join(left)}")
    return "; ".join(said) or _NONE
