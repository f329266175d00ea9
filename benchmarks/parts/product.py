"""The product itself, as processes: a server, a sandbox, and what a client declares there."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

NAMESPACE = "or/local/models"
KUBERNETES_NAMESPACE = "or-local-models"


@dataclass(frozen=True)
class Running:
    """A process, and where it listens."""

    url: str
    process: asyncio.subprocess.Process

    async def ask(self, document: str, **variables: object) -> Any:
        """The data of an answer that has no errors."""
        async with httpx.AsyncClient(base_url=self.url, timeout=120) as client:
            answer = (await client.post("/graphql", json={"query": document, "variables": variables})).json()
        assert "errors" not in answer, answer
        assert "problems': [{" not in str(answer["data"]), answer
        return answer["data"]


@asynccontextmanager
async def server(folder: Path, *, core: int | None = None) -> AsyncIterator[Running]:
    """`nexus serve` on a data folder, on one core if it is named."""
    async with _running(["-m", "nexus_gql.cli", "serve", "--port", "0"], folder, core) as running:
        yield running


@asynccontextmanager
async def sandbox(folder: Path, *, core: int | None = None) -> AsyncIterator[tuple[Running, str]]:
    """A simulated cluster, and the kubeconfig by which it is reached."""
    state = folder / "sandbox.json"
    command = ["-m", "nexus_gql.sandbox", "--port", "0", "--state-file", str(state), "--seed", "1"]
    async with _running(command, folder, core) as running:
        told = json.loads(await asyncio.to_thread(state.read_text))
        yield Running(told["server"], running.process), told["kubeconfig"]


class Asked(Protocol):
    """A server that answers."""

    async def ask(self, document: str, **variables: object) -> Any:
        """The data of an answer that has no errors."""


async def declare_namespace(nexus: Asked, kubeconfig: str, kubernetes: str = KUBERNETES_NAMESPACE) -> None:
    """The cluster, and a namespace on it."""
    register = 'registerCluster(name: "bench", input: {kubeconfig: {content: $content}}) { problems { message } }'
    await nexus.ask(f"mutation ($content: String!) {{ {register} }}", content=kubeconfig)
    for made in (
        'createProject(input: {name: "or"})',
        'createEnvironment(input: {project: "or", name: "local", cluster: "bench"})',
        f'createNamespace(input: {{environment: "or/local", name: "models", kubernetesName: "{kubernetes}"}})',
    ):
        await nexus.ask(f"mutation {{ {made} {{ problems {{ message }} }} }}")


@asynccontextmanager
async def _running(command: list[str], folder: Path, core: int | None) -> AsyncIterator[Running]:
    environment = {**os.environ, "NEXUS_DATA": str(folder), "NEXUS_LOG_LEVEL": "error"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    if core is not None:
        os.sched_setaffinity(process.pid, {core})
    try:
        yield Running(await _address(process), process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        for word in line.decode().split():
            if word.startswith("http://"):
                return word
    raise RuntimeError("It ended before it said where it listens.")
