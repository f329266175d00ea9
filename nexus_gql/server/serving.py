"""Listens, announces where, and ends cleanly."""

import asyncio
import ipaddress
import resource
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from .sessions import Sessions
from .wire import Wire

# A `subscribe` holds a document and its variables: as much as a POST may.
_MAX_MESSAGE = 4 * 1024 * 1024


def new_event_loop() -> asyncio.AbstractEventLoop:
    """For `asyncio.Runner(loop_factory=…)`: uvloop, which is a tenth faster, where there is one for this platform."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def run(
    app: Starlette, *, host: str, port: int, shutdown_timeout: float, announce: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is told the URL once there is somebody to answer.

    OSError: the port is taken. What the application's lifespan raises is raised here: uvicorn would log it and exit the process.
    """
    _raise_file_limit()
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        ws=Wire,
        ws_per_message_deflate=False,  # 18 µs a message and 38 KB a connection, for frames of one kilobyte
        ws_max_size=_MAX_MESSAGE,
        log_config=None,
        log_level="warning",  # uvicorn would log each connection
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=shutdown_timeout,  # type: ignore[arg-type]  # goes to asyncio.wait_for as it is
    )
    try:
        async with app.router.lifespan_context(app):
            await _Server(config, app.state.sessions, lambda: announce(_url(host, listener))).serve([listener])
    finally:
        listener.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, sessions: Sessions, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._sessions = sessions
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn closes WebSockets itself, but would wait for event streams until the time is up.
        self._sessions.stop()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn's own raises the signal again in the end, so that a clean stop would look like a death.
        super().handle_exit(sig, frame)
        self._captured_signals.clear()


def _raise_file_limit() -> None:
    """A connection is an open file: 1,024 of them, as most shells set the soft limit, are too few; the hard one is meant."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):  # macOS has a hard limit that it does not allow
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _url(host: str, listener: socket.socket) -> str:
    bound, port = listener.getsockname()[:2]
    if ipaddress.ip_address(bound.partition("%")[0]).is_unspecified:
        host = "localhost"  # nobody can go to 0.0.0.0, and the gate does not answer to it
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
