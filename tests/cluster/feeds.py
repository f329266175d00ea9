"""Subscriptions as a client reads them: over graphql-transport-ws or server-sent events, folded as the contract says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

# What one change on a real cluster may take on a busy machine; only what never comes takes so long.
LIMIT = 90.0

Frame = dict[str, Any]


class Over(Exception):
    """The subscription has ended: by its own end, or with the connection."""


class Feed:
    """One subscription's frames. `items`: what a state feed has told so far; `kinds`: of which frames."""

    def __init__(self) -> None:
        self._frames: asyncio.Queue[Frame | Exception] = asyncio.Queue()
        self.items: dict[str, Frame] = {}
        self.kinds: list[str] = []
        self.frames: list[Frame] = []
        self.complete = False

    async def next(self) -> Frame:
        """The next frame; Over where there is none any more, AssertionError where it is an error."""
        async with asyncio.timeout(LIMIT):
            frame = await self._frames.get()
        if isinstance(frame, Exception):
            self._frames.put_nowait(frame)
            raise frame
        self._fold(frame)
        return frame

    async def until(self, condition: Callable[["Feed"], object]) -> "Feed":
        """Read on until what was told so far is as wanted."""
        try:
            async with asyncio.timeout(LIMIT):
                while not condition(self):
                    await self.next()
        except TimeoutError:
            raise AssertionError(f"it never came; the last frames: {self.frames[-3:]}") from None
        return self

    async def to_its_end(self) -> "Feed":
        """Read on until the server says that it is over."""
        with suppress(Over):
            while True:
                await self.next()
        return self

    def waiting(self) -> int:
        """Frames that have come and were not read."""
        return self._frames.qsize()

    @property
    def one(self) -> Frame:
        """The only item."""
        (item,) = self.items.values()
        return item

    def put(self, result: Frame) -> None:
        """A result as it comes from the server."""
        if result.get("errors"):
            self._frames.put_nowait(AssertionError(result["errors"]))
        else:
            (frame,) = result["data"].values()
            self._frames.put_nowait(frame)

    def end(self, why: Exception) -> None:
        """Nothing comes any more."""
        self._frames.put_nowait(why)

    def _fold(self, frame: Frame) -> None:
        self.frames.append(frame)
        if "kind" not in frame:
            return
        if frame["kind"] == "SNAPSHOT" and (not self.kinds or self.complete or self.kinds[-1] != "SNAPSHOT"):
            self.items.clear()
        self.kinds.append(frame["kind"])
        self.complete = frame["complete"]
        for item in frame.get("upserted", ()):
            self.items[item["id"]] = item
        for gone in frame.get("removed", ()):
            self.items.pop(gone, None)


class Socket:
    """One graphql-transport-ws connection with any number of subscriptions."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._feeds: dict[str, Feed] = {}
        self._ids = count(1)

    async def subscribe(self, document: str, **variables: object) -> Feed:
        """A subscription of this connection."""
        feed, number = Feed(), str(next(self._ids))
        self._feeds[number] = feed
        payload = {"query": document, "variables": variables}
        await self._connection.send(json.dumps({"id": number, "type": "subscribe", "payload": payload}))
        return feed

    async def _read(self) -> None:
        try:
            async for text in self._connection:
                self._take(json.loads(text))
        except ConnectionClosed:
            pass
        for feed in self._feeds.values():
            feed.end(Over("the connection was closed"))

    def _take(self, message: Frame) -> None:
        feed = self._feeds.get(message.get("id", ""))
        if feed is None:
            return
        match message["type"]:
            case "next":
                feed.put(message["payload"])
            case "error":
                feed.end(AssertionError(message["payload"]))
            case "complete":
                feed.end(Over("completed"))


@asynccontextmanager
async def socket(url: str) -> AsyncIterator[Socket]:
    """A connection to a server that has acknowledged it."""
    address = url.replace("http", "ws", 1) + "/graphql"
    async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")], max_size=None) as connection:
        await connection.send('{"type": "connection_init"}')
        assert json.loads(await connection.recv()) == {"type": "connection_ack"}
        opened = Socket(connection)
        reading = asyncio.create_task(opened._read(), name="socket")
        try:
            yield opened
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


@asynccontextmanager
async def event_stream(url: str, document: str, **variables: object) -> AsyncIterator[Feed]:
    """One subscription over server-sent events."""
    feed = Feed()
    body = {"query": document, "variables": variables}
    async with (
        httpx.AsyncClient(timeout=None, verify=False, trust_env=False) as client,
        client.stream("POST", f"{url}/graphql", json=body, headers={"accept": "text/event-stream"}) as response,
    ):
        assert response.status_code == 200
        reading = asyncio.create_task(_events(response, feed), name="event stream")
        try:
            yield feed
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _events(response: httpx.Response, feed: Feed) -> None:
    async for line in response.aiter_lines():
        if line.startswith("data: {"):
            feed.put(json.loads(line.removeprefix("data: ")))
    feed.end(Over("completed"))
