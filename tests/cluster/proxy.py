"""A proxy in front of a real apiserver that counts what is asked of it and fails on demand.

It runs in a thread of its own, so that a test which waits for a program (kubectl) does not stop it.
"""

import asyncio
import base64
import re
import socket
import ssl
import tempfile
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

# Headers of one hop, which are not passed on.
HOP = {"connection", "host", "keep-alive", "transfer-encoding", "upgrade"}


class Asked(NamedTuple):
    """What was asked: `path` without its query. `watch`: a watch, or a log that is followed."""

    method: str
    path: str
    watch: bool


@dataclass(frozen=True)
class Answer:
    """What is answered in the apiserver's place, in its own form."""

    status: int
    reason: str
    message: str

    def response(self) -> web.Response:
        """As a Status object."""
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": self.status}
        return web.json_response(status | {"reason": self.reason, "message": self.message}, status=self.status)


class Halt:
    """One request that stands still at the proxy."""

    def __init__(self, method: str, path: str, nth: int, *, dry_run: bool, answered: bool) -> None:
        self._method = re.compile(method)
        self._path = re.compile(path)
        self._left = nth
        self._dry_run = dry_run
        self.answered = answered
        self._reached = threading.Event()
        self._released = threading.Event()

    def fits(self, request: web.BaseRequest) -> bool:
        """Whether it is the one that was meant."""
        dry_run = "dryRun" in request.query
        if not (self._method.fullmatch(request.method) and self._path.fullmatch(request.path)):
            return False
        self._left -= dry_run is self._dry_run
        return self._left == 0 and dry_run is self._dry_run

    async def reached(self) -> None:
        """Wait, anywhere, until it is there."""
        assert await asyncio.to_thread(self._reached.wait, 60), "no such request was made"

    def release(self) -> None:
        """Let it go on."""
        self._released.set()

    async def stand(self) -> None:
        """The request's own part, in the proxy."""
        self._reached.set()
        while not self._released.is_set():  # noqa: ASYNC110  # set in another thread
            await asyncio.sleep(0.02)


