"""A small application behind the real front, server and settings: what they do alone.

Run as a program it serves until it is told to stop.
"""

import hashlib
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse

from app.edge.front import Front
from app.edge.handlers import install_handlers
from app.server.run import serve
from app.settings import read_settings

LARGE = 32 << 20
"""Bytes of the large answer: more than the system's buffers take."""


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    _say("left in order")


def application(stopping: threading.Event) -> FastAPI:
    """Return the application."""
    app = FastAPI(lifespan=_lifespan)
    install_handlers(app)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/things")
    @app.post("/v1/things")
    @app.post("/v1/batches")
    async def things(request: Request) -> dict[str, str | int]:
        body = await request.body()
        return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}

    @app.get("/large")
    async def large() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(LARGE >> 16):
                yield b"x" * (1 << 16)

        return StreamingResponse(pieces())

    @app.get("/whole")
    async def whole() -> Response:
        return Response(b"x" * LARGE)

    @app.get("/slow/{seconds}")
    def slow(seconds: float) -> dict[str, float]:
        time.sleep(seconds)
        return {"slept": seconds}

    @app.get("/events")
    def events() -> StreamingResponse:
        def told() -> Iterator[bytes]:
            while not stopping.is_set():
                yield b"data: on\n\n"
                time.sleep(0.05)
            yield b"data: off\n\n"

        return StreamingResponse(told(), media_type="text/event-stream")

    @app.get("/client")
    async def client(request: Request) -> dict[str, str]:
        assert request.client is not None
        return {"client": request.client.host, "scheme": request.url.scheme}

    @app.get("/forever")
    def forever() -> None:
        while True:
            time.sleep(1)

    return app


def _say(text: str) -> None:
    with suppress(OSError, AttributeError):  # it may be closed, or none
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def main() -> None:
    """Serve on the port that is given, or a free one."""
    settings = read_settings(port=int(sys.argv[1]) if sys.argv[1:] else 0)
    stopping = threading.Event()
    serve(Front(application(stopping), settings), settings, stopping=stopping)
    _say("ended")


if __name__ == "__main__":
    main()
