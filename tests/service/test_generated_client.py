"""A client made from docs/openapi.json, typed, and used against a served process."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import ROOT
from tests.service.served import Served, served
from tests.service.world import BALTIC

FILES = {
    "text/csv",
    "application/x-ndjson",
    "application/vnd.apache.parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/toml",
    "application/pdf",  # comes, and is not sent
}

USE = '''\
"""What an integrator writes against the generated client: mypy reads it strictly."""

import sys
from http import HTTPStatus
from time import sleep

from made.api.batches_and_requests import get_batch_requests, post_batch
from made.api.bins import get_bin, get_bins, post_decision, post_edits, post_preview
from made.api.proposals import get_proposal, get_why, post_proposal
from made.client import AuthenticatedClient
from made.models.batch_sent import BatchSent
from made.models.batch_summary import BatchSummary
from made.models.bin_whole import BinWhole
from made.models.decision_shown import DecisionShown
from made.models.decision_wanted import DecisionWanted
from made.models.decision_wanted_decision import DecisionWantedDecision
from made.models.edits_saved import EditsSaved
from made.models.edits_wanted import EditsWanted
from made.models.page_bin_shown import PageBinShown
from made.models.page_request_shown import PageRequestShown
from made.models.preview import Preview
from made.models.preview_wanted import PreviewWanted
from made.models.problem_details import ProblemDetails
from made.models.proposal_shown import ProposalShown
from made.models.proposal_wanted import ProposalWanted
from made.models.request_sent import RequestSent
from made.models.take_out import TakeOut
from made.models.why import Why
from rows import ROWS


def run(url: str, key: str) -> None:
    with AuthenticatedClient(base_url=url, token=key) as client:
        requests = [RequestSent.from_dict(row) for row in ROWS]
        sent = post_batch.sync(client=client, body=BatchSent(requests=requests))
        assert isinstance(sent, BatchSummary), sent
        assert sent.stored == len(ROWS) and sent.batch_id is not None
        listed = get_batch_requests.sync(sent.batch_id, client=client)
        assert isinstance(listed, PageRequestShown), listed
        assert [one.request_id for one in listed.items] == [
            str(row["request_id"]) for row in ROWS
        ]
        assert listed.items[0].value_usd == 1_500_000

        wanted = ProposalWanted(
            batch_ids=[sent.batch_id], policy="nato-all", as_of="2026-01-05"
        )
        asked = post_proposal.sync(client=client, body=wanted, prefer="wait=60")
        assert isinstance(asked, ProposalShown), asked
        while asked.state in ("queued", "solving"):
            sleep(0.2)
            found = get_proposal.sync(asked.proposal_id, client=client)
            assert isinstance(found, ProposalShown), found
            asked = found
        assert asked.state == "done" and asked.status == "optimal"
        figures = asked.objective
        assert figures and figures.total < figures.baseline_total

        page = get_bins.sync(asked.proposal_id, client=client, limit=1000)
        assert isinstance(page, PageBinShown), page
        combined = [one for one in page.items if len(one.request_ids) > 1]
        assert combined and combined[0].saved_effort_days > 0
        first = combined[0]
        why = get_why.sync(
            asked.proposal_id, client=client, r=first.request_ids[0],
            s=first.request_ids[1],
        )
        assert isinstance(why, Why), why
        assert why.may_share and why.together_now

        taken = TakeOut(op="take_out", request_id=combined[1].request_ids[0])
        preview = post_preview.sync(
            asked.proposal_id, client=client, body=PreviewWanted(edits=[taken])
        )
        assert isinstance(preview, Preview), preview
        assert preview.may_be_saved and preview.change > 0
        saved = post_edits.sync(
            asked.proposal_id, client=client, body=EditsWanted(edits=[taken]),
            if_match=f'"{asked.version}"',
        )
        assert isinstance(saved, EditsSaved), saved
        assert saved.version == asked.version + 1

        accept = DecisionWanted(decision=DecisionWantedDecision.ACCEPT)
        unversioned = post_decision.sync_detailed(
            asked.proposal_id, first.bin_id, client=client, body=accept
        )
        assert unversioned.status_code == HTTPStatus.PRECONDITION_REQUIRED
        assert isinstance(unversioned.parsed, ProblemDetails)
        decided = post_decision.sync(
            asked.proposal_id, first.bin_id, client=client, body=accept,
            if_match=f'"{first.version}"', idempotency_key="decision-1",
        )
        assert isinstance(decided, DecisionShown), decided
        assert decided.state == "accepted" and decided.version == first.version + 1
        whole = get_bin.sync(asked.proposal_id, first.bin_id, client=client)
        assert isinstance(whole, BinWhole), whole
        assert whole.decision is not None and whole.decision.decision == "accept"
        assert [one.version for one in whole.history] == [1, 2]


if __name__ == "__main__":
    run(*sys.argv[1:])
    print("done")
'''


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a client that was made from the committed description."""
    folder = tmp_path_factory.mktemp("client")
    config = folder / "config.json"
    config.write_text(json.dumps({"post_hooks": []}))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate"),
            *("--path", str(ROOT / "docs" / "openapi.json"), "--meta", "none"),
            *("--config", str(config), "--output-path", str(folder / "made")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = (done.stdout + done.stderr).splitlines()
    missing = [line for line in said if "nsupported" in line or "skipping" in line]
    kinds = {kind for line in missing for kind in re.findall(r"\w+/[\w.+-]+", line)}
    assert len(kinds & FILES) > 1
    assert kinds <= FILES, said  # what this generator cannot send, JSON stands in for
    (folder / "use.py").write_text(USE)
    (folder / "rows.py").write_text(
        f"from typing import Any\n\nROWS: list[dict[str, Any]] = {[*BALTIC]!r}\n"
    )
    return folder


def test_the_generated_client_is_typed_enough_to_be_used_strictly(made: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "use.py"],
        cwd=made,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    for name in ("proposals/get_proposal", "bins/get_bin", "bins/post_preview"):
        text = (made / "made" / "api" / f"{name}.py").read_text()
        assert "-> Any" not in text, name


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield a service in a process of its own."""
    with served(tmp_path_factory.mktemp("served")) as service:
        yield service


def test_the_generated_client_sends_proposes_edits_and_decides(
    made: Path, service: Served
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "use.py", service.url, service.first_key],
        cwd=made,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
