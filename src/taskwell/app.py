"""Where all parts meet: `build_app` for whoever has settings, `create` for any ASGI server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from taskwell import __version__, observability
from taskwell.accounts.keys import SigningKey, load_or_make
from taskwell.accounts.passwords import Passwords
from taskwell.accounts.tokens import Tokens
from taskwell.api import routes
from taskwell.api.dispatch import Dispatcher
from taskwell.api.health import Readiness
from taskwell.api.openapi import describe
from taskwell.api.pages import make_pages
from taskwell.database import url
from taskwell.database.database import Database
from taskwell.database.schema import SCHEMA_STATE, Fit, fit
from taskwell.errors import CannotStart, DatabaseUnavailable
from taskwell.settings import Settings

log = structlog.get_logger()


class Taskwell(FastAPI):
    """A FastAPI application whose requests go to the dispatcher; FastAPI declares, describes, starts and stops."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            title="Taskwell",
            version=__version__,
            lifespan=_lifespan,
            openapi_url=None,  # served by api/pages.py
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
        )
        self.settings = settings
        self.include_router(routes())

    def build_middleware_stack(self) -> ASGIApp:
        access_log = observability.AccessLog(self.settings.log_format, enabled=self.settings.log_level in ("debug", "info"))
        application: ASGIApp = Dispatcher(self, self.router, access_log)
        if self.settings.cors_origins:
            application = CORSMiddleware(
                application,
                allow_origins=self.settings.cors_origins,
                allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["Authorization", "Content-Type", "If-Match", "If-None-Match", "X-Request-Id"],
                expose_headers=["ETag", "Link", "Location", "Retry-After", "X-Request-Id"],
                max_age=3600,
            )
        return application

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = describe(self)
        return self.openapi_schema


def build_app(settings: Settings) -> Taskwell:
    """Raises CannotStart. The database is first looked at when the server starts."""
    app = Taskwell(settings)
    key = load_or_make(settings.data_dir) if settings.private_key is None else SigningKey.of(settings.private_key)
    app.state.tokens = Tokens(key, issuer=settings.issuer, lifetime_seconds=settings.access_token_seconds)
    app.state.passwords = Passwords()
    app.state.readiness = Readiness()
    app.state.pages = make_pages(app)
    if settings.database_url is None:
        raise CannotStart("no DATABASE_URL: set it, or start with `taskwell serve`, which brings a PostgreSQL of its own")
    app.state.database = open_database(settings)
    return app


def create() -> Taskwell:
    """The factory for uvicorn, hypercorn or granian: `uvicorn --factory taskwell.app:create`."""
    settings = Settings.load()
    observability.configure(settings.log_format, settings.log_level)
    return build_app(settings)


def open_database(settings: Settings) -> Database:
    assert settings.database_url is not None
    target = url.parse(settings.database_url.get_secret_value())
    return Database(
        target,
        pool_size=settings.pool_size,
        statement_cache=url.statement_cache(settings.prepared_statements, target),
    )


async def check_schema(db: Database) -> None:
    """Raises CannotStart when the schema is older than this program; a newer one serves, so that deployments can roll."""
    try:
        await db.row(SCHEMA_STATE)
    except asyncpg.UndefinedTableError:
        raise CannotStart("the database has no tables yet: run `taskwell migrate`") from None
    except DatabaseUnavailable as error:
        raise CannotStart(f"the database cannot be reached: {error.__cause__ or error.message}") from error
    schema = fit(db.schema_version)
    if schema is Fit.BEHIND:
        raise CannotStart(f"the database's schema ({db.schema_version}) is older than this program: run `taskwell migrate`")
    if schema is Fit.NEWER:
        log.warning("newer_schema", version=db.schema_version)


@asynccontextmanager
async def _lifespan(app: Taskwell) -> AsyncIterator[None]:
    try:
        await check_schema(app.state.database)
        yield
    finally:
        await app.state.database.close()
        app.state.passwords.close()
