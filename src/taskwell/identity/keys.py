"""The keys that sign our access tokens: Ed25519.

The first key is made once and kept in the data folder, or the operator gives it. Each rotation names another key, which follows
from its name and the first key (HKDF, RFC 5869). So a server needs no look-up to check a token that another server has just
signed by a new key, and the database holds the names alone. docs/decisions/0010-derived-keys.md
"""

import base64
import contextlib
import json
import os
import re
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from taskwell.encoding import sha256_text, to_base64url
from taskwell.errors import CannotStart

KEY_FILE = "signing-key.pem"

KEYS_IN_MEMORY = 256
"""A token may name a key that never was. That key is made, the token is refused by it, and the key is forgotten again."""

_NAME = re.compile(r"[0-9a-f]{12}-[0-9a-f]{8}")  # the time of the rotation in milliseconds, and 32 random bits


@dataclass(frozen=True)
class SigningKey:
    private: Ed25519PrivateKey
    public: Ed25519PublicKey
    kid: str

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> "SigningKey":
        public = private.public_key()
        return cls(private, public, _thumbprint(public))


class SigningKeys:
    """The keys of one deployment. The newest signs tokens; every key that is not retired yet verifies them."""

    def __init__(self, first: Ed25519PrivateKey) -> None:
        self._secret = first.private_bytes_raw()
        self.first = self.current = SigningKey.of(first)
        self._made = {self.first.kid: self.first}
        self._accepted = {self.first.kid}

    def learn(self, kids: str | None) -> bool:
        """Take the names from the database, with spaces between them. There are none before the first rotation.

        Returns whether a key was withdrawn.
        """
        accepted = set(kids.split()) if kids else {self.first.kid}
        if accepted == self._accepted:
            return False
        is_gone = not self._accepted <= accepted
        self._accepted = accepted
        self.current = self._key(max(accepted, key=_order))
        return is_gone

    def public(self, kid: object) -> Ed25519PublicKey | None:
        """The key that a token names, or None if we do not accept it.

        A name that is newer than ours comes from a rotation that this process has not heard of yet. Only the owner of the secret
        can sign by that key, so a right signature is enough.
        """
        if not isinstance(kid, str):
            return None
        if kid in self._accepted or _order(kid) > _order(self.current.kid):
            return self._key(kid).public
        return None

    def new_kid(self) -> str:
        """A name for the next key, which sorts after every name that there is."""
        now = max(time.time_ns() // 1_000_000, _made_at(self.current.kid) + 1)
        return f"{now:012x}-{secrets.token_hex(4)}"

    def jwks(self) -> dict[str, Any]:
        """The public keys in the form of RFC 7517, for other programs that verify our tokens."""
        keys = [self._key(kid) for kid in sorted(self._accepted, key=_order, reverse=True)]
        return {"keys": [_jwk(key.public) | {"kid": key.kid, "use": "sig", "alg": "EdDSA"} for key in keys]}

    def _key(self, kid: str) -> SigningKey:
        key = self._made.get(kid)
        if key is None:
            seed = HKDF(SHA256(), 32, salt=None, info=b"taskwell signing key " + kid.encode()).derive(self._secret)
            private = Ed25519PrivateKey.from_private_bytes(seed)
            key = SigningKey(private, private.public_key(), kid)
            if len(self._made) >= KEYS_IN_MEMORY:
                self._made = {name: one for name, one in self._made.items() if name in self._accepted}
            self._made[kid] = key
        return key


def signing_key(given: Ed25519PrivateKey | None, own_folder: Path | None) -> SigningKey:
    """The operator's key, or else the key in the data folder of an embedded database. Raises CannotStart."""
    if given is not None:
        return SigningKey.of(given)
    if own_folder is not None:
        return existing_key(own_folder)
    # Each of several servers would make its own key, and refuse the tokens of the others.
    raise CannotStart(
        "TASKWELL_SIGNING_KEY (or TASKWELL_SIGNING_KEY_FILE) is needed with DATABASE_URL, the same on every server: "
        "`openssl rand -base64 32` makes one"
    )


def read_signing_key(text: str) -> Ed25519PrivateKey:
    """Read a PEM (PKCS#8), or the 32-byte seed in base64 or base64url.

    The line ends of the PEM may be written as `\\n`, as dashboards do.

    Raises ValueError, whose text lacks its subject, the name of the setting.
    """
    if text.lstrip().startswith("-----BEGIN"):
        try:
            key = load_pem_private_key(text.replace("\\n", "\n").strip().encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is encrypted
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("is not an Ed25519 private key in PEM (PKCS#8, without a passphrase)")
    else:
        encoded = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
        try:
            # Not `from_base64url`: a seed that was accepted once has made tokens, and must go on making the same key.
            seed = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except ValueError:  # binascii.Error is one
            seed = b""
        if len(seed) != 32:
            raise ValueError("must be an Ed25519 private key: PEM, or 32 random bytes in base64url")
        key = Ed25519PrivateKey.from_private_bytes(seed)
    if len(set(key.private_bytes_raw())) < 16:  # 32 random bytes have about 30 different ones
        raise ValueError("is not random: make one with openssl genpkey -algorithm ed25519")
    return key


def kept_key(data_dir: Path) -> SigningKey:
    """The key of this data folder. It is made on first use, with mode 0600. Raises CannotStart."""
    path = data_dir / KEY_FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            with tempfile.NamedTemporaryFile(dir=data_dir) as draft:  # mode 0600
                draft.write(pem)
                draft.flush()
                os.fsync(draft.fileno())
                # The first process that links wins, and no process ever reads half a key.
                with contextlib.suppress(FileExistsError):
                    path.hardlink_to(draft.name)
    except OSError as error:
        raise CannotStart(f"the signing key {path} cannot be made: {error.strerror}") from error
    return existing_key(data_dir)


def existing_key(data_dir: Path) -> SigningKey:
    """The key of this data folder. Raises CannotStart where there is none: no server would accept a token of a new key."""
    path = data_dir / KEY_FILE
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise CannotStart(
            f"there is no signing key {path}: `taskwell serve` makes it, unless TASKWELL_SIGNING_KEY gives it another"
        ) from None
    except OSError as error:
        raise CannotStart(f"the signing key {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise CannotStart(f"{path} is not an Ed25519 key in PEM: move it away and a new one is made; everybody signs in again")
    return SigningKey.of(key)


def _order(kid: str) -> str:
    """What names are sorted by: the time of the rotation, then the random bits, so that every server finds the same order.

    The first key comes before all others; its name is its thumbprint.
    """
    return kid if _NAME.fullmatch(kid) else ""


def _made_at(kid: str) -> int:
    """The time of the rotation in milliseconds since 1970; 0 for the first key."""
    return int(kid[:12], 16) if _NAME.fullmatch(kid) else 0


def _jwk(public: Ed25519PublicKey) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": to_base64url(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}


def _thumbprint(public: Ed25519PublicKey) -> str:
    """The thumbprint of RFC 7638, so that the same key has the same `kid` everywhere."""
    return sha256_text(json.dumps(_jwk(public), separators=(",", ":"), sort_keys=True).encode())
