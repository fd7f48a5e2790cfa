"""What can be set, read once when the service starts and then handed down.

Every setting is an environment variable: ``ALLYBIN_`` and the field's name in capitals.
A secret may stand in a file instead, named by the same variable with ``_FILE`` behind.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args
from urllib.parse import unquote, urlsplit

from limits import parse_many
from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from app.errors import WrongUsage, quoted

PREFIX: Final = "ALLYBIN_"

SECRET_LENGTH: Final = 16
"""Characters a secret has at least."""

_DISTINCT: Final = 6
_PUBLISHED: Final = ("changeme", "secret", "password", "example", "default", "postgres")

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
"""Names under which a machine knows itself."""

type Words = Annotated[tuple[str, ...], NoDecode]
"""A list written with commas between its words."""


def _data_home() -> Path:
    home = os.environ.get("XDG_DATA_HOME", "")
    base = Path(home) if home.startswith("/") else Path.home() / ".local" / "share"
    return base / "allybin"


class _SecretFiles(EnvSettingsSource):
    """The environment, where a secret may also stand in the file ``…_FILE`` names."""

    def get_field_value(
        self, field: FieldInfo, field_name: str
    ) -> tuple[Any, str, bool]:
        value, key, is_complex = super().get_field_value(field, field_name)
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        if path is None or not is_secret(field):
            return value, key, is_complex
        name = f"{PREFIX}{field_name.upper()}"
        if value is not None:
            raise WrongUsage(f"Both {name} and {name}_FILE are set; set one of them.")
        try:
            return Path(path).read_text(encoding="utf-8").strip(), key, False
        except (OSError, UnicodeDecodeError):
            message = f"{name}_FILE names {quoted(path)}, which cannot be read."
            raise WrongUsage(message) from None


class Settings(BaseSettings):
    """Everything the service can be told; the descriptions are its documentation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # an error may reach a log, a secret may not
    )

    # --- where things are ---
    data_dir: Path = Field(
        default_factory=_data_home,
        description="Folder of the database and of the checkpoints, unless these are "
        "set; XDG data home/allybin when not set.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="`sqlite:///PATH` or `postgresql://…`; the SQLite file "
        "`allybin.db` in the data folder when not set.",
    )
    audit_dir: Path | None = Field(
        None,
        description="Folder of the signed checkpoints, best on another disk than the "
        "database; `audit` in the data folder when not set.",
    )
    precedents: Path | None = Field(
        None,
        description="CSV file of earlier approvals; none when not set.",
    )

    # --- what it publishes ---
    ocds_prefix: str = Field(
        "ocds-213czf",
        pattern=r"^ocds-[a-z0-9]{6}$",
        description="Prefix of process ids in OCDS exports, registered with the Open "
        "Contracting Partnership; the default is that of its examples.",
    )
    ocds_publisher: str = Field(
        "Publisher not named",
        min_length=1,
        max_length=200,
        description="Who publishes OCDS exports, by name.",
    )

    # --- where it answers ---
    host: str = Field(
        "127.0.0.1", description="Address to listen on; loopback unless set."
    )
    port: int = Field(
        8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one."
    )
    public_url: str | None = Field(
        None,
        description="Address by which browsers reach the service, as "
        "`https://bins.example.org`; with https, cookies are Secure and HSTS is sent.",
    )
    allowed_hosts: Words = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        description="Names accepted in the Host header, with commas between; that of "
        "the public address always is.",
    )
    forwarded_allow_ips: Words = Field(
        (),
        description="Addresses of proxies whose X-Forwarded headers are believed, with "
        "commas between.",
    )
    max_connections: int = Field(
        1000,
        ge=10,
        description="Connections held at once; beyond it the one that has kept its "
        "request back longest is closed.",
    )

    # --- time limits ---
    header_seconds: float = Field(
        10, gt=0, description="Time for a client to send the headers of a request."
    )
    request_seconds: float = Field(
        30, gt=0, description="Time for a client to send a whole request."
    )
    answer_seconds: float = Field(
        25,
        gt=0,
        description="Time an answer may lie ready while the client reads none of it.",
    )
    idle_seconds: int = Field(
        5, ge=1, description="Time a connection is kept between two requests."
    )
    stop_seconds: int = Field(
        15,
        ge=1,
        description="Time requests have to end once the service is told to stop; five "
        "seconds later it is gone.",
    )
    import_seconds: int = Field(
        60, ge=1, description="Time reading one file of requests may take."
    )
    wait_seconds: int = Field(
        60, ge=0, description="Longest wait that `Prefer: wait` is granted."
    )

    # --- sizes ---
    body_bytes: int = Field(
        1 << 20, ge=1024, description="Size of a request body, except of an import."
    )
    import_bytes: int = Field(
        20 << 20, ge=1024, description="Size of a file of requests, as sent."
    )
    import_unpacked_bytes: int = Field(
        200 << 20, ge=1024, description="Size of a file of requests, unpacked."
    )
    import_rows: int = Field(200_000, ge=1, description="Requests in one file.")

    # --- rates ---
    rate_per_key: str = Field(
        "2000/second",
        description="Calls of one credential, as `100/second` or "
        "`20/second; 600/minute`.",
    )
    rate_per_address: str = Field(
        "4000/second", description="Calls from one address, written likewise."
    )
    rate_sign_in: str = Field(
        "30/minute",
        description="Attempts to sign in from one address; failed ones also for one "
        "key, from addresses that its account has not signed in from.",
    )

    # --- solving ---
    solve_seconds: int = Field(
        60, ge=1, description="Time limit of a proposal that names none."
    )
    solve_seconds_most: int = Field(
        3600, ge=1, description="Longest time limit a proposal may name."
    )
    solver_workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        description="Processes that solve at once; the number of cores when not set.",
    )
    solver_memory_mib: int = Field(
        4096, ge=512, description="Address space of one solving process, in MiB."
    )
    queue_length: int = Field(
        20, ge=1, description="Proposals that may wait; beyond it the answer is 503."
    )

    # --- people ---
    two_person: Literal["auto", "on"] = Field(
        "auto",
        description="`on`: whoever ran or edited a proposal may not decide its bins. "
        "`auto`: the same, except in the single-user mode of a first local start.",
    )
    session_minutes: int = Field(
        480, ge=1, description="Time after which a person signs in again."
    )
    oidc_issuer: str | None = Field(
        None,
        description="OpenID Connect provider that signs people in, by its issuer "
        "address; none when not set.",
    )
    oidc_client_id: str | None = Field(
        None, description="What the provider calls this service."
    )
    oidc_client_secret: SecretStr | None = Field(
        None, description="What this service proves itself to the provider with."
    )

    # --- logs ---
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity of what is logged."
    )
    log_format: Literal["json", "text"] = Field(
        "json", description="`json`: an object a line. `text`: for reading by eye."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read what is given and the environment: no file that happens to lie here."""
        return init_settings, _SecretFiles(settings_cls)

    @field_validator("allowed_hosts", "forwarded_allow_ips", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(word for part in value.split(",") if (word := part.strip()))

    @field_validator("allowed_hosts")
    @classmethod
    def _names_only(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or any("*" in name for name in value):
            raise ValueError("name each host; there is no name for all of them")
        return tuple(name.casefold() for name in value)

    @field_validator("rate_per_key", "rate_per_address", "rate_sign_in")
    @classmethod
    def _a_rate(cls, value: str) -> str:
        try:
            parse_many(value)
        except ValueError:
            raise ValueError('write a rate as "100/second" or "600/minute"') from None
        return value

    @field_validator("public_url", "oidc_issuer")
    @classmethod
    def _safe_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        plain = parts.scheme == "http" and parts.hostname in LOOPBACK
        if (parts.scheme != "https" and not plain) or not parts.hostname:
            raise ValueError("give an https address; http is for this machine alone")
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError("give an address without query, fragment or user")
        return value

    @field_validator("public_url")
    @classmethod
    def _at_the_root(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).path not in {"", "/"}:
            raise ValueError("give an address without a path")
        return None if value is None else value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _a_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        parts = urlsplit(value.get_secret_value())
        if parts.scheme.partition("+")[0] not in {"sqlite", "postgresql"}:
            raise ValueError("give sqlite:///PATH or postgresql://HOST/NAME")
        if parts.password and parts.hostname not in LOOPBACK:
            check_secret(parts.password)
        return value

    @field_validator("oidc_client_secret")
    @classmethod
    def _not_guessable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_secret(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        oidc = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret)
        if any(oidc) and not all(oidc):
            raise ValueError(
                "OpenID Connect needs all of ALLYBIN_OIDC_ISSUER, "
                "ALLYBIN_OIDC_CLIENT_ID and ALLYBIN_OIDC_CLIENT_SECRET"
            )
        if self.header_seconds > self.request_seconds:
            raise ValueError(
                "ALLYBIN_HEADER_SECONDS may not be above ALLYBIN_REQUEST_SECONDS"
            )
        return self

    @property
    def url(self) -> str:
        """Return the address of the database, its password included: for no log."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'allybin.db'}"

    @property
    def checkpoints(self) -> Path:
        """Return the folder of the signed checkpoints."""
        return self.audit_dir or self.data_dir / "audit"

    @property
    def on_loopback(self) -> bool:
        """Return whether only this machine can reach the service."""
        return self.host in LOOPBACK

    @property
    def over_tls(self) -> bool:
        """Return whether browsers reach the service over https."""
        return self.public_url is not None and self.public_url.startswith("https:")

    @property
    def hosts(self) -> frozenset[str]:
        """Return every name accepted in the Host header, in lower case."""
        public = urlsplit(self.public_url or "").hostname
        return frozenset({*self.allowed_hosts, *((public,) if public else ())})

    def secrets(self) -> tuple[str, ...]:
        """Return the values that no log may show."""
        held = [getattr(self, name) for name in type(self).model_fields]
        values = [one.get_secret_value() for one in held if isinstance(one, SecretStr)]
        found = [urlsplit(value).password for value in values if "://" in value]
        passwords = [word for word in found if word]
        return (*values, *passwords, *map(unquote, passwords))


def is_secret(field: FieldInfo) -> bool:
    """Return whether a setting holds a secret, and so may stand in a file."""
    kind = field.annotation
    return kind is SecretStr or SecretStr in get_args(kind)


def check_secret(value: str) -> None:
    """Refuse, without showing it, a secret that others know or could guess."""
    if len(value) < SECRET_LENGTH:
        raise ValueError(f"a secret has at least {SECRET_LENGTH} characters")
    if len(set(value)) < _DISTINCT or any(
        word in value.casefold() for word in _PUBLISHED
    ):
        raise ValueError("a secret is not a published, default or repeated word")


def read_settings(**given: Any) -> Settings:
    """Read the settings; what is given, as by options, goes before the environment.

    Raises
    ------
    WrongUsage
        When settings do not hold: a sentence for each, without their values.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        raise WrongUsage("\n".join(map(_sentence, error.errors()))) from None
    except SettingsError as error:
        raise WrongUsage(str(error.__cause__ or error)) from None


def _sentence(fault: Mapping[str, Any]) -> str:
    reason = str(fault["msg"]).removeprefix("Value error, ")
    place = fault["loc"]
    return f"{PREFIX}{str(place[0]).upper()}: {reason}." if place else f"{reason}."


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that look like settings but are none, as misspelt ones."""
    known = set()
    for name, field in Settings.model_fields.items():
        known.add(f"{PREFIX}{name.upper()}")
        if is_secret(field):
            known.add(f"{PREFIX}{name.upper()}_FILE")
    return tuple(
        sorted(n for n in environment if n.startswith(PREFIX) and n not in known)
    )
