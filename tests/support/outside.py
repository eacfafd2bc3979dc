"""People whom one other issuer knows, at two servers on one database: what one of them has verified, the other has not."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx

from taskwell.identity.tokens import user_id_of
from tests.conftest import settings_for
from tests.support.provider import Provider
from tests.support.server import serve
from tests.support.signed_in import ME, bearer, browser

SIGN_OUT = "/api/v1/auth/sign-out-everywhere"


class Elsewhere(NamedTuple):
    """`clients` are nobody's, one for each server."""

    provider: Provider
    clients: tuple[httpx.Client, httpx.Client]

    def somebody(self) -> "Outsider":
        return Outsider(self, f"auth0|{uuid4().hex}")


class Outsider(NamedTuple):
    elsewhere: Elsewhere
    sub: str

    @property
    def id(self) -> UUID:
        return user_id_of("auth0", self.sub)

    def token(self, ahead: float = 0, **claims: Any) -> str:
        """Dated so many seconds from now."""
        at = time.time() + ahead
        return self.elsewhere.provider.token(self.sub, iat=int(at) if ahead == 0 else at, exp=int(at) + 3600, **claims)

    def asks(self, method: str, path: str, token: str | None = None, *, server: int = 0, **more: Any) -> httpx.Response:
        """By a token that is made now, or by that one."""
        headers = bearer(token or self.token()) | more.pop("headers", {})
        return self.elsewhere.clients[server].request(method, path, headers=headers, **more)

    def signs_out_everywhere(self, token: str | None = None) -> None:
        assert self.asks("POST", SIGN_OUT, token).status_code == 204

    def deletes_the_account(self, token: str | None = None) -> None:
        assert self.asks("DELETE", ME, token, json={}).status_code == 204


@contextmanager
def elsewhere(database_url: str, folder: Path) -> Iterator[Elsewhere]:
    with ExitStack() as stack:
        provider = stack.enter_context(Provider("auth0"))
        servers = [stack.enter_context(serve(settings_for(database_url, folder, issuers=[provider.row()]))) for _ in range(2)]
        first, second = (stack.enter_context(browser(server)) for server in servers)
        yield Elsewhere(provider, (first, second))
