"""Alembic's entry: `taskwell migrate` gives it the connection (database/schema.py), so there is no alembic.ini."""

from alembic import context
from sqlalchemy import text
from sqlmodel import SQLModel

import taskwell.accounts.idempotency.tables
import taskwell.accounts.tables
import taskwell.database.tables
import taskwell.labels.tables
import taskwell.tasks.tables  # noqa: F401  # importing the tables is what fills SQLModel.metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, compare_server_default=True)
with context.begin_transaction():
    # One migration at a time; the others wait here and then find nothing left to do. The lock ends with the transaction,
    # so it needs no session: a pooler would hand a session's lock to two clients at once.
    connection.execute(text("SELECT pg_advisory_xact_lock(7426395)"))
    # DDL that waits for a lock makes everybody else wait behind it; better to fail and be run again.
    connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    context.run_migrations()
