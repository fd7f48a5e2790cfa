"""``allybin serve`` in a process of its own, as a user starts it, on a fresh SQLite."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.app.command_line import ALLYBIN
from tests.documents import ROOT

PATIENCE: Final = 120.0
"""Seconds after which a test gives up; no measure of anything."""

_ADDRESS: Final = re.compile(r"serves at (http://\S+)")
_KEY: Final = re.compile(r"every role: (fms_\S+)")


@dataclass(frozen=True, slots=True)
class Served:
    """A running service: address, key of its first start, data folder, what it said."""

    url: str
    first_key: str
    folder: Path
    process: subprocess.Popen[str]
    said: list[str]

    @property
    def environment(self) -> dict[str, str]:
        """What a client's environment says of it."""
        return {"ALLYBIN_SERVER": self.url, "ALLYBIN_KEY": self.first_key}

    def call(
        self, method: str, path: str, *, key: str | None = None, **more: Any
    ) -> httpx2.Response:
        """Make a call with a key, by default that of the first start."""
        headers = {"Authorization": f"Bearer {key or self.first_key}"}
        return httpx2.request(
            method,
            f"{self.url}/v1/{path}",
            headers=headers | more.pop("headers", {}),
            timeout=PATIENCE,
            trust_env=False,
            **more,
        )

    def key(self, role: str, customers: list[str] | None = None) -> str:
        """Return a new key of a role."""
        wanted: dict[str, Any] = {"name": f"a test's {role}", "role": role}
        if customers is not None:
            wanted["customers"] = customers
        made = self.call("POST", "keys", json=wanted).json()
        if made["grant_id"] is not None:
            other = {"name": "another admin", "role": "admin"}
            second: str = self.call("POST", "keys", json=other).json()["key"]
            path = f"grants/{made['grant_id']}/confirm"
            assert self.call("POST", path, key=second).status_code == 200
        return str(made["key"])


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[Served]:
    """Serve from a data folder while a test runs; end it as an operator would."""
    own = {name: text for name, text in os.environ.items() if "ALLYBIN" not in name}
    process = subprocess.Popen(
        [*ALLYBIN, "serve", "--port", "0"],
        cwd=folder,
        env=own
        | {"PYTHONPATH": str(ROOT), "ALLYBIN_DATA_DIR": str(folder)}
        | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    said: list[str] = []
    ready = threading.Event()
    reader = threading.Thread(target=_read, args=(process, said, ready))
    reader.start()
    try:
        assert ready.wait(PATIENCE), said
        text = "".join(said)
        address, key = _ADDRESS.search(text), _KEY.search(text)
        assert address is not None, text
        assert key is not None, text
        yield Served(address[1], key[1], folder, process, said)
        assert process.poll() is None, said
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            reader.join(PATIENCE)
            assert process.stderr is not None
            process.stderr.close()


def _read(
    process: subprocess.Popen[str], said: list[str], ready: threading.Event
) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if _KEY.search(line):
            ready.set()
    ready.set()
