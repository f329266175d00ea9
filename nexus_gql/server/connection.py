"""One WebSocket that speaks graphql-transport-ws.

The protocol: https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverWebSocket.md. Where it leaves a choice: an
operation that is refused before it is executed gets `error`, and the others on the connection go on.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, aclosing, suppress
from typing import Protocol as Shape

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from nexus_gql.access import Viewer
from nexus_gql.problems import BadRequest, TooMany, Unauthenticated, Unreachable

from . import errors
from .cohorts import Wanted
from .endpoint import Endpoint
from .frames import Frame, framed, spelled
from .messages import Complete, ConnectionInit, Message, Ping, Subscribe, decode_message, encode
from .metrics import Protocol
from .operations import Rejected
from .sessions import Ending
from .wire import Wire, wire_of

PROTOCOL = "graphql-transport-ws"
MAX_OPERATIONS = 100
INIT_WITHIN = 10.0
# A client that does not read cannot be told why it is closed.
_CLOSE_WITHIN = 5.0
_REASON_BYTES = 123  # what RFC 6455 leaves for it in a control frame

_MALFORMED = 4400
_UNAUTHORIZED = 4401
_WRONG_PROTOCOL = 4406
_LATE = 4408
_EXISTS = 4409
_TWICE = 4429
_TRY_AGAIN = 1013
_INTERNAL = 4500


class Over(Exception):
    """The connection is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        self.ending = Ending(code, reason)
        super().__init__(reason)


async def serve(websocket: WebSocket, endpoint: Endpoint) -> None:
    """Serve one connection from the handshake to its end."""
    offered = websocket.scope["subprotocols"]
    if PROTOCOL in offered:
        await websocket.accept(PROTOCOL)
        await Connection(websocket, endpoint).serve()
    else:
        # A browser shows its page the code and the reason only if one of the offered protocols is chosen.
        await websocket.accept(offered[0] if offered else None)
        await _close(websocket, Ending(_WRONG_PROTOCOL, f"Subprotocol not acceptable: use {PROTOCOL}."))


class _Running(Shape):
    """An operation: a task, or a place in a cohort."""

    def cancel(self) -> object:
        """End it."""


