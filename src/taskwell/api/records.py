"""What the resources of a user's records share: their conditions, and how a record and a page go out."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Header as HeaderParameter
from pydantic import BaseModel, ConfigDict, Field

from taskwell.records.store import Rendered, RenderedPage
from taskwell.types import QueryFlag, Revisions
from taskwell.web.reply import Header, Reply, json_reply, not_modified
from taskwell.web.request import ApiRequest, address

IfMatch = Annotated[str | None, HeaderParameter(alias="if-match", description="Do it only if this is still its ETag")]
IfNoneMatch = Annotated[
    str | None, HeaderParameter(alias="if-none-match", description="The ETag that you have: answers 304 while it holds")
]
IfNothingThere = Annotated[
    str | None, HeaderParameter(alias="if-none-match", description="`*`: create it, unless there is one with this id")
]


class DeletionQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    permanent: Annotated[QueryFlag, Field(description="It goes for good, also from the trash, and cannot be restored")] = False


def record_reply(status: int, record: Rendered, *headers: Header) -> Reply:
    return json_reply(status, record.json, (b"etag", record.etag.encode()), *headers)


def created_reply(status: int, record: Rendered, location: bytes) -> Reply:
    return record_reply(status, record, (b"location", location))


def created_at(request: ApiRequest, record: Rendered) -> bytes:
    """The address of a record that a POST to the address of its collection has made."""
    return b"%s/%s" % (address(request), str(record.id).encode())


def read_reply(record: Rendered, known: Revisions | None) -> Reply:
    """`known` are the revisions that the client has."""
    if known is not None and record.revision in known:
        return not_modified((b"etag", record.etag.encode()))
    return record_reply(200, record)


def page_reply(request: ApiRequest, query: BaseModel, page: RenderedPage) -> Reply:
    tag = () if page.etag is None else ((b"etag", page.etag.encode()),)
    if page.items is None:
        return not_modified(*tag)
    total = "" if page.total is None else f',"total":{page.total}'
    if page.next_cursor is None:
        return json_reply(200, f'{{"items":[{page.items}],"next_cursor":null{total}}}', *tag)
    body = f'{{"items":[{page.items}],"next_cursor":"{page.next_cursor}"{total}}}'
    return json_reply(200, body, *tag, (b"link", next_link(request, query, page.next_cursor)))


def next_link(request: ApiRequest, query: BaseModel, next_cursor: str) -> bytes:
    """Makes the link to the next page (RFC 8288). It is relative, because only the client knows the address outside a proxy."""
    given = query.model_fields_set - {"cursor"}
    kept = {name: _written(value) for name, value in query if name in given and value is not None} if given else {}
    place = f"cursor={quote(next_cursor, safe='')}"
    asked = f"{urlencode(kept, doseq=True)}&{place}" if kept else place
    return b'<%s?%s>; rel="next"' % (address(request), asked.encode())


def _written(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else value
