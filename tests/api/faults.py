"""A sandbox behind a proxy that fails as networks and apiservers do, one fault after the other, drawn from a seed."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from nexus_gql.sandbox.sandbox import Sandbox, kubeconfig

TOKEN = "of-the-tests"
_HOP = {"connection", "host", "keep-alive", "transfer-encoding", "upgrade", "content-length"}
# More than the link's pulse and its limit: a peer that is silent for so long has to be noticed.
_HALF_OPEN = 18.0


class Faults:
    """A cluster whose apiserver is reached through here. `asked`: lists and watches of each kind since the start."""

    def __init__(self, seed: int, objects: Path) -> None:
        self.random = Random(seed)
        self.seed = seed
        self.asked: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self._objects = objects
        self._sandbox: Sandbox
        self._upstream = ""
        self._address = ""
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._twice = False
        self._torn_in_the_middle = False
        self._answers: list[web.Response] = []
        self._expired_frames = 0

    # ── what a test needs ──

    @property
    def kubeconfig(self) -> str:
        """For registering it."""
        return kubeconfig("faulty", f"{self._address}/{TOKEN}", TOKEN)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the cluster itself, past the proxy."""
        async with self._session.request(
            method, f"{self._upstream}/{TOKEN}{path}", json=body, headers={"Content-Type": _type(method)}
        ) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def fail(self) -> str:
        """The next fault; it is over, or will be by itself, when this returns."""
        # What takes long is drawn less often than the rest.
        names = [name for name in _FAULTS for _ in range(_FAULTS[name][1])]
        name = self.random.choice(names)
        self.done[name] += 1
        await _FAULTS[name][0](self)
        return name

    # ── faults ──

    async def cut(self) -> None:
        for connection in self._server.connections:
            _tear(connection.transport)

    async def delay(self) -> None:
        self._flowing.clear()
        asyncio.get_running_loop().call_later(self.random.uniform(0.1, 2.0), self._flowing.set)

    async def half_open(self) -> None:
        self._flowing.clear()
        asyncio.get_running_loop().call_later(_HALF_OPEN, self._flowing.set)

    async def duplicate(self) -> None:
        self._twice = True

    async def drop(self) -> None:
        self._torn_in_the_middle = True

    async def gone(self) -> None:
        await self._refuse(410, "Expired", "too old resource version")

    async def gone_in_a_frame(self) -> None:
        self._expired_frames = self.random.randint(1, 3)
        await self.cut()

    async def broken(self) -> None:
        await self._refuse(500, "InternalError", "etcd is away")

    async def busy(self) -> None:
        await self._refuse(429, "TooManyRequests", "wait", {"Retry-After": "1"})

    async def restart(self) -> None:
        """Everything is there afterwards, but for the versions before."""
        await self._sandbox.stop()
        await self.cut()
        await self._begin()

    async def _refuse(self, status: int, reason: str, message: str, headers: dict[str, str] | None = None) -> None:
        body = {"kind": "Status", "status": "Failure", "code": status, "reason": reason, "message": message}
        self._answers = [
            web.json_response(body, status=status, headers=headers) for _ in range(self.random.randint(1, 6))
        ]
        await self.cut()

    # ── the proxy ──

    async def _begin(self) -> None:
        self._sandbox = Sandbox(seed=self.seed, token=TOKEN, objects=self._objects)
        self._upstream = await self._sandbox.start()

    async def _open(self) -> None:
        await self._begin()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True), timeout=aiohttp.ClientTimeout(total=None)
        )
        self._server = web.Server(self._serve, handler_cancellation=True)
        self._runner = web.ServerRunner(self._server, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._address = f"http://{host}:{port}"

    async def _close(self) -> None:
        await self.cut()
        await self._runner.cleanup()
        await self._session.close()
        await self._sandbox.stop()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path.removeprefix(f"/{TOKEN}")
        watching = request.query.get("watch") in {"1", "true"}
        if request.method == "GET" and path != "/version":
            self.asked[path] += 1
        if self._answers and path != "/version":
            return self._answers.pop()
        await self._flowing.wait()
        try:
            async with self._session.request(
                request.method,
                URL(self._upstream + request.raw_path, encoded=True),
                headers=[(k, v) for k, v in request.headers.items() if k.lower() not in _HOP],
                data=await request.read() or None,
            ) as upstream:
                return await self._answer(request, upstream, watching=watching)
        except aiohttp.ClientError:
            _tear(request.transport)
            return web.Response(status=502)

    async def _answer(
        self, request: web.BaseRequest, upstream: aiohttp.ClientResponse, *, watching: bool
    ) -> web.StreamResponse:
        headers = [(k, v) for k, v in upstream.headers.items() if k.lower() not in _HOP]
        response = web.StreamResponse(status=upstream.status, headers=headers)
        await response.prepare(request)
        if watching and self._expired_frames:
            self._expired_frames -= 1
            await response.write(json.dumps({"type": "ERROR", "object": {"kind": "Status", "code": 410}}).encode())
            await response.write_eof()
            return response
        async for chunk in upstream.content if watching else upstream.content.iter_any():
            await self._flowing.wait()
            if watching and self._torn_in_the_middle:
                self._torn_in_the_middle = False
                await response.write(chunk[: len(chunk) // 2])
                _tear(request.transport)
                return response
            await response.write(chunk)
            if watching and self._twice:
                await response.write(chunk)
        await response.write_eof()
        return response


_FAULTS: dict[str, tuple[Callable[[Faults], Awaitable[None]], int]] = {
    "cut": (Faults.cut, 4),
    "delay": (Faults.delay, 4),
    "duplicate": (Faults.duplicate, 2),
    "drop": (Faults.drop, 4),
    "gone": (Faults.gone, 4),
    "gone in a frame": (Faults.gone_in_a_frame, 4),
    "broken": (Faults.broken, 4),
    "busy": (Faults.busy, 4),
    "restart": (Faults.restart, 3),
    "half-open": (Faults.half_open, 1),
}


@asynccontextmanager
async def faulty(seed: int, objects: Path) -> AsyncIterator[Faults]:
    """A cluster that fails when it is told to."""
    faults = Faults(seed, objects)
    await faults._open()
    try:
        yield faults
    finally:
        await faults._close()


def _type(method: str) -> str:
    return "application/merge-patch+json" if method == "PATCH" else "application/json"


def _tear(transport: asyncio.BaseTransport | None) -> None:
    if isinstance(transport, asyncio.Transport):
        transport.abort()
