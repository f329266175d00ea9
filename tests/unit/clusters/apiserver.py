"""A small apiserver on loopback that answers as a test has written down: for each path a list of answers, used up in order."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from nexus_gql.clusters import ConnectionState, ConnectionStatus, Link
from nexus_gql.clusters.kubeconfig import Loaded
from nexus_gql.supervisor import Supervisor

UID = "61241f83-2c91-43bb-aabe-0a0649497eb4"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Asked:
    """A request that came, and when on the loop's clock."""

    path: str
    query: Mapping[str, str]
    at: float


@dataclass
class Apiserver:
    """`scripts` maps paths to the answers still to be given; the one left last is given again and again."""

    scripts: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def script(self, path: str, *answers: Answer) -> None:
        """What to answer at a path from now on."""
        self.scripts[path] = list(answers)

    def at(self, path: str) -> list[Asked]:
        """The requests for a path."""
        return [asked for asked in self.asked if asked.path == path]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer by the script."""
        self.asked.append(Asked(request.path, dict(request.query), asyncio.get_running_loop().time()))
        answers = self.scripts.get(request.path)
        if not answers:
            return await status(404, "NotFound")(request)
        return await (answers.pop(0) if len(answers) > 1 else answers[0])(request)


def body(text: str | bytes, code: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer of one piece."""

    async def give(request: web.Request) -> web.StreamResponse:
        raw = text.encode() if isinstance(text, str) else text
        return web.Response(body=raw, status=code, headers=headers, content_type="application/json")

    return give


def document(value: Any, code: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON document."""
    return body(json.dumps(value), code, headers)


def status(code: int, reason: str, message: str = "no", headers: Mapping[str, str] | None = None) -> Answer:
    """A refusal in the apiserver's own form."""
    return document(refused(code, reason, message), code, headers)


def refused(code: int, reason: str, message: str = "no") -> dict[str, Any]:
    """A Status object."""
    return {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}


def listed(*items: Mapping[str, Any], version: str = "100", token: str = "") -> Answer:
    """A page of a list."""
    return document({"items": list(items), "metadata": {"resourceVersion": version, "continue": token}})


def watched(*lines: Any, then: str = "hold") -> Answer:
    """A stream: bytes as they are, numbers as pauses, anything else as a JSON line.

    `then`: `hold` keeps it open, `end` ends it as it should, `break` tears the connection.
    """

    async def give(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for line in lines:
            if isinstance(line, int | float):
                await asyncio.sleep(line)
            else:
                await response.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
        if then == "hold":
            await asyncio.Event().wait()
        if then == "break" and request.transport is not None:
            request.transport.abort()
        return response

    return give


def event(kind: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a watch."""
    return {"type": kind, "object": item}


def thing(name: str, version: int | str, **more: Any) -> dict[str, Any]:
    """An object with the metadata that everything has; its UID is its name."""
    metadata = {"name": name, "uid": name, "namespace": "or-local-models", "resourceVersion": str(version)}
    return {**more, "metadata": {**metadata, **more.get("metadata", {})}}


@asynccontextmanager
async def apiserver(uid: str = UID) -> AsyncIterator[Apiserver]:
    """An apiserver that introduces itself, and knows nothing else yet."""
    server = Apiserver()
    server.script("/version", document({"gitVersion": "v1.34.4"}))
    server.script("/api/v1/namespaces/kube-system", document({"metadata": {"name": "kube-system", "uid": uid}}))
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.01, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = site.name if not site.name.endswith(":0") else f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@dataclass
class Linked:
    """A link that is kept, and the states that it announced."""

    link: Link
    states: list[ConnectionState]

    async def becomes(self, wanted: ConnectionStatus) -> ConnectionState:
        """Wait until the link's state is this."""
        while self.link.state.status is not wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        return self.link.state


def loaded(url: str) -> Loaded:
    """The client's configuration for an address, without credentials."""
    found = Loaded()
    found.configuration.host = url
    return found


@asynccontextmanager
async def linked(server: Apiserver, uid: str = UID) -> AsyncIterator[Linked]:
    """A link to an apiserver, kept as the fleet keeps it. The address is looked up at each try."""
    states: list[ConnectionState] = []

    async def load() -> Loaded:
        return loaded(server.url)

    link = Link("c1", "dev", uid, load, lambda link: states.append(link.state))
    async with Supervisor() as supervisor:
        supervisor.start("link", link.keep)
        yield Linked(link, states)
