"""The memo of a bin over the API: what it says is what the bin says, read back."""

from app.export.numbers import days
from app.export.words import moment
from tests.reading_pdf import read_pdf
from tests.service.conftest import Planned
from tests.service.world import ABSENT, BALTIC, World, problem_of

HOSTILE = '#panic("x") *bold* $y$ 日本'


def test_a_memo_holds_what_an_approver_files(plan: Planned) -> None:
    world, name = plan.world, plan.combined[0]
    reason = {"reason": f"Say it again: {HOSTILE}", "reason_code": "other"}
    decided = world.decide(
        plan.proposal_id, name, "return", 1, said=reason, key=plan.approver
    )
    assert decided.status_code == 201
    answer = world.get(f"{plan.path}/bins/{name}/memo", key=plan.approver)
    assert answer.headers["content-type"] == "application/pdf"
    said = f'attachment; filename="memo-{name}-v2-{plan.proposal_id[:8]}.pdf"'
    assert answer.headers["content-disposition"] == said
    found = read_pdf(answer.content)
    one = world.read(f"{plan.path}/bins/{name}")
    assert found.title.startswith(f"Memo on {name}: ")
    assert (found.language, found.ua_part, found.is_tagged) == ("en-US", "1", True)
    assert 1 <= found.pages <= 2
    for text in (
        *one["request_ids"],
        f"{days(one['effort_days'])} staff-days instead of "
        f"{days(one['solo_effort_days'])}: {days(one['saved_effort_days'])} saved",
        one["joint_case"]["text"],
        one["starts_on"],
        one["forecast_on"],
        "Proven best: no plan under these rules costs less.",
        "supports administrative review only",
        "Version 2: returned",
        '#panic("x") *bold* $y$ [U+65E5][U+672C]',
        f"{moment(one['decision']['at'])} approver",
        "by approver",
        *(warning["text"] for warning in one["warnings"]),
    ):
        assert text in found.text, text
    assert "For the file" not in found.text
    opened = world.decide(plan.proposal_id, name, "reopen", 2, key=plan.approver)
    assert opened.status_code == 201
    again = read_pdf(world.get(f"{plan.path}/bins/{name}/memo").content)
    assert "Version 2: returned" in again.text
    assert "Version 3: opened again" in again.text
    assert "For the file" in again.text


def test_every_bin_has_its_memo_and_those_alone_say_why(plan: Planned) -> None:
    for name, ids in plan.bins.items():
        found = read_pdf(plan.world.get(f"{plan.path}/bins/{name}/memo").content)
        assert all(one in found.text for one in ids)
        assert "For the file" in found.text
        alone = plan.world.read(f"{plan.path}/bins/{name}").get("alone_because", ())
        assert ("Why it is alone" in found.text) == bool(alone)
        for reason in alone:
            assert reason["text"] in found.text
        shares = "Fair shares of the saving" in found.text
        assert shares == (len(ids) > 1)


def test_a_memo_of_what_is_not_there_or_anothers_is_not_there(plan: Planned) -> None:
    world, name = plan.world, plan.combined[0]
    program = world.key("batch", ["EST"])
    for path, key in (
        (f"{plan.path}/bins/B999/memo", None),
        (f"/proposals/{ABSENT}/bins/{name}/memo", None),
        (f"{plan.path}/bins/{name}/memo", program),
    ):
        assert problem_of(world.get(path, key=key))["status"] == 404


def test_a_program_of_one_customer_reads_of_no_other_in_its_memos(world: World) -> None:
    program = world.key("batch", ["EST"])
    world.stored([one for one in BALTIC if one["customer"] != "EST"])
    world.stored([one for one in BALTIC if one["customer"] == "EST"], key=program)
    own = world.propose(key=program)
    for one in own["bins"]:
        path = f"/proposals/{own['proposal_id']}/bins/{one['bin_id']}/memo"
        text = read_pdf(world.get(path, key=program).content).text
        for other in ("LVA", "LTU", "POL", "Latvia", "Lithuania", "Poland"):
            assert other not in text
