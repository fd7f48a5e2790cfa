"""People signed in by an OpenID Connect provider: code flow with PKCE.

The provider is asked what it is, for its keys, and for a token; nothing it sends is
believed before its signature, issuer, audience, times and nonce are checked.
"""

import secrets
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from app.edge.attempt import Attempt
from app.edge.problem import Problem
from app.settings import LOOPBACK, Settings

_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES: Final = ("ES256", "ES384", "ES512", "Ed25519")

ALGORITHMS: Final = (*_RSA, *_CURVES)
"""How a token may be signed: with a private key of the provider, in no other way."""

_KEY_TYPES: Final = frozenset({"RSA", "EC", "OKP"})
_LEEWAY_S: Final = 30  # how far two clocks may be apart
_TIMEOUT_S: Final = 5.0
_KEPT_S: Final = 600.0
_MOST_BYTES: Final = 1 << 20

_log = structlog.get_logger("allybin.oidc")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the provider says of itself, and its keys, until a moment."""

    about: Mapping[str, Any]
    keys: KeySet
    until: float


class Provider:
    """The provider that the settings name."""

    def __init__(self, settings: Settings) -> None:
        assert settings.oidc_issuer  # the three are set together
        assert settings.oidc_client_id
        assert settings.oidc_client_secret
        self.issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._secret = settings.oidc_client_secret
        self._trust = ssl.create_default_context()  # read once: it takes a while
        self._known: _Known | None = None
        self._lock = threading.Lock()

    def address(self, attempt: Attempt, redirect_uri: str) -> str:
        """Return where a browser goes to sign in.

        Raises
        ------
        Problem
            503 when the provider cannot be asked.
        """
        try:
            about = self._ask().about
            with self._client(redirect_uri) as client:
                address, _ = client.create_authorization_url(
                    _endpoint(about, "authorization_endpoint"),
                    state=attempt.state,
                    nonce=attempt.nonce,
                    code_verifier=attempt.verifier,
                )
        except (httpx2.HTTPError, ValueError) as error:
            raise _unreachable(error) from None
        return str(address)

    def subject(
        self, attempt: Attempt, redirect_uri: str, answer: Mapping[str, str]
    ) -> str:
        """Return who signed in, by the provider's own name for them.

        Parameters
        ----------
        answer
            The query with which the provider sent the browser back.

        Raises
        ------
        Problem
            401 for whatever is wrong with it, in the same words; 503 when the provider
            cannot be asked.
        """
        state = answer.get("state", "")
        if not secrets.compare_digest(state.encode(), attempt.state.encode()):
            raise _not_signed_in("state")
        if answer.get("iss", self.issuer) != self.issuer:
            raise _not_signed_in("iss")
        if "error" in answer or "code" not in answer:
            raise _not_signed_in("refused by the provider")
        try:
            token = self._token(attempt, redirect_uri, answer["code"])
            claims = self._claims(token, attempt.nonce)
        except OAuthError as error:
            raise _not_signed_in(type(error).__name__) from None
        except JoseError as error:
            raise _not_signed_in(type(error).__name__) from None
        except (httpx2.HTTPError, ValueError) as error:
            raise _unreachable(error) from None
        return str(claims["sub"])

    def _token(self, attempt: Attempt, redirect_uri: str, code: str) -> str:
        about = self._ask().about
        with self._client(redirect_uri) as client:
            answer = client.fetch_token(
                _endpoint(about, "token_endpoint"),
                grant_type="authorization_code",
                code=code,
                code_verifier=attempt.verifier,
            )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _not_signed_in("no token")
        return token

    def _claims(self, token: str, nonce: str) -> Mapping[str, Any]:
        try:
            found = jwt.decode(token, self._ask().keys, algorithms=ALGORITHMS)
        except InvalidKeyIdError:  # its keys may be new
            keys = self._ask(again=True).keys
            found = jwt.decode(token, keys, algorithms=ALGORITHMS)
        if "crit" in found.header:
            raise _not_signed_in("crit")
        claims = found.claims
        jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self._client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self._client_id:
            raise _not_signed_in("azp")
        return claims

    def _client(self, redirect_uri: str) -> Any:
        return OAuth2Client(
            self._client_id,
            self._secret.get_secret_value(),
            scope="openid",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            verify=self._trust,
            timeout=_TIMEOUT_S,
            follow_redirects=False,
        )

    def _ask(self, *, again: bool = False) -> _Known:
        """Return what is known of the provider, asked for anew every ten minutes."""
        with self._lock:
            known = self._known
            fresh = known is not None and time.monotonic() < known.until
            if known is None or not fresh or again:
                known = self._known = self._asked()
            return known

    def _asked(self) -> _Known:
        place = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        with httpx2.Client(verify=self._trust, timeout=_TIMEOUT_S) as client:
            about = _read(client, place)
            if about.get("issuer") != self.issuer:
                raise ValueError("another issuer")
            found = _read(client, _endpoint(about, "jwks_uri")).get("keys", [])
        usable = [
            key
            for key in found
            if key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"
        ]
        keys = KeySet.import_key_set({"keys": usable})
        return _Known(about=about, keys=keys, until=time.monotonic() + _KEPT_S)


def _read(client: httpx2.Client, address: str) -> Mapping[str, Any]:
    data = b""
    with client.stream("GET", address) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            data += piece
            if len(data) > _MOST_BYTES:
                raise ValueError("too large")
    document = httpx2.Response(200, content=data).json()
    if not isinstance(document, dict):
        raise ValueError("no object")
    return document


def _endpoint(about: Mapping[str, Any], name: str) -> str:
    """Return an address of the provider; what is sent there must not be read by all."""
    address = about.get(name)
    parts = urlsplit(address) if isinstance(address, str) else urlsplit("")
    if parts.scheme != "https" and not (
        parts.scheme == "http" and parts.hostname in LOOPBACK
    ):
        raise ValueError(f"{name} is not a safe address")
    return str(address)


def _not_signed_in(why: str) -> Problem:
    _log.warning("sign-in refused", why=why)
    detail = "The provider did not sign you in, or what it said cannot be trusted."
    return Problem.of(401, detail)


def _unreachable(error: Exception) -> Problem:
    _log.error("provider not usable", why=type(error).__name__)
    detail = "The OpenID Connect provider cannot be asked at the moment."
    return Problem.of(503, detail, headers={"Retry-After": "10"})
