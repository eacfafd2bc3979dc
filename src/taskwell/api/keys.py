"""Publishes the public keys of our access tokens, for programs that verify the tokens themselves."""

import json
import time
from dataclasses import dataclass

from fastapi import APIRouter

from taskwell.accounts.store import learn_keys
from taskwell.api.answers import READS, refuses
from taskwell.api.dependencies import Db, SignInServices
from taskwell.api.documents import KeySet
from taskwell.web.reply import Reply
from taskwell.web.request import ApiRequest

router = APIRouter(tags=["keys"])

KEY_NAMES_KEPT_SECONDS = 10.0
"""Any client can ask for the keys at any rate. The database is asked no more often than this."""


@dataclass
class PublishedKeys:
    until: float = 0.0


@router.get("/.well-known/jwks.json", response_model=KeySet, responses=refuses(*READS))
async def read_keys(request: ApiRequest, sign_in: SignInServices, db: Db) -> Reply:
    """The keys that sign access tokens, the newest first (RFC 7517)."""
    published = request.services.of_face(PublishedKeys)
    if time.monotonic() >= published.until:
        # This is set first, so that requests that come meanwhile do not ask the database as well.
        published.until = time.monotonic() + KEY_NAMES_KEPT_SECONDS
        await learn_keys(db, sign_in.tokens)
    body = json.dumps(sign_in.tokens.keys.jwks(), separators=(",", ":")).encode()
    return Reply(200, body, ((b"content-type", b"application/json"), (b"cache-control", b"public, max-age=60")))
