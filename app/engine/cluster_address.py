"""The address of a Dask scheduler: whether it is one, and whether anyone is there."""

import socket
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from app.errors import ClusterFailed, WrongUsage, quoted

PROBE_SECONDS: Final = 3.0
"""How long a scheduler may take to accept a connection."""

_SCHEMES: Final = ("tcp", "tls")


def refuse_without_distributed() -> None:
    """Refuse when the package that speaks with a Dask cluster is not installed."""
    if find_spec("distributed") is None:
        raise WrongUsage(
            "--engine dask needs the package distributed, which is not installed: "
            "install it with pip install 'allybin[cluster]', or use --engine local."
        )


def host_and_port(address: str) -> tuple[str, int]:
    """Return host and port of an address such as tcp://127.0.0.1:8786."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
        extra = parts.path or parts.query or parts.fragment or parts.username
    except ValueError:  # a port that is no port, brackets that do not close
        parts, host, port, extra = None, None, None, None
    if parts is None or parts.scheme not in _SCHEMES or not host or not port or extra:
        raise WrongUsage(
            f"--scheduler {quoted(address)} is not the address of a Dask scheduler, "
            "such as tcp://127.0.0.1:8786 or tls://plans.example:8786."
        )
    return host, port


def probe(address: str) -> None:
    """Fail within seconds when nobody accepts connections at an address."""
    try:
        socket.create_connection(host_and_port(address), PROBE_SECONDS).close()
    except OSError as error:
        reason = error.strerror or f"no answer within {PROBE_SECONDS:g} s"
        raise ClusterFailed(
            f"No Dask scheduler answers at {address}: {reason}. Start one with "
            "dask scheduler, or leave --scheduler out to solve on this machine."
        ) from error
