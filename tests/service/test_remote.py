"""``allybin --server URL``: real processes on both sides, one service for all tests."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer

from app.cli import app
from app.commands.process import run as run_command
from app.engine.halt import Halt
from app.samples import sample_path
from tests.app.command_line import ALLYBIN, BALTIC, DAY, refused, run
from tests.endless import endless
from tests.processes import run_python
from tests.service.served import PATIENCE, Served, served

HARD = ("--policy", "nato-all", "--as-of", "2027-01-01", "--time-limit", "600")
FAULTY = str(sample_path("faulty.csv"))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield one service for every test here; they share what it stores."""
    with served(tmp_path_factory.mktemp("served")) as service:
        yield service


@pytest.fixture
def there(service: Served) -> dict[str, str]:
    """Return the environment of a client of the service."""
    return service.environment


type RefusedHere = Callable[..., str]


@pytest.fixture
def refused_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> RefusedHere:
    """Return what runs allybin in this process, for wrong usage: it starts at once."""

    def refused_here(*arguments: str, **environment: str) -> str:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        code = run_command(typer.main.get_command(app), [*arguments], Halt())
        printed, said = capsys.readouterr()
        assert (code, printed) == (2, "")
        return said

    return refused_here


def test_a_service_proposes_what_is_proposed_here(there: dict[str, str]) -> None:
    here = run("propose", BALTIC, *DAY)
    remote = run("propose", BALTIC, *DAY, **there)
    assert (remote.returncode, remote.stderr) == (0, "")
    differing = ("Proposal ", "Give --out", "The service keeps it")

    def said(text: str) -> list[str]:
        return [one for one in text.splitlines() if not one.startswith(differing)]

    assert [line for line in said(remote.stdout) if line] == [
        line for line in said(here.stdout) if line
    ]
    assert f"The service keeps it: {there['ALLYBIN_SERVER']}" in remote.stdout


