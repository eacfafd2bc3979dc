"""A sign-in provider of the test's own: keys, a key set over a real socket, and tokens of the shape that its kind documents."""

import base64
import itertools
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ABSENT: Final = object()
"""In place of a claim's value: the token does not have it."""

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey
_numbers = itertools.count(1)


@dataclass
class Reply:
    """What the key server answers: the body in pieces, with a pause before each."""

    pieces: tuple[bytes, ...] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0


class KeyServer:
    """Says `reply` at `path`, and counts how often it was asked, there or anywhere else."""

    def __init__(self, path: str = "/jwks", *, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.reply = Reply()
        self.path = path
        self.requests = 0
        self.accepted = ""  # the Accept-Encoding of the last request
        self._server: _Server | None = None
        # It does not listen, and keeps the port for `start` meanwhile: who asks the system for any port gets another one.
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind(("127.0.0.1", 0))
        self._port: int = self._holder.getsockname()[1]
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self._holder.close()

    @property
    def base(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        return self.base + self.path

    def serves(self, *keys: dict[str, Any]) -> None:
        self.reply = Reply((json.dumps({"keys": keys}).encode(),))

    def start(self) -> None:
        """At the same address as before."""
        if self._server is None:
            self._server = _Server(self, self._port)
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, keys: KeyServer, port: int) -> None:
        self.keys = keys
        super().__init__(("127.0.0.1", port), _Handler)
        if keys.tls is not None:
            self.socket = keys.tls.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        keys = self.server.keys
        keys.requests += 1
        keys.accepted = self.headers["Accept-Encoding"]
        reply = keys.reply if self.path == keys.path else Reply(status=404)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()  # HTTP/1.0: the end of the connection is the end of the body
        for piece in reply.pieces:
            time.sleep(reply.pause)
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class calls it so
        pass


@dataclass
class Key:
    """A private key, and how a key set shows its public half."""

    private: PrivateKey
    algorithm: str
    kid: str

    @classmethod
    def new(cls, algorithm: str) -> Self:
        if algorithm in ("EdDSA", "Ed25519"):
            private: PrivateKey = Ed25519PrivateKey.generate()
        elif algorithm == "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
        else:
            private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return cls(private, algorithm, f"key-{next(_numbers)}")

    @property
    def jwk(self) -> dict[str, Any]:
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            shown = RSAAlgorithm.to_jwk(public, as_dict=True)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            shown = ECAlgorithm.to_jwk(public, as_dict=True)
        else:
            shown = OKPAlgorithm.to_jwk(public, as_dict=True)
        return {name: value for name, value in shown.items() if name != "key_ops"} | {
            "kid": self.kid,
            "alg": self.algorithm,
            "use": "sig",
        }


@dataclass(frozen=True)
class _Kind:
    """What a provider's documentation says of it. `{base}` is scheme://host:port."""

    algorithm: str
    subject: str
    address: str
    keys: str  # the path of the key set
    issuer: str
    lifetime: int
    claims: dict[str, Any]
    type: str | None = "JWT"  # the header's `typ`


_BETTER_AUTH_USER = {
    "name": "Alice",
    "email": "alice@example.com",
    "emailVerified": True,
    "image": None,
    "createdAt": "2026-11-01T11:04:41.437Z",
    "updatedAt": "2026-11-01T11:04:41.437Z",
    "role": "user",
    "banned": False,
    "banReason": None,
    "banExpires": None,
}

KINDS: Final = {
    "better-auth": _Kind(
        "EdDSA",
        "Ev2mR7bZqkT1xX0cYpLw9sNfHdG4uJaO",
        "{base}",
        "/api/auth/jwks",
        "{base}",
        900,
        {"aud": "{base}"} | _BETTER_AUTH_USER,
        type=None,
    ),
    "clerk": _Kind(
        "RS256",
        "user_2abcDEFghiJKLmnoPQRstuVWXyz",
        "{base}",
        "/.well-known/jwks.json",
        "{base}",
        60,
        {"azp": "https://app.example.com", "sid": "sess_123", "v": 2, "sts": "active", "fva": [7, -1], "pla": "u:free"},
    ),
    "auth0": _Kind(
        "RS256",
        "auth0|507f1f77bcf86cd799439020",
        "{base}",
        "/.well-known/jwks.json",
        "{base}/",
        86400,
        {"aud": ["taskwell", "{base}/userinfo"], "azp": "my_client_id", "scope": "openid profile email"},
    ),
    "supabase": _Kind(
        "ES256",
        "123e4567-e89b-12d3-a456-426614174000",
        "{base}",
        "/auth/v1/.well-known/jwks.json",
        "{base}/auth/v1",
        3600,
        {"aud": "authenticated", "role": "authenticated", "aal": "aal1", "session_id": "s", "is_anonymous": False, "phone": ""},
    ),
    "neon-auth": _Kind(
        "EdDSA",
        "860dc360-609f-4b7d-9e70-ec93fe6414d3",
        "{base}/neondb/auth",
        "/neondb/auth/.well-known/jwks.json",
        "{base}",
        900,
        {"aud": "{base}"} | _BETTER_AUTH_USER | {"role": "authenticated"},
        type=None,
    ),
    "keycloak": _Kind(
        "RS256",
        "f:8a9c6b2e-1f7d-4f0e-9a52-5e3b0d8c7f61:alice",
        "{base}/realms/acme",
        "/realms/acme/protocol/openid-connect/certs",
        "{base}/realms/acme",
        300,
        {"typ": "Bearer", "azp": "web", "aud": ["taskwell", "account"], "acr": "1", "scope": "openid email profile"},
    ),
}


class Provider(KeyServer):
    """`Provider("clerk")` and so on: one of the presets."""

    def __init__(self, preset: str) -> None:
        self.preset = preset
        self.kind = KINDS[preset]
        super().__init__(self.kind.keys)
        self.key = Key.new(self.kind.algorithm)
        self.serves(self.key.jwk)

    @property
    def issuer(self) -> str:
        return self.kind.issuer.format(base=self.base)

    def row(self, **more: Any) -> dict[str, Any]:
        """For TASKWELL_ISSUERS."""
        return {"preset": self.preset, "address": self.kind.address.format(base=self.base)} | more

    def rotate(self) -> None:
        """A new key from now on; the old one is gone."""
        self.key = Key.new(self.kind.algorithm)
        self.serves(self.key.jwk)

    def token(self, sub: str | None = None, **claims: Any) -> str:
        """Of a session that has just begun; with ABSENT, without that claim."""
        now = int(time.time())
        payload = {
            "iss": self.issuer,
            "sub": self.kind.subject if sub is None else sub,
            "iat": now,
            "exp": now + self.kind.lifetime,
        }
        payload |= {name: _filled(value, self.base) for name, value in self.kind.claims.items()} | claims
        payload = {name: value for name, value in payload.items() if value is not ABSENT}
        headers: dict[str, Any] = {"kid": self.key.kid, "typ": self.kind.type}
        return jwt.encode(payload, self.key.private, algorithm=self.kind.algorithm, headers=headers)


def _filled(value: Any, base: str) -> Any:
    if isinstance(value, list):
        return [_filled(one, base) for one in value]
    return value.replace("{base}", base) if isinstance(value, str) else value


def oct_jwk(secret: bytes, kid: str) -> dict[str, Any]:
    """A shared secret, as a careless provider would publish it."""
    return {"kty": "oct", "kid": kid, "k": base64.urlsafe_b64encode(secret).rstrip(b"=").decode()}
