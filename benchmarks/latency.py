"""From a change on the apiserver to the frame at the client: 10 changes a second, 1,000 subscribers on as many WebSockets.

Run by `scripts/bench latency`. Baseline: one raw watch of the same sandbox, in the same run. The server has one core; the sandbox and the
clients, which are one process, have the other. The time runs from the request that changes a pod. Prints a table; asserts nothing.
"""

import asyncio
import gc
import os
import re
import statistics
import tempfile
import time
from asyncio import Runner
from collections.abc import Callable
from pathlib import Path

import aiohttp
from parts.clients import CORES, on_the_other_core, opened
from parts.product import KUBERNETES_NAMESPACE, NAMESPACE, declare_namespace, sandbox, server

from nexus_gql.server import new_event_loop

SUBSCRIBERS = 1000
CHANGES = 200
EVERY = 0.1
_POD = {
    "metadata": {"name": "changing"},
    # Nobody places it, so that nobody but this benchmark changes it.
    "spec": {"schedulerName": "nobody", "containers": [{"name": "main", "image": "or/churn:1"}]},
}
_DOCUMENT = f"""subscription {{ pods(scope: "{NAMESPACE}") {{ kind position complete upserted {{ id name phase ready ip node restarts
  state {{ status message }} containers {{ name image ready }} }} removed sources {{ cluster }} }} }}"""
_NUMBER = re.compile(rb'"(?:podIP|ip)": ?"10\.0\.(\d+)\.(\d+)"')


class Times:
    """When each change was sent, and how long it took to each who saw it."""

    def __init__(self) -> None:
        self.sent: list[float] = []
        self.took: list[float] = []
        self._came: list[tuple[float, bytes]] = []

    def heard(self, data: bytes) -> None:
        """Something came. It is looked at later: a thousand clients in one process must not wait for each other."""
        self._came.append((time.perf_counter(), data))

    def look(self) -> None:
        """Changes are told by the pod's address."""
        for at, data in self._came:
            for found in _NUMBER.finditer(data):
                number = int(found[1]) * 250 + int(found[2])
                if at > self.sent[number]:
                    self.took.append(at - self.sent[number])


async def main() -> None:
    """Change, and listen."""
    with tempfile.TemporaryDirectory() as folder:
        cores = {"nexus": CORES[0], "sandbox": CORES[-1]}
        async with (
            sandbox(Path(folder), core=cores["sandbox"]) as (cluster, kubeconfig),
            server(Path(folder), core=cores["nexus"]) as nexus,
            aiohttp.ClientSession(f"{cluster.url}/") as session,
        ):
            on_the_other_core()
            pods = f"api/v1/namespaces/{KUBERNETES_NAMESPACE}/pods"
            await session.post("api/v1/namespaces", json={"metadata": {"name": KUBERNETES_NAMESPACE}})
            (await session.post(pods, json=_POD)).raise_for_status()
            await declare_namespace(nexus, kubeconfig)
            clients = await opened(int(nexus.url.rpartition(":")[2]), SUBSCRIBERS, document=_DOCUMENT)
            raw, ours = Times(), Times()
            for client in clients:
                client.heard = ours.heard
            watching = asyncio.create_task(_watch(session, pods, raw.heard))
            await asyncio.sleep(1)
            gc.disable()
            await _change(session, f"{pods}/changing/status", raw, ours)
            watching.cancel()
            for one in (raw, ours):
                one.look()
            _print("raw watch (baseline)", 1, raw, raw)
            _print("nexus", SUBSCRIBERS, ours, raw)


async def _watch(session: aiohttp.ClientSession, path: str, heard: Callable[[bytes], None]) -> None:
    async with session.get(path, params={"watch": "1"}, timeout=aiohttp.ClientTimeout(None)) as answer:
        async for line in answer.content:
            heard(line)


async def _change(session: aiohttp.ClientSession, path: str, *times: Times) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    begun = time.perf_counter()
    for number in range(CHANGES):
        await asyncio.sleep(begun + number * EVERY - time.perf_counter())
        patch = {"status": {"phase": "Pending", "podIP": f"10.0.{number // 250}.{number % 250}"}}
        now = time.perf_counter()
        for one in times:
            one.sent.append(now)
        async with session.patch(path, json=patch, headers=headers) as answer:
            answer.raise_for_status()
    await asyncio.sleep(1)


def _print(name: str, readers: int, times: Times, base: Times) -> None:
    if name.startswith("raw"):
        print(f"{CHANGES} changes, one each {EVERY * 1000:.0f} ms; load of the machine {os.getloadavg()[0]:.1f}")
        print(
            f"{'way':<24}{'readers':>8}{'overtaken':>10}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}{'ratio p99':>11}"
        )
    p50, p95, p99 = (_percentile(times, one) for one in (50, 95, 99))
    overtaken = readers * CHANGES - len(times.took)  # by the next change, before they were sent
    ratio = p99 / _percentile(base, 99)
    print(
        f"{name:<24}{readers:>8,}{overtaken:>10,}{p50:>9.1f}{p95:>9.1f}{p99:>9.1f}{max(times.took) * 1000:>9.1f}{ratio:>11.1f}"
    )


def _percentile(times: Times, which: int) -> float:
    return statistics.quantiles(times.took, n=100)[which - 1] * 1000


if __name__ == "__main__":
    with Runner(loop_factory=new_event_loop) as runner:
        runner.run(main())
