"""Where a test's applications run: a project on the cluster, seen through Nexus and, from outside, through kubectl."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.cluster.nexus import Nexus, until
from tests.cluster.real import Cluster

# An application on `echo` that is ready a moment after it starts, and gone a moment after it is told to go.
SETTINGS: dict[str, Any] = {
    "image": {"repository": "nexus-test/echo", "tag": "1", "pullPolicy": "IfNotPresent"},
    "resources": {"cpuRequest": "10m", "memoryRequest": "16Mi"},
    "probes": {"readiness": {"httpPath": "/healthz", "period": "1s"}},
    "terminationGrace": "0s",
}

Object = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A namespace of a project, `or/local/models`, with a Kubernetes namespace of its own."""

    nexus: Nexus
    cluster: Cluster
    kubernetes: str
    path: str = "or/local/models"

    async def declare(self, name: str = "churn", **settings: object) -> str:
        """An application in the namespace; its path."""
        await self.nexus.create("Application", namespace=self.path, name=name, settings=settings)
        return f"{self.path}/{name}"

    async def run(self, name: str = "churn", **settings: object) -> str:
        """The same, deployed and up."""
        path = await self.declare(name, **settings)
        await self.nexus.deployed(path)
        return path

    async def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """kubectl in its Kubernetes namespace."""
        return await asyncio.to_thread(self.cluster.kubectl, "-n", self.kubernetes, *arguments, stdin=stdin)

    async def get(self, *arguments: str) -> Any:
        """`kubectl get` there, decoded."""
        return await asyncio.to_thread(self.cluster.get, "-n", self.kubernetes, *arguments)

    async def items(self, *arguments: str) -> list[Object]:
        """The items of `kubectl get` there."""
        items: list[Object] = (await self.get(*arguments))["items"]
        return items

    async def apply(self, *objects: Object) -> None:
        """`kubectl apply` of objects there."""
        placed = [one | {"metadata": one["metadata"] | {"namespace": self.kubernetes}} for one in objects]
        await asyncio.to_thread(self.cluster.apply, *placed)

    async def make_namespace(self) -> None:
        """Make the Kubernetes namespace before Nexus does; what Kubernetes puts into each is there when this returns."""
        await asyncio.to_thread(self.cluster.kubectl, "create", "namespace", self.kubernetes)
        # Two controllers, neither of which waits for the other.
        for kind in ("serviceaccounts", "configmaps"):
            await self.eventually(lambda found: found, kind)

    async def pods(self) -> list[Object]:
        """The pods there that are not on their way out."""
        return [pod for pod in await self.items("pods") if "deletionTimestamp" not in pod["metadata"]]

    async def eventually(self, condition: Callable[[list[Object]], object], *arguments: str) -> list[Object]:
        """Wait until the items of `kubectl get` are as wanted."""

        async def seen() -> list[Object] | None:
            items = await self.items(*arguments)
            return items if condition(items) else None

        return await until(seen)


async def made(nexus: Nexus, cluster: Cluster, kubernetes: str, *, registered_as: str = "test") -> Place:
    """A project on a cluster that is registered under that name."""
    await nexus.create("Project", name="or", settings=SETTINGS)
    await nexus.create("Environment", project="or", name="local", cluster=registered_as)
    await nexus.create("Namespace", environment="or/local", name="models", kubernetesName=kubernetes)
    return Place(nexus, cluster, kubernetes)


async def connected(nexus: Nexus, kubeconfig: str, *, name: str = "test") -> None:
    """Register a cluster and wait for its connection."""
    payload = await nexus.register(name, {"kubeconfig": {"content": kubeconfig}})
    assert payload["problems"] == []

    async def is_connected() -> bool:
        document = "query ($name: String!) { cluster(name: $name) { connection { status } } }"
        found = await nexus.ask(document, name=name)
        return bool(found["cluster"]["connection"]["status"] == "CONNECTED")

    await until(is_connected)
