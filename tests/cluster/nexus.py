"""A whole Nexus, in this process or in one of its own, and what a client does with it."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from nexus_gql.app import serve
from nexus_gql.configuration import Configuration
from nexus_gql.schema import Rooms
from tests.cluster import feeds
from tests.cluster.feeds import LIMIT, Feed, Socket

_OPERATION = """
    id kind status path message progress
    steps { name status message }
    failure { reason message remedy logs { text } }
    revision { number }
"""
_PROBLEMS = "problems { code message path remedy } warnings { code message path }"
ENDS = {"SUCCEEDED", "FAILED", "CANCELLED", "SUPERSEDED"}

Answered = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Nexus:
    """A server at an address."""

    url: str

    async def ask(self, document: str, **variables: object) -> Answered:
        """The data of a query or mutation that has no errors."""
        # Plain HTTP on loopback: without `verify` each client would first read all certificates there are.
        async with httpx.AsyncClient(timeout=60, verify=False, trust_env=False) as client:
            response = await client.post(f"{self.url}/graphql", json={"query": document, "variables": variables})
        answer: Answered = response.json()
        assert "errors" not in answer, answer["errors"]
        data: Answered = answer["data"]
        return data

    def socket(self) -> AbstractAsyncContextManager[Socket]:
        """A WebSocket to it."""
        return feeds.socket(self.url)

    def events(self, document: str, **variables: object) -> AbstractAsyncContextManager[Feed]:
        """A subscription over server-sent events."""
        return feeds.event_stream(self.url, document, **variables)

    # ── changes: the payload, with whatever problems it has ──

    async def asked(
        self, field: str, path: str, *, options: Answered | None = None, **more: tuple[str, object]
    ) -> Answered:
        """An operation's payload. `more`: type and value of further arguments."""
        declared = "".join(f", ${name}: {kind}" for name, (kind, _) in more.items())
        given = "".join(f", {name}: ${name}" for name in more)
        document = (
            f"mutation ($path: Path!, $options: OperationOptions{declared}) {{"
            f" done: {field}(path: $path, options: $options{given}) {{ operation {{ {_OPERATION} }} {_PROBLEMS} }} }}"
        )
        values = {name: value for name, (_, value) in more.items()}
        data = await self.ask(document, path=path, options=options or {}, **values)
        payload: Answered = data["done"]
        return payload

    async def deploy(self, path: str, patch: Answered | None = None, **options: object) -> Answered:
        """The operation of a deployment that was accepted."""
        return _accepted(await self.asked("deploy", path, options=options, patch=("SettingsPatch", patch)))

    async def refused(self, path: str, patch: Answered | None = None, **options: object) -> list[Answered]:
        """The problems of a deployment that was not accepted."""
        payload = await self.asked("deploy", path, options=options, patch=("SettingsPatch", patch))
        assert payload["operation"] is None
        problems: list[Answered] = payload["problems"]
        return problems

    async def scale(self, path: str, replicas: int) -> Answered:
        """The operation of a scaling that was accepted."""
        return _accepted(await self.asked("scale", path, replicas=("Int!", replicas)))

    async def restart(self, path: str) -> Answered:
        """The operation of a restart that was accepted."""
        return _accepted(await self.asked("restart", path))

    async def remove(self, path: str) -> Answered:
        """The operation of a removal that was accepted."""
        return _accepted(await self.asked("remove", path))

    async def configure(self, path: str, patch: Answered) -> Answered:
        """The payload of a change of settings, which has no problems."""
        document = (
            "mutation ($path: Path!, $patch: SettingsPatch!) {"
            f" configure(path: $path, patch: $patch) {{ changed affected {{ path }} {_PROBLEMS} }} }}"
        )
        payload: Answered = (await self.ask(document, path=path, patch=patch))["configure"]
        assert payload["problems"] == []
        return payload

    async def create(self, what: str, **fields: object) -> Answered:
        """The payload of making a level: `Project`, `Environment`, …"""
        document = (
            f"mutation ($input: Create{what}Input!) {{"
            f" made: create{what}(input: $input) {{ level: {what.lower()} {{ id path }} {_PROBLEMS} }} }}"
        )
        payload: Answered = (await self.ask(document, input=fields))["made"]
        assert payload["problems"] == []
        return payload

    async def register(self, name: str, given: Answered) -> Answered:
        """The payload of registering a cluster."""
        document = (
            "mutation ($name: String!, $input: ClusterInput!) { registerCluster(name: $name, input: $input)"
            f" {{ cluster {{ id name kind connection {{ status message }} }} {_PROBLEMS} }} }}"
        )
        payload: Answered = (await self.ask(document, name=name, input=given))["registerCluster"]
        return payload

    # ── what becomes of them ──

    async def operation(self, operation: str) -> Answered:
        """An operation as it is now."""
        found = await self.ask(f"query ($id: ID!) {{ operation(id: $id) {{ {_OPERATION} }} }}", id=operation)
        answer: Answered = found["operation"]
        return answer

    async def end(self, operation: Answered) -> Answered:
        """The operation at its end, whichever that is."""

        async def ended() -> Answered | None:
            now = await self.operation(operation["id"])
            return now if now["status"] in ENDS else None

        try:
            return await until(ended)
        except TimeoutError:
            raise AssertionError(f"it does not end: {await self.operation(operation['id'])}") from None

    async def succeeded(self, operation: Answered) -> Answered:
        """The operation at its good end."""
        ended = await self.end(operation)
        assert ended["status"] == "SUCCEEDED", ended
        return ended

    async def failed(self, operation: Answered) -> Answered:
        """What made the operation fail."""
        ended = await self.end(operation)
        assert ended["status"] == "FAILED", ended
        failure: Answered = ended["failure"]
        return failure

    async def deployed(self, path: str, patch: Answered | None = None, **options: object) -> Answered:
        """A deployment at its good end."""
        return await self.succeeded(await self.deploy(path, patch, **options))

    async def application(self, path: str, fields: str) -> Answered:
        """Fields of an application."""
        found = await self.ask(f"query ($path: Path!) {{ application(path: $path) {{ {fields} }} }}", path=path)
        answer: Answered = found["application"]
        return answer

    async def state(self, path: str) -> Answered:
        """How an application is doing."""
        state: Answered = (await self.application(path, "state { status reason message stale }"))["state"]
        return state


