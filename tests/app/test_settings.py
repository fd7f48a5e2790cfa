"""Settings: what is read, from where, what is refused, and that the page lists all."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from app.errors import WrongUsage
from app.settings import (
    PREFIX,
    Settings,
    is_secret,
    read_settings,
    unknown_variables,
)
from tests.documents import page, table_with

GOOD_SECRET = "k3-Zq8vW1nB7xP0sLm5R"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def test_nothing_needs_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/home/ada/data")

    settings = read_settings()

    assert settings.url == "sqlite:////home/ada/data/allybin/allybin.db"
    assert settings.checkpoints == Path("/home/ada/data/allybin/audit")
    assert settings.on_loopback
    assert not settings.over_tls
    assert settings.hosts == {"localhost", "127.0.0.1", "[::1]"}


def test_an_option_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLYBIN_PORT", "9001")
    monkeypatch.setenv("ALLYBIN_HOST", "::1")

    settings = read_settings(port=9002)

    assert (settings.host, settings.port) == ("::1", 9002)


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLYBIN_ALLOWED_HOSTS", " bins.example , Other.Example,")

    assert read_settings().allowed_hosts == ("bins.example", "other.example")


def test_the_public_address_is_an_accepted_host() -> None:
    settings = read_settings(public_url="https://bins.example.org/")

    assert "bins.example.org" in settings.hosts
    assert settings.over_tls


def test_a_secret_is_read_from_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{GOOD_SECRET}\n")
    monkeypatch.setenv("ALLYBIN_OIDC_CLIENT_SECRET_FILE", str(secret))

    settings = read_settings(oidc_issuer="https://idp.example", oidc_client_id="bins")

    assert settings.oidc_client_secret == SecretStr(GOOD_SECRET)
    assert settings.secrets() == (GOOD_SECRET,)


def test_what_is_no_secret_is_not_read_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = tmp_path / "port"
    port.write_text("9001")
    monkeypatch.setenv("ALLYBIN_PORT_FILE", str(port))

    assert read_settings().port == 8000
    assert unknown_variables({"ALLYBIN_PORT_FILE": "x"}) == ("ALLYBIN_PORT_FILE",)


def test_a_secret_given_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ALLYBIN_OIDC_CLIENT_SECRET", GOOD_SECRET)
    monkeypatch.setenv("ALLYBIN_OIDC_CLIENT_SECRET_FILE", str(tmp_path / "secret"))

    with pytest.raises(WrongUsage, match="set one of them"):
        read_settings()


def test_a_secret_file_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ALLYBIN_OIDC_CLIENT_SECRET_FILE", str(tmp_path / "none"))

    with pytest.raises(WrongUsage, match="cannot be read"):
        read_settings()


@pytest.mark.parametrize(
    "secret",
    ["changeme-changeme-1", "short-1x", "aaaaaaaaaaaaaaaaaaaa", "Password" * 3],
)
def test_a_weak_secret_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        read_settings(
            oidc_issuer="https://idp.example",
            oidc_client_id="bins",
            oidc_client_secret=secret,
        )

    assert "ALLYBIN_OIDC_CLIENT_SECRET: a secret" in str(refused.value)
    assert secret not in str(refused.value)


def test_a_weak_password_of_a_database_elsewhere_is_refused() -> None:
    with pytest.raises(WrongUsage, match="ALLYBIN_DATABASE_URL"):
        read_settings(database_url="postgresql://bins:postgres@db.example/bins")
    local = "postgresql://bins:postgres@localhost/bins"
    assert read_settings(database_url=local).url == local


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 65536),
        ("port", "many"),
        ("allowed_hosts", "*"),
        ("allowed_hosts", "*.example"),
        ("allowed_hosts", ""),
        ("rate_per_key", "much"),
        ("public_url", "http://bins.example"),
        ("public_url", "https://bins.example/path"),
        ("oidc_issuer", "http://idp.example"),
        ("database_url", "mysql://x/y"),
        ("two_person", "off"),
        ("log_level", "loud"),
        ("hots", "127.0.0.1"),
    ],
)
def test_what_does_not_hold_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(WrongUsage, match=f"ALLYBIN_{name.upper()}: "):
        read_settings(**{name: value})


def test_half_of_openid_connect_is_refused() -> None:
    with pytest.raises(WrongUsage, match="needs all of"):
        read_settings(oidc_issuer="https://idp.example")


def test_secrets_do_not_show_in_the_settings() -> None:
    address = f"postgresql://bins:{GOOD_SECRET}@db.example/bins"

    settings = read_settings(database_url=address)

    assert GOOD_SECRET not in repr(settings)
    assert GOOD_SECRET not in settings.model_dump_json()
    assert GOOD_SECRET in settings.secrets()


def test_misspelt_variables_are_named() -> None:
    environment = {"ALLYBIN_HSOT": "", "ALLYBIN_HOST": "", "PATH": ""}

    assert unknown_variables(environment) == ("ALLYBIN_HSOT",)


def test_the_page_lists_every_setting_with_its_default_and_meaning() -> None:
    listed = table_with(page("docs/settings.md"), "variable", "default", "meaning")
    expected = []
    for name, field in Settings.model_fields.items():
        default = field.default
        if default is None or default is PydanticUndefined:
            default = ""
        elif isinstance(default, tuple):
            default = ",".join(default)
        meaning = (field.description or "").replace("`", "")
        meaning += " A secret." if is_secret(field) else ""
        row = {"variable": f"{PREFIX}{name.upper()}", "default": str(default)}
        expected.append({**row, "meaning": meaning})

    assert listed == expected
