"""Handlers work with these services. They are made once, when the application is built, and are the same for each request."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Protocol, TypeVar, cast
from uuid import UUID

from taskwell.accounts.store import PasswordSignIn
from taskwell.database.connection import Database
from taskwell.identity.tickets import Tickets
from taskwell.identity.tokens import Claims, Tokens
from taskwell.web.conditions import Tags
from taskwell.web.prefix import Prefix

if TYPE_CHECKING:  # each of the two modules names the other
    from taskwell.web.request import ApiRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SignIn:
    """These services exist only where users sign in with Taskwell."""

    tokens: Tokens
    tickets: Tickets
    by_password: PasswordSignIn
    is_registration_open: bool
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]


class Authenticate(Protocol):
    def __call__(self, request: "ApiRequest", *, basic: bool = False) -> Awaitable[Claims]:
        """Finds the user who sends a request. With `basic`, an API token may come as the password of Basic."""


@dataclass(frozen=True, slots=True)
class Services:
    database: Database
    tags: Tags
    prefix: Prefix
    authenticate: Authenticate
    sign_in: SignIn | None
    """It is None where there is no sign-in (TASKWELL_AUTH=none)."""
    of_faces: Mapping[type, object]
    """Holds what a face keeps from one request to the next, by its class."""

    streams: set[asyncio.Task[None]] = field(default_factory=set)
    """Holds what need not end by itself (web/stream.py): what sends a body made meanwhile, and what waits for a change."""

    keys_at_work: Counter[tuple[UUID, str]] = field(default_factory=Counter)
    """Counts the requests with the same idempotency key of an owner's that are at work now (web/exactly_once.py)."""

    def end_streams(self) -> None:
        for stream in self.streams:
            stream.cancel()

    def of_face(self, kind: type[T]) -> T:
        return cast("T", self.of_faces[kind])
