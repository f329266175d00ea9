"""The simulated cluster as a whole: store, controllers, nodes and the API server, on one clock."""

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import uvicorn
import yaml

from nexus_gql.sandbox import journal
from nexus_gql.sandbox.api import Api
from nexus_gql.sandbox.clock import Clock
from nexus_gql.sandbox.controllers import Controllers
from nexus_gql.sandbox.nodes import Machine, furnish, machines
from nexus_gql.sandbox.store import HISTORY, Store

_STOPPING = 2
"""Seconds that open watches are given when the sandbox ends; they never end by themselves."""


class Sandbox:
    """A cluster in this process. The same seed gives the same names and uids.

    `objects`: a file where it keeps what it holds, and from which it goes on where there is one.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        nodes: Sequence[Machine] | int = 2,
        seed: int = 0,
        token: str | None = None,
        history: int = HISTORY,
        name: str = "sandbox",
        objects: Path | None = None,
    ) -> None:
        random = Random(seed)  # noqa: S311 - names, not secrets
        self.name = name
        self.clock = clock or Clock()
        self.token = token or secrets.token_urlsafe(24)
        self.store = Store(self.clock, random, history=history)
        lives = {} if objects is None else journal.read(objects, self.store)
        if self.store.version:
            # The same seed once more would give new objects the uids of the old ones.
            random.seed(f"{seed}/{self.store.version}")
        self._machines = machines(nodes) if isinstance(nodes, int) else nodes
        furnish(self.store, self._machines)
        self.controllers = Controllers(self.store, self.clock, self._machines, random)
        self.api = Api(self.store, self.controllers, token=self.token)
        self.controllers.kubelet.take_in(lives)
        self.journal = None
        if objects is not None:
            self.journal = journal.Journal(objects, self.store, self.controllers.kubelet, self.clock)
        self._server: uvicorn.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serve, and give the address as soon as requests are answered."""
        config = uvicorn.Config(
            self.api,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=_STOPPING,
        )
        self._server = _Quiet(config)
        self._tasks = [
            asyncio.create_task(self.controllers.run(), name="sandbox controllers"),
            asyncio.create_task(self._server.serve(), name="sandbox API server"),
        ]
        if self.journal is not None:
            self._tasks.append(asyncio.create_task(self.journal.run(), name="sandbox journal"))
        while not self._server.started:
            if self._tasks[1].done():
                self._tasks[1].result()
                raise OSError(f"The sandbox could not listen on {host}:{port}.")
            await asyncio.sleep(0.005)
        found = self._server.servers[0].sockets[0].getsockname()
        return f"http://{found[0]}:{found[1]}"

    async def stop(self) -> None:
        """End it; watches are cut."""
        if self._server is not None:
            self._server.should_exit = True
        controllers, serving, *keeping = self._tasks
        for task in (controllers, *keeping):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await serving
        if self.journal is not None:
            self.journal.close()

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve until the task is cancelled or a part of the sandbox fails."""
        await self.start(host, port)
        try:
            done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self.stop()

    def kubeconfig(self, address: str) -> str:
        """What kubectl and Nexus need to reach it."""
        return kubeconfig(self.name, self.server(address), self.token)

    def server(self, address: str) -> str:
        """The address with the token in its path: kubectl sends a token of its own only over TLS."""
        return f"{address}/{self.token}"


class _Quiet(uvicorn.Server):
    """A server that leaves signals to whoever owns the process."""

    def capture_signals(self) -> Any:
        from contextlib import nullcontext

        return nullcontext()


def kubeconfig(name: str, address: str, token: str) -> str:
    """A kubeconfig with one context."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": address}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return yaml.safe_dump(document, sort_keys=False)
