"""OpenID Connect: an honest provider signs in; whatever is not honest does not."""

import base64
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from app.edge.attempt import Attempt
from app.edge.oidc import Provider
from app.edge.problem import Problem
from app.settings import read_settings
from tests.app.edge.fake_provider import (
    CLIENT_ID,
    RETURN,
    SECRET,
    FakeProvider,
    providing,
)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with providing() as fake:
        yield fake


def provider_of(fake: FakeProvider) -> Provider:
    return Provider(
        read_settings(
            oidc_issuer=fake.issuer,
            oidc_client_id=CLIENT_ID,
            oidc_client_secret=SECRET,
        )
    )


def sign_in(fake: FakeProvider, provider: Provider | None = None, **back: str) -> str:
    """Return who signs in, the whole way, with what the browser brings changed."""
    provider = provider or provider_of(fake)
    attempt = Attempt.new()
    came = fake.authorize(provider.address(attempt, RETURN))
    return provider.subject(attempt, RETURN, came | back)


def refused(fake: FakeProvider, status: int = 401, **back: str) -> Problem:
    with pytest.raises(Problem) as raised:
        sign_in(fake, **back)
    assert raised.value.status == status
    return raised.value


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "ES256", "Ed25519"])
def test_an_honest_provider_names_who_signed_in(
    fake: FakeProvider, algorithm: str
) -> None:
    fake.algorithm = algorithm
    if algorithm == "ES256":
        fake.key = ECKey.generate_key("P-256", {"kid": "curve"})
    if algorithm == "Ed25519":
        fake.key = OKPKey.generate_key("Ed25519", {"kid": "edwards"})
    fake.published = [fake.key.as_dict(private=False)]

    assert sign_in(fake) == "ada"


def test_the_browser_is_sent_with_a_challenge_and_never_the_verifier(
    fake: FakeProvider,
) -> None:
    attempt = Attempt.new()

    address = provider_of(fake).address(attempt, RETURN)

    asked = {
        name: values[0] for name, values in parse_qs(urlsplit(address).query).items()
    }
    assert asked["state"] == attempt.state
    assert asked["nonce"] == attempt.nonce
    assert asked["redirect_uri"] == RETURN
    assert attempt.verifier not in address
    assert SECRET not in address


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_anyone_could_sign_is_refused(
    fake: FakeProvider, algorithm: str
) -> None:
    fake.algorithm = algorithm

    refused(fake)


def test_a_shared_secret_among_the_keys_is_not_used(fake: FakeProvider) -> None:
    fake.algorithm = "HS256"
    public = fake.key.as_pem(private=False)
    secret = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    fake.published = [{"kty": "oct", "k": secret, "kid": "one"}, *fake.published]

    refused(fake)


def test_a_token_of_another_key_is_refused(fake: FakeProvider) -> None:
    fake.key = RSAKey.generate_key(2048, {"kid": "one"})

    refused(fake)


LONG_AGO = 946_684_800  # 2000-01-01, fixed: parameters name the tests
FAR_OFF = 4_102_444_800  # 2100-01-01


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "others"},
        {"aud": ["others"]},
        {"aud": [CLIENT_ID, "others"]},
        {"aud": [CLIENT_ID, "others"], "azp": "others"},
        {"azp": "others"},
        {"iss": "https://elsewhere.example"},
        {"exp": LONG_AGO},
        {"exp": "never"},
        {"exp": float("inf")},
        {"nbf": FAR_OFF},
        {"iat": FAR_OFF},
        {"nonce": "another"},
        {"nonce": ""},
        {"sub": ""},
        {"sub": 7},
    ],
    ids=str,
)
def test_a_token_that_says_something_wrong_is_refused(
    fake: FakeProvider, claims: dict[str, Any]
) -> None:
    fake.claims = claims

    refused(fake)


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "nonce"])
def test_a_token_that_leaves_something_out_is_refused(
    fake: FakeProvider, name: str
) -> None:
    fake.left_out = (name,)

    refused(fake)


@pytest.mark.parametrize("name", ["b64", "exp", "x"])
def test_a_header_that_has_to_be_understood_is_refused(
    fake: FakeProvider, name: str
) -> None:
    fake.header = {"crit": [name], name: True}

    refused(fake)


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "e30.e30.e30", "ä.b.c"])
def test_what_is_no_token_is_refused(fake: FakeProvider, token: str) -> None:
    fake.token = token or "."

    refused(fake)


def test_a_code_works_once(fake: FakeProvider) -> None:
    provider, attempt = provider_of(fake), Attempt.new()
    came = fake.authorize(provider.address(attempt, RETURN))
    provider.subject(attempt, RETURN, came)

    with pytest.raises(Problem):
        provider.subject(attempt, RETURN, came)


def test_a_code_of_another_browser_is_refused(fake: FakeProvider) -> None:
    provider = provider_of(fake)
    theirs = fake.authorize(provider.address(Attempt.new(), RETURN))

    with pytest.raises(Problem):
        provider.subject(Attempt.new(), RETURN, theirs)
    mine = Attempt.new()
    with pytest.raises(Problem):  # also when it brings our state
        provider.subject(mine, RETURN, theirs | {"state": mine.state})


def test_what_a_browser_brings_is_checked_before_anything_is_asked(
    fake: FakeProvider,
) -> None:
    refused(fake, state="another")
    refused(fake, state="")
    refused(fake, iss="https://elsewhere.example")
    refused(fake, error="access_denied")

    assert "/token" not in fake.asked


def test_all_refusals_have_the_same_words(fake: FakeProvider) -> None:
    first = refused(fake, state="another")
    fake.claims = {"exp": LONG_AGO}

    assert refused(fake).body() == first.body()


def test_keys_that_changed_are_asked_for_again(fake: FakeProvider) -> None:
    provider = provider_of(fake)
    assert sign_in(fake, provider) == "ada"
    fake.key = RSAKey.generate_key(2048, {"kid": "two"})
    fake.published = [fake.key.as_dict(private=False)]

    assert sign_in(fake, provider) == "ada"


def test_the_provider_is_asked_once_what_it_is(fake: FakeProvider) -> None:
    provider = provider_of(fake)
    for _ in range(3):
        sign_in(fake, provider)

    assert sorted(fake.asked) == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
    ],
    ids=str,
)
def test_a_provider_that_says_something_wrong_of_itself_is_not_used(
    fake: FakeProvider, about: dict[str, Any]
) -> None:
    fake.about = about

    problem = refused(fake, 503)

    assert "elsewhere" not in problem.detail


def test_a_provider_that_is_not_there_is_told() -> None:
    with providing() as gone:
        provider = provider_of(gone)

    with pytest.raises(Problem) as raised:
        provider.address(Attempt.new(), RETURN)

    assert raised.value.status == 503
    assert raised.value.headers["Retry-After"] == "10"


def test_an_attempt_is_read_back_from_its_cookie() -> None:
    attempt = Attempt.new()

    assert Attempt.read(str(attempt)) == attempt
    there = Attempt.new("/proposals?state=öpen")
    assert Attempt.read(str(there)) == there
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", str(there))  # as a cookie may be
    assert Attempt.read("a.b.c.///") is None
    assert Attempt.read("") is None
    assert Attempt.read("a..c") is None
    assert Attempt.read("a.b.c.d") is None
