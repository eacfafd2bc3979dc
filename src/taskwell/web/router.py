"""The way in: find the operation, run it, and see that every request ends in one complete answer and one log line.

Plain ASGI: nothing wraps a request in a task of its own, and no exception leaves this module, since a server that sees
one drops the connection, and with it the next request that the client has sent already.
"""

import time
import traceback

import structlog
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Receive, Scope, Send

from taskwell.errors import InternalError, TaskwellError
from taskwell.observability import AccessLog
from taskwell.web.heads import check_head
from taskwell.web.operation import Operation
from taskwell.web.refusals import MethodNotAllowed, RouteNotFound
from taskwell.web.reply import Reply, error_reply
from taskwell.web.request import ApiRequest
from taskwell.web.services import Services

log = structlog.get_logger()


class Node:
    """A path's segment: the literal ones that can follow, the one parameter that can, and what can be done here."""

    __slots__ = ("literals", "operations", "parameter", "parameter_name")

    def __init__(self) -> None:
        self.literals: dict[str, Node] = {}
        self.parameter: Node | None = None
        self.parameter_name = ""
        self.operations: dict[str, Operation] = {}

    def add(self, operation: Operation, method: str) -> None:
        node = self
        for segment in operation.template.split("/")[1:]:
            if segment.startswith("{"):
                node.parameter_name = segment[1:-1]
                node.parameter = node.parameter or Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, Node())
        node.operations[method] = operation
        if method == "GET":
            node.operations["HEAD"] = operation

    def find(self, path: str) -> tuple["Node | None", dict[str, str]]:
        node = self
        values: dict[str, str] = {}
        for segment in path.split("/")[1:]:
            literal = node.literals.get(segment)
            if literal is not None:
                node = literal
            elif node.parameter is not None and segment:
                values[node.parameter_name] = segment
                node = node.parameter
            else:
                return None, values
        return node, values

    def allow(self) -> bytes:
        return ", ".join(sorted({*self.operations, "OPTIONS"})).encode()


class Router:
    """The ASGI application. `lifespan` starts and stops what the operations use; FastAPI itself sees no request."""

    def __init__(self, app: FastAPI, services: Services, lifespan: ASGIApp, access_log: AccessLog) -> None:
        self._app = app
        self._services = services
        self._lifespan = lifespan
        self._access_log = access_log
        self._root = Node()
        for route in iter_route_contexts(app.routes):
            for method in route.methods or ():
                self._root.add(Operation(route, method), method)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            scope["app"] = self._app
            await self._lifespan(scope, receive, send)
            return
        began = time.perf_counter()
        request = ApiRequest(scope, receive, self._services)
        method = scope["method"]
        try:
            reply = await self._answer(request, method)
        except TaskwellError as error:
            reply = error_reply(error, request.id)
        except Exception as error:  # noqa: BLE001  # the last guard: whatever it is, the client gets a whole answer
            # The error's message may quote what the client sent; its type and its lines say enough.
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("defect", error=type(error).__name__, request_id=request.id.decode(), at=frames)  # noqa: TRY400
            reply = error_reply(InternalError(), request.id)
        await reply.send(send, request.id, head=method == "HEAD")
        self._access_log.write(request, reply.status, began)

    async def _answer(self, request: ApiRequest, method: str) -> Reply:
        check_head(request.fields, request.scope["http_version"])
        path: str = request.scope["path"]
        # Behind a prefix (uvicorn --root-path) the path still has it. A slash that came as %2F separates nothing.
        if b"%2f" in (request.scope.get("raw_path") or b"").lower():
            raise RouteNotFound
        node, values = self._root.find(path.removeprefix(request.scope.get("root_path", "")))
        if node is None or not node.operations:
            raise RouteNotFound
        operation = node.operations.get(method)
        if operation is None:
            if method == "OPTIONS":
                return Reply(204, headers=((b"allow", node.allow()),))
            return error_reply(MethodNotAllowed(), request.id, (b"allow", node.allow()))
        request.scope["path_params"] = values
        request.template = operation.template
        return await operation(request)
