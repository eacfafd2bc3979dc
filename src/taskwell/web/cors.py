"""Lets pages of other origins use the API, by Starlette's middleware. The refusal has our envelope."""

import random

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from taskwell.web.heads import check_head
from taskwell.web.refusals import MalformedRequest, invalid
from taskwell.web.reply import NOSNIFF, error_reply
from taskwell.web.request import joined_headers


class Cors(CORSMiddleware):
    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "If-None-Match", "X-Request-Id"],
            expose_headers=["ETag", "Link", "Location", "Retry-After", "X-Request-Id"],
            max_age=3600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            try:
                check_head(joined_headers(scope["headers"]), scope["http_version"])
            except MalformedRequest:
                await self.app(scope, receive, send)  # the router says what is wrong with the request
                return
        await super().__call__(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            response.headers[NOSNIFF[0].decode()] = NOSNIFF[1].decode()
            return response
        refused = invalid(
            "header", "origin", "cors_refused", "this origin, method or header is not allowed by TASKWELL_CORS_ORIGINS"
        )
        request_id = b"%016x" % random.getrandbits(64)
        reply = error_reply(refused, request_id)
        headers = {name.decode(): value.decode() for name, value in (*reply.headers, NOSNIFF, (b"x-request-id", request_id))}
        refusal = Response(reply.body, reply.status, headers)
        refusal.headers.add_vary_header(response.headers["vary"])
        return refusal
