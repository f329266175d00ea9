"""A whole server on a free loopback port, and a client that sees of it what any client does."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from nexus_gql import server
from nexus_gql.app import application, rooms
from nexus_gql.configuration import Configuration
from nexus_gql.schema import Rooms
from nexus_gql.server import Subscriptions
from nexus_gql.server.sessions import Sessions

NO_ENGINE = "tcp://127.0.0.1:1"
"""A Docker engine that never answers: whatever this machine has must not be found."""


@dataclass(frozen=True)
class Answer:
    """What came of one operation, and its very bytes."""

    data: dict[str, Any] | None
    errors: list[dict[str, Any]]
    text: str

    @property
    def codes(self) -> list[str]:
        """The codes of its errors."""
        return [error["extensions"]["code"] for error in self.errors]

    def __getitem__(self, name: str) -> Any:
        """One field of an answer that has no errors."""
        assert self.errors == []
        assert self.data is not None
        return self.data[name]


class Closed(Exception):
    """The server closed the WebSocket."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}")


class Frames:
    """One subscription's answers, in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def next(self, limit: float = 20) -> Answer | None:
        """The next answer; None where the subscription has completed. Closed where the socket is."""
        try:
            async with asyncio.timeout(limit):
                text = await self._connection.recv(decode=True)
        except ConnectionClosed as error:
            closed = error.rcvd
            raise Closed(closed.code if closed else 1006, closed.reason if closed else "") from error
        message = json.loads(text)
        match message["type"]:
            case "next":
                return Answer(message["payload"]["data"], message["payload"].get("errors", []), text)
            case "error":
                return Answer(None, message["payload"], text)
            case _:
                assert message["type"] == "complete", message
                return None


@dataclass(repr=False)
class Nexus:
    """A running server. `token`: with what requests are made that name none."""

    url: str
    rooms: Rooms
    configuration: Configuration
    http: httpx.AsyncClient
    sessions: Sessions
    token: str | None = None
    said: list[str] = field(default_factory=list)
    """The text of every answer over HTTP."""

    async def execute(
        self, document: str, variables: Mapping[str, Any] | None = None, token: str | None = None
    ) -> Answer:
        """The answer to a query or mutation by POST."""
        # Not httpx's own JSON, which has no word for half a surrogate pair; clients can spell one.
        body = json.dumps({"query": document, "variables": dict(variables or {})})
        headers = {"Content-Type": "application/json"} | _headers(token or self.token)
        response = await self.http.post(f"{self.url}/graphql", content=body, headers=headers)
        self.said.append(response.text)
        answer = response.json()
        return Answer(answer.get("data"), answer.get("errors", []), response.text)

    @asynccontextmanager
    async def subscribe(
        self, document: str, variables: Mapping[str, Any] | None = None, token: str | None = None
    ) -> AsyncIterator[Frames]:
        """A subscription on a WebSocket of its own."""
        address = self.url.replace("http", "ws", 1) + "/graphql"
        headers = _headers(token or self.token)
        async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")], max_size=None) as connection:
            await connection.send(json.dumps({"type": "connection_init", "payload": headers}))
            try:
                assert json.loads(await connection.recv()) == {"type": "connection_ack"}
            except ConnectionClosed as error:
                raise Closed(error.rcvd.code if error.rcvd else 1006, "") from error
            payload = {"query": document, "variables": dict(variables or {})}
            await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            yield Frames(connection)

    async def mutate(self, document: str, variables: Mapping[str, Any] | None = None, token: str | None = None) -> Any:
        """The payload of a mutation with one field that is expected to go through."""
        answer = await self.execute(document, variables, token)
        assert answer.errors == [], answer.text
        assert answer.data is not None
        (payload,) = answer.data.values()
        assert not payload.get("problems"), answer.text
        return payload


def _headers(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def running(configuration: Configuration) -> AsyncIterator[Nexus]:
    """The server of a configuration, its rooms within reach; leaving stops it as SIGTERM would."""
    subscriptions = Subscriptions()
    # Without certificates, which take longer to read than the server takes to start; nothing here is encrypted.
    client = httpx.AsyncClient(timeout=60, verify=False, trust_env=False)
    async with rooms(configuration, subscriptions) as opened, client:
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        app = application(configuration, opened, subscriptions)
        serving = asyncio.create_task(
            server.run(
                app,
                host=configuration.host,
                port=0,
                shutdown_timeout=configuration.shutdown_timeout,
                announce=listening.set_result,
            )
        )
        both: set[asyncio.Future[Any]] = {serving, listening}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving  # raises what kept it from serving
        try:
            yield Nexus(await listening, opened, configuration, client, app.state.sessions)
        finally:
            if not serving.done():
                signal.raise_signal(signal.SIGTERM)
            await serving
