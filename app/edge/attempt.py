"""One attempt to sign in at a provider, between its two visits."""

import base64
import binascii
import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to sign in, as the browser that makes it keeps it.

    ``to`` is where it leads on to; whoever reads it checks that it is a page of ours.
    """

    state: str
    nonce: str
    verifier: str
    to: str = "/"

    @classmethod
    def new(cls, to: str = "/") -> "Attempt":
        """Return an attempt nobody can guess."""
        return cls(
            to=to,
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
        )

    @classmethod
    def read(cls, text: str) -> "Attempt | None":
        """Return the attempt a cookie holds."""
        parts = text.split(".")
        if len(parts) != 4 or not all(parts):
            return None
        try:
            padded = parts[3] + "=" * (-len(parts[3]) % 4)
            to = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        except (binascii.Error, ValueError):
            return None
        return cls(state=parts[0], nonce=parts[1], verifier=parts[2], to=to)

    def __str__(self) -> str:
        to = base64.urlsafe_b64encode(self.to.encode()).decode().rstrip("=")
        return f"{self.state}.{self.nonce}.{self.verifier}.{to}"
