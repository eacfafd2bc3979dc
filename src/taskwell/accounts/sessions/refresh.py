"""A refresh token holds its user's id, its session's id, 256 random bits of which PostgreSQL keeps a digest, and a seal.

Because it names its user, the statements about it are bound to an owner like all others. The seal shows that this database made
the token. So a sealed token that is not valid any longer must have been used before; a token without the seal shows nothing.
"""

import hmac
import secrets
from typing import NamedTuple, Self
from uuid import UUID

from taskwell.database.keyed_hash import KeyedHash
from taskwell.encoding import from_base64url, sha256_text, to_base64url
from taskwell.errors import RefreshTokenInvalid
from taskwell.types import new_id

REFRESH_TOKEN_PREFIX = "tr_"  # noqa: S105  a secret begins with it
_LENGTH = 16 + 16 + 32 + 8


class RefreshToken(NamedTuple):
    user_id: UUID
    session_id: UUID
    secret: bytes
    seal: bytes = bytes(8)  # none yet

    @classmethod
    def of_new_session(cls, user_id: UUID) -> Self:
        return cls(user_id, new_id(), secrets.token_bytes(32))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises RefreshTokenInvalid. The seal is not checked here."""
        try:
            raw = from_base64url(text.removeprefix(REFRESH_TOKEN_PREFIX))
        except ValueError:
            raise RefreshTokenInvalid from None
        token = cls(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:64], raw[64:]) if len(raw) == _LENGTH else None
        if token is None or token.text != text:  # without its prefix
            raise RefreshTokenInvalid
        return token

    def sealed(self, keyed_hash: KeyedHash) -> Self:
        said = self.user_id.bytes + self.session_id.bytes + self.secret
        return self._replace(seal=keyed_hash.of(b"refresh token" + said).digest()[:8])

    def is_sealed_by(self, keyed_hash: KeyedHash) -> bool:
        return hmac.compare_digest(self.seal, self.sealed(keyed_hash).seal)

    @property
    def text(self) -> str:
        return REFRESH_TOKEN_PREFIX + to_base64url(self.user_id.bytes + self.session_id.bytes + self.secret + self.seal)

    @property
    def hash(self) -> str:
        return sha256_text(self.secret)

    def successor(self, salt: str) -> Self:
        """The next token, without its seal. The same salt gives the same token: a client that lost the answer gets it again."""
        return type(self)(self.user_id, self.session_id, hmac.digest(self.secret, salt.encode(), "sha256"))


def new_salt() -> str:
    return secrets.token_urlsafe(32)
