"""A WebSocket's way out: frames that are ready-made, those of one turn of the loop in one write.

uvicorn's own `send` frames each message anew and writes each by itself, which is most of what sending to a thousand costs. What it
says itself (the handshake, pings, the closing handshake) it goes on to say.
"""

from starlette.types import Scope
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

_EXTENSION = "nexus.wire"


class Wire(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which an ASGI application finds in its scope by `wire_of`."""

    _pending: tuple[bytes, ...] | list[bytes] = ()

    @property
    def ready(self) -> bool:
        """Whether the client keeps up: what was written before has mostly gone out."""
        return self.writable.is_set()

    async def drained(self) -> None:
        """Wait until it does, or is gone."""
        await self.writable.wait()

    def write(self, frame: bytes) -> None:
        """Send a whole frame at the end of this turn of the loop; to a client that is going or gone, nothing."""
        if self._pending:
            self._pending.append(frame)  # type: ignore[union-attr]
        else:
            self._pending = [frame]
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        pending, self._pending = self._pending, ()
        if pending and self.conn.state is State.OPEN and not self.transport.is_closing():
            self.transport.write(pending[0] if len(pending) == 1 else b"".join(pending))

    async def run_asgi(self) -> None:
        """Put itself into the scope, where the application looks for it."""
        self.scope["extensions"][_EXTENSION] = self  # type: ignore[assignment]
        await super().run_asgi()

    async def send(self, message: ASGISendEvent) -> None:
        """What is written comes before what is sent later."""
        self._flush()
        await super().send(message)

    def shutdown(self) -> None:
        """What is written comes before the close."""
        self._flush()
        super().shutdown()


def wire_of(scope: Scope) -> Wire:
    """The wire of a WebSocket's scope."""
    wire: Wire = scope["extensions"][_EXTENSION]
    return wire
