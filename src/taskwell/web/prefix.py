"""Finds the prefix of a request: what stands before our paths for its client, because a proxy shows this server under a path.

A proxy may strip the prefix from the path of a request or leave it there, and uvicorn's --root-path puts it before whatever
came. So a request is understood with the prefix and without it.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from taskwell.addresses import Network, is_among, read_address
from taskwell.log import log
from taskwell.path_prefix import read_prefix

if TYPE_CHECKING:  # a request knows the services, and this is one of them
    from taskwell.web.request import ApiRequest


class Prefix:
    def __init__(self, configured: str, trusted: Sequence[Network]) -> None:
        self._configured = configured
        self._trusted = trusted

    def of(self, request: "ApiRequest") -> str:
        """Returns the prefix, ready to stand in an address, or "".

        What the operator has set goes before what a proxy says, because many a proxy passes on what a client put into
        `X-Forwarded-Prefix`. Both go before what the ASGI server was told.
        """
        if self._configured:
            return self._configured
        if self._trusted:
            header = request.fields.get(b"x-forwarded-prefix")
            if header is not None and self._is_trusted(request.scope.get("client")):
                prefix = read_prefix(header.decode("latin-1"))
                if prefix is not None:
                    return prefix
                _say_unreadable()
        root: str = request.scope.get("root_path", "").strip("/")
        return f"/{quote(root)}" if root else ""

    def paths_without(self, request: "ApiRequest") -> Iterator[str]:
        """Yields what the path of a request is without a prefix, the likelier one first."""
        path: str = request.scope["path"]
        for prefix in (request.scope.get("root_path", ""), unquote(self.of(request))):
            if not prefix or not path.startswith(prefix):
                continue
            rest = path[len(prefix) :]
            if prefix.endswith("/"):
                rest = "/" + rest.removeprefix("/")
            if rest[:1] in ("", "/"):
                path = rest or "/"
                yield path

    def _is_trusted(self, client: Sequence[object] | None) -> bool:
        address = None if client is None else read_address(str(client[0]))
        return address is not None and is_among(address, self._trusted)


@cache  # so it is logged once in a process: a proxy that writes such a prefix writes it always
def _say_unreadable() -> None:
    log.warning("forwarded_prefix_unreadable", counted_as="no prefix")
