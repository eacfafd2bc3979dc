"""Who asks: one line a user, their id and a token, in a file that wrk's Lua reads."""

import time
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from taskwell.identity.keys import KEY_FILE, SigningKeys, kept_key
from taskwell.identity.tokens import LIFETIME_SECONDS, Tokens

ISSUER = "taskwell"
SECRET = "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"
"""Of the sqlmodel peer's tokens: FastAPI's tutorial signs with HS256, whose check costs a fraction of Ed25519's."""


class People:
    """Files of tokens, signed the way that the server wants them."""

    def __init__(self, folder: Path, users: Iterable[UUID]) -> None:
        self.data_dir = folder
        self._users = list(users)
        key = kept_key(folder)
        self._tokens = Tokens(SigningKeys(key.private), issuer=ISSUER, lifetime_seconds=LIFETIME_SECONDS)
        self.public_key = folder / "public-key.pem"
        self.public_key.write_bytes(key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def file(self, kind: str) -> Path:
        """Kept for half a day, since tokens live for a whole one, and not past the key that signed them."""
        path = self.data_dir / f"tokens-{kind}-{len(self._users)}-{self._users[0]}.txt"
        made = path.stat().st_mtime if path.exists() else 0.0
        if made < time.time() - LIFETIME_SECONDS / 2 or made < (self.data_dir / KEY_FILE).stat().st_mtime:
            path.write_text("".join(f"{user} {self.token(user, kind)}\n" for user in self._users))
        return path

    def token(self, user: UUID, kind: str) -> str:
        if kind == "hs256":
            payload = {"sub": str(user), "exp": int(time.time()) + LIFETIME_SECONDS}
            return jwt.encode(payload, SECRET, algorithm="HS256")
        return self._tokens.make(user) if kind == "ed25519" else "none"
