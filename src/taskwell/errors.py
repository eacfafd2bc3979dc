"""Everything that the domain refuses, said once, with no HTTP in it: a face maps the branches to its own protocol.

A leaf's docstring is its default message; its `code` is stable (docs/errors.md). What HTTP itself refuses is in web/refusals.py.

    TaskwellError
    ├── CannotStart             the process ends with one line and exit code 1
    ├── Unauthenticated         who are you?
    │   ├── TokenInvalid
    │   ├── AccountUnusable     disabled; or deleted, or signed out, since the token was made
    │   ├── RefreshTokenInvalid
    │   └── WrongCredentials
    ├── Forbidden               we know who you are, and this is not for you
    │   ├── InsufficientScope
    │   ├── SignInRequired
    │   ├── WrongPassword       of somebody who is signed in: no reason for a client to sign them out
    │   └── RegistrationClosed
    ├── Throttled               try again after `retry_after` seconds
    │   ├── TooManyAttempts
    │   └── TooManySignUps
    ├── NotFound                also whatever belongs to somebody else
    │   ├── TaskNotFound
    │   ├── ListNotFound
    │   ├── LabelNotFound
    │   ├── UserNotFound
    │   └── ApiTokenNotFound
    ├── Conflict
    │   ├── EmailTaken
    │   ├── NoPassword
    │   ├── TooManyApiTokens
    │   ├── TooManyLists
    │   ├── TooManyLabels
    │   ├── TooManyLevels
    │   ├── BelowItself
    │   ├── TaskIdTaken
    │   ├── OccurrenceNotOpen
    │   ├── ListIdTaken
    │   ├── LabelIdTaken
    │   └── LabelNameTaken
    ├── PreconditionFailed      the record is not as the client expects it: `details.current` is how it is now
    │   ├── TaskChanged
    │   ├── TaskExists
    │   ├── ListChanged
    │   ├── ListExists
    │   ├── LabelChanged
    │   └── LabelExists
    ├── ResyncRequired          the client has to read everything again
    ├── InvalidInput            `details` names the fields, never their values
    │   ├── UnknownReference
    │   └── ImportRefused
    ├── Unavailable             try again after `retry_after` seconds
    │   ├── DatabaseUnavailable
    │   ├── DatabaseBusy
    │   ├── OutcomeUnknown
    │   ├── SignInBusy
    │   ├── ImportBusy
    │   └── KeysUnavailable
    └── InternalError           a defect of ours
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Self


class TaskwellError(Exception):
    """The root; never raised itself."""

    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.details = details
        super().__init__(self.message)


class CannotStart(TaskwellError):
    """Taskwell cannot start."""

    code = "cannot_start"

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass  # somebody else may be about to mend it, so that trying again can help


class Unauthenticated(TaskwellError):
    """Sign in first."""


class TokenInvalid(Unauthenticated):
    """The access token is not valid (malformed, expired, or not ours). Sign in again."""

    code = "token_invalid"


class AccountUnusable(Unauthenticated):
    """The account is disabled, or was deleted or signed out after this token was made. Sign in again, unless it is disabled."""

    code = "account_unusable"


class RefreshTokenInvalid(Unauthenticated):
    """The refresh token is not valid (malformed, expired, used before, or signed out). Sign in again."""

    code = "refresh_token_invalid"


class WrongCredentials(Unauthenticated):
    """The e-mail address or the password is wrong."""

    code = "wrong_credentials"


class Forbidden(TaskwellError):
    """This is not for you."""


class InsufficientScope(Forbidden):
    """This token may not be used for that. `details.scope` is what it lacks."""

    code = "insufficient_scope"


class SignInRequired(Forbidden):
    """An API token cannot do this: sign in."""

    code = "sign_in_required"


class WrongPassword(Forbidden):
    """The password is wrong."""

    code = "wrong_password"


class RegistrationClosed(Forbidden):
    """Nobody can sign up here. Ask whoever runs this server for an account."""

    code = "registration_closed"


class Throttled(TaskwellError):
    """Too much at once."""

    def __init__(self, *, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after  # seconds


class TooManyAttempts(Throttled):
    """Too many failed sign-ins. Wait before you try again."""

    code = "too_many_attempts"


class TooManySignUps(Throttled):
    """Too many accounts were asked for from where you are. Wait before you try again."""

    code = "too_many_sign_ups"


class NotFound(TaskwellError):
    """There is nothing here."""


class TaskNotFound(NotFound):
    """There is no such task."""

    code = "task_not_found"


class ListNotFound(NotFound):
    """There is no such list."""

    code = "list_not_found"


class LabelNotFound(NotFound):
    """There is no such label."""

    code = "label_not_found"


class UserNotFound(NotFound):
    """There is no such user."""

    code = "user_not_found"


class ApiTokenNotFound(NotFound):
    """There is no such API token."""

    code = "api_token_not_found"


class Conflict(TaskwellError):
    """The request contradicts what is stored."""


class EmailTaken(Conflict):
    """An account with this e-mail address exists already."""

    code = "email_taken"


class NoPassword(Conflict):
    """This account has no password here: it signs in elsewhere."""

    code = "no_password"


class TooManyApiTokens(Conflict):
    """You have as many API tokens as one user can have. Delete one that you no longer need."""

    code = "too_many_api_tokens"


class TooManyLists(Conflict):
    """You have as many lists as one user can have. Delete one that you no longer need."""

    code = "too_many_lists"


class TooManyLabels(Conflict):
    """You have as many labels as one user can have: 1,000. Delete or merge some that you no longer need."""

    code = "too_many_labels"


class TooManyLevels(Conflict):
    """Tasks go 8 levels deep at most, the task at the top included."""

    code = "too_many_levels"


class BelowItself(Conflict):
    """A task cannot be a subtask of its own, or of what is below it."""

    code = "below_itself"


class TaskIdTaken(Conflict):
    """This id belongs to another task of yours, or to a deleted one."""

    code = "task_id_taken"


class OccurrenceNotOpen(Conflict):
    """The task is not due on that day, and was not finished for it. Read the task again."""

    code = "occurrence_not_open"


class ListIdTaken(Conflict):
    """This id belongs to another list of yours, or to a deleted one."""

    code = "list_id_taken"


class LabelIdTaken(Conflict):
    """This id belongs to another label of yours, or to a deleted one."""

    code = "label_id_taken"


class LabelNameTaken(Conflict):
    """You have a label of this name already, in whichever case. To make one of the two, change it with `merge=true`."""

    code = "label_name_taken"


class PreconditionFailed(TaskwellError):
    """A condition of the request does not hold."""


class TaskChanged(PreconditionFailed):
    """The task has changed since you read it. `details.current` is how it is now."""

    code = "task_changed"


class TaskExists(PreconditionFailed):
    """A task with this id exists already. `details.current` is how it is now."""

    code = "task_exists"


class ListChanged(PreconditionFailed):
    """The list has changed since you read it. `details.current` is how it is now."""

    code = "list_changed"


class ListExists(PreconditionFailed):
    """A list with this id exists already. `details.current` is how it is now."""

    code = "list_exists"


class LabelChanged(PreconditionFailed):
    """The label has changed since you read it. `details.current` is how it is now."""

    code = "label_changed"


class LabelExists(PreconditionFailed):
    """A label with this id exists already. `details.current` is how it is now."""

    code = "label_exists"


class ResyncRequired(TaskwellError):
    """This token is too old, or from before a restore of the database: read everything again, without a token."""

    code = "resync_required"


class InvalidInput(TaskwellError):
    """The request is not valid. `details.fields` says where and why."""

    code = "invalid_input"

    @classmethod
    def of(cls, field: str, code: str, message: str) -> Self:
        """Where the field was found, a face adds."""
        return cls(fields=[{"field": field, "code": code, "message": message}])

    @classmethod
    def not_stored(cls, names: Iterable[str]) -> Self:
        message = "only Taskwell sets this, and this is not what is stored"
        return cls(fields=[{"field": name, "code": "read_only", "message": message} for name in names])


class UnknownReference(InvalidInput):
    """The request names something that you do not have. `details.fields` says where."""

    code = "unknown_reference"

    @classmethod
    def at(cls, names: Iterable[str]) -> Self:
        message = "you have nothing with this id or name"
        return cls(fields=[{"field": name, "code": cls.code, "message": message} for name in names])


class ImportRefused(InvalidInput):
    """Nothing was imported, since not all of the file can be. `details.refusals` says which lines, and why."""

    code = "import_refused"


class Unavailable(TaskwellError):
    """Try again soon."""

    retry_after: ClassVar[int] = 1  # seconds


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached just now. Nothing was changed; try again."""

    code = "database_unavailable"
    retry_after = 2


class DatabaseBusy(Unavailable):
    """Every database connection is in use. Nothing was changed; try again."""

    code = "database_busy"


class OutcomeUnknown(Unavailable):
    """The connection broke while this was being written: it may or may not have been stored. Read before you repeat it."""

    code = "outcome_unknown"
    retry_after = 2


class SignInBusy(Unavailable):
    """Too many sign-ins at this moment. Try again."""

    code = "sign_in_busy"


class ImportBusy(Unavailable):
    """Too many imports at this moment. Nothing was changed; try again."""

    code = "import_busy"
    retry_after = 5


class KeysUnavailable(Unavailable):
    """The keys of the issuer of this access token cannot be fetched just now. Nothing was changed; try again."""

    code = "keys_unavailable"
    retry_after = 5


class InternalError(TaskwellError):
    """Something went wrong on our side. The request id finds it in the log."""

    code = "internal_error"
