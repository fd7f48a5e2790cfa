"""Many bins are packed: what is read and written is what few bins would be."""

import math

import pytest

from app.export import document as documents
from app.export import stored
from app.export.document import verify_document
from app.export.plain_files import json_lines
from app.export.stored import StoredBins
from optimizer.proposal import assemble
from optimizer.propose import propose
from tests.factories import dense_case
from tests.optimizer.problems import document_of, problem_of

TEXTS = ["plain", "line\nend", "\u2028 and \x85", 'a "quote"', "Türkiye", ""]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_bins_come_back_as_they_went_in(count, monkeypatch):
    monkeypatch.setattr(stored, "A_PACK", 3)
    bins = [
        {"bin_id": f"B{n}", "text": TEXTS[n % len(TEXTS)], "share": n / 3}
        for n in range(count)
    ]
    packed = StoredBins(bins)
    assert len(packed) == count
    assert [*packed] == [packed[n] for n in range(count)] == packed[:] == bins
    assert packed[1:5:2] == bins[1:5:2]
    if count:
        assert packed[-1] == bins[-1]
    with pytest.raises(IndexError):
        packed[count]


def test_a_figure_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        StoredBins([{"saved": math.nan}])


def test_a_large_proposal_is_written_as_a_small_one(monkeypatch):
    problem = problem_of(dense_case(5, 24))
    few = document_of(propose(problem))
    monkeypatch.setattr(assemble, "KEPT_BINS", 2)
    monkeypatch.setattr(documents, "KEPT_BINS", 2)
    many = document_of(propose(problem))
    assert isinstance(many["bins"], StoredBins)
    assert "".join(json_lines(many)) == "".join(json_lines(few))
    assert verify_document(many, problem) == ()
    many["bins"] = StoredBins([*few["bins"][1:]])
    assert verify_document(many, problem) != ()
