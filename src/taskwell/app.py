"""Where all parts meet: `build_app` for whoever has settings, `create` for any ASGI server."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from taskwell import observability
from taskwell.accounts.passwords import Passwords
from taskwell.accounts.store import PasswordSignIn, learn_keys
from taskwell.api import routes
from taskwell.api.health import Readiness
from taskwell.api.keys import PublishedKeys
from taskwell.api.openapi import describe
from taskwell.api.pages import make_pages
from taskwell.database.connection import Database
from taskwell.environment import read_settings
from taskwell.errors import CannotStart
from taskwell.identity.keys import SigningKeys, signing_key
from taskwell.identity.tokens import Tokens
from taskwell.settings import Settings
from taskwell.web.cors import Cors
from taskwell.web.credentials import NoSignIn, TokenSignIn
from taskwell.web.router import Router

log = structlog.get_logger()


class Taskwell(FastAPI):
    """A FastAPI application whose requests go to the dispatcher; FastAPI declares, describes, starts and stops."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            lifespan=_lifespan,
            openapi_url=None,  # served by api/pages.py
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
        )
        self.settings = settings
        self.include_router(routes(with_sign_in=settings.auth == "token"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Straight to the dispatcher: FastAPI's own entry looks for telemetry providers with every request."""
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        access_log = observability.AccessLog(self.settings.log_format, enabled=self.settings.log_level in ("debug", "info"))
        application: ASGIApp = Router(self, self.router, access_log)
        if self.settings.cors_origins:
            application = Cors(application, self.settings.cors_origins)
        return application

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = describe(self.routes, with_sign_in=self.settings.auth == "token")
        return self.openapi_schema


def build_app(settings: Settings) -> Taskwell:
    """Raises CannotStart. The database is first looked at when the server starts."""
    if settings.database_url is None:
        raise CannotStart("no DATABASE_URL: set it, or start with `taskwell serve`, which brings a PostgreSQL of its own")
    app = Taskwell(settings)
    app.state.readiness = Readiness(without_sign_in=settings.auth == "none")
    app.state.pages = make_pages(app)
    app.state.database = Database.at(
        settings.database_url.get_secret_value(),
        pool_size=settings.pool_size,
        prepared_statements=settings.prepared_statements,
    )
    if settings.auth == "none":
        app.state.authenticate = NoSignIn(behind_gateway=settings.auth_none_behind_gateway)
        log.warning("no_sign_in", behind_gateway=settings.auth_none_behind_gateway)
    else:
        _add_sign_in(app, settings)
    return app


def _add_sign_in(app: Taskwell, settings: Settings) -> None:
    app.state.tokens = Tokens(
        SigningKeys(signing_key(settings.private_key, None).private),
        issuer=settings.issuer,
        lifetime_seconds=settings.access_token_seconds,
        outside=settings.issuers,
    )
    app.state.authenticate = TokenSignIn(app.state.tokens, app.state.database)
    app.state.door = PasswordSignIn(
        app.state.database, Passwords(), settings.refresh_token_days * 24 * 3600, settings.sign_ups_per_hour
    )
    app.state.is_open = settings.registration == "open"
    app.state.trusted_proxies = settings.trusted_proxies
    app.state.published_keys = PublishedKeys()


def create() -> Taskwell:
    """The factory for uvicorn, hypercorn or granian: `uvicorn --factory taskwell.app:create`."""
    settings = read_settings()
    observability.configure(settings.log_format, settings.log_level)
    return build_app(settings)


@asynccontextmanager
async def _lifespan(app: Taskwell) -> AsyncIterator[None]:
    try:
        await app.state.database.check_schema()
        if app.settings.auth == "token":
            await learn_keys(app.state.database, app.state.tokens)
        # What was loaded stays: without this, each full collection walks over all of SQLAlchemy while requests wait.
        gc.collect()
        gc.freeze()
        yield
    finally:
        await app.state.database.close()
        if app.settings.auth == "token":
            app.state.door.passwords.close()
            await app.state.tokens.close()
