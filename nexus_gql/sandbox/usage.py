"""What pods and nodes use: CPU and memory that move plausibly, computed from the time; nothing is kept for it."""

import math
import zlib

from nexus_gql.sandbox.container import Past
from nexus_gql.sandbox.images import word_of
from nexus_gql.sandbox.kubelet import Kubelet
from nexus_gql.sandbox.objects import Key, key_of, labels_of, stamp_of, uid_of
from nexus_gql.sandbox.quantities import parse
from nexus_gql.sandbox.store import Object
from nexus_gql.sandbox.world import World

WINDOW = 15.0
"""Usage is measured this often; a container is first seen when it has run so long."""
_CPU, _MEMORY = "SANDBOX_CPU", "SANDBOX_MEMORY"
_API = "metrics.k8s.io/v1beta1"


class Usage:
    """What metrics-server answers."""

    def __init__(self, world: World, kubelet: Kubelet) -> None:
        self._world = world
        self._kubelet = kubelet

    def pods(self, namespace: str | None = None) -> list[Object]:
        """All pods that were measured."""
        found = (self._pod(pod) for pod in self._world.store.all("Pod", namespace))
        return [item for item in found if item is not None]

    def nodes(self) -> list[Object]:
        """All nodes: what their pods use, and a little of their own."""
        now = self._moment()
        return [self._node(node, now) for node in self._world.store.all("Node")]

    def cpu(self, pod: Object) -> float | None:
        """Cores that a pod uses; None where it was not measured yet."""
        now = self._moment()
        parts = [
            used(uid_of(pod), spec, run, now)[0]
            for spec, run in self._kubelet.running(key_of(pod))
            if run.began + WINDOW <= now
        ]
        return sum(parts) if parts else None

    def memory(self, pod: Object) -> float | None:
        """Bytes that a pod holds; None where it was not measured yet."""
        now = self._moment()
        parts = [
            used(uid_of(pod), spec, run, now)[1]
            for spec, run in self._kubelet.running(key_of(pod))
            if run.began + WINDOW <= now
        ]
        return sum(parts) if parts else None

    def _moment(self) -> float:
        """The last time that was measured."""
        return self._world.now() // WINDOW * WINDOW

    def _pod(self, pod: Object) -> Object | None:
        now, key = self._moment(), key_of(pod)
        measured = [(spec, run) for spec, run in self._kubelet.running(key) if run.began + WINDOW <= now]
        if not measured:
            return None
        containers = [
            {"name": spec["name"], "usage": _written(*used(uid_of(pod), spec, run, now))} for spec, run in measured
        ]
        return {**self._measured("PodMetrics", key, pod, now), "containers": containers}

    def _node(self, node: Object, now: float) -> Object:
        name = node["metadata"]["name"]
        cpu, memory = 0.08 + 0.02 * math.sin(now / 90), 700e6
        for pod in self._world.index.pods_on(name):
            for spec, run in self._kubelet.running(key_of(pod)):
                part = used(uid_of(pod), spec, run, now)
                cpu, memory = cpu + part[0], memory + part[1]
        return {**self._measured("NodeMetrics", ("", name), node, now), "usage": _written(cpu, memory)}

    def _measured(self, kind: str, key: Key, obj: Object, now: float) -> Object:
        metadata: Object = {
            "name": key[1],
            "creationTimestamp": stamp_of(self._world.now()),
        }
        if labels := labels_of(obj):
            metadata["labels"] = dict(labels)
        if key[0]:
            metadata["namespace"] = key[0]
        window = f"{WINDOW:.0f}s"
        return {"kind": kind, "apiVersion": _API, "metadata": metadata, "timestamp": stamp_of(now), "window": window}


def used(uid: str, spec: Object, run: Past, now: float) -> tuple[float, float]:
    """Cores and bytes of one container at a moment: around a third of the CPU and half of the memory that it asks for, in slow waves, never above its limits."""
    resources, variables = spec.get("resources") or {}, _variables(spec)
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    seed = zlib.crc32(f"{uid}/{spec['name']}".encode()) / 2**32
    age = max(now - run.began, 0.0)
    wave = math.sin(now / (180 + 240 * seed) + 6.28 * seed) * 0.6 + math.sin(now / 37 + 20 * seed) * 0.4
    word = word_of(spec.get("image", ""))
    asked = float(parse(str(requests.get("cpu", "50m"))))
    cpu = asked * (0.01 if word == "pause" else 0.32 + 0.16 * wave + 0.12 * seed)
    held = float(parse(str(requests.get("memory", "64Mi"))))
    memory = held * (0.55 + 0.2 * seed + 0.08 * wave) * (1 - 0.5 * math.exp(-age / 60))
    if word == "oom":
        memory = float(parse(str(limits.get("memory", "256Mi")))) * min(0.3 + age / 8, 1.0)
    cpu = float(parse(variables[_CPU])) if _CPU in variables else cpu
    memory = float(parse(variables[_MEMORY])) if _MEMORY in variables else memory
    return _within(cpu, limits.get("cpu")), _within(memory, limits.get("memory"))


def _within(value: float, limit: str | None) -> float:
    return max(min(value, float(parse(str(limit)))) if limit else value, 0.0)


def _variables(spec: Object) -> dict[str, str]:
    return {item["name"]: item["value"] for item in spec.get("env") or () if item.get("value")}


def _written(cpu: float, memory: float) -> Object:
    return {"cpu": f"{int(cpu * 1e9)}n", "memory": f"{int(memory / 1024)}Ki"}
