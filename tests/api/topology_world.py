"""A small world on a sandbox whose parts find each other in every way that makes an edge, and what is seen of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from nexus_gql.topology import Delta, Picture, ShownNode, Topology, TopologyChange
from nexus_gql.topology.text import name

from .hierarchy import declare
from .sandboxed import Object, Sandbox
from .server import Nexus

T = TypeVar("T")

DDK, MODELS, BESIDE = "or-local-ddk", "or-local-models", "beside"
"""Kubernetes namespaces; of `beside` nothing is declared."""
DONE = "subscription ($id: ID!) { operation(id: $id) { status message } }"


async def on(nexus: Nexus, sandbox: Sandbox) -> None:
    """The project on the sandbox: the namespaces `ddk` and `models`."""
    await declare(nexus, "or", settings={"image": {"repository": "or/service", "tag": "1.0"}})
    await declare(nexus, "or/local", connect={"kubeconfig": {"content": sandbox.kubeconfig}})
    await declare(nexus, "or/local/ddk")
    await declare(nexus, "or/local/models")
    await sandbox.make_namespace(BESIDE)


async def deployed(nexus: Nexus, path: str, **settings: Any) -> str:
    """An application, declared and rolled out; its id."""
    key = await declare(nexus, path, settings=settings)
    await done(nexus, f'deploy(path: "{path}")')
    return key


async def done(nexus: Nexus, mutation: str) -> None:
    """Ask for an operation, and wait for its good end."""
    payload = await nexus.mutate(f"mutation {{ {mutation} {{ operation {{ id }} problems {{ code message path }} }} }}")
    async with nexus.subscribe(DONE, {"id": payload["operation"]["id"]}) as frames:
        last: Any = None
        while (answer := await frames.next(60)) is not None:
            last = answer["operation"]
    assert last["status"] == "SUCCEEDED", last


async def run(sandbox: Sandbox, name: str, env: dict[str, str] | None = None, **more: Any) -> None:
    """A Deployment with a Service in `beside`, as somebody makes it who does not use Nexus."""
    await sandbox.make(f"/apis/apps/v1/namespaces/{BESIDE}/deployments", deployment(name, env, **more))
    await sandbox.make(f"/api/v1/namespaces/{BESIDE}/services", service(name))


def deployment(name: str, env: dict[str, str] | None = None, **more: Any) -> Object:
    """Its pods are ready about a second after they were made."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": workload(name, env, **more),
    }


def workload(name: str, env: dict[str, str] | None = None, **more: Any) -> Object:
    """What a Deployment and a StatefulSet have in common. `more` is of the pods."""
    labels = {"runs": name}
    container = {"name": "main", "image": "acme/service:1.0", "env": variables(env or {})}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]} | more}
    return {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}


def variables(env: dict[str, str]) -> list[Object]:
    return [{"name": key, "value": value} for key, value in env.items()]


def service(name: str, **more: Any) -> Object:
    """A Service of the pods of a workload, at port 8080."""
    spec = {"selector": {"runs": name}, "ports": [{"port": 8080}]} | more
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


# ── what is seen ──


async def until(topology: Topology, condition: Callable[[Picture], object], limit: float = 30) -> Picture:
    """Wait until the graph is as wanted."""
    try:
        async with asyncio.timeout(limit):
            while not condition(picture := topology.picture):
                await topology.feed.newer(topology.feed.position)
    except TimeoutError:
        raise AssertionError(described(topology.picture)) from None
    return picture


async def once(nexus: Nexus, told: Callable[[], Awaitable[T | None]], limit: float = 60) -> T:
    """Ask again, whenever the graph has changed, until there is an answer."""
    feed = nexus.rooms.topology.feed
    async with asyncio.timeout(limit):
        while True:
            # Before it is asked: what changes while the answer is on its way need not be in it.
            position = feed.position
            if answer := await told():
                return answer
            await feed.newer(position)


def described(picture: Picture) -> str:
    """A graph in lines, for whoever reads why a test failed."""
    lines = [f"{name(one)} {one.state} {one.impairment.name}" for one in picture.nodes.values()]
    return "\n".join([*sorted(lines), *sorted(arrows(picture))])


def named(picture: Picture, label: str) -> ShownNode | None:
    """The node of that name: an application's path, or a label."""
    return next((one for one in picture.nodes.values() if name(one) == label), None)


def arrows(picture: Picture) -> dict[str, set[str]]:
    """The edges as `from > to`, each with what it is known by."""
    return {
        f"{name(picture.nodes[one.edge.origin])} > {name(picture.nodes[one.edge.target])}": {
            f"{source.kind.value} {source.evidence}" for source in one.edge.sources
        }
        for one in picture.edges.values()
    }


def impairments(picture: Picture) -> dict[str, str]:
    """Who is impaired, and how."""
    return {name(one): one.impairment.name for one in picture.nodes.values() if one.impairment}


def healthy(picture: Picture) -> bool:
    """Whether everything that has a state is well, and serving."""
    states = [one.state for one in picture.nodes.values() if one.state is not None]
    return bool(states) and all(state.serving and state.verdict.status.value == "HEALTHY" for state in states)


def deltas(topology: Topology, position: int) -> list[Delta]:
    """What was told since a position of the feed."""
    changes = topology.feed.since(position)
    assert isinstance(changes, list), changes
    return [one.delta for one in changes if isinstance(one, TopologyChange)]
