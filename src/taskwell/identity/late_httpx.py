"""httpx, which is imported when a name of it is first used: it takes 120 ms, a quarter of a command's start, and only who names
an issuer has a use for it.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from httpx import URL, AsyncClient, HTTPError, InvalidURL, StreamError, create_ssl_context

__all__ = ["URL", "AsyncClient", "HTTPError", "InvalidURL", "StreamError", "create_ssl_context"]


def __getattr__(name: str) -> Any:
    return getattr(importlib.import_module("httpx"), name)
