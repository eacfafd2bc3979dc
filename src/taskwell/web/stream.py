"""A reply that is made while it is sent: a feed, or an answer that is too long to be held."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, Final

from starlette.types import Message, Send

from taskwell.observability import Cut
from taskwell.web.reply import NOSNIFF, Header, Reply
from taskwell.web.request import ApiRequest

_END: Final[Message] = {"type": "http.response.body", "body": b""}


class StreamedReply:
    """An answer of unknown length. `body` gives the next piece when the client has room for it, and is closed in any case.

    What can fail with a status of its own has to be done before this is made.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: AsyncGenerator[bytes, None], headers: tuple[Header, ...] = ()) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    async def send(self, send: Send, request: ApiRequest, *, head: bool = False) -> Cut | None:
        """Says why the body was cut, where it was. Raises what the body raises."""
        headers = [*self.headers, NOSNIFF, (b"x-request-id", request.id)]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if head:
            await self.body.aclose()
            await send(_END)
            return None
        return await while_here(request, self._send_pieces(send))

    async def _send_pieces(self, send: Send) -> None:
        async with aclosing(self.body) as body:
            async for piece in body:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                # To a client that is gone, uvicorn 0.54 and granian 2.8 send without a turn of the event loop: a body that
                # never waits would not end, and nothing else would run again.
                await asyncio.sleep(0)
        await send(_END)


async def while_here(request: ApiRequest, work: Coroutine[Any, Any, None]) -> Cut | None:
    """Does what need not end by itself, until the client leaves or the server stops. Says which of them cut it, if one did.

    Raises what the work raises.
    """
    working = asyncio.create_task(work)
    gone = asyncio.create_task(_until_gone(request))
    # No asyncio.wait(): what it keeps while it waits is a kilobyte of each stream.
    gone.add_done_callback(lambda _: working.cancel())
    streams = request.services.streams
    streams.add(working)
    try:
        await working
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return "client" if gone.done() else "stop"
    else:
        return None
    finally:
        streams.discard(working)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)


async def _until_gone(request: ApiRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


AnyReply = Reply | StreamedReply
