"""What PostgreSQL and asyncpg raise, by what it means for the statement that was sent."""

from typing import Final

import asyncpg
from asyncpg.exceptions import DataError, InternalClientError

# With these errors the server says that the statement did not happen.
ROLLED_BACK: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.InsufficientResourcesError,  # out of connections, memory or disk
    asyncpg.ReadOnlySQLTransactionError,  # a standby, in the middle of a fail-over
)
TOOK_TOO_LONG: Final = (TimeoutError, asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)
# The statement did not happen, because what our connection knows is out of date: a restore or an operator changed the database,
# or a standby answers. Only a new connection can know better.
OUTDATED: Final = (
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.FeatureNotSupportedError,  # "cached plan must not change result type"
    asyncpg.InvalidSQLStatementNameError,  # a pooler that does not track prepared statements
    asyncpg.DuplicatePreparedStatementError,
)
# These errors are our own mistakes. Anything else that PostgreSQL refuses is for its operator to mend, and not for the client: a
# missing grant, a trigger, a table that is gone, a faulty disk.
DEFECTS: Final = (asyncpg.PostgresSyntaxError, asyncpg.CardinalityViolationError)
NOT_STORABLE: Final = (DataError, asyncpg.NotNullViolationError, asyncpg.CheckViolationError)
NOT_STORABLE_SAYS: Final = "A value cannot be stored."
UNKNOWN_ZONE: Final = asyncpg.InvalidParameterValueError  # AT TIME ZONE; nothing else of ours takes a word
# Of a stored one, as another version of the IANA database had it.
UNKNOWN_ZONE_SAYS: Final = "A time zone, of the account or of a task, is not known here or no longer. Set another one."
# After these errors it is unknown whether the statement happened.
BROKEN: Final = (
    OSError,  # TimeoutError and ssl.SSLError are kinds of it
    EOFError,
    asyncpg.InterfaceError,
    InternalClientError,  # it is a bare Exception to Python, and in practice the connection is broken
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, crashed, starting
    asyncpg.PostgresSystemError,
    asyncpg.StatementCompletionUnknownError,
    asyncpg.TransactionResolutionUnknownError,
)


def is_undone(error: Exception) -> bool:
    """Says whether it is certain that the statement did not happen."""
    return isinstance(error, ROLLED_BACK) or (isinstance(error, asyncpg.PostgresError) and not isinstance(error, BROKEN))
