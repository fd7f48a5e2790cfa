"""The command line as its users meet it: real processes, pipes, signals, exit codes."""

import json
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.generate import write_batch
from app.samples import sample_path
from tests.app.command_line import (
    ALLYBIN,
    BALTIC,
    DAY,
    PRECEDENTS,
    RESULTS,
    RULINGS,
    proposed,
    refused,
    run,
)
from tests.endless import endless as endless_batch


@pytest.fixture
def batch(tmp_path):
    """Return the path of 150 synthetic requests."""
    path = tmp_path / "batch.csv"
    with path.open("w", newline="") as stream:
        write_batch(stream, 150, 3)
    return path


# --- propose ------------------------------------------------------------------------


def test_propose_prints_a_readable_summary():
    done = run("propose", BALTIC, *DAY)
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 requests: " in done.stdout
    assert "Country by country" in done.stdout
    assert "Proven optimal" in done.stdout
    assert "assumptions" in done.stdout
    assert "\x1b" not in done.stdout
    assert not [line for line in done.stdout.splitlines() if line != line.rstrip()]


def test_summary_is_neither_wrapped_nor_cut_in_a_pipe():
    done = run("propose", BALTIC, *DAY, COLUMNS="40", FORCE_COLOR="1")
    document = proposed(BALTIC, *DAY)
    for bin_ in document["bins"]:
        if len(bin_["request_ids"]) > 1:
            assert ", ".join(bin_["request_ids"]) in done.stdout
    assert "…" not in done.stdout
    assert "\x1b" not in done.stdout


def test_json_is_the_document_alone_and_the_file_is_the_same(tmp_path):
    stopped = {"SOURCE_DATE_EPOCH": "1767607200"}
    folder = tmp_path / "results"
    printed = run(
        "propose", BALTIC, *DAY, "--precedents", PRECEDENTS, "--rulings", RULINGS,
        "--json", "--out", str(folder), **stopped,
    )  # fmt: skip
    assert (printed.returncode, printed.stderr) == (0, "")
    assert {path.name for path in folder.iterdir()} == RESULTS
    assert (folder / "proposal.json").read_text(encoding="utf-8") == printed.stdout
    document = json.loads(printed.stdout)
    assert document["created_at"] == "2026-01-05T10:00:00Z"
    assert document["input"]["precedents"] == 54
    assert {ruling["kind"] for ruling in document["rulings"]} == {
        "together",
        "apart",
        "fixed",
    }


