"""The OpenAPI description: FastAPI's, put right where Taskwell does otherwise."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

DESCRIPTION = """\
Tasks of many users, strictly apart. Sign up with `POST /api/v1/auth/register`, then press **Authorize** and sign in with
your e-mail address as the `username`.

Errors have one shape, `{"error": {"code", "message", "details", "request_id"}}`; times are RFC 3339 in UTC; unknown fields
and parameters are refused.
"""


def describe(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
    for path in document["paths"].values():
        for operation in path.values():
            # Invalid input is 400 here, and declared where it can happen.
            operation["responses"].pop("422", None)
            operation["operationId"] = operation["operationId"].removesuffix("_")
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    return document
