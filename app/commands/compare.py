"""allybin compare: one batch under several policies, in one table."""

from collections.abc import Sequence
from datetime import date

from app.commands.propose import note_skipped
from app.commands.question import Files, read, read_policies
from app.commands.screen import say, show, table
from app.commands.solving import Effort, solve
from app.commands.summary import ASSUMPTIONS
from app.engine.halt import Halt
from app.errors import WrongUsage
from app.export.document import Document
from app.export.numbers import days, percent, whole


def run(
    files: Files,
    policy_names: Sequence[str],
    as_of: date,
    effort: Effort,
    halt: Halt,
) -> None:
    """Propose under each policy, each with the whole time limit, and print a table."""
    if len(policy_names) < 2:
        raise WrongUsage("compare needs two policies or more: give --policy twice.")
    policies = read_policies(policy_names)
    found = read(files)
    note_skipped(found)
    rows = []
    for policy in policies:
        halt.limit(effort.time_limit)
        problem = found.problem(policy, as_of)
        rows.append(_row(solve(problem, found.hashes, effort, halt)))
        if halt.signalled:
            break
    say(f"{whole(len(found.batch))} requests, as of {as_of.isoformat()}; staff-days")
    say()
    show(
        table(
            (
                ("Policy", False),
                ("Bins", True),
                ("combined", True),
                ("Effort", True),
                ("Saved", True),
                ("of effort", True),
                ("Waiting", True),
                ("Total", True),
                ("Gap", True),
            ),
            rows,
        )
    )
    missing = policy_names[len(rows) :]
    if missing:
        say(f"Stopped by a signal before {', '.join(missing)}.")
    say()
    say(ASSUMPTIONS)


def _row(document: Document) -> tuple[str, ...]:
    objective = document["objective"]
    combined = sum(1 for bin_ in document["bins"] if len(bin_["request_ids"]) > 1)
    saved = objective["saved_effort_days"]
    baseline = objective["baseline_effort_days"]
    return (
        document["policy"]["name"],
        whole(len(document["bins"])),
        whole(combined),
        days(objective["effort_days"]),
        days(saved),
        percent(saved / baseline if baseline else 0.0),
        days(objective["wait_cost"]),
        days(objective["total"]),
        percent(document["gap"]),
    )
