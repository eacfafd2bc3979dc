"""Finds the user who sends a request, by the token in it or, without sign-in, by its path."""

import base64
import re
from typing import Final

from pydantic import ValidationError

from taskwell.accounts.api_tokens.secret import API_TOKEN_PREFIX
from taskwell.accounts.api_tokens.store import find_api_token
from taskwell.addresses import read_address
from taskwell.database.connection import Database
from taskwell.errors import TokenInvalid, UserNotFound
from taskwell.identity import scopes
from taskwell.identity.tokens import ALWAYS, Claims, Tokens, user_id_of
from taskwell.origins import pattern_of
from taskwell.types import read_id
from taskwell.web.refusals import HostRefused, TokenMissing
from taskwell.web.request import ApiRequest

LOCAL_USER: Final = user_id_of("none", "local")
"""`/tasks` belongs to this user where there is no sign-in."""

_API_TOKEN = API_TOKEN_PREFIX.encode()
_LOOPBACK_HOST = re.compile(rb"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])\.?(:[0-9]{1,5})?", re.IGNORECASE)
_OF_A_PROXY = re.compile(
    rb"(x-)?forwarded(-.+)?|(x-)?via|cdn-loop"  # RFC 7239, RFC 9110 7.6.3, RFC 8586
    rb"|(.+-)?(client|cluster|connecting|origin|peer|real|remote|source|user)-?(ip|addr|address)(v[46])?"
    rb"|x-(host|http-host-override|nginx-proxy|rewrite-url|scheme|url-scheme)|front-end-https"
    # Services at the edge are known by the prefix of their fields, so that a field that one of them adds later is known already.
    rb"|(x-)?(akamai|amzn|appengine|arr|azure|cf|cloudfront|envoy|fastly|fly|nf|ngrok|original|railway|remote|tailscale|vercel)-.+"
)
"""It matches the names of header fields that proxies write, and clients do not."""


class TokenSignIn:
    """Reads `Authorization: Bearer ...`, with an access token of any issuer that we trust, or with an API token.

    A face whose clients know only Basic (RFC 7617) accepts that as well. The password is then an API token, and the name of the
    user is ignored. A user's own password is never accepted there: it would be compared with each request, and it could not be
    taken back from one device alone.
    """

    def __init__(self, tokens: Tokens, db: Database) -> None:
        self._tokens = tokens
        self._db = db

    async def __call__(self, request: ApiRequest, *, basic: bool = False) -> Claims:
        request.accepts_basic = basic
        header = request.fields.get(b"authorization")
        if header is None:
            raise TokenMissing
        scheme, _, token = header.partition(b" ")
        token = token.strip(b" ")
        if basic and scheme.lower() == b"basic":
            token = _password(token)
            if not token.startswith(_API_TOKEN):
                raise TokenInvalid
        elif scheme.lower() != b"bearer":
            raise TokenMissing
        if token.startswith(_API_TOKEN):
            # An API token is looked up with each request, because it lives long and must end as soon as it is deleted.
            found = await find_api_token(self._db, token.decode("latin-1"))
            return Claims(found.user_id, found.found_at, float("inf"), found.scopes, "api", found.id)
        return self._tokens.recall(token) or await self._tokens.verify(token)


def _password(credentials: bytes) -> bytes:
    """Returns what follows the first colon (RFC 7617, section 2). Raises TokenInvalid."""
    try:
        _, colon, password = base64.b64decode(credentials, validate=True).partition(b":")
    except ValueError:
        raise TokenInvalid from None
    if not colon:
        raise TokenInvalid
    return password


class NoSignIn:
    """Takes the user from the path. This is for a laptop, or for a server behind a gateway that signs users in.

    `origins` are those of TASKWELL_CORS_ORIGINS.
    """

    def __init__(self, *, behind_gateway: bool, origins: tuple[str, ...]) -> None:
        self._behind_gateway = behind_gateway
        self._pages = pattern_of(origins)

    async def __call__(self, request: ApiRequest, *, basic: bool = False) -> Claims:  # noqa: ARG002  # no credentials are read
        if not self._behind_gateway:
            _refuse_from_elsewhere(request)
            _refuse_from_foreign_page(request, self._pages)
        named = request.path_params.get("user_id")
        try:
            user_id = LOCAL_USER if named is None else read_id(named)
        except ValidationError:
            raise UserNotFound from None
        return Claims(user_id, ALWAYS, float("inf"), scopes.EVERYDAY, "none")


def _refuse_from_elsewhere(request: ApiRequest) -> None:
    """Refuses a request that does not come from this machine itself. Raises HostRefused.

    A web page can make a browser on this machine send requests here under a host name of its own (DNS rebinding).
    """
    client = request.scope.get("client")
    address = None if client is None else read_address(client[0])
    # Some servers put a word of their own into `client` for a client without an address. Such a client may be anywhere.
    is_local = client is None or (address is not None and address.is_loopback)
    # A proxy on this machine connects from the machine, and may even name it in `Host`. But its requests come from elsewhere.
    is_passed_on = any(map(_OF_A_PROXY.fullmatch, request.fields))
    if not is_local or is_passed_on or not _LOOPBACK_HOST.fullmatch(request.fields.get(b"host", b"")):
        raise HostRefused


def _refuse_from_foreign_page(request: ApiRequest, pages: re.Pattern[bytes]) -> None:
    """Refuses a change that a page of another origin asks for. Raises HostRefused.

    Such a page cannot read an answer, but a browser sends for it, without asking first, what HTML forms could always send.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    origin = request.fields.get(b"origin")
    if origin:
        host = request.fields[b"host"].lower()
        is_foreign = origin not in (b"http://" + host, b"https://" + host) and not pages.fullmatch(origin)
    else:
        is_foreign = request.fields.get(b"sec-fetch-site") == b"cross-site"
    if is_foreign:
        raise HostRefused("This server has no sign-in, so only pages of its own and of TASKWELL_CORS_ORIGINS change anything.")