def _accepted(payload: Answered) -> Answered:
    assert payload["problems"] == []
    operation: Answered = payload["operation"]
    return operation


async def until(told: Callable[[], Awaitable[T | None]]) -> T:
    """Ask again and again until there is an answer that is neither None nor False."""
    async with asyncio.timeout(LIMIT):
        while not (answer := await told()):  # noqa: ASYNC110  # what it waits for is outside, and does not tell
            await asyncio.sleep(0.1)
    return answer


@asynccontextmanager
async def in_process(
    database_file: Path, prepare: Callable[[Rooms], Awaitable[None]] | None = None, **more: Any
) -> AsyncIterator[Nexus]:
    """A server in this process, on a free port, until it is left. `prepare`: given its rooms, before anybody is answered."""
    given: dict[str, Any] = {
        "data": database_file.parent,
        "database_url": f"sqlite://{database_file}",
        "port": 0,
    } | more
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(Configuration(**given), listening.set_result, prepare), name="nexus")
    both: set[asyncio.Future[Any]] = {server, listening}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if server.done():
        await server
    try:
        yield Nexus(await listening)
    finally:
        if not server.done():
            signal.raise_signal(signal.SIGTERM)
        await server


class Process:
    """A server in a process of its own, which can be stopped and killed."""

    def __init__(self, folder: Path, database_url: str, name: str) -> None:
        self.database_url = database_url
        self.folder = folder
        self._environment = os.environ | {
            "NEXUS_DATA": str(folder),
            "NEXUS_DATABASE_URL": database_url,
            "COLUMNS": "200",
            "NO_COLOR": "1",
        }
        self._log = folder / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> Nexus:
        """Start it (anew, where it was killed); it answers when this returns."""
        command = [sys.executable, "-m", "nexus_gql.cli", "serve", "--port", "0"]
        before = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(*command, env=self._environment, stderr=log)

        async def address() -> str | None:
            said = self._log.read_bytes()[before:].decode()
            assert self._process is not None
            assert self._process.returncode is None, said
            found = re.search(r"listens at\s+(http://[\w.:]+)", said)
            return found[1] if found else None

        return Nexus(await until(address))

    @property
    def said(self) -> str:
        """Its log, of all its lives."""
        return self._log.read_text()

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End it as an administrator does; nothing where it does not run."""
        if self._process is not None and self._process.returncode is None:
            self.thaw()
            await self._end(signal.SIGTERM)

    async def freeze(self) -> None:
        """SIGSTOP: it stands still when this returns, and does not know it."""
        self._send(signal.SIGSTOP)
        assert self._process is not None
        await asyncio.to_thread(os.waitid, os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        """SIGCONT."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._send(number)
        async with asyncio.timeout(LIMIT):
            await self._process.wait()
