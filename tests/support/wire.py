"""A connection on which a test says, byte by byte, what no HTTP client would send."""

import http.client
import io
import socket
from collections.abc import Iterable
from types import TracebackType
from typing import Protocol, Self

import httpx


class _Stream(io.BufferedReader):
    """What comes over the connection; http.client would close it with each answer, and lose what came after it."""

    def makefile(self, mode: str) -> Self:
        return self

    def close(self) -> None:
        pass


class Server(Protocol):
    @property
    def address(self) -> tuple[str, int]: ...


class Wire:
    def __init__(self, server: Server) -> None:
        self._socket = socket.create_connection(server.address, timeout=20)
        self._stream = _Stream(socket.SocketIO(self._socket, "r"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def half_close(self) -> None:
        """Nothing more comes from this side, which still listens."""
        self._socket.shutdown(socket.SHUT_WR)

    def line(self) -> bytes:
        return self._stream.readline()

    def answer(self, method: str = "GET") -> httpx.Response:
        """The next answer on this connection."""
        response = http.client.HTTPResponse(self._stream, method=method)  # type: ignore[arg-type]  # all it asks for is makefile()
        response.begin()
        return httpx.Response(response.status, headers=response.getheaders(), content=response.read())

    def is_closed(self) -> bool:
        """Has the server hung up? What it still had to say is read away."""
        try:
            while self._socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True


def message(
    method: str, path: str | bytes, *headers: tuple[str, str | bytes], body: bytes = b"", length: int | str | None = -1
) -> bytes:
    """A request as it stands on the wire. `length` is the Content-Length where it is not the body's; None: none at all."""
    target = path if isinstance(path, bytes) else path.encode("ascii")
    lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: taskwell.test"]
    lines += [name.encode() + b": " + (value if isinstance(value, bytes) else value.encode("latin-1")) for name, value in headers]
    if length is not None:
        lines.append(b"Content-Length: " + str(len(body) if length == -1 else length).encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(parts: Iterable[bytes]) -> Iterable[bytes]:
    for part in parts:
        yield b"%x\r\n%s\r\n" % (len(part), part)
    yield b"0\r\n\r\n"


def exchange(server: Server, data: bytes, *, method: str = "GET") -> httpx.Response:
    """One message, one answer, on a connection of its own."""
    with Wire(server) as wire:
        wire.send(data)
        return wire.answer(method)
