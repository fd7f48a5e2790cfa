"""A service as the command line sees it: calls by HTTP, problems told as faults.

The client library is loaded with this module, which only commands with a server import.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx2

from app.commands.remote_problems import KEY_WANTED, refusal
from app.commands.screen import note
from app.errors import ServiceFailed, WrongUsage, quoted, safe_text
from app.settings import LOOPBACK

type Json = Any

CONNECT_S: Final = 10.0
ANSWER_S: Final = 150.0
"""Longer than a service takes to read the largest file it accepts."""

QUIET_S: Final = 45.0
"""A service that is followed says at least every ten seconds that it is there."""

PAUSES: Final = (0.5, 2.0, 5.0)
"""Seconds before each further attempt at a call whose connection broke off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a service is, and the key it is asked with."""

    url: str
    key: str = field(repr=False)

    @classmethod
    def of(cls, url: str, key: str | None, key_file: Path | None) -> Self:
        """Return the place that options and environment name.

        Raises
        ------
        WrongUsage
            When the address is none, or there is no key.
        """
        return cls(url=_address(url), key=_key(key, key_file))

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        return (urlsplit(self.url).hostname or "") in LOOPBACK


def _address(url: str) -> str:
    parts = urlsplit(url)
    try:
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
        good = good and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username or parts.query or parts.fragment:
        raise WrongUsage(
            f"--server is {quoted(url)}; it is an address such as "
            "https://bins.example.org or http://127.0.0.1:8000, and nothing behind it."
        )
    return url.rstrip("/").removesuffix("/v1")


def _key(key: str | None, key_file: Path | None) -> str:
    if key_file is not None:
        try:
            key = key_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise WrongUsage(f"The key file {key_file} cannot be read.") from None
    found = (key or "").strip()
    if not found:
        raise WrongUsage(f"The service asks for a key. {KEY_WANTED}")
    if not (found.isascii() and found.isprintable() and " " not in found):
        raise WrongUsage(f"The key is not one line of letters and digits. {KEY_WANTED}")
    return found


class Remote:
    """A service that is asked over one connection; close it, or leave the block."""

    def __init__(self, place: Place) -> None:
        self.place = place
        if place.url.startswith("http://") and not place.local:
            note(f"{place.url} is not encrypted: the key and all data can be read.")
        self._client = httpx2.Client(
            base_url=f"{place.url}/v1/",
            headers={"Authorization": f"Bearer {place.key}"},
            timeout=httpx2.Timeout(ANSWER_S, connect=CONNECT_S),
            trust_env=not place.local,  # no proxy stands before this machine itself
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    # --- calls ------------------------------------------------------------------------

    def get(self, path: str, **params: str | int) -> httpx2.Response:
        """Return the answer to a read."""
        return self._answer("GET", path, "the call", params=params)

    def read(self, path: str, **params: str | int) -> Json:
        """Return what a read is answered with, as plain values."""
        return _plain(self.get(path, **params))

    def pages(self, path: str) -> Iterator[list[Json]]:
        """Yield the entries of a list, a page at a time."""
        params: dict[str, str | int] = {"limit": 1000}
        while True:
            page = self.read(path, **params)
            yield page["items"]
            if page.get("next") is None:
                return
            params["cursor"] = page["next"]

    def post(
        self,
        path: str,
        *,
        about: str,
        key: str,
        content: bytes,
        kind: str,
        params: Mapping[str, str] | None = None,
    ) -> Json:
        """Send something, once, however often the connection breaks off.

        Parameters
        ----------
        about
            What faults are told of: the name of the file that is sent.
        key
            What the service knows the call by; the same call has the same one.
        kind
            The media type of ``content``.
        """
        headers = {"Idempotency-Key": key, "Content-Type": kind}
        return _plain(
            self._answer(
                "POST", path, about, content=content, headers=headers, params=params
            )
        )

    def stop(self, proposal_id: str) -> None:
        """Ask the service to stop a solve; one that is over is left as it is."""
        path = f"proposals/{proposal_id}/run"
        answer = self._sent("DELETE", path)
        if answer.status_code not in (202, 409):
            raise refusal(answer, "the call")

    def _answer(
        self, method: str, path: str, about: str, **more: Json
    ) -> httpx2.Response:
        answer = self._sent(method, path, **more)
        if answer.is_success:
            return answer
        raise refusal(answer, about)

    def _sent(self, method: str, path: str, **more: Json) -> httpx2.Response:
        """Make a call that may be repeated, until it is answered."""
        for attempt, pause in enumerate((*PAUSES, None)):
            try:
                answer = self._client.request(method, path, **more)
            except httpx2.TransportError as error:
                unreached = isinstance(error, httpx2.ConnectError) and attempt == 0
                if unreached or pause is None:
                    raise self._lost(error) from None
            else:
                still_at_it = answer.status_code == 409 and attempt > 0
                if not still_at_it or pause is None:
                    return answer
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    # --- following a solve ------------------------------------------------------------

    def follow(self, proposal_id: str, tell: Callable[[Json], None]) -> Json:
        """Return how a proposal ended; ``tell`` hears of its progress meanwhile."""
        seen = ""
        failures = 0
        while True:
            try:
                for event in self._events(proposal_id, seen):
                    seen, failures = event.id or seen, 0
                    if event.event == "done":
                        return json.loads(event.data)
                    if event.event == "progress":
                        tell(json.loads(event.data))
            except httpx2.TransportError as error:
                if failures == len(PAUSES):
                    raise self._lost(error) from None
            if failures == len(PAUSES):  # a service that stops ends its news politely
                raise ServiceFailed(
                    f"The service ended its news without a result, and may go on with "
                    f"it: {self.shown(proposal_id)}"
                )
            time.sleep(PAUSES[failures])
            failures += 1

    def _events(self, proposal_id: str, seen: str) -> Iterator[httpx2.ServerSentEvent]:
        headers = {"Accept": "text/event-stream"}
        if seen:
            headers["Last-Event-ID"] = seen
        timeout = httpx2.Timeout(QUIET_S, connect=CONNECT_S)
        path = f"proposals/{proposal_id}/events"
        with self._client.stream(
            "GET", path, headers=headers, timeout=timeout
        ) as answer:
            if not answer.is_success:
                answer.read()
                raise refusal(answer, "the call")
            yield from httpx2.EventSource(answer)

    def shown(self, proposal_id: str) -> str:
        """Return the address of a proposal."""
        return f"{self.place.url}/v1/proposals/{proposal_id}"

    def _lost(self, error: httpx2.TransportError) -> ServiceFailed:
        url = self.place.url
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            reason = safe_text(str(error) or "no answer", 200).rstrip(".")
            return ServiceFailed(f"{url} cannot be reached: {reason}.")
        if isinstance(error, httpx2.TimeoutException):
            return ServiceFailed(f"{url} took the call and did not answer in time.")
        reason = safe_text(str(error) or type(error).__name__, 200).rstrip(".")
        return ServiceFailed(f"The connection to {url} broke off: {reason}.")


def _plain(answer: httpx2.Response) -> Json:
    try:
        return answer.json()
    except ValueError:
        raise ServiceFailed(
            f"{answer.request.url.host} does not answer as allybin does: --server may "
            "name something else."
        ) from None


def digest(*parts: bytes) -> str:
    """Return what some content is known by; a part does not run into the next."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()


def printed(content: bytes) -> None:
    """Put bytes on standard output as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
