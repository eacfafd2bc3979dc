"""The key that signs our access tokens: Ed25519, made once and kept in the data folder, or given by the operator."""

import base64
import contextlib
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from taskwell.errors import CannotStart

KEY_FILE = "signing-key.pem"


@dataclass(frozen=True)
class SigningKey:
    private: Ed25519PrivateKey
    public: Ed25519PublicKey
    kid: str

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> "SigningKey":
        public = private.public_key()
        return cls(private, public, _thumbprint(public))


def signing_key(given: Ed25519PrivateKey | None, own_folder: Path | None) -> SigningKey:
    """The operator's key, or else that of the data folder of an embedded database. Raises CannotStart."""
    if given is not None:
        return SigningKey.of(given)
    if own_folder is not None:
        return kept_key(own_folder)
    # Each of several servers would make its own, and refuse the tokens of the others.
    raise CannotStart(
        "TASKWELL_SIGNING_KEY (or TASKWELL_SIGNING_KEY_FILE) is needed with DATABASE_URL, the same on every server: "
        "`openssl rand -base64 32` makes one"
    )


def kept_key(data_dir: Path) -> SigningKey:
    """The key of this data folder, made on first use, mode 0600. Raises CannotStart."""
    path = data_dir / KEY_FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            with tempfile.NamedTemporaryFile(dir=data_dir) as draft:  # mode 0600
                draft.write(pem)
                draft.flush()
                os.fsync(draft.fileno())
                # Whoever links first wins, and nobody ever reads half a key.
                with contextlib.suppress(FileExistsError):
                    path.hardlink_to(draft.name)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise CannotStart(f"the signing key {path} cannot be read or made: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise CannotStart(f"{path} is not an Ed25519 key in PEM: move it away and a new one is made; everybody signs in again")
    return SigningKey.of(key)


def _thumbprint(public: Ed25519PublicKey) -> str:
    """RFC 7638, so that the same key has the same `kid` everywhere."""
    x = base64.urlsafe_b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).rstrip(b"=").decode()
    jwk = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(jwk.encode()).digest()).rstrip(b"=").decode()
