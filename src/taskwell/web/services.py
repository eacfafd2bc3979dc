"""What handlers work with: made once, when the application is built, and the same for each request."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from taskwell.accounts.store import PasswordSignIn
from taskwell.database.connection import Database
from taskwell.identity.tokens import Claims, Tokens
from taskwell.web.conditions import Tags

if TYPE_CHECKING:  # a request names its services, and who reads its credentials names the request
    from taskwell.web.request import ApiRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SignIn:
    """What is there only where people sign in with us."""

    tokens: Tokens
    by_password: PasswordSignIn
    is_registration_open: bool
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]


class Authenticate(Protocol):
    def __call__(self, request: "ApiRequest", *, basic: bool = False) -> Awaitable[Claims]:
        """Says who sends a request, by its credentials. `basic`: an API token may come as the password of Basic."""


@dataclass(frozen=True, slots=True)
class Services:
    database: Database
    tags: Tags
    authenticate: Authenticate
    sign_in: SignIn | None
    """It is None where there is no sign-in (TASKWELL_AUTH=none)."""
    of_faces: Mapping[type, object]
    """Holds what a face keeps from one request to the next, by its class."""

    def of_face(self, kind: type[T]) -> T:
        return cast("T", self.of_faces[kind])
