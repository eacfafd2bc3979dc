"""A write with an `Idempotency-Key` is done once, however often it is sent (draft-ietf-httpapi-idempotency-key-header).

It runs in one unit of work together with the row that keeps its answer: either both are there or neither is. After a connection
broke at the COMMIT that row tells this server, too, whether the write was done: so it is tried again here, and not by the client.
"""

import json
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Final

from taskwell.accounts.idempotency.store import Answer, KeptAlready, LockedElsewhere, Request, keep, unit_with_key
from taskwell.accounts.owner import Owner
from taskwell.database.connection import Database
from taskwell.database.failures import BROKEN, ROLLED_BACK, TOOK_TOO_LONG
from taskwell.encoding import sha256_text, to_base64url
from taskwell.errors import (
    Conflict,
    DatabaseBusy,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    PreconditionFailed,
    TaskwellError,
    Unavailable,
)
from taskwell.web.refusals import IdempotencyKeyInUse, IdempotencyKeyReused, invalid
from taskwell.web.reply import Reply, error_reply
from taskwell.web.request import ApiRequest

HEADER: Final = "idempotency-key"
REPLAYED: Final = (b"idempotency-replayed", b"true")
KEY_LENGTH: Final = 255

# A string of structured fields (RFC 9651 3.3.3), or what many clients send: the same without its quotation marks.
_QUOTED = re.compile(rb'"((?:[!#-\[\]-~]|\\["\\])+)"')
_BARE = re.compile(rb"[!#-~]+")
_REQUEST_ID = re.compile(r'("request_id": ?)"[^"\\]*"')  # within a string there is no quotation mark without a backslash
_ADDRESS: Final = b"location"
_CONDITIONS: Final = (b"if-match", b"if-none-match")

_DEFINITE: Final = (InvalidInput, NotFound, Conflict, PreconditionFailed)
"""A refusal of these is what the request came to, and is kept. Any other may be another one at the next try."""

Work = Callable[..., Awaitable[Any]]


async def exactly_once(request: ApiRequest, body: bytes, work: Work, /, *, owner: Owner, db: Database, **arguments: Any) -> Reply:
    """Does the work with these arguments, `db` being a unit of work, unless an answer is there already. `body` is the request's.

    Raises IdempotencyKeyInUse and IdempotencyKeyReused, and what the work raises.
    """
    asked = _request(request, body)
    mark, at_work = (owner.id, asked.key), request.services.keys_at_work
    at_work[mark] += 1
    try:
        return await _Once(request, asked, owner, db, work, arguments).reply()
    except LockedElsewhere:
        raise IdempotencyKeyInUse from None
    except DatabaseBusy:
        if at_work[mark] > 1:
            raise IdempotencyKeyInUse from None
        raise
    finally:
        at_work[mark] -= 1
        if not at_work[mark]:
            del at_work[mark]


def _request(request: ApiRequest, body: bytes) -> Request:
    fields = request.fields
    given = fields[HEADER.encode()]
    quoted = _QUOTED.fullmatch(given)
    key = re.sub(rb"\\(.)", rb"\1", quoted[1]) if quoted else given if _BARE.fullmatch(given) else b""
    if not 1 <= len(key) <= KEY_LENGTH:
        message = f"must be 1 to {KEY_LENGTH} visible characters of ASCII, without quotation marks or between two of them"
        raise invalid("header", HEADER, "idempotency_key_invalid", message)
    assert request.user_id is not None
    meant = [request.method.encode(), request.path.encode(), request.scope["query_string"], body]
    meant += [b"%d%s" % (name in fields, fields.get(name, b"")) for name in _CONDITIONS]
    digest = sha256()
    for part in meant:
        digest.update(b"%d:%s" % (len(part), part))
    return Request(sha256_text(request.user_id.bytes + key), to_base64url(digest.digest()))


class _Once:
    """One request at work."""

    def __init__(
        self, request: ApiRequest, asked: Request, owner: Owner, db: Database, work: Work, arguments: dict[str, Any]
    ) -> None:
        self._request = request
        self._asked = asked
        self._owner = owner
        self._db = db
        self._work = work
        self._arguments = arguments
        self._refusal: TaskwellError | None = None

    async def reply(self) -> Reply:
        lost: Unavailable | None = None
        while True:
            try:
                return await self._try(is_again=lost is not None)
            except KeptAlready:
                self._refusal = None
            except _DEFINITE as error:
                if error is not self._refusal:
                    raise
                # What was done before it is undone. So it is kept by a unit of its own, which looks for an answer once more.
            except Unavailable as error:
                if isinstance(lost, OutcomeUnknown):
                    raise lost from error  # the first try may have been committed, whatever became of the second
                if lost is not None or not _is_lost(error):
                    raise
                lost = error

    async def _try(self, *, is_again: bool) -> Reply:
        async with unit_with_key(self._db, self._owner, self._asked.key) as (unit, there):
            if there is not None:
                if there.fingerprint != self._asked.fingerprint:
                    raise IdempotencyKeyReused
                # After a lost connection it is, as far as anybody can tell, the answer to this very request.
                return _replayed(there, self._request, self._prefix(), *(() if is_again else (REPLAYED,)))
            reply = await self._done(unit) if self._refusal is None else error_reply(self._refusal, self._request.id)
            await keep(unit, self._owner, self._asked.key, _answer(self._asked, reply, self._prefix()))
        return reply

    def _prefix(self) -> str:
        return self._request.services.prefix.of(self._request)

    async def _done(self, unit: Any) -> Reply:
        try:
            reply = await self._work(owner=self._owner, db=unit, **self._arguments)
        except _DEFINITE as error:
            self._refusal = error
            raise
        assert isinstance(reply, Reply), "what writes answers at once"
        return reply


def _is_lost(error: Unavailable) -> bool:
    """Whether the connection broke, or the transaction was undone by no fault of its own. What took too long is not repeated."""
    cause = error.__cause__
    return isinstance(cause, (*BROKEN, *ROLLED_BACK)) and not isinstance(cause, TOOK_TOO_LONG)


def _answer(asked: Request, reply: Reply, prefix: str) -> Answer:
    """An address is kept without the prefix under which this client sees the server: it may come back under another one."""
    kept = [(name, value.removeprefix(prefix.encode()) if name == _ADDRESS else value) for name, value in reply.headers]
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in kept]
    return Answer(asked.fingerprint, reply.status, json.dumps(headers), reply.body.decode())


def _replayed(answer: Answer, request: ApiRequest, prefix: str, *more: tuple[bytes, bytes]) -> Reply:
    """The answer as it was, but for the id of the request that an error names, and an address's prefix: those are this one's."""
    body = _REQUEST_ID.sub(rf'\1"{request.id.decode("ascii")}"', answer.body)
    kept = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in json.loads(answer.headers)]
    headers = [(name, prefix.encode() + value if name == _ADDRESS else value) for name, value in kept]
    return Reply(answer.status, body.encode(), (*headers, *more))
