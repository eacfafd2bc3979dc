"""All settings: one frozen object, made once and passed in. What each setting means is in docs/settings.md.

`Settings(...)` takes what it is given and the defaults, so that a test says all that it depends on. environment.py reads the
environment.
"""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from platformdirs import user_data_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from taskwell.addresses import Network, as_read, is_loopback
from taskwell.database import url
from taskwell.errors import CannotStart
from taskwell.identity.issuers import Issuer, parse_issuers
from taskwell.identity.keys import read_signing_key
from taskwell.origins import check_entry, is_on_this_machine
from taskwell.path_prefix import read_prefix
from taskwell.types import decimal_digits

_HIDDEN = "********"
_HOMELESS = Path("~/.local/share/taskwell")


def _refusal(sentence: str) -> PydanticCustomError:
    """`sentence` lacks its subject, the name of the setting."""
    return PydanticCustomError("setting", "{sentence}", {"sentence": sentence})


def _database_url(value: SecretStr, info: ValidationInfo) -> SecretStr:
    name = name_of(str(info.field_name))
    try:
        if info.field_name == "database_direct_url":
            url.for_migrations("", value.get_secret_value())
        else:
            url.parse(value.get_secret_value(), name)
    except CannotStart as error:
        raise _refusal(error.message.removeprefix(name).strip()) from None
    return value


def _signing_key(value: SecretStr) -> SecretStr:
    try:
        read_signing_key(value.get_secret_value())
    except ValueError as error:
        raise _refusal(str(error)) from None
    return value


def _folder(value: Path) -> Path:
    if "\0" in str(value):
        raise _refusal("has a NUL in it: leave it out")
    try:
        return value.expanduser().absolute()
    except OSError as error:
        raise _refusal(f"is relative to the current folder, which is gone ({error.strerror}): write it from / on") from None
    except RuntimeError:
        if value == _HOMELESS:
            return value
        raise _refusal("begins with a ~ that leads to no home folder") from None


def _data_dir() -> Path:
    """The user's, or one that begins with a ~ where there is no home folder: with DATABASE_URL nobody needs it."""
    try:
        return user_data_path("taskwell", appauthor=False)
    except RuntimeError:
        return _HOMELESS


def _host(value: str) -> str:
    try:
        if ":" in value:
            ipaddress.IPv6Address(value)
    except ValueError:
        raise _refusal("must be an address or a host name without its port: the port is TASKWELL_PORT") from None
    if not re.fullmatch(r"[A-Za-z0-9.:%_-]+", value):
        raise _refusal("must be an address or a host name, such as 127.0.0.1 or 0.0.0.0")
    return value