def test_a_small_batch_loads_nothing_it_does_not_need():
    """What makes a start slow: tables, workbooks and a cluster's client."""
    code = (
        "import sys\nfrom app.cli import main\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "propose", str(BALTIC), *DAY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "optimizer.propose" in loaded
    assert loaded.isdisjoint(("pandas", "pyarrow", "xlsxwriter", "distributed"))


def test_output_is_the_same_for_any_row_order_hash_seed_and_workers(batch, tmp_path):
    header, *rows = batch.read_text().splitlines()
    answers = set()
    for seed, workers in (("0", "1"), ("1", "2"), ("2", "1")):
        random.Random(seed).shuffle(rows)
        shuffled = tmp_path / f"shuffled-{seed}.csv"
        shuffled.write_text("\n".join([header, *rows]))
        done = run(
            "propose", str(shuffled), "--policy", "nato-plus-five", "--json",
            "--as-of", "2026-01-01", "--workers", workers,
            PYTHONHASHSEED=seed, SOURCE_DATE_EPOCH="1767607200",
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        answers.add(done.stdout)
    assert len(answers) == 1


def test_output_does_not_depend_on_the_locale():
    plain = run("customers", "Türkiye", LC_ALL="C.UTF-8")
    assert "Türkiye" in plain.stdout
    for odd in ({"LC_ALL": "C"}, {"PYTHONIOENCODING": "latin-1"}):
        assert run("customers", "Türkiye", **odd).stdout == plain.stdout


def test_standard_input_is_read():
    text = Path(BALTIC).read_text(encoding="utf-8")
    done = run("propose", "-", *DAY, "--json", stdin=text)
    assert done.returncode == 0
    assert json.loads(done.stdout)["bins"] == proposed(BALTIC, *DAY)["bins"]


def test_the_same_question_has_the_same_id_and_another_has_not():
    first = proposed(BALTIC, *DAY)["proposal_id"]
    assert re.fullmatch(r"P-[0-9a-f]{16}", first)
    assert proposed(BALTIC, *DAY)["proposal_id"] == first
    assert proposed(BALTIC, *DAY, "--gap", "0.1")["proposal_id"] != first
    assert proposed(BALTIC, "--as-of", "2022-03-02")["proposal_id"] != first


def test_extra_columns_are_carried_through_and_change_nothing(tmp_path):
    header, *rows = Path(BALTIC).read_text(encoding="utf-8").splitlines()
    path = tmp_path / "extra.csv"
    lines = [
        f"{header},case_officer",
        *(f"{row},Ülo {i}" for i, row in enumerate(rows)),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    with_extra = proposed(str(path), *DAY, "--keep-extra-columns")
    without = proposed(BALTIC, *DAY)
    kept = with_extra.pop("extra_columns")
    assert kept["EST-22-01"] == {"case_officer": "Ülo 0"}
    for document in (with_extra, without):
        del document["created_at"], document["solve_seconds"]
    assert with_extra == without


def test_rows_left_out_on_request_are_listed_and_counted(tmp_path):
    lines = Path(BALTIC).read_text(encoding="utf-8").splitlines()
    lines[2] = lines[2].replace("2022", "2O22")
    path = tmp_path / "one-bad.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    done = run("propose", str(path), *DAY, "--on-error", "skip", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["input"]["requests"] == 11
    assert f"{path}:3:" in done.stderr
    assert "1 rows were left out; 11 requests were read." in done.stderr


def test_progress_goes_to_standard_error_when_asked_for(batch):
    done = run("propose", str(batch), "--json", "--progress", "--as-of", "2026-01-01")
    json.loads(done.stdout)
    first, *_, last = done.stderr.splitlines()
    assert re.fullmatch(rf"[\d.]+ s, reading {batch}", first)
    assert re.fullmatch(
        r"[\d.]+ s, clusters (\d+) of \1, incumbent ([\d,.]+), bound \2, gap 0%", last
    )


# --- refusals -----------------------------------------------------------------------


def test_78_a_missing_input_is_named(tmp_path):
    path = tmp_path / "nowhere.csv"
    message = refused(3, "propose", str(path))
    assert message.startswith(f"{path}: unreadable: ")


def test_79_an_earlier_proposal_is_not_replaced_without_force(tmp_path):
    earlier = tmp_path / "proposal.json"
    earlier.write_text("mine")
    message = refused(2, "propose", BALTIC, *DAY, "--out", str(tmp_path))
    assert "--force" in message
    assert earlier.read_text() == "mine"
    done = run("propose", BALTIC, *DAY, "--out", str(tmp_path), "--force")
    assert done.returncode == 0
    assert json.loads(earlier.read_text())["status"] == "optimal"


def test_80_a_closed_pipe_ends_it_quietly():
    done = subprocess.run(
        f"{sys.executable} -c 'from app.cli import main; main()' customers | head -1",
        shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith("Code")
    assert done.stderr == ""


def test_a_pipe_closed_before_anything_is_written_ends_it_quietly():
    with subprocess.Popen(
        [*ALLYBIN, "customers"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


def test_a_full_disk_behind_standard_output_is_a_failure():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*ALLYBIN, "customers"], stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert (
        done.stderr == "Standard output cannot be written: No space left on device.\n"
    )


def test_81_a_policy_that_is_too_large_or_has_a_key_twice(tmp_path):
    large = tmp_path / "large.toml"
    large.write_text("#" * (2 << 20))
    assert "1 MiB" in refused(3, "propose", BALTIC, "--policy", str(large))
    twice = tmp_path / "twice.toml"
    twice.write_text('name = "a"\nname = "b"\n')
    assert '"name"' in refused(3, "policy", "check", str(twice))


def test_82_a_folder_that_cannot_be_made_is_a_failure(tmp_path):
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "results"
    message = refused(1, "propose", BALTIC, *DAY, "--out", str(folder))
    assert str(folder) in message


def test_84_contradicting_rulings_name_both_requests(tmp_path):
    message = refused(3, "propose", BALTIC, "--rulings", rulings_file(
        tmp_path, ("together", ["EST-22-01", "LVA-22-01"]),
        ("apart", ["EST-22-01", "LVA-22-01"]),
    ))  # fmt: skip
    assert "contradiction: EST-22-01 and LVA-22-01 are ruled apart" in message


def test_86_every_unknown_word_of_a_policy_is_named(tmp_path):
    policy = run("policy", "show", "nato-rdp").stdout
    path = tmp_path / "wrong.toml"
    path.write_text(
        policy.replace("max_requests =", "max_request =")
        .replace('trigger = "offer"', 'trigger = "export"', 1)
        .replace("customer = 0.5", "customers = 0.5", 1)
        .replace('"nato_member"', '"nato"', 1)
    )
    message = refused(3, "propose", BALTIC, "--policy", str(path))
    for wrong, known in (
        ("limits.max_request", "max_requests"),
        ('"export"', "offer"),
        ("customers", "customer"),
        ('"nato"', "nato_member"),
    ):
        assert re.search(rf"{wrong}.*nearest: .*{known}", message)


def test_88_a_together_set_over_a_limit_leaves_no_plan(tmp_path):
    policy = run("policy", "show", "nato-rdp").stdout
    path = tmp_path / "tight.toml"
    path.write_text(policy.replace("max_requests = 12", "max_requests = 2"))
    rulings = rulings_file(
        tmp_path, ("together", ["EST-22-01", "LVA-22-01", "LTU-22-01"])
    )
    message = refused(
        4, "propose", BALTIC, *DAY, "--policy", str(path), "--rulings", rulings
    )
    assert "limits.max_requests is 2" in message


def test_89_a_ruling_over_an_unknown_request_names_it(tmp_path):
    rulings = rulings_file(tmp_path, ("apart", ["EST-22-01", "EST-99-99"]))
    assert "EST-99-99" in refused(3, "propose", BALTIC, "--rulings", rulings)


def rulings_file(folder: Path, *rulings: tuple[str, list[str]]) -> str:
    path = folder / "rulings.json"
    path.write_text(json.dumps([{"kind": k, "request_ids": ids} for k, ids in rulings]))
    return str(path)


def test_90_precedents_without_a_day_or_with_an_unknown_customer(tmp_path):
    path = tmp_path / "precedents.csv"
    path.write_text("customer,system\nEST,HIMARS\n")
    assert "approved_on" in refused(3, "propose", BALTIC, "--precedents", str(path))
    path.write_text("customer,system,approved_on\nNowhere,HIMARS,2020-01-01\n")
    message = refused(3, "propose", BALTIC, "--precedents", str(path))
    assert message.startswith(f"{path}:2:customer: customer: ")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--time-limit", "-5"], ["--time-limit", "above 0"]),
        (["--time-limit", "nan"], ["--time-limit", "above 0"]),
        (["--time-limit", "0"], ["--time-limit", "above 0"]),
        (["--gap", "1.5"], ["--gap", "from 0 to 1"]),
        (["--workers", "0"], ["--workers"]),
        (["--polcy", "x"], ["--polcy", "--policy"]),
        (["--as-of", "20260105"], ["--as-of", "2026-01-05"]),
        (["--customer-codes", "nato"], ["--customer-codes", "samm"]),
        (["--engine", "cloud"], ["--engine", "local", "dask"]),
        (["--scheduler", "tcp://a"], ["--scheduler", "dask"]),
    ],
)
def test_94_wrong_options_are_named_with_what_is_allowed(arguments, named):
    message = refused(2, "propose", BALTIC, *arguments)
    for word in named:
        assert word in message


def test_unknown_commands_are_wrong_usage():
    assert "propse" in refused(2, "propse")


def test_faults_of_input_are_listed_by_file_row_and_column():
    path = str(sample_path("faulty.csv"))
    lines = refused(3, "propose", path).splitlines()
    assert all(line.startswith(f"{path}:") for line in lines[:-1])
    assert f"{path}:7:customer: missing_value: " in "\n".join(lines)
    assert lines[-1] == "Nothing was used: 38 rows have faults, 0 have none."


@pytest.mark.parametrize("stopped", ["soon", "1e9", "99999999999999999999"])
def test_a_clock_that_is_no_number_is_refused(stopped):
    message = refused(2, "propose", BALTIC, SOURCE_DATE_EPOCH=stopped)
    assert "SOURCE_DATE_EPOCH" in message


# --- signals and time limits ----------------------------------------------------------


@pytest.fixture(scope="module")
def endless(tmp_path_factory):
    """Return requests that are never solved in seconds."""
    path = tmp_path_factory.mktemp("endless") / "batch.csv"
    path.write_text(endless_batch())
    return path


WIDE = ("--policy", "nato-all", "--as-of", "2026-01-01", "--customer-codes", "iso")


def test_91_the_time_limit_ends_a_solve_with_its_plan_and_gap(endless):
    done = run("propose", str(endless), *WIDE, "--time-limit", "1", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert document["status"] == "feasible"
    assert 0 < document["gap"] < 1


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_83_a_signal_while_solving_ends_with_the_plan_written_whole(
    endless, tmp_path, sent
):
    folder = tmp_path / "results"
    with subprocess.Popen(
        [*ALLYBIN, "propose", str(endless), *WIDE, "--out", str(folder),
         "--progress"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert "reading " in process.stderr.readline()
        assert any("incumbent" in line for line in process.stderr)  # it has a plan
        process.send_signal(sent)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert {path.name for path in folder.iterdir()} == RESULTS
    document = json.loads((folder / "proposal.json").read_text())
    assert document["status"] == "feasible"
    assert document["input"]["requests"] == 2000


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_83_a_signal_before_there_is_a_plan_exits_5_and_leaves_nothing(tmp_path, sent):
    folder = tmp_path / "results"
    with subprocess.Popen(
        [*ALLYBIN, "propose", "-", "--out", str(folder), "--progress"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert "reading " in process.stderr.readline()  # it waits for its input
        process.send_signal(sent)
        process.wait(60)
        assert process.stdout.read() == ""
        name = sent.name
        said = process.stderr.read().splitlines()
        assert said[-1] == f"Stopped by {name} before there was a plan."
    assert process.returncode == 5
    assert not folder.exists()
