"""Everything that makes the simulated cluster move: a queue of keys for each controller, and one task that works through them.

Level-triggered, as the real controllers are: a write puts the keys it concerns into queues, each key once however often it
is touched, and a controller then looks at how things stand. What was not touched is not looked at.
"""

import asyncio
import heapq
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from itertools import count
from random import Random

from nexus_gql.sandbox.autoscalers import Autoscalers
from nexus_gql.sandbox.clock import Clock, Handle
from nexus_gql.sandbox.cron_jobs import CronJobs
from nexus_gql.sandbox.daemon_sets import DaemonSets
from nexus_gql.sandbox.deployments import Deployments
from nexus_gql.sandbox.endpoint_slices import EndpointSlices
from nexus_gql.sandbox.events import Recorder
from nexus_gql.sandbox.expiry import Expiry
from nexus_gql.sandbox.garbage import Garbage, Namespaces
from nexus_gql.sandbox.index import Index
from nexus_gql.sandbox.jobs import Jobs
from nexus_gql.sandbox.kinds import KINDS
from nexus_gql.sandbox.kubelet import Kubelet
from nexus_gql.sandbox.logs import Asked, Logs
from nexus_gql.sandbox.nodes import Machine, furnish
from nexus_gql.sandbox.objects import Key
from nexus_gql.sandbox.replica_sets import ReplicaSets
from nexus_gql.sandbox.scheduler import Scheduler
from nexus_gql.sandbox.stateful_sets import StatefulSets
from nexus_gql.sandbox.store import Object, Refusal, Row, Store, Stored
from nexus_gql.sandbox.usage import Usage
from nexus_gql.sandbox.volumes import Volumes
from nexus_gql.sandbox.world import Controller, Touched, World

_log = logging.getLogger(__name__)
_AT_ONCE = 50
"""Keys between two turns of the loop: about 10 ms, so that requests are answered while ten thousand pods start."""
_AGAIN = (0.1, 1.0, 5.0, 30.0)
"""Seconds until a key that failed is tried again; the last one stays."""


