"""An OpenID Connect provider on loopback, in the process of the test; it can lie."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

CLIENT_ID: Final = "bins"
SECRET: Final = "k3-Zq8vW1nB7xP0sLm5R"
RETURN: Final = "http://localhost/sign-in/return"


_KEY: Final = RSAKey.generate_key(2048, {"kid": "one"})  # once: it takes a while


class FakeProvider:
    """Signs anyone in whom a test names, by the book unless the test says otherwise."""

    def __init__(self) -> None:
        self.issuer = ""
        self.subject = "ada"
        self.claims: dict[str, Any] = {}  # put over those of an honest token
        self.left_out: tuple[str, ...] = ()
        self.token: str | None = None  # sent instead of any
        self.about: dict[str, Any] = {}  # put over what it says of itself
        self.key: RSAKey | ECKey | OKPKey = _KEY
        self.algorithm = "RS256"
        self.header: dict[str, Any] = {}
        self.published = [self.key.as_dict(private=False)]
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def authorize(self, address: str) -> dict[str, str]:
        """Do what a browser and its user do there; return what it comes back with."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.issuer}/login"
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert asked["scope"] == "openid"
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def answer(self, path: str) -> dict[str, Any] | None:
        """Return the document at a path."""
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/login",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            } | self.about
        return {"keys": self.published} if path == "/keys" else None

    def exchange(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        """Return the token for a code, once, to whom it was given."""
        asked = self._codes.pop(form["code"])
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        assert given == f"{CLIENT_ID}:{SECRET}"
        assert form["grant_type"] == "authorization_code"
        assert form["redirect_uri"] == asked["redirect_uri"]
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert challenge == asked["code_challenge"]
        token = self.token or self.signed(asked["nonce"])
        return {"access_token": "a", "token_type": "Bearer", "id_token": token}

    def honest(self, nonce: str) -> dict[str, Any]:
        """Return the claims of a token, as the test wants them."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
        } | self.claims
        return {name: claims[name] for name in claims if name not in self.left_out}

    def signed(self, nonce: str) -> str:
        """Return a token."""
        header = {"alg": self.algorithm, "kid": self.key.kid} | self.header
        if self.algorithm == "none":
            return _unsigned(header, self.honest(nonce)) + "."
        if self.algorithm == "HS256":  # the public key used as a shared secret
            text = _unsigned(header, self.honest(nonce))
            public = self.key.as_pem(private=False)
            mac = hmac.digest(public, text.encode(), "sha256")
            return f"{text}.{_base64(mac)}"
        if "crit" in self.header:  # no honest library signs it
            text = _unsigned(header, self.honest(nonce))
            assert isinstance(self.key, RSAKey)
            signature = self.key.private_key.sign(text.encode(), PKCS1v15(), SHA256())
            return f"{text}.{_base64(signature)}"
        claims = self.honest(nonce)
        return jwt.encode(header, claims, self.key, algorithms=[self.algorithm])


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(map(_base64, parts))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def providing() -> Iterator[FakeProvider]:
    """Run a provider while a test runs."""
    provider = FakeProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(provider.answer(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            given = self.headers["authorization"]
            try:
                self._send(provider.exchange(form, given))
            except (AssertionError, KeyError):
                self._send({"error": "invalid_grant"}, 400)

        def _send(self, document: dict[str, Any] | None, status: int = 200) -> None:
            data = json.dumps(document).encode()
            self.send_response(404 if document is None else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
