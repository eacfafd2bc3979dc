"""What a client may say of an account."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from taskwell.accounts.passwords import PASSWORD_BYTES, PASSWORD_BYTES_SENT, opaque_string
from taskwell.errors import InvalidInput
from taskwell.types import DisplayName, Email, Flag, Id, Time, TimeZone

PASSWORD_LENGTH = 8


def _fits(password: SecretStr) -> SecretStr:
    # In bytes, because that is what argon2 reads: a limit in characters would let four times as much through. Either form may be
    # the shorter one, and hashes of before were made of what was sent.
    sent = password.get_secret_value()
    size = len(sent.encode())
    if size > PASSWORD_BYTES_SENT or (size > PASSWORD_BYTES and len(opaque_string(sent).encode()) > PASSWORD_BYTES):
        raise ValueError(f"must be at most {PASSWORD_BYTES} bytes")
    return password


def _is_fit_to_be_kept(password: SecretStr) -> SecretStr:
    normal = opaque_string(password.get_secret_value())
    if len(normal) < PASSWORD_LENGTH:
        raise ValueError(f"must have at least {PASSWORD_LENGTH} characters")
    if len(normal.encode()) > PASSWORD_BYTES:  # a few letters are longer in their normal form
        raise ValueError(f"must be at most {PASSWORD_BYTES} bytes")
    return password


_PASSWORD = "correct horse battery"  # noqa: S105  an example
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)

# A password needs length, not symbols (NIST SP 800-63B-4, 3.1.1.2).
NewPassword = Annotated[
    SecretStr, AfterValidator(_fits), AfterValidator(_is_fit_to_be_kept), Field(json_schema_extra={"minLength": PASSWORD_LENGTH})
]
Password = Annotated[SecretStr, AfterValidator(_fits)]


class NewAccount(BaseModel):
    """Signing up."""

    model_config = _STRICT | ConfigDict(
        json_schema_extra={"examples": [{"email": "me@example.com", "password": _PASSWORD, "display_name": "Me"}]}
    )

    email: Email
    password: NewPassword
    display_name: DisplayName | None = None


class AccountChanges(BaseModel):
    """PATCH, a JSON Merge Patch (RFC 7396). Another `email` needs the `password` with it, and ends every sign-in.

    The account may come back as it was read: what only Taskwell sets, and an `email` without a password, must be what is stored.
    """

    model_config = _STRICT | ConfigDict(
        json_schema_extra={
            "dependentRequired": {"password": ["email"]},
            "examples": [{"display_name": "Me", "time_zone": "Europe/Berlin"}],
        }
    )

    display_name: Annotated[DisplayName | None, Field(default=None)]
    time_zone: Annotated[TimeZone, Field(default=None)]
    email: Annotated[Email | None, Field(default=None)]
    password: Annotated[Password, Field(default=None)]
    id: Annotated[Id, Field(default=None)]
    is_admin: Annotated[Flag, Field(default=None)]
    created_at: Annotated[Time | None, Field(default=None)]

    @property
    def moves(self) -> bool:
        """It asks for another address: a password is there."""
        return "password" in self.model_fields_set

    @property
    def as_read(self) -> set[str]:
        """The fields that have to be what is stored."""
        return self.model_fields_set & {"id", "is_admin", "created_at", *(() if self.moves else ("email",))}

    @model_validator(mode="after")
    def _password_comes_with_email(self) -> Self:
        if self.moves and getattr(self, "email", None) is None:
            # The message belongs to a field, which a validator of the whole model cannot say in pydantic's own way.
            raise lacking("email")
        return self


def lacking(field: str) -> InvalidInput:
    return InvalidInput.of(field, "missing", "email and password come together; a new password: POST /auth/password")


class PasswordChange(BaseModel):
    """The old one and the new one."""

    model_config = _STRICT | ConfigDict(
        json_schema_extra={"examples": [{"current_password": _PASSWORD, "new_password": "a new correct horse battery"}]}
    )

    current_password: Password
    new_password: NewPassword


class AccountEnd(BaseModel):
    """The password once more. Whoever has none here, because they sign in elsewhere, leaves it out."""

    model_config = _STRICT | ConfigDict(json_schema_extra={"examples": [{"password": _PASSWORD}]})

    password: Password | None = None
