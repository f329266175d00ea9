"""A sandbox in a process of its own, as a test of this tier shares it, and what stands on it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.cluster import proxy as proxying
from tests.cluster.proxy import Proxy

Object = dict[str, Any]

KINDS = {
    "/apis/apps/v1": ("deployments", "statefulsets", "daemonsets", "replicasets"),
    "/apis/batch/v1": ("jobs", "cronjobs"),
    "/api/v1": ("services", "secrets", "configmaps", "persistentvolumeclaims"),
    "/apis/networking.k8s.io/v1": ("ingresses",),
    "/apis/autoscaling/v2": ("horizontalpodautoscalers",),
}


@dataclass(frozen=True)
class Sandbox:
    """One that runs."""

    kubeconfig: str
    server: str

    async def get(self, path: str) -> Object | None:
        """An object or list; None where it is not there."""
        async with httpx.AsyncClient(timeout=30, verify=False, trust_env=False) as client:
            response = await client.get(self.server + path)
        if response.status_code == 404:
            return None
        found: Object = response.raise_for_status().json()
        return found

    async def make(self, path: str, body: Object) -> None:
        """Make an object."""
        async with httpx.AsyncClient(timeout=30, verify=False, trust_env=False) as client:
            (await client.post(self.server + path, json=body)).raise_for_status()

    async def change(self, path: str, patch: Object) -> None:
        """Merge a patch into an object."""
        headers = {"Content-Type": "application/merge-patch+json"}
        async with httpx.AsyncClient(timeout=30, verify=False, trust_env=False) as client:
            response = await client.patch(self.server + path, content=json.dumps(patch), headers=headers)
        response.raise_for_status()

    async def delete(self, path: str) -> None:
        """Delete an object."""
        async with httpx.AsyncClient(timeout=30, verify=False, trust_env=False) as client:
            (await client.delete(self.server + path)).raise_for_status()

    async def make_namespace(self, name: str) -> None:
        """A Kubernetes namespace that Nexus did not make."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        await self.make("/api/v1/namespaces", body)

    async def items(self, namespace: str) -> list[tuple[str, Object]]:
        """Everything in a namespace that an application may be made of, with the name of its kind."""
        found = []
        for prefix, kinds in KINDS.items():
            for kind in kinds:
                listed = await self.get(f"{prefix}/namespaces/{namespace}/{kind}")
                found += [(kind, item) for item in (listed or {}).get("items", ())]
        return [(kind, item) for kind, item in found if item["metadata"]["name"] != "kube-root-ca.crt"]


@contextmanager
def proxied(sandbox: Sandbox, folder: Path) -> Iterator[Proxy]:
    """A proxy before a sandbox; a kubeconfig for it is made in a folder."""
    file = folder / "kubeconfig"
    file.write_text(sandbox.kubeconfig)
    with proxying.running(file) as proxy:
        yield proxy


@asynccontextmanager
async def running(folder: Path, *, seed: int) -> AsyncIterator[Sandbox]:
    """A sandbox until it is left."""
    state = folder / f"sandbox-{seed}.json"
    command = ["-m", "nexus_gql.sandbox", "--port", "0", "--state-file", str(state), "--seed", str(seed)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            said = await process.stdout.readline()  # it has written the file then
        assert said, "the sandbox ended before it answered"
        told = json.loads(await asyncio.to_thread(state.read_text))
        yield Sandbox(told["kubeconfig"], told["server"])
    finally:
        if process.returncode is None:
            process.kill()  # it would wait for the watches and logs that are still open, and nobody asks it any more
        await process.wait()
