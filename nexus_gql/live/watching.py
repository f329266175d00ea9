"""Keeps what is known of one kind on one cluster: one watch for all of it, or, where that is forbidden, one for each namespace that we know."""

import asyncio
from collections.abc import Callable, Collection
from typing import Generic, Protocol, TypeVar

from nexus_gql import clock
from nexus_gql.clusters import Link
from nexus_gql.supervisor import Supervisor

from .reflector import Reflector
from .resources import Resource, T

S_contra = TypeVar("S_contra", contravariant=True)

AGAIN = 600.0
"""Seconds after which it is tried again whether everything may be seen by now."""


class PartSink(Protocol[S_contra]):
    """A sink that can also be told of one namespace alone."""

    async def replace(self, objects: Collection[S_contra]) -> None:
        """The complete state after a list."""
        ...

    async def replace_in(self, namespace: str, objects: Collection[S_contra]) -> None:
        """The complete state of one namespace after a list."""
        ...

    def complete(self) -> None:
        """Every known namespace was listed."""
        ...

    def put(self, item: S_contra) -> None:
        """An object that was made or changed."""
        ...

    def remove(self, uid: str) -> None:
        """An object that is gone."""
        ...


class Watching(Generic[T]):
    """One kind on one cluster. `namespaces`: those that we know there."""

    def __init__(
        self,
        link: Link,
        resource: Resource[T],
        sink: PartSink[T],
        tell: Callable[[], None],
        namespaces: Callable[[], Collection[str]],
        supervisor: Supervisor,
    ) -> None:
        self.blind_since: float | None = None
        """Since when, on the loop's clock, something keeps us from seeing it; None while nothing does."""
        self._link = link
        self._resource = resource
        self._sink = sink
        self._tell = tell
        self._namespaces = namespaces
        self._supervisor = supervisor
        self._changed = asyncio.Event()
        self._whole = Reflector(link, resource, sink, self._look)
        self._parts: dict[str, _Part[T]] = {}

    async def run(self) -> None:
        """Watch, for ever."""
        while True:
            await self._whole.run(self._other_way)
            await self._by_namespace()

    def namespaces_changed(self) -> None:
        """There are other namespaces to know of."""
        self._changed.set()

    @property
    def open(self) -> bool:
        """Whether the store follows the cluster."""
        return self._whole.open or (bool(self._parts) and all(part.reflector.open for part in self._parts.values()))

    @property
    def trouble(self) -> str | None:
        """Why it does not, where something is wrong."""
        if not self._parts:
            return self._whole.trouble
        return next((part.reflector.trouble for part in self._parts.values() if part.reflector.trouble), None)

    @property
    def watches(self) -> int:
        """Watches that are open now."""
        return self._whole.open + sum(part.reflector.open for part in self._parts.values())

    def _other_way(self) -> bool:
        return self._resource.namespaced and bool(self._namespaces())

    def _look(self) -> None:
        """A reflector told something: keep in mind since when we are blind."""
        if self._whole.open:
            self._parts.clear()  # they had stopped, and what they know grows old
        if self.open or self.trouble is None:
            self.blind_since = None
        elif self.blind_since is None:
            self.blind_since = clock.elapsed()
        self._tell()

    async def _by_namespace(self) -> None:
        """Watch each known namespace, until it is time to try whether all of the cluster may be seen by now."""
        try:
            async with asyncio.timeout(AGAIN):
                while True:
                    self._changed.clear()
                    await self._adjust(set(self._namespaces()))
                    if not self._parts:
                        return
                    await self._changed.wait()
        except TimeoutError:
            pass
        finally:
            for name in self._parts:
                await self._supervisor.stop(self._task(name))

    async def _adjust(self, wanted: set[str]) -> None:
        for name in self._parts.keys() - wanted:
            del self._parts[name]
            await self._supervisor.stop(self._task(name))
            await self._sink.replace_in(name, ())
        for name in sorted(wanted):
            if name not in self._parts:
                self._parts[name] = _Part(self._link, self._resource, self._sink, self._listed, self._look, name)
            if self._task(name) not in self._supervisor:
                self._supervisor.start(self._task(name), self._parts[name].reflector.run)

    def _listed(self) -> None:
        if all(part.listed for part in self._parts.values()):
            self._sink.complete()

    def _task(self, namespace: str) -> str:
        return f"reflector {self._link.cluster_id} {self._resource.kind} {namespace}"


class _Part(Generic[T]):
    """The sink of one namespace's reflector."""

    def __init__(
        self,
        link: Link,
        resource: Resource[T],
        sink: PartSink[T],
        told: Callable[[], None],
        tell: Callable[[], None],
        namespace: str,
    ) -> None:
        self.listed = False
        self.reflector: Reflector[T] = Reflector(link, resource, self, tell, namespace)
        self._sink = sink
        self._told = told
        self._namespace = namespace

    async def replace(self, objects: Collection[T]) -> None:
        await self._sink.replace_in(self._namespace, objects)
        self.listed = True
        self._told()

    def put(self, item: T) -> None:
        self._sink.put(item)

    def remove(self, uid: str) -> None:
        self._sink.remove(uid)