def test_results_are_written_whole_and_hold_against_the_files(
    there: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = run("propose", BALTIC, *DAY, "--out", str(out), **there)
    assert (done.returncode, done.stderr) == (0, "")
    assert {one.name for one in out.iterdir()} == {
        "proposal.json",
        "bins.csv",
        "proposal.xlsx",
    }
    assert "report.html is made where the requests are" in done.stdout
    verified = run("verify", str(out / "proposal.json"), BALTIC)
    assert verified.returncode == 0, verified.stderr
    again = refused(2, "propose", BALTIC, *DAY, "--out", str(out), **there)
    assert "--force" in again
    forced = run("propose", BALTIC, *DAY, "--out", str(out), "--force", **there)
    assert forced.returncode == 0


def test_json_is_proposal_json_and_nothing_else(
    there: dict[str, str], service: Served
) -> None:
    done = run("propose", BALTIC, *DAY, "--json", **there)
    document = json.loads(done.stdout)
    path = f"proposals/{document['proposal_id']}/export"
    assert done.stdout == service.call("GET", path).text
    assert done.stderr == ""


def test_the_same_file_again_is_the_same_batch(
    there: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "once.csv"
    path.write_text(
        "request_id,customer,system,received_on,value_usd\n"
        "POL-27-1,POL,HIMARS,2027-01-05,1500000\n"
    )
    for _ in range(2):
        assert run("propose", str(path), **there).returncode == 0
    listed = json.loads(run("batches", "--json", **there).stdout)
    (batch,) = [one for one in listed if one["label"] == "once.csv"]
    assert batch["stored"] == 1
    shown = run("batches", **there).stdout
    assert shown.splitlines()[0].split()[:2] == ["batch_id", "created_at"]
    assert sum("once.csv" in line for line in shown.splitlines()) == 1
    requests = run("batches", batch["batch_id"], **there).stdout.splitlines()
    assert requests[1].split()[:3] == ["POL-27-1", "POL", "HIMARS"]


def test_several_files_are_proposed_for_together(
    there: dict[str, str], tmp_path: Path
) -> None:
    head = "request_id,customer,system,received_on,value_usd\n"
    for name, customer in (("a.csv", "EST"), ("b.csv", "LVA")):
        row = f"{customer}-28-1,{customer},Javelin,2028-01-05,1500000\n"
        (tmp_path / name).write_text(head + row)
    files = [str(tmp_path / "a.csv"), "-"]
    stdin = (tmp_path / "b.csv").read_text()
    day = ("--as-of", "2028-02-01")
    done = run("propose", *files, *day, "--json", stdin=stdin, **there)
    ids = {i for one in json.loads(done.stdout)["bins"] for i in one["request_ids"]}
    assert ids == {"EST-28-1", "LVA-28-1"}


def test_faults_are_told_as_if_the_file_were_read_here(there: dict[str, str]) -> None:
    assert refused(3, "propose", FAULTY, **there) == refused(3, "propose", FAULTY)
    missing = refused(3, "propose", BALTIC, "nowhere.csv", "x.pdf", **there)
    assert missing == refused(3, "propose", BALTIC, "nowhere.csv", "x.pdf")


def test_rows_left_out_are_told_of(there: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text(
        "request_id,customer,system,received_on,value_usd\n"
        "POL-29-1,POL,HIMARS,2029-01-05,1500000\n"
        "POL-29-2,POL,HIMARS,2029-02-30,1500000\n"
    )
    arguments = ("propose", str(path), "--on-error", "skip", "--as-of", "2029-03-01")
    remote, here = run(*arguments, **there), run(*arguments)
    assert remote.returncode == here.returncode == 0
    assert remote.stderr == here.stderr
    assert f"{path}:3:received_on: date:" in remote.stderr


def test_what_goes_against_what_is_stored_is_refused_with_its_row(
    there: dict[str, str], tmp_path: Path
) -> None:
    head = "request_id,customer,system,received_on,value_usd\n"
    path = tmp_path / "changed.csv"
    path.write_text(f"{head}POL-30-1,POL,HIMARS,2030-01-05,1500000\n")
    assert run("propose", str(path), **there).returncode == 0
    path.write_text(f"{head}POL-30-1,POL,HIMARS,2030-01-05,2500000\n")
    said = refused(3, "propose", str(path), **there)
    assert said.startswith(f"{path}:")
    assert "POL-30-1" in said or "stored" in said


def test_where_no_plan_exists_the_code_is_that_of_a_solve_here(
    service: Served, there: dict[str, str], tmp_path: Path
) -> None:
    """Two that people joined have grown over a limit since."""
    rows = [
        {
            "request_id": f"{customer}-JOINED",
            "customer": customer,
            "system": "HIMARS",
            "received_on": "2026-01-05",
            "value_usd": 1_000_000,
        }
        for customer in ("EST", "LVA")
    ]
    sent = service.call("POST", "batches", json=rows)
    assert sent.status_code == 201, sent.text
    batch = sent.json()["batch_id"]
    wanted = {"batch_ids": [batch], "policy": "nato-all", "as_of": "2026-02-01"}
    waiting = {"Prefer": "wait=60"}
    plan = service.call("POST", "proposals", json=wanted, headers=waiting).json()
    names = [row["request_id"] for row in rows]
    edits = {"edits": [{"op": "keep_together", "request_ids": names}], "reason": "One."}
    joined = service.call(
        "POST",
        f"proposals/{plan['proposal_id']}/edits",
        json=edits,
        headers={"If-Match": '"1"'},
    )
    assert joined.status_code == 201
    items = service.call("GET", f"batches/{batch}/requests").json()["items"]
    for row, item in zip(rows, items, strict=True):
        assert row["request_id"] == item["request_id"]
        row["value_usd"] = 15_000_000_000
        grown = service.call(
            "PUT", f"requests/{item['uid']}", json=row, headers={"If-Match": '"1"'}
        )
        assert grown.status_code == 200
    file = tmp_path / "grown.json"
    file.write_text(json.dumps(rows), encoding="utf-8")

    done = run(
        "propose", str(file), "--policy", "nato-all", "--as-of", "2026-02-01", **there
    )

    assert (done.returncode, done.stdout) == (4, "")
    assert "EST-JOINED" in done.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--workers", "2"),
        ("--engine", "local"),
        ("--precedents", "p.csv"),
        ("--rulings", "r.json"),
        ("--earlier", "e.json"),
        ("--scheduler", "tcp://127.0.0.1:1"),
        ("--policy", "own.toml"),
        ("--time-limit", "0.5"),
    ],
)
def test_options_that_make_no_sense_with_a_server_are_refused(
    there: dict[str, str], option: str, value: str, refused_here: RefusedHere
) -> None:
    said = refused_here("propose", BALTIC, option, value, **there)
    assert said.startswith(option)
    assert len(said.splitlines()) == 1


def test_a_policy_the_service_does_not_keep_is_refused_with_those_it_does(
    there: dict[str, str],
) -> None:
    said = refused(3, "propose", BALTIC, *DAY, "--policy", "mine", **there)
    assert "nato-rdp" in said


def test_only_what_a_service_can_do_takes_a_server(there: dict[str, str]) -> None:
    url = there["ALLYBIN_SERVER"]
    said = refused(2, "--server", url, "why", BALTIC, "EST-22-01", "EST-22-03")
    assert said.startswith("why works on this machine")
    assert run("policy", "list", **there).returncode == 0  # the environment is ignored
    assert "--server" in refused(2, "batches")
    assert "--server" in refused(2, "--key-file", "key", "propose", BALTIC)


def test_keys_are_taken_from_a_file_and_a_wrong_one_is_told(
    there: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{there['ALLYBIN_KEY']}\n")
    url = there["ALLYBIN_SERVER"]
    listed = run("--server", url, "--key-file", str(file), "batches")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "does not know this key" in refused(
        1, "--server", url, "batches", ALLYBIN_KEY="fms_0_x"
    )
    assert "ALLYBIN_KEY" in refused(2, "--server", url, "batches")
    file.unlink()
    unread = refused(2, "--server", url, "--key-file", str(file), "batches")
    assert str(file) in unread


def test_a_role_that_may_not_is_told_who_may(service: Served) -> None:
    key = service.key("auditor")
    there = service.environment | {"ALLYBIN_KEY": key}
    said = refused(1, "propose", BALTIC, *DAY, **there)
    assert "403" in said
    assert "analyst" in said


@pytest.mark.parametrize(
    "url",
    ["ftp://x", "127.0.0.1:8000", "http://h/?a=b", "http://me:pw@h", "http://h:0"],
)
def test_an_address_that_is_none_is_refused(
    url: str, refused_here: RefusedHere
) -> None:
    said = refused_here("--server", url, "batches", ALLYBIN_KEY="k")
    assert "http://127.0.0.1:8000" in said


def test_a_service_that_is_not_there_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    said = refused(1, "--server", url, "batches", ALLYBIN_KEY="k")
    assert said.startswith(f"{url} cannot be reached: ")
    assert len(said.splitlines()) == 1


def test_a_server_that_is_another_is_told_apart(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().split("port ")[1].split()[0]
        url = f"http://127.0.0.1:{port}"
        said = refused(1, "--server", url, "batches", ALLYBIN_KEY="k")
        assert "not as allybin does" in said
    finally:
        process.kill()
        process.communicate()


# --- broken connections, signals ------------------------------------------------------


@contextmanager
def cutting(url: str, cuts: int) -> Iterator[str]:
    """Yield the address of a relay that cuts the first connections once it is asked.

    What was asked reaches the service; its answer does not come back.
    """
    host, port = url.removeprefix("http://").split(":")
    listener = socket.create_server(("127.0.0.1", 0))
    left = [cuts]

    def relay(client: socket.socket) -> None:
        with client, socket.create_connection((host, int(port))) as behind:
            there = threading.Thread(target=_pipe, args=(client, behind))
            there.start()
            cut, left[0] = left[0] > 0, left[0] - 1
            if cut:
                behind.recv(1)
            else:
                _pipe(behind, client)
            for one in (client, behind):
                _shut(one)
            there.join(PATIENCE)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=relay, args=(client,)).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        _shut(listener)
        listener.close()
        thread.join(PATIENCE)


def _pipe(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        return


def _shut(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def test_a_connection_that_breaks_off_costs_no_second_batch_or_proposal(
    service: Served, tmp_path: Path
) -> None:
    path = tmp_path / "cut.csv"
    path.write_text(
        "request_id,customer,system,received_on,value_usd\n"
        "POL-31-1,POL,HIMARS,2031-01-05,1500000\n"
    )
    proposals = len(service.call("GET", "proposals?limit=1000").json()["items"])
    with cutting(service.url, cuts=2) as url:
        there = service.environment | {"ALLYBIN_SERVER": url}
        done = run("propose", str(path), "--as-of", "2031-02-01", **there)
    assert done.returncode == 0, done.stderr
    batches = service.call("GET", "batches?limit=1000").json()["items"]
    assert sum(one["label"] == "cut.csv" for one in batches) == 1
    after = len(service.call("GET", "proposals?limit=1000").json()["items"])
    assert after == proposals + 1


def test_ctrl_c_stops_the_solve_on_the_service_and_takes_the_best_plan(
    service: Served, tmp_path: Path
) -> None:
    path = tmp_path / "large.csv"
    path.write_text(endless())
    process = subprocess.Popen(
        [*ALLYBIN, "propose", str(path), "--progress", *HARD],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=service.environment | {"PYTHONPATH": ":".join(sys.path)},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "incumbent" in line:
            break
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=PATIENCE)
    proposal = service.call("GET", "proposals?limit=1").json()["items"][0]
    if process.returncode == 0:
        assert proposal["proposal_id"] in printed
        assert "2,000 requests" in printed
    else:  # the plan was not put together in time; where it is, is said
        assert process.returncode == 5, said
        assert printed == ""
        assert proposal["proposal_id"] in said
    ended = _finished(service, proposal["proposal_id"])
    assert ended["state"] == "cancelled"
    assert len(ended["bins"]) > 1


def _finished(service: Served, proposal_id: str) -> Any:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        said = service.call("GET", f"proposals/{proposal_id}").json()
        if said["state"] not in ("queued", "solving"):
            return said
        time.sleep(0.2)
    raise AssertionError(f"{proposal_id} did not come to an end")


def test_proposing_here_loads_nothing_of_the_service() -> None:
    assert (
        run_python(
            "import sys\n"
            "from app.cli import main\n"
            f"sys.argv = ['allybin', 'propose', {BALTIC!r}, '--json']\n"
            "try:\n"
            "    main()\n"
            "except SystemExit as left:\n"
            "    assert not left.code\n"
            "of_services = {'httpx2', 'pydantic_settings', 'fastapi', 'sqlalchemy'}\n"
            "print(sorted(of_services & {*sys.modules}))\n"
        ).splitlines()[-1]
        == "[]"
    )
