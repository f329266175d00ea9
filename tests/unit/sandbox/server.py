"""An API server of the sandbox without controllers and without a network: what is written stays as it was written."""

from collections.abc import AsyncIterator
from typing import Any

import httpx

from nexus_gql.sandbox.api import Api
from nexus_gql.sandbox.clock import Driven
from nexus_gql.sandbox.logs import Asked
from nexus_gql.sandbox.store import Object, Store

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class Machines:
    """Nodes that say what they were asked."""

    def pod_log(self, namespace: str, pod: str, container: str | None, asked: Asked) -> AsyncIterator[bytes]:
        """One line: the question."""

        async def lines() -> AsyncIterator[bytes]:
            yield repr((namespace, pod, container, asked)).encode()

        return lines()

    def pod_metrics(self, namespace: str | None = None) -> list[Object]:
        """One pod in each of two namespaces."""
        found: list[Object] = [{"metadata": {"name": "p", "namespace": space}} for space in ("x", "y")]
        return [one for one in found if namespace in (None, one["metadata"]["namespace"])]

    def node_metrics(self) -> list[Object]:
        """One node."""
        return [{"metadata": {"name": "n"}}]


class Server:
    """A store with the namespace `x`, and a client before its API."""

    def __init__(self, *, token: str | None = None, history: int = 1000) -> None:
        self.clock = Driven()
        self.store = Store(self.clock, history=history)
        self.store.create("Namespace", None, {"metadata": {"name": "x"}})
        self.store.create("ServiceAccount", "x", {"metadata": {"name": "default"}})
        self.api = Api(self.store, Machines(), token=token)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.api), base_url="http://sandbox")

    async def ask(
        self, method: str, path: str, body: object = None, content_type: str = "application/json", **headers: str
    ) -> tuple[int, Any]:
        """Code and document of an answer."""
        answer = await self.http.request(
            method,
            path,
            json=body if body is not None else None,
            headers={"content-type": content_type, "user-agent": "probe/1", **headers},
        )
        kind = answer.headers["content-type"].partition(";")[0]
        return answer.status_code, answer.json() if kind == "application/json" else answer.text


def config_map(name: str = "c", **data: str) -> Object:
    """A small object."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def deployment(name: str = "web", **spec: object) -> Object:
    """A Deployment as small as it can be."""
    container = {"name": "c", "image": "nginx:1"}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template, **spec},
    }


def pod(name: str = "p", **metadata: Any) -> Object:
    """A pod as small as it can be."""
    return {"metadata": {"name": name, **metadata}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}
