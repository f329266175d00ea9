"""Containers whose logs are read, on an apiserver over real sockets, and readers of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from nexus_gql.clusters import ConnectionStatus, Link
from nexus_gql.live import Cursor, Follower, Gap, LogFrame, Pattern, Seen, Source, Start
from nexus_gql.live.logs import Stage, Taps
from nexus_gql.supervisor import Supervisor
from tests.unit.clusters.apiserver import Apiserver, apiserver, linked

from .kubelet import Log, source


@dataclass
class Logs:
    """The containers of a scope, what may still come of them, and the taps that they are read through."""

    server: Apiserver
    link: Link | None
    taps: Taps
    supervisors: AsyncExitStack
    sources: dict[str, Source] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)
    scope: frozenset[str] = frozenset({"c1"})
    """The clusters that the readers want."""
    clusters: frozenset[str] = frozenset({"c1"})
    """Those whose pods are known."""
    followers: list[Follower] = field(default_factory=list)

    async def another_server(self) -> Taps:
        """Taps that know of nothing yet."""
        supervisor = await self.supervisors.enter_async_context(Supervisor())
        return Taps(lambda _: self.link, self.stage, supervisor)

    def stage(self, source: Source) -> Stage:
        """What may still come of a container."""
        return self.stages.get(source.pod, Stage.RUNS)

    def add(self, name: str, cluster: str = "c1") -> Log:
        """A container that runs."""
        log = Log(self.server, source(name, cluster))
        self.server.script(log.source.path, log.answer)
        self.sources[log.source.key] = log.source
        return log

    def follower(
        self,
        start: Start | None = None,
        after: str | None = None,
        pattern: Pattern | None = None,
        *,
        follow: bool = True,
        taps: Taps | None = None,
        asked: Start | None = None,
    ) -> Follower:
        """A reader of all of them."""
        follower = Follower(
            self.taps if taps is None else taps,
            self._look,
            start or Start(tail=100),
            None if after is None else Cursor.read(after),
            pattern,
            follow=follow,
            asked=asked,
        )
        self.followers.append(follower)
        return follower

    def pods_changed(self) -> None:
        """Tell everybody who reads, as a server does."""
        for follower in self.followers:
            follower.look_again()

    def _look(self) -> Seen:
        seen = {key: source for key, source in self.sources.items() if source.cluster_id in self.clusters}
        return Seen(seen, self.clusters, whole=self.scope <= self.clusters)


@pytest.fixture
async def logs() -> AsyncIterator[Logs]:
    async with apiserver() as server, linked(server) as kept, AsyncExitStack() as supervisors:
        await kept.becomes(ConnectionStatus.CONNECTED)
        supervisor = await supervisors.enter_async_context(Supervisor())
        taps = Taps(lambda _: made.link, lambda source: made.stage(source), supervisor)  # noqa: PLW0108 - it is made below
        made = Logs(server, kept.link, taps, supervisors)
        yield made


@dataclass
class Read:
    """What a reader has got so far."""

    frames: list[LogFrame] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """The lines."""
        return [one.text for frame in self.frames for _, one in frame.lines]

    @property
    def gaps(self) -> list[Gap]:
        """What was left out."""
        return [gap for frame in self.frames for gap in frame.gaps]

    @property
    def cursor(self) -> str:
        """Where it stands."""
        return self.frames[-1].cursor

    async def until(self, condition: Callable[["Read"], object]) -> None:
        """Wait until it has got what is wanted, on the virtual clock."""
        async with asyncio.timeout(60):
            while not condition(self):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@asynccontextmanager
async def reading(follower: Follower, seconds: float = 2) -> AsyncIterator[Read]:
    """A reader that takes every frame, after some seconds."""
    read = Read()

    async def take() -> None:
        async with aclosing(follower.frames()) as frames:
            async for frame in frames:
                read.frames.append(frame)

    task = asyncio.create_task(take())
    await asyncio.sleep(seconds)
    try:
        yield read
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def all_of(follower: Follower) -> Read:
    """Everything that a reader gets who does not follow."""
    async with aclosing(follower.frames()) as frames:
        return Read([frame async for frame in frames])
