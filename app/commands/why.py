"""allybin why: may two requests share a bin, and at what price."""

from datetime import date

from app.catalogue import nearest
from app.commands.progress import ProgressLine
from app.commands.propose import note_skipped
from app.commands.question import Files, Read, read, read_policies
from app.commands.screen import say
from app.commands.solving import Effort, engine_for
from app.engine.halt import Halt
from app.errors import WrongUsage, quoted
from optimizer.why import Answer, why


def run(
    files: Files,
    pair: tuple[str, str],
    policy_name: str,
    as_of: date,
    effort: Effort,
    halt: Halt,
) -> None:
    """Print the rules that block a pair, or the price of forcing it."""
    (policy,) = read_policies([policy_name])
    found = read(files)
    note_skipped(found)
    first, second = (_known(found, name) for name in pair)
    if first == second:
        raise WrongUsage(f"{first} is one request: name two.")
    line = ProgressLine(wanted=effort.progress)
    with engine_for(effort, halt, line) as engine, halt.patience():
        problem = found.problem(policy, as_of)
        answer = why(problem, first, second, gap=effort.gap, engine=engine)
    for text in sentences(answer):
        say(text)


def sentences(answer: Answer) -> list[str]:
    """Return an answer as lines to read."""
    names = f"{answer.first_id} and {answer.second_id}"
    lines = [
        f"{names} may share a bin."
        if answer.may_share
        else f"{names} may not share a bin."
    ]
    rules, rest = answer.texts[: len(answer.blocks)], answer.texts[len(answer.blocks) :]
    lines += [
        f"  {block.code}: {text}"
        for block, text in zip(answer.blocks, rules, strict=True)
    ]
    together = "are in one bin" if answer.together_now else "are in different bins"
    lines.append(f"In the plan of least cost found they {together}.")
    return [*lines, *rest]


def _known(found: Read, text: str) -> str:
    name = text.strip().upper()
    if name in found.batch:
        return name
    near = nearest(name, (r.request_id for r in found.batch.requests))
    raise WrongUsage(
        f"{quoted(text)} is not a request of the batch; nearest: {', '.join(near)}."
    )
