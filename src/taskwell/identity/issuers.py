"""The issuers of other organisations. A fixed row for each says what its tokens must hold and which keys may have signed them.

A row is found by the exact `iss` of a token. Nothing else in the token chooses a key, an algorithm or a rule (RFC 8725,
3.1 and 3.8 to 3.10).
"""

import difflib
import json
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Annotated, Any, Final, Protocol, Self

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import HMACAlgorithm
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from taskwell.addresses import is_loopback
from taskwell.encoding import AmbiguousJson, strict_decoder
from taskwell.errors import TokenInvalid
from taskwell.identity import late_httpx as httpx
from taskwell.identity.jwks import CURVES, EDWARDS, RSA, RSA_BITS, RemoteKeys, fits
from taskwell.identity.presets import PRESETS, rows_of_presets

SECRET_BYTES: Final = {"HS256": 32, "HS384": 48, "HS512": 64}
"""The least length of an HMAC's key, which is the length of its hash (RFC 7518 3.2)."""

ALGORITHMS: Final = frozenset({*EDWARDS, *CURVES, *RSA, *SECRET_BYTES})

Claim = str | int | bool | None

_JSON = strict_decoder()


class KeySource(Protocol):
    """Where the keys of one issuer come from."""

    async def key(self, kid: str | None, algorithm: str) -> Any:
        """The key, as jwt.decode takes it. Raises TokenInvalid where there is none for that algorithm, and KeysUnavailable."""

    def is_believed(self, algorithm: str) -> bool:
        """Whether what a key for that algorithm has signed, and was verified before, is still believed without another look."""

    async def close(self) -> None: ...


def _listed(value: object) -> object:
    return [value] if isinstance(value, Claim) else value


def _web_address(text: str, http_to: str | None = None) -> str:
    """Returns the address, if it is one that keys may come from. `http_to` is the host that the row allows http to."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise ValueError("is not a web address") from None
    if not url.host or url.userinfo or url.fragment:
        raise ValueError("must be https://host/path, without a user name, a password or a #")
    host = _one_spelling(url.raw_host.decode("ascii"))
    if url.scheme == "https" or (url.scheme == "http" and (is_loopback(url.host) or host == _named(http_to))):
        return text
    raise ValueError(
        "must begin with https:// (http:// is for this machine alone; for a host of a private network, such as a container of "
        f'yours, add "allow_http_to": "{host}" to the row)'
    )


def _named(host: str | None) -> str | None:
    return None if host is None else _one_spelling(host.removeprefix("[").removesuffix("]"))


def _one_spelling(host: str) -> str:
    """A name as it is looked up: in small letters, and by IDNA. An IPv6 address has many spellings, and one canonical one."""
    try:
        return str(ip_address(host))
    except ValueError:
        return host.lower()


def _listed_claims(value: object) -> object:
    if not isinstance(value, dict):
        return value
    claims = {name: _listed(allowed) for name, allowed in value.items()}
    for name, allowed in claims.items():
        if not isinstance(allowed, list) or not allowed or not all(isinstance(one, Claim) for one in allowed):
            raise ValueError(f"needs for {name!r} a string, a whole number, true, false, null, or a list of these")
    return claims


Names = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=255)], ...], BeforeValidator(_listed)]


class Issuer(BaseModel):
    """`name` and a token's subject identify a user. As long as the name stays, a provider may change its address."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9._-]{1,64}$")]
    issuer: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$")]
    audience: Names = ()
    authorized_parties: Names = ()
    algorithms: Annotated[Names, Field(min_length=1)]
    allow_http_to: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,253}$|^\[?[0-9A-Fa-f:.]{2,45}\]?$")] | None = None
    jwks_url: str | None = None
    secret: SecretStr | None = None
    public_key: str | None = None
    required_claims: Annotated[dict[str, tuple[Claim, ...]], BeforeValidator(_listed_claims)] = Field(default_factory=dict)
    any_party: bool = False  # only a preset sets this, of a provider where all applications of a tenant are the operator's

    @field_validator("algorithms")
    @classmethod
    def _known(cls, algorithms: tuple[str, ...]) -> tuple[str, ...]:
        if not ALGORITHMS.issuperset(algorithms):
            raise ValueError(f"may hold only {', '.join(sorted(ALGORITHMS))}")
        return algorithms

    @field_validator("jwks_url")
    @classmethod
    def _is_reached_safely(cls, url: str | None, row: ValidationInfo) -> str | None:
        return None if url is None else _web_address(url, row.data.get("allow_http_to"))

    @property
    def by_secret(self) -> tuple[str, ...]:
        return tuple(algorithm for algorithm in self.algorithms if algorithm in SECRET_BYTES)

    @property
    def by_public_key(self) -> tuple[str, ...]:
        return tuple(algorithm for algorithm in self.algorithms if algorithm not in SECRET_BYTES)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        """Holds each algorithm to the one key that it may be used with.

        A row may have a secret beside its public keys, while a provider moves from the one to the others. The two never serve for
        each other's algorithms: otherwise a published key could be used as the secret (CVE-2022-29217).
        """
        has_public_key = self.jwks_url is not None or self.public_key is not None
        if self.jwks_url is not None and self.public_key is not None:
            raise ValueError("needs exactly one of jwks_url and public_key")
        if not has_public_key and self.secret is None:
            raise ValueError("needs exactly one of jwks_url, secret and public_key, or a secret beside one of the others")
        if self.by_secret and self.by_public_key and not (has_public_key and self.secret):
            lacking = "jwks_url or public_key" if self.secret else "secret"
            raise ValueError(f"algorithms mixes {self.by_secret[0]} with {self.by_public_key[0]}, which also needs {lacking}")
        if self.by_secret and self.secret is None:
            raise ValueError(f"{self.by_secret[0]} needs a secret")
        if self.by_public_key and not has_public_key:
            raise ValueError(f"{self.by_public_key[0]} does not go with a secret: {', '.join(SECRET_BYTES)} do")
        if has_public_key and self.secret is not None and not (self.by_secret and self.by_public_key):
            public = "public_key" if self.jwks_url is None else "jwks_url"
            raise ValueError(f"needs exactly one of {public} and secret, or algorithms for both: HS256 and {self.algorithms[0]}")
        if self.secret is not None:
            _check_secret(self.secret.get_secret_value().encode(), self.by_secret)
        if self.public_key is not None:
            _check_public_key(_read_public_key(self.public_key), self.by_public_key)
        if not (self.audience or self.authorized_parties or self.any_party):
            raise ValueError("needs audience or authorized_parties: a token for any other application would do without")
        return self


