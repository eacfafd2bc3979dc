"""All parts meet here. `build_app` makes the application from settings. `create` is the factory for an ASGI server."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from taskwell import observability
from taskwell.accounts.passwords import Passwords
from taskwell.accounts.store import PasswordSignIn, learn_keys
from taskwell.api import description, kept, routes
from taskwell.database.connection import Database
from taskwell.environment import read_settings
from taskwell.errors import CannotStart, Unavailable
from taskwell.identity.keys import SigningKeys, signing_key
from taskwell.identity.tickets import Tickets
from taskwell.identity.tokens import Tokens
from taskwell.log import log
from taskwell.records.tags import tag_head
from taskwell.settings import Settings
from taskwell.web.client_address import client_address
from taskwell.web.conditions import Tags
from taskwell.web.cors import Cors
from taskwell.web.credentials import NoSignIn, TokenSignIn
from taskwell.web.declaration import NotSupported
from taskwell.web.operation import declared
from taskwell.web.prefix import Prefix
from taskwell.web.router import Router
from taskwell.web.services import Services, SignIn


class Taskwell(FastAPI):
    """A FastAPI application whose requests go to the router of web/router.py.

    FastAPI declares and describes the operations, and it starts and stops the application.
    """

    def __init__(
        self, settings: Settings, services: Services, api: APIRouter, describes: Callable[[], dict[str, Any]], *, is_checked: bool
    ) -> None:
        super().__init__(
            lifespan=_lifespan,
            openapi_url=None,  # api/pages.py serves it
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
        )
        self.settings = settings
        self.services = services
        self.is_checked = is_checked
        self._describes = describes
        self.routes.extend(api.routes)  # include_router would make each of them once more, for a prefix that is empty
        self._served = list(self.routes)
        # The stack is built now, so that what it refuses is refused before a server listens.
        self.middleware_stack: ASGIApp = self.build_middleware_stack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Calls the router directly, because FastAPI's own entry looks for telemetry providers with every request."""
        await self.middleware_stack(scope, receive, send)

    async def _start_and_stop(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._served != self.routes or self.dependency_overrides:  # something was added since the stack was built
            self.middleware_stack = self.build_middleware_stack()
        scope["app"] = self
        await self.router(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        if self.user_middleware or self.dependency_overrides:
            raise NotSupported("middleware and dependency_overrides of FastAPI: no request goes through what would run them")
        settings = self.settings
        access_log = observability.AccessLog(
            settings.log_format,
            enabled=settings.log_level in ("debug", "info"),
            probes=settings.log_level == "debug",
            client=partial(client_address, trusted=settings.trusted_proxies) if settings.log_addresses else None,
        )
        cors = Cors(settings.cors_origins, settings.cors_headers) if settings.cors_origins else None
        return Router(declared(self.routes), self.services, self._start_and_stop, access_log, cors)

    def openapi(self) -> dict[str, Any]:
        """Returns the description that the face made. FastAPI would write another one as soon as it sees routes."""
        return self._describes()


def build_app(settings: Settings, *, is_checked: bool = False) -> Taskwell:
    """Makes the application, without a look at the database: that comes when the server starts. Raises CannotStart.

    `is_checked` says that the database was fit before this process began. What is wrong with it at the start then broke later,
    which is 503 until it is mended.
    """
    if settings.database_url is None:
        raise CannotStart("no DATABASE_URL: set it, or start with `taskwell serve`, which brings a PostgreSQL of its own")
    database = Database.at(
        settings.database_url.get_secret_value(),
        pool_size=settings.pool_size,
        prepared_statements=settings.prepared_statements,
        sets=settings.sets == "auto",
        trash_days=settings.trash_days,
    )
    authenticate: TokenSignIn | NoSignIn
    if settings.auth == "none":
        sign_in = None
        authenticate = NoSignIn(behind_gateway=settings.auth_none_behind_gateway, origins=settings.cors_origins)
        log.warning("no_sign_in", behind_gateway=settings.auth_none_behind_gateway)
    else:
        sign_in = _sign_in(settings, database)
        authenticate = TokenSignIn(sign_in.tokens, database)
    api = routes(with_sign_in=sign_in is not None)
    describes = partial(description, with_sign_in=sign_in is not None)
    prefix = Prefix(settings.root_path, settings.trusted_proxies)
    services = Services(database, Tags(partial(tag_head, database)), prefix, authenticate, sign_in, kept(describes, database))
    return Taskwell(settings, services, api, describes, is_checked=is_checked)


def _sign_in(settings: Settings, database: Database) -> SignIn:
    keys = SigningKeys(signing_key(settings.private_key, None).private)
    return SignIn(
        Tokens(
            keys,
            issuer=settings.issuer,
            lifetime_seconds=settings.access_token_seconds,
            outside=settings.issuers,
        ),
        Tickets(keys, issuer=settings.issuer),
        PasswordSignIn(database, Passwords(), settings.refresh_token_days * 24 * 3600, settings.sign_ups_per_hour),
        is_registration_open=settings.registration == "open",
        trusted_proxies=settings.trusted_proxies,
    )


def create() -> Taskwell:
    """Makes the application for an ASGI server: `uvicorn --factory taskwell.app:create`, `hypercorn 'taskwell.app:create()'`."""
    settings = read_settings()
    observability.configure(settings.log_format, settings.log_level)
    return build_app(settings)


@asynccontextmanager
async def _lifespan(app: Taskwell) -> AsyncIterator[None]:
    database, sign_in = app.services.database, app.services.sign_in
    try:
        try:
            await database.check_schema()
            if sign_in is not None:
                await learn_keys(database, sign_in.tokens)
        except (CannotStart, Unavailable) as error:
            if not app.is_checked:
                raise
            log.warning("database_unfit", why=error.message)
        # What is loaded now stays. Without the freeze, each full collection walks over all of SQLAlchemy while requests wait.
        gc.collect()
        gc.freeze()
        yield
    finally:
        await database.close()
        if sign_in is not None:
            sign_in.by_password.passwords.close()
            await sign_in.tokens.close()
