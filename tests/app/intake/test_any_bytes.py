"""Whatever the bytes: an intake or a refusal, never another exception."""

import io
import random
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InputRefused
from app.intake import Format, Limits, Source, parse_rulings, read_request_sources
from tests.app.intake.builders import WRITERS, rows
from tests.app.intake.builders import row as good_row

TEXT_FORMATS = (Format.CSV, Format.JSON, Format.NDJSON, None)
CELLS = st.one_of(
    st.sampled_from(
        ["", "POL", "DE", "HIMARS", "2026-01-01", "5", "true", '"', ",", "\r\n", "\0"]
    ),
    st.text(max_size=8),
)


def read_or_refuse(content: bytes, found: Format | None) -> None:
    source = Source(label="any", stream=io.BytesIO(content), format=found)
    with suppress(InputRefused):
        intake = read_request_sources(
            [source], keep_extra_columns=True, limits=Limits()
        )
        assert intake.requests


@given(content=st.binary(max_size=300), found=st.sampled_from(TEXT_FORMATS))
@settings(deadline=None, max_examples=150)
def test_any_bytes_are_read_or_refused(content: bytes, found: Format | None) -> None:
    if found is not None or not content.startswith((b"PK", b"PAR")):
        read_or_refuse(content, found)


@given(cells=st.lists(CELLS, max_size=40))
@settings(deadline=None, max_examples=150)
def test_any_text_under_a_good_header_is_read_or_refused(cells: list[str]) -> None:
    header = ",".join(good_row()) + "\n"
    content = (header + ",".join(cells)).encode("utf-8", "surrogatepass")
    read_or_refuse(content, Format.CSV)


@given(
    fields=st.dictionaries(
        st.sampled_from([*good_row(), "quantity", "remarks", "status", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | CELLS,
            lambda inner: st.lists(inner, max_size=2),
            max_leaves=3,
        ),
    )
)
@settings(deadline=None, max_examples=150)
def test_any_values_of_fields_are_read_or_refused(fields: dict[str, object]) -> None:
    read_or_refuse(WRITERS["json"]([fields]), Format.JSON)
    read_or_refuse(WRITERS["ndjson"]([fields]), Format.NDJSON)


@given(content=st.binary(max_size=200) | st.text(max_size=60).map(str.encode))
@settings(deadline=None, max_examples=100)
def test_any_bytes_are_rulings_or_refused(content: bytes) -> None:
    with suppress(InputRefused):
        parse_rulings(content, "any")


@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
@pytest.mark.parametrize("seed", range(8))
def test_a_binary_file_with_wrong_bytes_is_read_or_refused(
    kind: str, seed: int
) -> None:
    dice = random.Random(seed)
    content = bytearray(WRITERS[kind](rows(20)))
    for _ in range(dice.randrange(1, 40)):
        content[dice.randrange(4, len(content))] = dice.randrange(256)
    found = Format.XLSX if kind == "xlsx" else Format.PARQUET
    read_or_refuse(bytes(content), found)
