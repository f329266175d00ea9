"""What is seen of one cluster: its stores, the reflectors that fill them, and how well it is seen."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from nexus_gql import clock
from nexus_gql.clusters import ConnectionStatus, Link
from nexus_gql.supervisor import Supervisor

from .config_maps import ConfigMaps, referred
from .demand import Want
from .events import Arrivals, EventLog
from .health import Sighting
from .health.application import GRACE
from .objects import (
    Autoscaler,
    Claim,
    CronJob,
    DaemonSet,
    Deployment,
    EndpointSlice,
    Ingress,
    IngressClass,
    Job,
    KubernetesNamespace,
    Node,
    ObjectReference,
    Pod,
    ReplicaSet,
    Service,
    StatefulSet,
)
from .resources import (
    AUTOSCALERS,
    CLAIMS,
    CONFIG_MAPS,
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    EVENTS,
    INGRESS_CLASSES,
    INGRESSES,
    JOBS,
    NAMESPACES,
    NODES,
    PODS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
    Resource,
)
from .store import APPLICATION_LABEL, Changed, Store, Writer
from .watching import PartSink, Watching

Tell = Callable[[str, Changed[Any]], None]
"""Called with the kind and the change."""


# Verdicts stand on these: they are watched wherever an environment is.
_ALWAYS: tuple[Resource[Any], ...] = (
    PODS,
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    DAEMON_SETS,
    JOBS,
    CRON_JOBS,
    SERVICES,
    ENDPOINT_SLICES,
    CLAIMS,
    AUTOSCALERS,
)
_ON_DEMAND: dict[Want, tuple[Resource[Any], ...]] = {
    Want.EVENTS: (EVENTS,),
    Want.NODES: (NODES,),
    Want.NAMESPACES: (NAMESPACES,),
    Want.INGRESSES: (INGRESSES, INGRESS_CLASSES),
}
# Credentials that may not list the others of them see everything else as it is, so nothing waits for them.
_ESSENTIAL = frozenset({resource.kind for resource in _ALWAYS} - {CLAIMS.kind, AUTOSCALERS.kind})
BLINDNESS = 5.0
"""Seconds after which a kind that cannot be watched means that the cluster is not seen as it is, though it answers."""


class ClusterView:
    """One cluster as it is seen. Reads are plain lookups; whoever wants to hear of changes is told through `tell`."""

    def __init__(
        self,
        link: Link,
        supervisor: Supervisor,
        tell: Tell,
        tell_sight: Callable[["ClusterView"], None],
        tell_event: Callable[[str], None],
        namespaces: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.link = link
        self.lost_at: float | None = None
        """Since when, on the loop's clock, it is not seen as it is; None while it is."""
        self.pods: Store[Pod] = Store()
        self.deployments: Store[Deployment] = Store()
        self.replica_sets: Store[ReplicaSet] = Store()
        self.stateful_sets: Store[StatefulSet] = Store()
        self.daemon_sets: Store[DaemonSet] = Store()
        self.jobs: Store[Job] = Store()
        self.cron_jobs: Store[CronJob] = Store()
        self.services: Store[Service] = Store()
        self.endpoint_slices: Store[EndpointSlice] = Store()
        self.claims: Store[Claim] = Store()
        self.ingresses: Store[Ingress] = Store()
        self.ingress_classes: Store[IngressClass] = Store()
        self.autoscalers: Store[Autoscaler] = Store()
        self.nodes: Store[Node] = Store()
        self.namespaces: Store[KubernetesNamespace] = Store()
        self.events = EventLog(self._application_of, lambda: tell_event(link.cluster_id))
        self._arrivals = Arrivals(self.events, self._awaited)
        self._supervisor = supervisor
        self._tell_sight = tell_sight
        self._tell = tell
        self.by_kind: dict[str, Store[Any]] = {
            PODS.kind: self.pods,
            DEPLOYMENTS.kind: self.deployments,
            REPLICA_SETS.kind: self.replica_sets,
            STATEFUL_SETS.kind: self.stateful_sets,
            DAEMON_SETS.kind: self.daemon_sets,
            JOBS.kind: self.jobs,
            CRON_JOBS.kind: self.cron_jobs,
            SERVICES.kind: self.services,
            ENDPOINT_SLICES.kind: self.endpoint_slices,
            CLAIMS.kind: self.claims,
            INGRESSES.kind: self.ingresses,
            INGRESS_CLASSES.kind: self.ingress_classes,
            AUTOSCALERS.kind: self.autoscalers,
            NODES.kind: self.nodes,
            NAMESPACES.kind: self.namespaces,
        }
        self.config_maps = ConfigMaps(
            link, supervisor, Writer(Store(), link.cluster_id, self._told_of(CONFIG_MAPS.kind)), self.look_again
        )
        self._namespaces = namespaces
        self._watching: dict[str, Watching[Any]] = {}
        self._writers = {
            kind: Writer(store, link.cluster_id, self._told_of(kind)) for kind, store in self.by_kind.items()
        }
        self._arrived = False
        self._timer: asyncio.TimerHandle | None = None

    def _told_of(self, kind: str) -> Callable[[Changed[Any]], None]:
        def changed(change: Changed[Any]) -> None:
            self._tell(kind, change)
            self._arrivals.look_again()

        return changed

    async def adjust(self, wants: Collection[Want], *, always: bool) -> None:
        """Watch exactly what is needed. `always`: also what verdicts stand on."""
        wanted = [*_ALWAYS] if always else []
        for want in wants:
            wanted += _ON_DEMAND.get(want, ())
        for kind in self._watching.keys() - {resource.kind for resource in wanted}:
            await self._stop(kind)
        for resource in wanted:
            if resource.kind not in self._watching:
                self._start(resource)
        for watching in self._watching.values():
            watching.namespaces_changed()
        await self.config_maps.adjust(referred(self) if Want.CONFIG_MAPS in wants else {})

    def _start(self, resource: Resource[Any]) -> None:
        sink: PartSink[Any] = self._arrivals if resource is EVENTS else self._writers[resource.kind]
        watching = Watching(self.link, resource, sink, self.look_again, self._namespaces, self._supervisor)
        self._watching[resource.kind] = watching
        self._supervisor.start(self._task(resource.kind), watching.run)

    async def _stop(self, kind: str) -> None:
        del self._watching[kind]
        await self._supervisor.stop(self._task(kind))
        if kind == EVENTS.kind:
            self.events.forget_synced()
        else:
            self._writers[kind].forget()

    async def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
        for kind in [*self._watching]:
            del self._watching[kind]
            await self._supervisor.stop(self._task(kind))
        await self.config_maps.adjust({})

    def _task(self, kind: str) -> str:
        return f"reflector {self.link.cluster_id} {kind}"

    @property
    def watches(self) -> int:
        """Watches that are open now."""
        return self.config_maps.watches + sum(watching.watches for watching in self._watching.values())

    @property
    def synced(self) -> bool:
        """Whether everything that verdicts stand on has been listed once."""
        return all(self.by_kind[kind].synced for kind in _ESSENTIAL)

    def has(self, want: Want) -> bool:
        """Whether everything that a need is for has been listed."""
        if want is Want.CLUSTER:
            return self.synced
        if want is Want.EVENTS:
            return self.events.synced
        if want is Want.CONFIG_MAPS:
            return self.config_maps.synced(referred(self))
        return all(self.by_kind[resource.kind].synced for resource in _ON_DEMAND[want])

    def trouble_with(self, want: Want) -> str:
        """Why what a need is for is not seen, as a sentence; empty where nothing is wrong with it."""
        if self.link.state.status is not ConnectionStatus.CONNECTED:
            return self.link.state.message
        watching = [self._watching.get(resource.kind) for resource in _ON_DEMAND.get(want, ())]
        return next((one.trouble for one in watching if one is not None and one.trouble), "")

    @property
    def trouble(self) -> str:
        """Why the cluster is not seen as it is, as a sentence; empty where it is."""
        if self.link.state.status is not ConnectionStatus.CONNECTED:
            return self.link.state.message
        return next((watching.trouble for watching in self._essential() if watching.trouble), "")

    def _essential(self) -> list[Watching[Any]]:
        return [watching for kind, watching in self._watching.items() if kind in _ESSENTIAL]

    def look_again(self) -> None:
        """The link or a watch changed: tell, if that changes how well the cluster is seen."""
        self._arrivals.look_again()
        if self.synced and not self._arrived:
            self._arrived = True
            self._see()
        connected = self.link.state.status is ConnectionStatus.CONNECTED
        if connected and self.lost_at is not None and all(watching.open for watching in self._essential()):
            self._see()
        elif self.lost_at is not None:
            return
        elif connected:
            self._look_at_the_blind()
        elif self.link.state.status is not ConnectionStatus.CONNECTING:
            self._lose(clock.elapsed())

    def _look_at_the_blind(self) -> None:
        """A kind that is refused while the cluster answers leaves us as blind to it as a cluster that is gone."""
        since = min((one.blind_since for one in self._essential() if one.blind_since is not None), default=None)
        if since is None:
            return
        left = since + BLINDNESS - clock.elapsed()
        if left <= 0:
            self._lose(since)
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(left, self.look_again)

    def _see(self) -> None:
        self.lost_at = None
        self._tell_sight(self)

    def _lose(self, at: float) -> None:
        self.lost_at = at
        self._tell_sight(self)

    def _application_of(self, reference: ObjectReference) -> str | None:
        """The application that an event is about, as long as its object is there."""
        store = self.by_kind.get(reference.kind)
        found = None if store is None else store.get(reference.uid)
        return None if found is None else found.metadata.labels.get(APPLICATION_LABEL)

    def _awaited(self, reference: ObjectReference, listed: bool) -> bool:
        """Whether the object that an event is about is still to be seen."""
        store = self.by_kind.get(reference.kind)
        return store is not None and store.get(reference.uid) is None and not (listed and store.synced)

    @property
    def sighting(self) -> Sighting:
        """How well it is seen now."""
        if not self.synced:
            return Sighting.LOADING if self.lost_at is None else Sighting.UNSEEN
        if self.lost_at is None:
            return Sighting.SEEN
        return Sighting.STALE if clock.elapsed() - self.lost_at < GRACE else Sighting.LOST
