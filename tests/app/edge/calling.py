"""Calls an ASGI application in this process, as a client would."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
from starlette.types import ASGIApp


def call(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    content: bytes | str | None = None,
    headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
    host: str = "localhost",
    address: str = "127.0.0.1",
    **options: Any,
) -> httpx2.Response:
    """Return the answer to one call; an error of the application is an answer too."""

    async def called() -> httpx2.Response:
        transport = httpx2.ASGITransport(
            app, raise_app_exceptions=False, client=(address, 5000)
        )
        async with httpx2.AsyncClient(
            transport=transport, base_url=f"http://{host}"
        ) as client:
            return await client.request(
                method, path, content=content, headers=headers, **options
            )

    return asyncio.run(called())


def post_json(app: ASGIApp, path: str, content: bytes | str) -> httpx2.Response:
    """Return the answer to a body that says it is JSON."""
    return call(
        app,
        "POST",
        path,
        content=content,
        headers={"content-type": "application/json"},
    )
