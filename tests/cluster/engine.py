"""The Docker engine as a test wants to see it: with some of its containers, whatever else runs on this machine."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web

from tests.cluster.real import Cluster

SOCKET = "/var/run/docker.sock"


@asynccontextmanager
async def showing(containers: Collection[str]) -> AsyncIterator[str]:
    """The engine behind a proxy that lists these containers only; its URL."""

    async def serve(request: web.BaseRequest) -> web.Response:
        url = f"http://docker{request.raw_path}"
        async with session.request(request.method, url, data=await request.read() or None) as answer:
            body, kind = await answer.read(), answer.content_type
            if request.path.endswith("/containers/json"):
                return web.json_response([one for one in await answer.json() if _is_one(one, containers)])
            headers = {name: value for name, value in answer.headers.items() if name.startswith("X-Docker")}
            return web.Response(status=answer.status, body=body, content_type=kind, headers=headers)

    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(SOCKET)) as session:
        runner = web.ServerRunner(web.Server(serve), access_log=None, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def _is_one(container: dict[str, Any], wanted: Collection[str]) -> bool:
    return any(name.lstrip("/") in wanted for name in container["Names"])


class Lookalike:
    """A container that looks like the only node of a KinD cluster, and passes on what it is asked to the real one.

    It can be stopped and started, which would cost the real one its life.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.name = f"like-{uuid4().hex[:6]}"
        self.container = f"{self.name}-control-plane"
        self._cluster = cluster

    def make(self, image: str) -> None:
        """Run it."""
        labels = {"io.x-k8s.kind.cluster": self.name, "io.x-k8s.kind.role": "control-plane"}
        options = [part for name, value in labels.items() for part in ("--label", f"{name}={value}")]
        address = docker("inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}", self._cluster.node).strip()
        passing_on = ["nc", "-ll", "-p", "6443", "-e", "/bin/busybox", "nc", address, "6443"]
        docker(
            *("create", "--name", self.container, *options, "--stop-timeout", "0", "-p", "127.0.0.1::6443"),
            *("--entrypoint", "/bin/busybox", image, *passing_on),
        )
        config = subprocess.run(
            ["docker", "cp", f"{self._cluster.node}:/etc/kubernetes", "-"], capture_output=True, check=True
        )
        subprocess.run(["docker", "cp", "-", f"{self.container}:/etc"], input=config.stdout, check=True)
        docker("start", self.container)

    async def stop(self) -> None:
        """As when somebody stops the container, or the machine was started anew."""
        await asyncio.to_thread(docker, "stop", "-t", "0", self.container)

    async def start(self) -> None:
        """Its API is published on another port then."""
        await asyncio.to_thread(docker, "start", self.container)


@contextmanager
def lookalike(cluster: Cluster, image: str) -> Iterator[Lookalike]:
    """One that runs."""
    made = Lookalike(cluster)
    try:
        made.make(image)
        yield made
    finally:
        subprocess.run(["docker", "rm", "-f", made.container], capture_output=True, check=False)


def docker(*arguments: str) -> str:
    """What the engine says."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr.strip()}"
    return done.stdout
