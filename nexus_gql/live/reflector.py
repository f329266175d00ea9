"""Keeps a store equal to what a cluster has of one kind: lists in pages, then watches, and comes back from every loss.

Modelled on client-go's reflector and kube-rs's watcher: a watch goes on from the last resource version it was told of; only
410 (or an error that says the same) means listing again. There is one request at a time, so that two watches for one kind
never overlap.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection
from typing import Generic, Protocol, TypeVar

import msgspec
import structlog

from nexus_gql import clock
from nexus_gql.backoff import Backoff
from nexus_gql.clusters import (
    Busy,
    ClusterError,
    Connection,
    Denied,
    Expired,
    Link,
    RequestError,
    ServerTrouble,
    Unauthorized,
    Unreachable,
    refusal,
)

from .resources import Page, Resource, T, version_of, watch_line

S_contra = TypeVar("S_contra", contravariant=True)


class Sink(Protocol[S_contra]):
    """Where what is seen goes: a store's writer, or something that keeps it otherwise."""

    async def replace(self, objects: Collection[S_contra]) -> None:
        """The complete state after a list."""
        ...

    def put(self, item: S_contra) -> None:
        """An object that was made or changed."""
        ...

    def remove(self, uid: str) -> None:
        """An object that is gone."""
        ...


class Chunks(Protocol):
    """What `lines` reads of aiohttp's stream."""

    def iter_any(self) -> AsyncIterator[bytes]:
        """Chunks as they come."""
        ...


class _Code(msgspec.Struct, frozen=True):
    """What of a Status decides by itself."""

    code: int = 500


_code = msgspec.json.Decoder(_Code)

log = structlog.get_logger(__name__)

PAGE = 500
# Bookmarks come about once a minute (the apiserver's bookmarkFrequency), so a watch that is silent for longer is not there.
SILENCE = 100.0
# client-go asks for five to ten minutes, spread so that not all watches end together.
_SHORTEST, _LONGEST = 300, 600
_LINE_LIMIT = 32 * 1024 * 1024
# A watch that ends sooner than this has not really begun: without backoff a broken server would be asked in a tight loop.
# One that stood for so long begins the waits anew: else screens would be half a minute old after a few lost connections.
_BRIEF = 1.0


class Reflector(Generic[T]):
    """One kind on one cluster, or in one of its namespaces. Its owner runs `run` for ever."""

    def __init__(
        self,
        link: Link,
        resource: Resource[T],
        sink: Sink[T],
        tell: Callable[[], None],
        namespace: str | None = None,
    ) -> None:
        self.open = False
        """Whether a watch is open, so that the store follows the cluster."""
        self.trouble: str | None = None
        """Why it is not, where something is wrong."""
        self.watches = 0
        self._link = link
        self._resource: Resource[T] = resource
        self._sink: Sink[T] = sink
        self._tell = tell
        self._path = resource.path(namespace)
        self._version: str | None = None
        self._opened = 0.0

    async def run(self, other_way: Callable[[], bool] = lambda: False) -> None:
        """List and watch, for ever; ends only where the cluster does not let us and there is another way to see the same."""
        backoff = Backoff()
        while True:
            started = clock.elapsed()
            try:
                connection = await self._link.wait_until_connected()
                started = clock.elapsed()
                await self._once(connection)
            except ClusterError as error:
                if isinstance(error, Denied) and other_way():
                    self._version = None
                    self._become(open=False, trouble=str(error))
                    return
                if self.open and clock.elapsed() - self._opened >= _BRIEF:
                    backoff.succeeded()
                await self._recover(error, backoff)
            else:
                self._become(open=False, trouble=None)
                if clock.elapsed() - started < _BRIEF:
                    await asyncio.sleep(backoff.failed())

    async def _once(self, connection: Connection) -> None:
        """From where we are to the end of one watch."""
        if self._version is None:
            self._version = await self._list(connection)
        await self._watch(connection, self._version)

    async def _recover(self, error: ClusterError, backoff: Backoff) -> None:
        if isinstance(error, Expired | RequestError):
            # A version that the apiserver does not understand (its database was restored, perhaps) never gets better.
            self._version = None
        if isinstance(error, Unreachable | Unauthorized):
            self._link.doubt()
        self._become(open=False, trouble=str(error))
        wait = backoff.failed()
        if isinstance(error, Busy):
            wait = max(wait, error.retry_after)
        say = log.warning if backoff.at_ceiling else log.info
        say(
            "A watch was lost",
            cluster=self._link.name,
            kind=self._resource.kind,
            reason=str(error),
            wait=round(wait, 1),
        )
        await asyncio.sleep(wait)

    async def _list(self, connection: Connection) -> str:
        """Put the complete list into the store and return its resource version."""
        items: list[T] = []
        version, token = "", ""
        while True:
            # No resourceVersion: "0" would be served from memory alone, and older apiservers then ignore the limit.
            query: dict[str, str | int] = {"limit": PAGE, "continue": token} if token else {"limit": PAGE}
            page = self._page(await connection.get(self._path, query))
            items += page.items or ()
            version = page.metadata.resource_version or version
            token = page.metadata.continue_
            if not token:
                break
        await self._sink.replace(items)
        return version

    def _page(self, body: bytes) -> Page[T]:
        try:
            return self._resource.page(body)
        except msgspec.DecodeError as error:
            raise ServerTrouble(f"A list of {self._resource.plural} cannot be read: {error}") from error

    async def _watch(self, connection: Connection, version: str) -> None:
        query: dict[str, str | int] = {
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": random.randint(_SHORTEST, _LONGEST),  # noqa: S311
        }
        async with connection.stream(self._path, query, silence=SILENCE) as content:
            self.watches += 1
            self._opened = clock.elapsed()
            self._become(open=True, trouble=None)
            async for line in lines(content):
                self._take(line)

    def _become(self, *, open: bool, trouble: str | None) -> None:  # noqa: A002
        changed = (open, trouble is None) != (self.open, self.trouble is None)
        self.open, self.trouble = open, trouble
        if changed:
            self._tell()

    def _take(self, line: bytes) -> None:
        try:
            event = watch_line(line)
            match event.type:
                case "ADDED" | "MODIFIED":
                    item = self._resource.decoded(event.object)
                    self._sink.put(item)
                    self._version = item.metadata.resource_version
                case "DELETED":
                    item = self._resource.decoded(event.object)
                    self._sink.remove(item.metadata.uid)
                    self._version = item.metadata.resource_version
                case "BOOKMARK":
                    self._version = version_of(event.object) or self._version
                case "ERROR":
                    raise _error(event.object)
        except msgspec.DecodeError as error:
            # What was sent cannot be known, so neither can the state: begin anew.
            raise Expired(f"A watch sent what cannot be read: {error}") from error


def _error(raw: msgspec.Raw) -> ClusterError:
    return refusal(_code.decode(raw).code, bytes(raw))


async def lines(content: Chunks) -> AsyncIterator[bytes]:
    """The lines of a stream, however long: the client's own `readline` gives up at a few megabytes.

    The last one may lack its end where the stream ends as it should; one that breaks off raises instead.
    """
    pending = bytearray()
    async for chunk in content.iter_any():
        pending += chunk
        if b"\n" in chunk:
            *complete, rest = pending.split(b"\n")
            pending = bytearray(rest)
            for line in complete:
                if line:
                    yield bytes(line)
        elif len(pending) > _LINE_LIMIT:
            raise ServerTrouble(f"A line is longer than {_LINE_LIMIT} bytes.")
    if pending:
        yield bytes(pending)
