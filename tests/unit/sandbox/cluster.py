"""A cluster without its API: the store, the controllers and a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

from nexus_gql.sandbox.clock import Driven
from nexus_gql.sandbox.controllers import Controllers
from nexus_gql.sandbox.nodes import Machine, machines
from nexus_gql.sandbox.objects import find_condition, status_of
from nexus_gql.sandbox.store import Object, Store

HOME = "home"


class Cluster:
    """What a test does to a cluster, in few words."""

    def __init__(self, clock: Driven, store: Store, controllers: Controllers) -> None:
        self.clock = clock
        self.store = store
        self.controllers = controllers

    def make(self, kind: str, name: str, spec: Object | None = None, **fields: Any) -> Object:
        """An object in the namespace of the test."""
        metadata = {"name": name, **fields.pop("metadata", {})}
        return self.store.create(
            kind, HOME, {"metadata": metadata, **({"spec": spec} if spec is not None else {}), **fields}
        )

    def get(self, kind: str, name: str) -> Object:
        """An object that is there."""
        found = self.store.get(kind, HOME, name)
        assert found is not None, f"no {kind} {name}"
        return found

    def change(self, kind: str, name: str, **spec: Any) -> None:
        """Declare something else."""
        found = self.get(kind, name)
        self.store.update(kind, {**found, "spec": {**found["spec"], **spec}})

    def all(self, kind: str) -> list[Object]:
        """Everything of a kind in the namespace."""
        return list(self.store.all(kind, HOME))

    def pods(self, app: str | None = None) -> list[Object]:
        """The pods, of one application or all, oldest first."""
        return [
            pod for pod in self.all("Pod") if app is None or (pod["metadata"].get("labels") or {}).get("app") == app
        ]

    def condition(self, kind: str, name: str, type_: str) -> Object:
        """One condition of an object."""
        found = find_condition(status_of(self.get(kind, name)).get("conditions") or (), type_)
        assert found is not None, f"{kind} {name} has no condition {type_}"
        return found

    def said(self, name: str) -> list[tuple[str, str]]:
        """Reasons and messages of the events about an object, in order."""
        return [
            (event["reason"], event["message"])
            for event in self.all("Event")
            if event["involvedObject"]["name"] == name
        ]

    def reasons(self, name: str) -> list[str]:
        """The reasons alone."""
        return [reason for reason, _ in self.said(name)]


@asynccontextmanager
async def running(nodes: Sequence[Machine] | None = None, *, seed: int = 7) -> AsyncIterator[Cluster]:
    """A cluster that runs, with an empty namespace."""
    clock = Driven()
    store = Store(clock, Random(seed))
    controllers = Controllers(store, clock, machines(2) if nodes is None else nodes, Random(seed))
    task = asyncio.create_task(controllers.run())
    await clock.advance(0.1)
    store.create("Namespace", None, {"metadata": {"name": HOME}})
    await clock.advance(0.1)
    try:
        yield Cluster(clock, store, controllers)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def container(image: str = "or/model:1.0", **fields: Any) -> Object:
    """A container."""
    return {"name": "main", "image": image, **fields}


def template(app: str, *containers: Object, **spec: Any) -> Object:
    """A pod template."""
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": list(containers) or [container()], **spec}}


def workload(app: str, *containers: Object, pod: Object | None = None, **spec: Any) -> Object:
    """The spec of a Deployment, StatefulSet or DaemonSet."""
    return {"selector": {"matchLabels": {"app": app}}, "template": template(app, *containers, **(pod or {})), **spec}


def state_of(pod: Object, name: str = "main") -> Object:
    """A container's state."""
    statuses = [*status_of(pod).get("initContainerStatuses", ()), *status_of(pod).get("containerStatuses", ())]
    found: Object = next(item for item in statuses if item["name"] == name)
    return found
