"""`taskwell serve` with one endpoint more: a stream of nobody's, whose end is said on standard error."""

import asyncio
import sys
from collections.abc import AsyncGenerator

from taskwell import app
from taskwell.cli import main
from taskwell.web.operation import declared
from taskwell.web.request import ApiRequest
from taskwell.web.stream import StreamedReply


class Feed:
    template = "/feed/{kind}"
    method = "GET"

    async def __call__(self, request: ApiRequest) -> StreamedReply:
        return StreamedReply(200, pieces(request.path_params["kind"]))


async def pieces(kind: str) -> AsyncGenerator[bytes, None]:
    try:
        yield b"first"
        if kind == "broken":
            raise ValueError
        while True:
            if kind == "quiet":
                await asyncio.sleep(3600)
            yield b"x" * 65_536
    finally:
        sys.stderr.write(f"closed {kind}\n")


if __name__ == "__main__":
    vars(app)["declared"] = lambda routes: [*declared(routes), Feed()]
    main()
