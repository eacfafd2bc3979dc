"""The way in: find the operation, run it, and see that every request ends in one log line, and in one answer that
is complete or seen to be cut.

Plain ASGI: nothing wraps a request in a task of its own, and no exception leaves this module, since a server that sees
one drops the connection, and with it the next request that the client has sent already.
"""

import time
import traceback
from collections.abc import Iterable
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from taskwell.errors import InternalError, TaskwellError, Unauthenticated
from taskwell.log import log
from taskwell.observability import AccessLog, Cut
from taskwell.web.cors import Cors
from taskwell.web.heads import check_head
from taskwell.web.refusals import MalformedRequest, MethodNotAllowed, RouteNotFound
from taskwell.web.reply import ErrorReply, Reply, error_reply
from taskwell.web.request import ApiRequest
from taskwell.web.services import Services
from taskwell.web.stream import AnyReply

_BASIC = ((b"www-authenticate", b'Basic realm="taskwell", charset="UTF-8"'),)


class Endpoint(Protocol):
    """What is done for one method at one path: the operations of the REST face, and whatever another face has.

    An endpoint may also have an `error_reply`, where the errors of its protocol are not in the envelope.
    """

    template: str
    """The path, with `{name}` for a segment that is a parameter."""
    method: str

    async def __call__(self, request: ApiRequest) -> AnyReply:
        """Answers, or raises a TaskwellError."""


class Node:
    """A path's segment: the literal ones that can follow, the one parameter that can, and what can be done here."""

    __slots__ = ("error_reply", "literals", "operations", "parameter", "parameter_name")

    def __init__(self) -> None:
        self.literals: dict[str, Node] = {}
        self.parameter: Node | None = None
        self.parameter_name = ""
        self.operations: dict[str, Endpoint] = {}
        self.error_reply: ErrorReply = error_reply

    def add(self, operation: Endpoint) -> None:
        """Raises ValueError where it would take the place of another one."""
        method = operation.method
        node = self
        for segment in operation.template.split("/")[1:]:
            if segment.startswith("{"):
                if node.parameter is None:
                    node.parameter, node.parameter_name = Node(), segment[1:-1]
                elif node.parameter_name != segment[1:-1]:
                    raise ValueError(f"{operation.template}: {segment} is called {node.parameter_name} by another path")
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, Node())
        before = node.operations.get(method)
        if before is not None and before.method == method:
            raise ValueError(f"{method} {operation.template} is there twice")
        node.operations[method] = operation
        node.error_reply = getattr(operation, "error_reply", error_reply)
        if method == "GET":
            node.operations.setdefault("HEAD", operation)

    def find(self, path: str) -> tuple["Node | None", dict[str, str]]:
        node = self
        values: dict[str, str] = {}
        if path[:1] != "/":  # uvicorn --root-path without its slash
            return None, values
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

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        services: Services,
        lifespan: ASGIApp,
        access_log: AccessLog,
        cors: Cors | None = None,
    ) -> None:
        self._services = services
        self._cors = cors
        self._lifespan = lifespan
        self._access_log = access_log
        self._root = Node()
        self._without_parameters: dict[str, Node | None] = {}
        for endpoint in endpoints:
            self._root.add(endpoint)
            if "{" not in endpoint.template:  # found at once: most requests are for one of these
                self._without_parameters[endpoint.template] = self._root.find(endpoint.template)[0]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._lifespan(scope, receive, send)
            return
        began = time.perf_counter()
        request = ApiRequest(scope, receive, self._services)
        if self._cors is not None:
            send = self._cors.opened(request, send)
        method = scope["method"]
        refuse: ErrorReply = error_reply
        reply: AnyReply
        try:
            node, values = self._find(request)
            if node is not None:
                refuse = node.error_reply
            reply = await self._answer(request, method, node, values)
        except TaskwellError as error:
            if not isinstance(error, MalformedRequest):
                await request.drain()
            challenge = _BASIC if request.accepts_basic and isinstance(error, Unauthenticated) else ()
            reply = refuse(error, request.id, *challenge)
        except Exception as error:  # noqa: BLE001  # the last guard: whatever it is, the client gets a whole answer
            _log_defect(error, request)
            reply = refuse(InternalError(), request.id)
        cut: Cut | None = "stop"  # for where a server that stops cancels this
        try:
            cut = await reply.send(send, request, head=method == "HEAD")
        except Exception as error:  # noqa: BLE001  # the same guard, when the status is sent already
            _log_defect(error, request)
            cut = "defect"
        finally:
            self._access_log.write(request, reply.status, began, cut)
        # Where a body was cut, its end is not sent: uvicorn and granian then close the connection, so that no client takes
        # the part for the whole. They would as well for an exception, but with its message in their log.

    async def _answer(self, request: ApiRequest, method: str, node: Node | None, values: dict[str, str]) -> AnyReply:
        check_head(request.fields, request.scope["http_version"])
        if method == "OPTIONS" and self._cors is not None:
            answer = self._cors.preflight(request)
            if answer is not None:
                return answer
        if node is None:
            raise RouteNotFound(request.services.prefix.of(request))
        operation = node.operations.get(method)
        if operation is None:
            if method == "OPTIONS":
                return Reply(204, headers=((b"allow", node.allow()),))
            await request.drain()
            return node.error_reply(MethodNotAllowed(), request.id, (b"allow", node.allow()))
        request.scope["path_params"] = values
        request.template = operation.template
        return await operation(request)

    def _find(self, request: ApiRequest) -> tuple[Node | None, dict[str, str]]:
        """Finds what the path leads to, and takes the prefix, if the path has it, away from `request.path`."""
        # A slash that came as %2F separates nothing.
        raw = request.scope.get("raw_path")
        if raw and b"%" in raw and b"%2f" in raw.lower():
            return None, {}
        node = self._without_parameters.get(request.path)
        if node is not None:
            return node, {}
        node, values = self._root.find(request.path)
        if node is not None and node.operations:
            return node, values
        for path in request.services.prefix.paths_without(request):
            node, values = self._root.find(path)
            if node is not None and node.operations:
                request.path = path
                return node, values
        return None, {}


def _log_defect(error: Exception, request: ApiRequest) -> None:
    # The error's message may quote what the client sent; its type and its lines say enough.
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("defect", error=type(error).__name__, request_id=request.id.decode(), traceback=frames)
