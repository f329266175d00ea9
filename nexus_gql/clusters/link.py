"""Keeps one cluster connected: finds it, introduces itself, feels its pulse, and comes back after a loss."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import msgspec
import structlog

from nexus_gql import clock
from nexus_gql.backoff import Backoff
from nexus_gql.vault import VaultError

from .connection import Connection
from .errors import ClusterError, Unauthorized, Unreachable
from .kubeconfig import Loaded
from .state import ConnectionState, ConnectionStatus

log = structlog.get_logger(__name__)

_PULSE = 10.0
"""Seconds between two questions whether the cluster is there; a failed watch or request asks at once."""
_PULSE_LIMIT = 5.0
_LOAD_LIMIT = 30.0
"""Seconds for finding out how to reach the cluster: the Docker engine, files, a program that a kubeconfig names."""


class Link:
    """One cluster's connection over time. Its owner runs `keep`; everybody else asks for `connected`."""

    def __init__(
        self,
        cluster_id: str,
        name: str,
        uid: str,
        load: Callable[[], Awaitable[Loaded]],
        announce: Callable[["Link"], None],
    ) -> None:
        self.cluster_id = cluster_id
        self.name = name
        self.uid = uid
        self.version: str | None = None
        self.latency: float | None = None
        self.state = ConnectionState(ConnectionStatus.CONNECTING, f"Connecting to `{name}`.", clock.now())
        self._load = load
        self._announce = announce
        self._connection: Connection | None = None
        self._up = asyncio.Event()
        self._doubt = asyncio.Event()
        self._given_up = False

    async def connected(self, limit: float = 2.0) -> Connection:
        """The connection; waits a little for one that is being made, then raises Unreachable."""
        if self._connection is None:
            try:
                async with asyncio.timeout(limit):
                    await self._up.wait()
            except TimeoutError:
                pass
        if self._connection is None:
            raise Unreachable(f"The cluster `{self.name}` does not answer now. {self.state.message}")
        return self._connection

    async def wait_until_connected(self) -> Connection:
        """The connection, however long it takes; Unreachable once the link is given up."""
        while self._connection is None:
            if self._given_up:
                raise Unreachable(f"The cluster `{self.name}` was removed or is reached in another way now.")
            await self._up.wait()
        return self._connection

    def give_up(self) -> None:
        """`keep` has ended for good: whoever still waits here must look for another link."""
        self._given_up = True
        self._up.set()

    def doubt(self) -> None:
        """Somebody's request failed: ask now whether the cluster is there, or try again now."""
        self._doubt.set()

    async def keep(self) -> None:
        """Stay connected for ever."""
        backoff = Backoff()
        while True:
            try:
                await self._live(backoff)
            except ClusterError as error:
                wait = backoff.failed()
                self._lost(error, wait)
                await self._pause(wait)

    async def _live(self, backoff: Backoff) -> None:
        """One connection from its making to its loss, which it raises."""
        loaded = await self._loaded()
        try:
            connection = Connection(loaded.configuration)
        finally:
            loaded.close()
        try:
            await self._introduce(connection)
            backoff.succeeded()
            self._connection = connection
            self._up.set()
            self._become(ConnectionState(ConnectionStatus.CONNECTED, f"Connected to `{self.name}`.", clock.now()))
            while True:
                await self._pause(_PULSE)
                await self._feel_pulse(connection)
        finally:
            self._connection = None
            self._up.clear()
            await connection.close()

    async def _loaded(self) -> Loaded:
        try:
            async with asyncio.timeout(_LOAD_LIMIT):
                return await self._load()
        except TimeoutError as error:
            raise Unreachable(f"How to reach `{self.name}` was not found out in time.") from error
        except VaultError as error:
            raise Unauthorized(str(error)) from error

    async def _introduce(self, connection: Connection) -> None:
        await self._feel_pulse(connection)
        uid = await cluster_uid(connection)
        if uid != self.uid:
            raise Unauthorized(
                f"Another cluster answers where `{self.name}` was: it was made anew, perhaps. "
                "`updateCluster` takes the new one; what ran on the old one is deployed again then."
            )

    async def _feel_pulse(self, connection: Connection) -> None:
        started = clock.elapsed()
        answer = await connection.get("/version", limit=_PULSE_LIMIT)
        self.latency = clock.elapsed() - started
        self.version = _read(answer, _Version).git_version

    async def _pause(self, seconds: float) -> None:
        """Wait, or less where somebody doubts; but never so little that many doubters make a flood."""
        await asyncio.sleep(min(seconds, 0.5))
        try:
            async with asyncio.timeout(max(0.0, seconds - 0.5)):
                await self._doubt.wait()
        except TimeoutError:
            pass
        self._doubt.clear()

    def _lost(self, error: ClusterError, wait: float) -> None:
        unauthorized = isinstance(error, Unauthorized)
        self._become(
            ConnectionState(
                ConnectionStatus.UNAUTHORIZED if unauthorized else ConnectionStatus.UNREACHABLE,
                str(error),
                clock.now(),
                retry_at=clock.now() + timedelta(seconds=wait),
                lost_at=clock.elapsed(),
            )
        )

    def _become(self, state: ConnectionState) -> None:
        old = self.state
        if state.status is old.status:
            # The same trouble again: it began when it began.
            state = replace(state, since=old.since, lost_at=old.lost_at or state.lost_at)
        else:
            log.info("A cluster's connection changed", cluster=self.name, status=state.status, message=state.message)
            if old.lost_at is not None and state.lost_at is not None:
                state = replace(state, lost_at=old.lost_at)
        self.state = state
        self._announce(self)


async def cluster_uid(connection: Connection) -> str:
    """The UID of the kube-system namespace: who a cluster is."""
    answer = await connection.get("/api/v1/namespaces/kube-system", limit=_PULSE_LIMIT)
    return _read(answer, _Namespace).metadata.uid


class _Version(msgspec.Struct, rename="camel"):
    git_version: str


class _Identity(msgspec.Struct):
    uid: str


class _Namespace(msgspec.Struct):
    metadata: _Identity


A = TypeVar("A")


def _read(answer: bytes, kind: type[A]) -> A:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError as error:
        # A proxy's own page, say. Without this the link would die and go on calling itself connected.
        raise Unreachable("What answers there is no Kubernetes cluster.") from error