class Proxy:
    """Counts are of requests since the start or the last `forget`."""

    def __init__(self, kubeconfig: dict[str, Any]) -> None:
        self._upstream = str(kubeconfig["clusters"][0]["cluster"]["server"])
        self._ssl = _client_context(kubeconfig)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        # Bound, and never listening: while the proxy refuses, nobody else is given its port.
        self._kept = _bound(0)
        self.port = int(self._kept.getsockname()[1])
        self._socket = _bound(self.port)
        self._asked: Counter[Asked] = Counter()
        self.order: list[tuple[str, str, bool]] = []
        """Method, path, and whether it was a dry run, of what was asked for; without watches, in order."""
        self._watches: Counter[str] = Counter()
        self._answers: list[tuple[str, re.Pattern[str], Answer]] = []
        self._halts: list[Halt] = []
        self._flowing = asyncio.Event()
        self._site: web.SockSite | None = None

    @property
    def kubeconfig(self) -> str:
        """A kubeconfig whose cluster is this proxy. It names no user: the proxy is the administrator upstream."""
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "proxy",
                "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "anyone"}}],
                "clusters": [{"name": "proxy", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
                "users": [{"name": "anyone", "user": {"token": "the-proxy-replaces-it"}}],
            }
        )

    def count(self, path: str, *, method: str = "GET", watch: bool = False) -> int:
        """How often a path (a regular expression for all of it) was asked for."""
        return sum(
            times
            for asked, times in dict(self._asked).items()
            if asked.method == method and asked.watch is watch and re.fullmatch(path, asked.path)
        )

    @property
    def watches(self) -> Counter[str]:
        """Paths of the watches and followed logs that are open now, and how many of each."""
        return +Counter(self._watches)

    def forget(self) -> None:
        """Count from nothing again."""
        self._asked.clear()

    def cut(self) -> None:
        """Tear every connection, without a word."""
        self._do(self._cut)

    def refuse(self) -> None:
        """Listen no more, and tear what is open: as if the apiserver's process were gone."""
        self._do(self._refuse)

    def accept(self) -> None:
        """Listen again, on the same port."""
        self._do(self._accept)

    def hold(self) -> None:
        """Keep every connection, and pass nothing more on: as where a network swallows packets."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def release(self) -> None:
        """Pass on again, what was held first."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def answer(self, method: str, path: str, answer: Answer) -> None:
        """From now on answer so in the apiserver's place, where the path (a regular expression for all of it) fits."""
        self._answers.append((method, re.compile(path), answer))

    def answer_truly(self) -> None:
        """Ask the apiserver again, always."""
        self._answers.clear()

    def halt(
        self, method: str, path: str = ".*", nth: int = 1, *, dry_run: bool = False, answered: bool = False
    ) -> Halt:
        """Let the n-th request of a kind (regular expressions) stand still before it is passed on, or once it is answered."""
        halt = Halt(method, path, nth, dry_run=dry_run, answered=answered)
        self._halts.append(halt)
        return halt

    def release_halts(self) -> None:
        """Let everything that stands still go on."""
        for halt in self._halts:
            halt.release()

    def _do(self, action: Callable[[], Awaitable[None]]) -> None:
        async def call() -> None:
            await action()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(30)

    async def _open(self) -> None:
        self._flowing.set()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._ssl, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        # Cancelled when its client leaves: a watch that nobody reads any more is not counted as open.
        self._server = web.Server(self._serve, handler_cancellation=True)
        self._runner = web.ServerRunner(self._server, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await self._listen()

    async def _close(self) -> None:
        await self._refuse()
        self._kept.close()
        await self._runner.cleanup()
        await self._session.close()
        await asyncio.sleep(0.1)  # what was torn is closed in the loop's next turns, and what was idle by its peer

    async def _listen(self) -> None:
        self._site = web.SockSite(self._runner, self._socket)
        await self._site.start()

    async def _cut(self) -> None:
        for connection in self._server.connections:
            _tear(connection.transport)

    async def _refuse(self) -> None:
        if self._site is not None:
            await self._site.stop()
            self._socket.close()
            self._site = None
        await self._cut()

    async def _accept(self) -> None:
        self._socket = _bound(self.port)
        await self._listen()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        goes_on = {request.query.get("watch"), request.query.get("follow")} & {"1", "true"}
        asked = Asked(request.method, request.path, bool(goes_on))
        self._asked[asked] += 1
        if not asked.watch:
            self.order.append((asked.method, asked.path, "dryRun" in request.query))
        for method, path, answer in self._answers:
            if method == request.method and path.fullmatch(request.path):
                return answer.response()
        halts = [halt for halt in self._halts if halt.fits(request)]
        self._watches[asked.path] += asked.watch
        try:
            return await self._pass_on(request, halts)
        finally:
            self._watches[asked.path] -= asked.watch

    async def _pass_on(self, request: web.BaseRequest, halts: Sequence[Halt]) -> web.StreamResponse:
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in HOP | {"authorization"}]
        body = await request.read()
        url = self._upstream + request.raw_path
        await self._flowing.wait()
        await _stand(halt for halt in halts if not halt.answered)
        try:
            async with self._session.request(
                request.method, URL(url, encoded=True), headers=headers, data=body or None
            ) as upstream:
                try:
                    await _stand(halt for halt in halts if halt.answered)
                    return await self._pass_back(request, upstream)
                finally:
                    if upstream.connection is not None and not upstream.content.at_eof():
                        # Over TLS a polite close waits for the peer, longer than this loop may live.
                        _tear(upstream.connection.transport)
        except aiohttp.ClientError:
            # The apiserver is gone: so is this connection, as its own would be.
            _tear(request.transport)
            return web.Response(status=502)

    async def _pass_back(self, request: web.BaseRequest, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
        headers = [(k, v) for k, v in upstream.headers.items() if k.lower() not in HOP]
        response = web.StreamResponse(status=upstream.status, headers=headers)
        await response.prepare(request)
        async for chunk in upstream.content.iter_any():
            await self._flowing.wait()
            await response.write(chunk)
        await response.write_eof()
        return response

    def _start(self) -> None:
        self._thread.start()
        self._do(self._open)

    def _stop(self) -> None:
        self._do(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def running(kubeconfig: Path) -> Iterator[Proxy]:
    """A proxy in front of the cluster of a kubeconfig with a client certificate."""
    proxy = Proxy(yaml.safe_load(kubeconfig.read_text()))
    proxy._start()
    try:
        yield proxy
    finally:
        proxy._stop()


async def _stand(halts: Iterable[Halt]) -> None:
    for halt in halts:
        await halt.stand()


def _tear(transport: asyncio.BaseTransport | None) -> None:
    if isinstance(transport, asyncio.Transport):
        transport.abort()


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _client_context(kubeconfig: dict[str, Any]) -> ssl.SSLContext:
    cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
    if "client-certificate-data" not in user:
        return ssl.create_default_context()  # a sandbox: plain HTTP, and its address is the secret
    context = ssl.create_default_context(cadata=_decoded(cluster["certificate-authority-data"]))
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder) / "certificate", Path(folder) / "key"
        certificate.write_text(_decoded(user["client-certificate-data"]))
        key.touch(mode=0o600)
        key.write_text(_decoded(user["client-key-data"]))
        context.load_cert_chain(certificate, key)
    return context


def _decoded(data: str) -> str:
    return base64.b64decode(data).decode()
