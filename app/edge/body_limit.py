"""How large a body may be: what it says, and what really comes."""

import re
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edge.headers import header
from app.edge.problem import Problem
from app.settings import Settings

_LARGE: Final = re.compile(
    r"/v1/batches|/batches/new|(/v1)?/proposals/[0-9a-f-]{36}/sheet"
)
"""Calls that take a file, of requests or of a plan, where they are posted."""

_ENVELOPE: Final = 64 << 10  # what a form puts around a file


class BodyLimit:
    """Gives an application no more of a body than its call may have."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._most = settings.body_bytes
        self._most_of_files = settings.import_bytes + _ENVELOPE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call.

        Raises
        ------
        Problem
            413, also when the application answered the cut body in its own way.
        """
        files = scope["method"] == "POST" and _LARGE.fullmatch(scope["path"])
        most = self._most_of_files if files else self._most
        length = header(scope["headers"], b"content-length")
        if length is not None and int(length) > most:
            raise _too_large(most)
        if length == b"0" or (
            length is None and header(scope["headers"], b"transfer-encoding") is None
        ):
            await self._app(scope, receive, send)
            return
        await _Counted(self._app, most)(scope, receive, send)


class _Counted:
    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._came = 0

    @property
    def _over(self) -> bool:
        return self._came > self._most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted() -> Message:
            message = await receive()
            self._came += len(message.get("body", b""))
            if self._over:
                raise _too_large(self._most)
            return message

        async def answer(message: Message) -> None:
            if not self._over:
                await send(message)

        try:
            await self._app(scope, counted, answer)
        except Exception:
            if not self._over:
                raise
        if self._over:
            raise _too_large(self._most)


def _too_large(most: int) -> Problem:
    size = f"{most / (1 << 20):g} MiB" if most >= 1 << 20 else f"{most:,} bytes"
    return Problem.of(413, f"The body is larger than the size limit of {size}.")