class Connection:
    """Reads messages one by one. A subscription that others may share is a place in a cohort; any other operation is a task."""

    def __init__(self, websocket: WebSocket, endpoint: Endpoint) -> None:
        self._websocket = websocket
        self._wire = wire_of(websocket.scope)
        self._endpoint = endpoint
        self._viewer: Viewer | None = None
        self._context: object = None
        self._acknowledged = False
        self._operations: dict[str, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session = ExitStack()
        self._ending = Ending(_LATE, f"Send connection_init within {INIT_WITHIN:.0f} s.")
        self._time = asyncio.timeout(INIT_WITHIN)

    async def serve(self) -> None:
        """Until the client leaves, or has to."""
        with suppress(WebSocketDisconnect, WebSocketDisconnected):
            ending = await self._until_over()
            if ending is not None:
                await _close(self._websocket, ending)

    async def _until_over(self) -> Ending | None:
        try:
            async with self._time:
                await self._read()
        except TimeoutError:
            return self._ending
        except Over as over:
            return over.ending
        finally:
            self._session.close()
            await self._cancel()
        return None

    def _end(self, ending: Ending) -> None:
        """Stop reading at once, and close."""
        self._ending = ending
        self._stop()
        self._time.reschedule(asyncio.get_running_loop().time())

    def _stop(self) -> None:
        for operation in [*self._operations.values(), *self._tasks]:
            operation.cancel()

    async def _cancel(self) -> None:
        self._stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            event = await self._websocket.receive()
            if event["type"] == "websocket.disconnect":
                return
            if event.get("text") is None:
                raise Over(_MALFORMED, "Messages are text; this one is binary.")
            try:
                message = decode_message(event["text"])
            except BadRequest as error:
                raise Over(_MALFORMED, str(error)) from error
            await self._handle(message)

    async def _handle(self, message: Message) -> None:
        match message:
            case ConnectionInit():
                await self._init(message)
            case Ping():
                await self._send({"type": "pong"})
            case Subscribe():
                await self._subscribe(message)
            case Complete():
                operation = self._operations.pop(message.id, None)
                if operation is not None:
                    operation.cancel()
            case _:
                pass

    async def _init(self, message: ConnectionInit) -> None:
        if self._acknowledged:
            raise Over(_TWICE, "Too many initialisation requests")
        authorization = _presented(message.payload or {}, self._websocket.headers.get("authorization"))
        try:
            viewer = await self._endpoint.authenticate(authorization)
        except Unauthenticated as error:
            raise Over(_UNAUTHORIZED, str(error)) from error
        except Exception as error:
            told = errors.answer(error)
            code = _TRY_AGAIN if told["extensions"]["code"] == Unreachable.code else _INTERNAL
            raise Over(code, told["message"]) from error
        self._viewer, self._context = viewer, self._endpoint.context(viewer)
        self._session.enter_context(self._endpoint.sessions.open(authorization, viewer, self._end))
        self._time.reschedule(None)
        self._acknowledged = True
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, message: Subscribe) -> None:
        if self._viewer is None:
            raise Over(_UNAUTHORIZED, "Unauthorized: send connection_init first")
        if message.id in self._operations:
            raise Over(_EXISTS, f"Subscriber for {message.id} already exists")
        try:
            self._start(message, self._viewer)
        except Rejected as rejected:
            await self._send({"id": message.id, "type": "error", "payload": rejected.errors})

    def _start(self, message: Subscribe, viewer: Viewer) -> None:
        operations = self._endpoint.operations
        if len(self._operations) >= MAX_OPERATIONS:
            refusal = TooMany(f"A connection has at most {MAX_OPERATIONS} operations at a time.")
            raise operations.rejected([errors.answer(refusal)], Protocol.WEBSOCKET)
        wanted = operations.wanted(message.payload, Protocol.WEBSOCKET)
        member = _Subscriber(self, self._wire, message.id)
        place = operations.join(wanted, viewer, member, Protocol.WEBSOCKET)
        if place is not None:
            self._operations[message.id] = place
            return
        task = asyncio.create_task(self._operate(message.id, wanted), name="operation of a WebSocket")
        self._operations[message.id] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def forget(self, operation_id: str) -> None:
        """An operation is over; its id is free."""
        self._operations.pop(operation_id, None)

    async def _operate(self, operation_id: str, wanted: Wanted) -> None:
        """Send each result, and in the end `complete`. The id is free before the last frame goes out."""
        last: dict[str, object] = {"id": operation_id, "type": "complete"}
        try:
            results = self._endpoint.operations.run(wanted, context=self._context, protocol=Protocol.WEBSOCKET)
            async with aclosing(results):
                async for answer in results:
                    await self._send({"id": operation_id, "type": "next", "payload": answer})
        except Rejected as rejected:
            last = {"id": operation_id, "type": "error", "payload": rejected.errors}
        except Exception as error:
            last = {"id": operation_id, "type": "error", "payload": [errors.answer(error)]}
        if self._operations.get(operation_id) is asyncio.current_task():
            del self._operations[operation_id]
        await self._send(last)

    async def _send(self, message: Mapping[str, object]) -> None:
        await self._wire.drained()
        self._wire.write(framed(encode(message)))
        await asyncio.sleep(0)  # it is written now, so that it is known whether the client keeps up


class _Subscriber:
    """A connection's operation as a member of a cohort."""

    __slots__ = ("_connection", "_id", "_spelled", "_wire")

    def __init__(self, connection: Connection, wire: Wire, operation_id: str) -> None:
        self._connection = connection
        self._wire = wire
        self._id = operation_id
        self._spelled = spelled(operation_id)

    @property
    def ready(self) -> bool:
        return self._wire.ready

    async def drained(self) -> None:
        await self._wire.drained()

    def deliver(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self._wire.write(frame.message(self._spelled))

    def over(self) -> None:
        self._connection.forget(self._id)
        self._wire.write(framed(b'{"id":' + self._spelled + b',"type":"complete"}'))


async def _close(websocket: WebSocket, ending: Ending) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_WITHIN):
            await websocket.close(ending.code, ending.reason.encode()[:_REASON_BYTES].decode(errors="ignore"))


def _presented(payload: Mapping[str, object], header: str | None) -> str | None:
    """The credentials of connection_init, under any spelling of the name, else those of the handshake."""
    for name, value in payload.items():
        if name.lower() == "authorization":
            if not isinstance(value, str):
                raise Over(_MALFORMED, "Authorization in connection_init is text: `Bearer …`.")
            return value
    return header