class Queue:
    """A controller, the keys that wait for it, and when keys are to be looked at again."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self.waiting: dict[Key, None] = {}
        self.due: dict[Key, float] = {}
        self.failures: dict[Key, int] = {}


class Controllers:
    """All controllers and the nodes, on one store. `run` keeps them going; the rest is what the API asks of nodes."""

    def __init__(self, store: Store, clock: Clock, nodes: Sequence[Machine], random: Random) -> None:
        self.world = World(store, clock, random, Index(store), Recorder(store, clock))
        self._nodes = nodes
        self._wake = asyncio.Event()
        self._timers: list[tuple[float, int, Queue, Key]] = []
        self._numbers = count()
        self._alarm: tuple[float, Handle] | None = None
        self.kubelet = kubelet = Kubelet(self.world)
        # No seed of its own: a log must read the same after the sandbox was started again, and pods' uids differ enough.
        self._logs = Logs(store, clock, kubelet, 0)
        self._usage = Usage(self.world, kubelet)
        self._queues = [Queue(controller) for controller in _controllers(self.world, kubelet, self._usage)]
        self._concerned: dict[str, list[tuple[Queue, Touched]]] = {}
        for queue in self._queues:
            for kind, touched in queue.controller.watches.items():
                self._concerned.setdefault(kind, []).append((queue, touched))
        store.follow(self._note)
        self._take_in(store)

    async def run(self) -> None:
        """Furnish the cluster with what a new one has, then do what is to be done, for ever."""
        furnish(self.world.store, self._nodes)
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._work(_AT_ONCE):  # noqa: ASYNC110 - a turn for the others, no waiting
                await asyncio.sleep(0)

    # ── what the API asks ──

    def pod_log(self, namespace: str, pod: str, container: str | None, asked: Asked) -> AsyncIterator[bytes]:
        """A container's log; a Refusal, at once, where there is none."""
        return self._logs.read(namespace, pod, container, asked)

    def pod_metrics(self, namespace: str | None = None) -> list[Object]:
        """What the pods use."""
        return self._usage.pods(namespace)

    def node_metrics(self) -> list[Object]:
        """What the nodes use."""
        return self._usage.nodes()

    # ── queues ──

    def _note(self, write: Stored) -> None:
        self.world.index.note(write)
        kind = write.kind.name
        if kind == "Event":
            self.world.events.forget(write)
        for queue, touched in (*self._concerned.get(kind, ()), *self._concerned.get("*", ())):
            for key in touched(write):
                queue.waiting[key] = None
        self._wake.set()

    def _take_in(self, store: Store) -> None:
        """What was there before the controllers were."""
        for kind in KINDS.values():
            for obj in store.all(kind.name):
                self._note(Stored("ADDED", kind, obj, store.version, Row(obj)))
                if kind.name == "Event":
                    self.world.events.take_in(obj)

    def _work(self, limit: int) -> bool:
        """Up to so many keys, a few of each queue in turn; whether some are left."""
        self._ring()
        while limit > 0 and (busy := [queue for queue in self._queues if queue.waiting]):
            for queue in busy:
                for _ in range(min(len(queue.waiting), 8)):
                    self._reconcile(queue, next(iter(queue.waiting)))
                    limit -= 1
        return any(queue.waiting for queue in self._queues)

    def _reconcile(self, queue: Queue, key: Key) -> None:
        del queue.waiting[key]
        try:
            again = queue.controller.reconcile(key)
            queue.failures.pop(key, None)
        except Refusal as refusal:
            again = self._later(queue, key)
            _log.debug("%s: %s: %s", queue.controller.name, "/".join(key), refusal.message)
        except Exception:
            # One object that a controller cannot cope with must not stop the cluster.
            again = self._later(queue, key)
            _log.exception("%s: %s failed", queue.controller.name, "/".join(key))
        if again is None:
            queue.due.pop(key, None)
        else:
            # Clocks have microseconds: a wait that rounds to none would be over before anything could change.
            self._plan(queue, key, self.world.now() + max(again, 0.001))

    def _later(self, queue: Queue, key: Key) -> float:
        failures = queue.failures[key] = queue.failures.get(key, 0) + 1
        return _AGAIN[min(failures, len(_AGAIN)) - 1]

    # ── timers: one alarm of the clock for the earliest of them ──

    def _plan(self, queue: Queue, key: Key, due: float) -> None:
        if queue.due.get(key) == due:
            return
        queue.due[key] = due
        heapq.heappush(self._timers, (due, next(self._numbers), queue, key))
        self._set_alarm()

    def _ring(self) -> None:
        """Put into their queues the keys that are due."""
        now = self.world.now()
        while self._timers and self._timers[0][0] <= now + 1e-5:
            due, _, queue, key = heapq.heappop(self._timers)
            if queue.due.get(key) == due:
                del queue.due[key]
                queue.waiting[key] = None
        self._set_alarm()

    def _set_alarm(self) -> None:
        if not self._timers:
            return
        due = self._timers[0][0]
        if self._alarm is not None:
            if self._alarm[0] <= due:
                return
            self._alarm[1].cancel()
        self._alarm = (due, self.world.clock.call_at(datetime.fromtimestamp(due, UTC), self._alarmed))

    def _alarmed(self) -> None:
        self._alarm = None
        self._wake.set()


def _controllers(world: World, kubelet: Kubelet, usage: Usage) -> list[Controller]:
    """In the order of their turns: a namespace has its service account before a pod is made in it."""
    return [
        Namespaces(world),
        Garbage(world),
        Volumes(world),
        Deployments(world),
        ReplicaSets(world),
        StatefulSets(world),
        DaemonSets(world),
        Jobs(world),
        CronJobs(world),
        Autoscalers(world, usage),
        Scheduler(world),
        kubelet,
        EndpointSlices(world),
        Expiry(world),
    ]