def _issuer(value: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", value):
        raise _refusal("must be 1 to 255 ASCII characters without a space")
    return value


def _list(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(entry.strip() for entry in value.split(",")) if value.strip() else ()


def _checked_origins(value: tuple[str, ...]) -> tuple[str, ...]:
    if "*" in value and len(value) > 1:
        raise _refusal("is either * or a list of origins")
    return value if value == ("*",) else tuple(_origin(origin, place) for place, origin in enumerate(value, 1))


def _origin(value: str, place: int) -> str:
    try:
        return check_entry(value)
    except ValueError as error:
        raise _refusal(f"{error} (entry {place})") from None


def _header_names(value: tuple[str, ...]) -> tuple[str, ...]:
    for place, name in enumerate(value, 1):
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
            raise _refusal(f"must be a comma list of names of headers, such as X-App-Version (entry {place})")
    return value


def _root_path(value: str) -> str:
    prefix = read_prefix(value)
    if prefix is None:
        raise _refusal("must be a path such as /tasks-api: ASCII letters, digits and - . _ ~ between single slashes")
    return prefix


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(_network(part.strip()) for part in value.split(",")) if value.strip() else ()


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise _refusal("must be a comma list of addresses or networks, such as 10.0.0.0/8") from None
    address = text.partition("/")[0]
    if str(network.network_address) != str(ipaddress.ip_address(address)):
        raise _refusal(f"has {text}, which is an address inside of a network: {network} is the network, {address} the address")
    return as_read(network)


def _issuers(value: object) -> object:
    if not isinstance(value, str | list):
        return value
    try:
        return parse_issuers(value if isinstance(value, str) else json.dumps(value))
    except ValueError as error:
        raise _refusal(str(error)) from None


# The health check of the image reads a port likewise.
Whole = Annotated[int, BeforeValidator(decimal_digits)]


def _yes_or_no(value: object) -> object:
    if isinstance(value, str) and value.lower() not in ("yes", "no"):
        raise _refusal("must be yes or no")
    return value.lower() == "yes" if isinstance(value, str) else value


def _off(value: object) -> object:
    """Not 0, which could as well mean that nobody may sign up."""
    return None if isinstance(value, str) and value.lower() == "off" else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    database_url: Annotated[SecretStr, AfterValidator(_database_url)] | None = None
    database_direct_url: Annotated[SecretStr, AfterValidator(_database_url)] | None = None
    data_dir: Annotated[Path, AfterValidator(_folder)] = Field(default_factory=_data_dir)
    host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    port: Whole = Field(8000, ge=1, le=65535)
    workers: Whole | None = Field(None, ge=1, le=512)
    pool_size: Whole = Field(8, ge=3, le=100)  # two sets may be on their way, and others must find one
    prepared_statements: Annotated[url.PreparedStatements, BeforeValidator(_lower)] = "auto"
    sets: Annotated[Literal["auto", "off"], BeforeValidator(_lower)] = "auto"
    signing_key: Annotated[SecretStr, AfterValidator(_signing_key)] | None = None
    issuer: Annotated[str, AfterValidator(_issuer)] = "taskwell"  # a name: it stays the same when the address changes
    access_token_seconds: Whole = Field(900, ge=60, le=86400)
    refresh_token_days: Whole = Field(30, ge=1, le=366)
    trash_days: Whole = Field(30, ge=1, le=3_650)
    registration: Annotated[Literal["open", "closed"], BeforeValidator(_lower)] = "open"
    sign_ups_per_hour: Annotated[Annotated[Whole, Field(ge=1, le=1_000_000)] | None, BeforeValidator(_off)] = 100
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = ()
    root_path: Annotated[str, AfterValidator(_root_path)] = ""
    issuers: Annotated[tuple[Issuer, ...], BeforeValidator(_issuers)] = ()
    auth: Annotated[Literal["token", "none"], BeforeValidator(_lower)] = "token"
    auth_none_behind_gateway: Annotated[bool, BeforeValidator(_yes_or_no)] = False
    keep_alive_seconds: Whole = Field(75, ge=1, le=3600)  # more than the 60 of load balancers
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_list), AfterValidator(_checked_origins)] = ()
    cors_headers: Annotated[tuple[str, ...], BeforeValidator(_list), AfterValidator(_header_names)] = ()
    log_format: Annotated[Literal["auto", "text", "json"], BeforeValidator(_lower)] = "auto"
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"

    log_addresses: Annotated[bool, BeforeValidator(_yes_or_no)] = True

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _no_direct_url_alone(self) -> Self:
        if self.database_direct_url is not None and self.database_url is None:
            # Serving from the embedded database here would look as if all tasks were gone.
            raise _refusal("DATABASE_DIRECT_URL is set and DATABASE_URL is not: set both")
        return self

    @model_validator(mode="after")
    def _a_place_for_the_data(self) -> Self:
        if self.database_url is None and not self.data_dir.is_absolute():
            raise _refusal(
                "there is no home folder to keep the data in (HOME is not set, and this user has none): "
                "set DATABASE_URL or TASKWELL_DATA_DIR"
            )
        return self

    @model_validator(mode="after")
    def _issuers_are_others(self) -> Self:
        if self.issuer in {one.issuer for one in self.issuers}:
            raise _refusal("TASKWELL_ISSUERS has a row whose issuer is TASKWELL_ISSUER, which is our own")
        return self

    @model_validator(mode="after")
    def _no_sign_in_only_at_home(self) -> Self:
        if self.auth == "token":
            return self
        if not self.auth_none_behind_gateway and not is_loopback(self.host):
            raise _refusal(
                f"TASKWELL_AUTH=none lets in whoever reaches {self.host}: listen on 127.0.0.1, or behind a gateway that asks "
                "who is there set TASKWELL_AUTH_NONE_BEHIND_GATEWAY=yes"
            )
        if self.cors_origins == ("*",):
            raise _refusal("TASKWELL_AUTH=none with TASKWELL_CORS_ORIGINS=* lets every web page read the tasks: name the origins")
        for place, origin in enumerate(self.cors_origins, 1):
            if not self.auth_none_behind_gateway and not is_on_this_machine(origin):
                raise _refusal(
                    "TASKWELL_AUTH=none lets in the pages of TASKWELL_CORS_ORIGINS, and takes only pages of this machine there, "
                    f"such as http://localhost:* (entry {place})"
                )
        return self

    @classmethod
    def with_sources(cls, values: Mapping[str, object], sources: Mapping[str, str]) -> Self:
        """`sources` says for `describe` where each field comes from. Raises pydantic's ValidationError."""
        settings = cls.model_validate(values)
        settings._sources.update(sources)  # noqa: SLF001  our own
        return settings

    @property
    def worker_count(self) -> int:
        """The embedded database shares the machine with one worker; elsewhere each core has its own."""
        if self.workers is not None:
            return self.workers
        return 1 if self.database_url is None else cores()

    @property
    def private_key(self) -> Ed25519PrivateKey | None:
        return None if self.signing_key is None else read_signing_key(self.signing_key.get_secret_value())

    def describe(self) -> list["SettingLine"]:
        """For `taskwell config`: every setting, in the order of docs/settings.md, fit to be pasted into a bug report."""
        return [SettingLine(name_of(field), self._shown(field), self._source(field)) for field in type(self).model_fields]

    def _source(self, field: str) -> str:
        return self._sources.get(field, "argument" if field in self.model_fields_set else "default")

    def _shown(self, field: str) -> str:
        value = getattr(self, field)
        if field == "workers":
            return str(self.worker_count)
        if value is None:
            return "off" if field == "sign_ups_per_hour" else "not set"
        if field in {"database_url", "database_direct_url"}:
            return str(url.parse(value.get_secret_value()))
        if isinstance(value, tuple):
            return ",".join(f"{one.name} ({one.issuer})" if isinstance(one, Issuer) else str(one) for one in value) or "none"
        if isinstance(value, bool):
            return "yes" if value else "no"
        return _HIDDEN if isinstance(value, SecretStr) else str(value) or "none"


@dataclass(frozen=True)
class SettingLine:
    name: str
    value: str
    source: str  # default | environment | environment (PORT) | .env | file <path> | argument


def name_of(field: str) -> str:
    """The environment variable of a field."""
    return field.upper() if field.startswith("database_") else f"TASKWELL_{field.upper()}"


SECRET_SETTINGS = frozenset(name_of(field) for field in ("database_url", "database_direct_url", "signing_key", "issuers"))
SETTING_NAMES = tuple(name_of(field) for field in Settings.model_fields)


def cores(cpu_max: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """The cores that this process may use: a container's limit counts, which `os.cpu_count` does not see."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = cpu_max.read_text().split()
        return max(1, min(usable, int(quota) // int(period)))
    except (OSError, ValueError):  # no cgroup v2, or no limit: "max 100000"
        return usable
