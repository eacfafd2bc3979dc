"""What a client may say of an account."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from taskwell.accounts.passwords import PASSWORD_BYTES
from taskwell.types import DisplayName, Email, Text


def _fits(password: SecretStr) -> SecretStr:
    # In bytes, because that is what argon2 reads: a limit in characters would let four times as much through.
    if len(password.get_secret_value().encode()) > PASSWORD_BYTES:
        raise ValueError(f"must be at most {PASSWORD_BYTES} bytes")
    return password


class NewAccount(BaseModel):
    """A password needs length, not symbols (NIST SP 800-63B-4, 3.1.1.2)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    email: Email
    password: Annotated[SecretStr, Field(min_length=8), AfterValidator(_fits)]
    display_name: DisplayName | None = None


class SignIn(BaseModel):
    """The OAuth 2 password form (RFC 6749 4.3.2): `username` is the e-mail address. The client's own fields are ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grant_type: Literal["password"] = "password"
    username: Annotated[Text, Field(max_length=320)]
    password: Annotated[SecretStr, AfterValidator(_fits)]
    scope: str = ""
    client_id: str | None = None
    client_secret: SecretStr | None = None
