"""Secrets never come out: planted in a service that says all it can, then looked for.

The service runs with ``log_level=debug``. Every call of its description is made, with
good and bad credentials and with bodies that fail; then what it answered, logged and
stored, what its commands print and what ``ps`` shows are searched.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import psycopg
import pytest

from app.audit.checkpoints import KEY_FILE
from tests.app.command_line import ALLYBIN
from tests.documents import ROOT
from tests.service.served import PATIENCE, Served, served

PROVIDER_SECRET: Final = "canary-provider-9c1f27d4e8b35a60"
PASSWORD: Final = "canary-password-51d0e7b2a94c8f36"

REMARK: Final = "canary-remark-3b7e91"
REASON: Final = "canary-reason-84d2c5"
QUESTION: Final = "canary-query-70fa1e"
"""What people write is stored and shown to them; it stays out of logs and processes."""

_COOKIE: Final = re.compile(r"allybin[^=]*=([^;]{20,})")
_TOKEN: Final = re.compile(r'name="token" value="([^"]{16,})"')


@dataclass(slots=True)
class Told:
    """What came out of a service, by where; and the secrets that were planted."""

    secrets: dict[str, str]
    texts: dict[str, str] = field(default_factory=dict)

    def said(self, where: str, answer: httpx2.Response) -> httpx2.Response:
        """Keep an answer."""
        headers = "\n".join(f"{name}: {text}" for name, text in answer.headers.items())
        self.texts[f"{where} #{len(self.texts)}"] = f"{headers}\n\n{answer.text}"
        return answer

    def found(self, *, of: Mapping[str, str], but: str = "-") -> list[tuple[str, str]]:
        """Return which of some texts came out, and where."""
        return [
            (what, where)
            for where, text in self.texts.items()
            if not where.startswith(but)
            for what, secret in of.items()
            if secret in text
        ]


@pytest.fixture
def kind_of_address(kind: str, address: str) -> str:
    """Return the address of a database, with a password where it takes one."""
    if kind == "postgresql":
        return address.replace("postgres@", f"postgres:{PASSWORD}@")
    return address


def test_no_secret_comes_out(kind_of_address: str, tmp_path: Path) -> None:
    environment = {
        "ALLYBIN_DATABASE_URL": kind_of_address,
        "ALLYBIN_LOG_LEVEL": "debug",
        "ALLYBIN_OIDC_ISSUER": "http://127.0.0.1:9",  # nobody answers there
        "ALLYBIN_OIDC_CLIENT_ID": "allybin",
        "ALLYBIN_OIDC_CLIENT_SECRET": PROVIDER_SECRET,
    }
    with served(tmp_path, **environment) as service:
        told = Told(planted(service, tmp_path))
        if PASSWORD in kind_of_address:
            told.secrets["the password of the database"] = PASSWORD
        bodies_and_contents(service, told)
        every_call(service, told)
        sign_ins(service, told)
        told.texts["ps"] = "\n".join(_command_lines())
        for words in (["doctor"], ["keys", "list"], ["audit", "verify"]):
            told.texts[" ".join(words)] = _printed(words, tmp_path, environment)
        told.texts["the database"] = "\n".join(_stored(kind_of_address))
    logged = "".join(service.said)
    told.texts["the log"] = logged.replace(service.first_key, "(as it was announced)")

    assert logged.count(service.first_key) == 1  # how one learns it at a first start
    assert told.found(of=told.secrets) == []
    contents = {text: text for text in (REMARK, REASON, QUESTION)}
    outside = {where: told.texts[where] for where in ("the log", "ps")}
    assert Told({}, outside).found(of=contents) == []
    assert REMARK in told.texts["the database"]  # the search does find
    assert len(told.secrets) >= 20


def planted(service: Served, folder: Path) -> dict[str, str]:
    """Return the secrets there are, by name: the parts of them nobody may see."""
    keys = {"the first key": service.first_key}
    for role in ("analyst", "approver", "auditor", "admin", "submitter"):
        for number in (1, 2):
            customers = ["EST"] if role == "submitter" else None
            keys[f"{role} {number}"] = service.key(role, customers)
    signing = (folder / "audit" / KEY_FILE).read_bytes()
    return {
        **{name: key.split("_", 2)[2] for name, key in keys.items()},
        **{f"session {at}": session(service, keys[f"analyst {at}"]) for at in (1, 2)},
        "the provider's secret": PROVIDER_SECRET,
        "the signing key": signing.decode("ascii", "replace").strip(),
        **{f"a key never made {at}": f"canary{at}".ljust(43, "Q") for at in range(5)},
    }


def session(service: Served, key: str) -> str:
    """Return what the cookie of a new session holds."""
    answer = httpx2.post(
        f"{service.url}/sign-in", json={"key": key}, timeout=PATIENCE, trust_env=False
    )
    found = _COOKIE.search(answer.headers["set-cookie"])
    assert found is not None
    return found[1]


def bodies_and_contents(service: Served, told: Told) -> None:
    """Send, propose, decide; and bodies that hold secrets where none belong."""
    row = {
        "request_id": "R-1",
        "customer": "EST",
        "system": "HIMARS",
        "received_on": "2026-01-05",
        "value_usd": 5_000_000,
        "remarks": REMARK,
    }
    told.said("batch", service.call("POST", "batches", json=[row]))
    wanted = {"all_open": True, "policy": "nato-all", "as_of": "2026-01-06"}
    asked = service.call(
        "POST", "proposals", json=wanted, headers={"Prefer": "wait=60"}
    )
    proposal = told.said("proposal", asked).json()
    path = f"proposals/{proposal['proposal_id']}/bins/{proposal['bins'][0]['bin_id']}"
    decision = {"decision": "return", "reason": REASON}
    told.said("early", service.call("POST", f"{path}/decisions", json=decision))
    told.said(
        "decision",
        service.call(
            "POST", f"{path}/decisions", json=decision, headers={"If-Match": '"1"'}
        ),
    )
    content = f'{{"{QUESTION}": ['.encode()
    headers = {"Content-Type": "application/json"}
    path = f"policies/x?{QUESTION}"
    told.said("bad body", service.call("PUT", path, content=content, headers=headers))


def every_call(service: Served, told: Told) -> None:
    """Make every call that is described, as several callers, with little sense."""
    described = service.call("GET", "openapi.json").json()
    never_made = f"fms_canary_{told.secrets['a key never made 0']}"
    for path, operations in described["paths"].items():
        where = re.sub(r"\{[^}]*\}", "R-1", path.removeprefix("/v1/"))
        for method in operations.keys() & {"get", "put", "post", "patch", "delete"}:
            if where.endswith("/events"):
                continue  # does not end by itself
            for key in (None, never_made):
                if where == "keys" and method == "post" and key is None:
                    continue  # is how one learns a key
                answer = service.call(
                    method.upper(), f"{where}?q={QUESTION}", key=key, json={"a": REASON}
                )
                assert answer.status_code < 500 or answer.status_code == 503
                told.said(f"{method} {where}", answer)


def sign_ins(service: Served, told: Told) -> None:
    """Try to sign in with what is wrong, and through the provider that is away."""
    for path in ("/sign-in/provider", f"/sign-in/return?state={QUESTION}&code=x"):
        answer = httpx2.get(service.url + path, timeout=PATIENCE, trust_env=False)
        told.said(path, answer)
    wrong = {"key": told.secrets["a key never made 1"]}
    for more in ({"json": wrong}, {"data": wrong}):
        sent: Any = {**more, "timeout": PATIENCE, "trust_env": False}
        told.said("sign-in", httpx2.post(f"{service.url}/sign-in", **sent))


def _command_lines() -> Iterator[str]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                yield Path(f"/proc/{name}/cmdline").read_text("utf-8", "replace")
            except OSError:
                continue  # it ended


def _printed(words: list[str], folder: Path, environment: dict[str, str]) -> str:
    own = {name: text for name, text in os.environ.items() if "ALLYBIN" not in name}
    own |= {"PYTHONPATH": str(ROOT), "ALLYBIN_DATA_DIR": str(folder)}
    done = subprocess.run(
        [*ALLYBIN, *words],
        cwd=folder,
        env=own | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def _stored(address: str) -> Iterator[str]:
    """Yield all that the database holds, as text."""
    if address.startswith("sqlite"):
        path = Path(address.removeprefix("sqlite:///"))
        for one in sorted(path.parent.glob(f"{path.stem}*")):
            yield one.read_bytes().decode("utf-8", "replace")
        return
    with psycopg.connect(address) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            rows = connection.execute(f'SELECT * FROM "{schema}"."{table}"')
            for row in rows.fetchall():
                yield json.dumps(row, default=str)
