"""Log lines a second from one container to one client and to 50, beside a raw read of the same stream; and many who come at once.

Run by `scripts/bench logs`. A sandbox writes 2,000, then 100,000 lines a second; what a client did not get it was told of, in gaps.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import httpx
from parts.executions import executions
from parts.product import KUBERNETES_NAMESPACE, NAMESPACE, Running, declare_namespace, sandbox, server

_SECONDS = 8.0
_WARM = 2.0
_RATES = {"calm": 2_000, "flood": 100_000}
_CROWD = 500
_LOGS = "subscription ($input: LogInput!) { logs(input: $input) { lines { at text source { pod } } cursor gaps { lines } } }"


@dataclass
class Got:
    """What came to one client."""

    lines: int = 0
    missed: int = 0


async def main() -> None:
    """Start a sandbox and a server, and read."""
    with tempfile.TemporaryDirectory() as folder:
        async with sandbox(Path(folder)) as (cluster, kubeconfig), server(Path(folder)) as nexus:
            await _declare(nexus, kubeconfig)
            print(f"{'from one container':<64}{'lines/s a client':>18}{'told of as gaps/s':>20}{'ratio':>8}")
            await _whole(nexus.url, cluster.url)
            for name, rate in _RATES.items():
                await _measure(nexus.url, cluster.url, name, rate)
            await _crowd(nexus.url)


async def _measure(nexus: str, cluster: str, name: str, rate: int) -> None:
    base = await _raw(f"{cluster}{await _log_path(cluster, name)}", follow=True)
    rows = [("raw read of the stream (aiohttp, baseline)", base, 0.0)]
    for clients in (1, 50):
        all_of = [Got() for _ in range(clients)]
        await asyncio.gather(*(_follow(nexus, f"or/local/models/{name}", got) for got in all_of))
        lines = sum(got.lines for got in all_of) / clients / _SECONDS
        missed = sum(got.missed for got in all_of) / clients / _SECONDS
        rows.append((f"{clients} client{'s' * (clients > 1)}", lines, missed))
    for what, lines, missed in rows:
        print(f"{f'{rate:,}/s: {what}':<64}{lines:>18,.0f}{missed:>20,.0f}{lines / base:>8.2f}")


async def _crowd(nexus: str) -> None:
    """Open one log together, then come back together, each after its own cursor."""
    print(f"{'2,000/s, from the first to the last who has a hundred lines':<64}{'seconds':>18}{'frames executed':>20}")
    cursors: list[str | None] = [None] * _CROWD
    for way in ("open it", "come back to it"):
        before, started = await executions(nexus, "arrival"), time.monotonic()
        cursors = list(await asyncio.gather(*(_hundred(nexus, cursor) for cursor in cursors)))
        took = time.monotonic() - started
        print(f"{f'{_CROWD} {way} at once':<64}{took:>18.1f}{await executions(nexus, 'arrival') - before:>20}")


async def _hundred(nexus: str, after: str | None) -> str:
    """Read a hundred lines and leave, with the cursor."""
    async with _reading(nexus, {"scope": "or/local/models/calm", "after": after}) as messages:
        count = 0
        async for text in messages:
            count += text.count('"text"')
            if count >= 100:
                return str(json.loads(text)["payload"]["data"]["logs"]["cursor"])
    raise EOFError("It ended before a hundred lines came.")


async def _whole(nexus: str, cluster: str) -> None:
    """All that is there, as fast as it comes."""
    base = await _raw(f"{cluster}{await _log_path(cluster, 'flood')}", follow=False)
    got, started = Got(), time.monotonic()
    await _subscribe(nexus, {"scope": "or/local/models/flood", "tail": None, "follow": False}, got)
    lines = got.lines / (time.monotonic() - started)
    print(f"{'whole log: raw read (baseline)':<64}{base:>18,.0f}{0:>20}{1:>8.2f}")
    print(f"{'whole log: 1 client':<64}{lines:>18,.0f}{got.missed:>20,.0f}{lines / base:>8.2f}")


async def _raw(url: str, *, follow: bool) -> float:
    """Lines a second of the stream itself, from now on or all that is there."""
    query = "&timestamps=true" + ("&follow=true&tailLines=0" if follow else "")
    count, started = 0, time.monotonic()
    async with aiohttp.ClientSession() as session, session.get(url + query) as answer:
        try:
            async with asyncio.timeout(_SECONDS if follow else None):
                async for chunk in answer.content.iter_any():
                    count += chunk.count(b"\n")
        except TimeoutError:
            pass
    return count / (time.monotonic() - started)


async def _follow(nexus: str, scope: str, got: Got) -> None:
    """Count for a while, once everybody has begun."""
    task = asyncio.create_task(_subscribe(nexus, {"scope": scope, "tail": 0}, got))
    await asyncio.sleep(_WARM)
    got.lines = got.missed = 0
    await asyncio.sleep(_SECONDS)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _subscribe(nexus: str, wanted: dict[str, object], got: Got) -> None:
    async with _reading(nexus, wanted) as messages:
        async for text in messages:
            # Counted, not decoded: fifty clients in this process must not be what is measured.
            got.lines += text.count('"text"')
            if '"gaps":[]' not in text:
                frame = json.loads(text)["payload"]["data"]["logs"]
                got.missed += sum(gap["lines"] or 0 for gap in frame["gaps"])


@asynccontextmanager
async def _reading(nexus: str, wanted: dict[str, object]) -> AsyncIterator[AsyncIterator[str]]:
    """The messages of a subscription, until it is complete."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{nexus}/graphql", protocols=["graphql-transport-ws"], max_msg_size=0) as socket,
    ):
        await socket.send_json({"type": "connection_init"})
        await socket.receive()
        payload = {"query": _LOGS, "variables": {"input": wanted}}
        await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        yield _texts(socket)


async def _texts(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[str]:
    async for message in socket:
        text = str(message.data)
        if '"complete"' in text[:40]:
            return
        yield text


async def _declare(nexus: Running, kubeconfig: str) -> None:
    await declare_namespace(nexus, kubeconfig)
    for name, rate in _RATES.items():
        settings = {
            "image": {"repository": f"or/{name}", "tag": "1"},
            "env": [{"name": "SANDBOX_LOG_RATE", "value": {"text": str(rate)}}],
        }
        given = {"namespace": NAMESPACE, "name": name, "settings": settings}
        create = "createApplication(input: $input) { problems { message } }"
        await nexus.ask(f"mutation ($input: CreateApplicationInput!) {{ {create} }}", input=given)
        path = f"{NAMESPACE}/{name}"
        await nexus.ask("mutation ($path: Path!) { deploy(path: $path) { problems { message } } }", path=path)
        state = "query ($path: Path!) { application(path: $path) { state { status } } }"
        while "HEALTHY" not in str(await nexus.ask(state, path=path)):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def _log_path(cluster: str, name: str) -> str:
    async with httpx.AsyncClient() as client:
        pods = (await client.get(f"{cluster}/api/v1/namespaces/{KUBERNETES_NAMESPACE}/pods")).json()["items"]
    pod = next(pod for pod in pods if pod["metadata"]["name"].startswith(f"{name}-"))
    container = pod["spec"]["containers"][0]["name"]
    return f"/api/v1/namespaces/{KUBERNETES_NAMESPACE}/pods/{pod['metadata']['name']}/log?container={container}"


if __name__ == "__main__":
    asyncio.run(main())
