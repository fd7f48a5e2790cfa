"""Logs: secrets never in them, and nothing about them ever stops the service."""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from app.edge.logs import Redact, Sink, hold_standard_streams, set_up_logs
from app.settings import read_settings
from tests.processes import run_python

KEY = "fms_0123456789ab_" + "Zq8-vW1_" * 5 + "abc"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Give the file that everything is logged to while a test runs."""
    path = tmp_path / "log"
    root = logging.getLogger()
    before = root.handlers, root.level
    with path.open("wb") as stream:
        settings = read_settings(
            log_level="debug",
            database_url="postgresql://bins:Tr0ub4dor-and-more@db.example/bins",
        )
        set_up_logs(settings, Sink(stream.fileno()))
        yield path
    root.handlers, root.level = before
    structlog.reset_defaults()


def lines(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def test_a_line_is_an_object_with_time_and_level(log: Path) -> None:
    structlog.get_logger("x").info("started", port=8000)

    (line,) = lines(log)
    assert str(line.pop("at")).endswith("Z")
    assert line == {"event": "started", "level": "info", "port": 8000}


def test_libraries_log_the_same_way(log: Path) -> None:
    logging.getLogger("dbos").warning("queue %s is full", "solve")

    (line,) = lines(log)
    assert line["event"] == "queue solve is full"
    assert (line["level"], line["logger"]) == ("warning", "dbos")


def test_an_exception_is_its_class_and_places_without_its_words(log: Path) -> None:
    try:
        raise ValueError("Poland wants 12 launchers")
    except ValueError:
        structlog.get_logger().error("failed", exc_info=True)
        logging.getLogger("uvicorn.error").exception("failed")

    text = log.read_text("utf-8")
    assert "launchers" not in text
    assert [line["exception"] for line in lines(log)] == ["ValueError"] * 2
    assert "test_logs.py" in str(lines(log)[0]["trace"])


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        f"Bearer {KEY}",
        "Authorization: Bearer abcdefgh12345678",
        "Basic dXNlcjpodW50ZXIy",
        "postgresql://ada:hunter2@db.example/x",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.c2ln",
        "Tr0ub4dor-and-more",
    ],
)
def test_secrets_are_hidden_wherever_they_are_logged(log: Path, secret: str) -> None:
    structlog.get_logger().info(f"say {secret}", value=secret, deep={"list": [secret]})
    logging.getLogger("lib").info("say %s", secret)
    logging.getLogger("lib").debug("say", extra={"value": secret})

    text = log.read_text("utf-8")
    assert len(lines(log)) == 3
    for part in ("Zq8", "hunter2", "abcdefgh", "dXNl", "eyJ", "Tr0ub4"):
        assert part not in text
    assert "[hidden]" in text


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_key_is_hidden_in_any_surroundings(before: str, after: str) -> None:
    assert KEY not in Redact()(before + KEY + after)


def test_what_is_no_secret_stays_as_it_is() -> None:
    line = '{"event": "see https://bins.example/x", "route": "/v1/keys/{key_id}"}'

    assert Redact(["k3-Zq8vW1nB7xP0sLm5R"])(line) == line


def test_a_full_device_drops_lines_and_counts_them() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    sink = Sink(descriptor)

    sink.write("one")
    sink.write("two")

    os.close(descriptor)
    sink.write("three")
    assert sink.dropped == 3


def test_a_pipe_that_nobody_reads_drops_lines_and_never_waits() -> None:
    reader, writer = os.pipe()
    sink = Sink(writer)

    for _ in range(200):  # a pipe holds 64 KiB
        sink.write("x" * 1023)

    os.close(reader)
    os.close(writer)
    assert 0 < sink.dropped < 200


def test_a_pipe_whose_reader_is_gone_drops_lines() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    sink = Sink(writer)

    sink.write("x")

    os.close(writer)
    assert sink.dropped == 1


def test_half_a_character_is_written_as_an_escape(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as stream:
        Sink(stream.fileno()).write("\ud800")

    assert (tmp_path / "log").read_bytes() == b"\\ud800\n"


def test_a_closed_standard_stream_is_not_given_to_the_next_file(tmp_path: Path) -> None:
    hold_standard_streams()  # here all are open, and nothing changes
    code = (
        "import os; os.close(0); os.close(2)\n"
        "from app.edge.logs import hold_standard_streams\n"
        "hold_standard_streams()\n"
        f"print(os.open({str(tmp_path / 'db')!r}, os.O_CREAT | os.O_RDWR) > 2)\n"
    )

    assert run_python(code) == "True\n"