def _check_secret(secret: bytes, algorithms: tuple[str, ...]) -> None:
    needed = max(SECRET_BYTES[algorithm] for algorithm in algorithms)
    if len(secret) < needed:
        raise ValueError(f"secret must be at least {needed} bytes long for {max(algorithms)}")
    if len(set(secret)) < 8:
        raise ValueError("secret is not random: make one with openssl rand -base64 64")
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except jwt.InvalidKeyError:
        raise ValueError("secret is a public key or a JSON key, and no secret") from None


def _check_public_key(key: object, algorithms: tuple[str, ...]) -> None:
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS:
        raise ValueError(f"public_key must have at least {RSA_BITS} bits")
    for algorithm in algorithms:
        if not fits(key, algorithm):
            raise ValueError(f"public_key is not one for {algorithm}")


def _read_public_key(text: str) -> object:
    """Read a PEM. Its line ends may be written as `\\n`, as dashboards do."""
    try:
        return load_pem_public_key(text.replace("\\n", "\n").strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("public_key is not a public key in PEM") from None


class FixedKey:
    """The key of a row that gives the key itself. It is used whatever `kid` a token names."""

    def __init__(self, key: object, algorithms: tuple[str, ...]) -> None:
        self._key = key
        self._algorithms = algorithms

    async def key(self, kid: str | None, algorithm: str) -> Any:  # noqa: ARG002  KeySource says so
        if algorithm not in self._algorithms:
            raise TokenInvalid
        return self._key

    def is_believed(self, algorithm: str) -> bool:  # noqa: ARG002
        return True

    async def close(self) -> None:
        pass


class SecretBesidePublicKeys:
    """The secret and the public keys of one row. The algorithm alone chooses between them, and each knows only its own."""

    def __init__(self, secret: KeySource, public: KeySource) -> None:
        self._secret = secret
        self._public = public

    async def key(self, kid: str | None, algorithm: str) -> Any:
        return await self._for(algorithm).key(kid, algorithm)

    def is_believed(self, algorithm: str) -> bool:
        return self._for(algorithm).is_believed(algorithm)

    def _for(self, algorithm: str) -> KeySource:
        return self._secret if algorithm in SECRET_BYTES else self._public

    async def close(self) -> None:
        await self._public.close()


def key_source(issuer: Issuer, on_withdrawal: Callable[[], None]) -> KeySource:
    public: KeySource | None = None
    if issuer.jwks_url is not None:
        public = RemoteKeys(issuer.jwks_url, name=issuer.name, on_withdrawal=on_withdrawal)
    elif issuer.public_key is not None:
        public = FixedKey(_read_public_key(issuer.public_key), issuer.by_public_key)
    if issuer.secret is None:
        assert public is not None
        return public
    secret = FixedKey(issuer.secret.get_secret_value().encode(), issuer.by_secret)
    return secret if public is None else SecretBesidePublicKeys(secret, public)


FIELDS: Final = ("preset", "address", *(field for field in Issuer.model_fields if field != "any_party"))


def parse_issuers(text: str) -> tuple[Issuer, ...]:
    """Read TASKWELL_ISSUERS. Raises ValueError, whose text says what is wrong in which row and never repeats a value."""
    issuers: list[Issuer] = []
    for place, row in enumerate(_rows(text), 1):
        try:
            issuer = _issuer(row)
            for before, other in enumerate(issuers, 1):
                if issuer.name == other.name:
                    raise ValueError(f"name is that of row {before}: give each its own")
                if issuer.issuer == other.issuer:
                    raise ValueError(f"issuer is that of row {before}")
        except ValidationError as error:
            # Not `from error`: it holds the row.
            raise ValueError(f"row {place}: {'; '.join(_sentence(detail) for detail in error.errors())}") from None
        except ValueError as error:
            raise ValueError(f"row {place}: {error}") from None
        issuers.append(issuer)
    return tuple(issuers)


def _rows(text: str) -> list[object]:
    try:
        rows = _JSON.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: see line {error.lineno}, column {error.colno}") from None
    except AmbiguousJson as error:
        raise ValueError(f"{error} in one row") from None
    except RecursionError:
        raise ValueError("is not a list of issuers") from None
    if not isinstance(rows, list):
        raise ValueError("must be a JSON list of issuers: [{...}, {...}]")  # noqa: TRY004  an operator's mistake, not a caller's
    return rows


def _issuer(row: object) -> Issuer:
    if not isinstance(row, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004
    for field in row:
        if field not in FIELDS:
            alike = difflib.get_close_matches(field, FIELDS, n=1)
            shown = field if re.fullmatch(r"[A-Za-z_-]{1,40}", field) else "one of its names"  # which may be of several lines
            raise ValueError(f"{shown} is not a field" + (f": did you mean {alike[0]}?" if alike else f" ({', '.join(FIELDS)})"))
    own = {field: value for field, value in row.items() if field not in ("preset", "address")}
    if "preset" not in row:
        if "address" in row:
            raise ValueError("address goes with a preset: without one, write issuer and jwks_url")
        return Issuer.model_validate(own)
    return Issuer.model_validate(_filled_in(row["preset"], row.get("address"), own))


def _filled_in(preset: object, address: object, own: dict[str, Any]) -> dict[str, Any]:
    """The row with the fields of its preset. The row's own fields go before those."""
    if preset not in PRESETS:
        raise ValueError(f"preset is none of {', '.join(PRESETS)}")
    if not isinstance(address, str):
        raise ValueError(f"address is missing: where {preset} is, such as https://...")  # noqa: TRY004
    try:
        http_to = own.get("allow_http_to")
        url = httpx.URL(_web_address(address, http_to if isinstance(http_to, str) else None))
    except ValueError as error:
        raise ValueError(f"address {error}") from None
    if url.query:
        raise ValueError("address must be https://host/path, without a ?")
    known: dict[str, Any] = {"name": preset} | rows_of_presets(str(url).rstrip("/"))[str(preset)]
    algorithms = _listed(own.get("algorithms", []))
    has_public = isinstance(algorithms, list) and not SECRET_BYTES.keys() >= {str(one) for one in algorithms}
    if "public_key" in own or ("secret" in own and not has_public):
        del known["jwks_url"]
    if isinstance(own.get("required_claims"), dict):
        # Claim by claim: a row that asks for one more must not lose those of the preset.
        own = own | {"required_claims": known.get("required_claims", {}) | own["required_claims"]}
    return known | own


_PATTERNS: Final = {
    "name": "1 to 64 of a-z 0-9 . _ -",
    "issuer": "1 to 255 ASCII characters without a space",
    "allow_http_to": "the name or the address of one host, without a port",
}
_PREAMBLE = re.compile(r"^(Value error, |Input |String |Tuple |Value )")


def _sentence(detail: Mapping[str, Any]) -> str:
    field = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return f"{field} is missing"
    if detail["type"] == "string_pattern_mismatch":
        return f"{field} must be {_PATTERNS[field]}"
    return f"{field} {_PREAMBLE.sub('', str(detail['msg']))}".strip()
