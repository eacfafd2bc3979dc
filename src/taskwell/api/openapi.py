"""The OpenAPI description: FastAPI's, put right where Taskwell does otherwise."""

from collections.abc import Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from taskwell import __version__

DESCRIPTION = """\
Tasks of many users, strictly apart. Sign up with `POST /api/v1/auth/register`, then press **Authorize** and sign in with
your e-mail address as the `username`.

Errors have one shape, `{"error": {"code", "message", "details", "request_id"}}`; times are RFC 3339 in UTC; unknown fields
and parameters are refused.
"""

_NEVER_USED = ("HTTPValidationError", "ValidationError")


def describe(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    document = get_openapi(title="Taskwell", version=__version__, description=DESCRIPTION, routes=routes)
    for path in document["paths"].values():
        for operation in path.values():
            # Invalid input is 400 here, and declared where it can happen.
            operation["responses"].pop("422", None)
    for name in _NEVER_USED:
        document["components"]["schemas"].pop(name, None)
    return document
