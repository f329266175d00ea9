"""What is seen of one cluster: its stores, the reflectors that fill them, and how well it is seen."""

from collections.abc import Callable
from typing import Any

from nexus_gql import clock
from nexus_gql.clusters import ConnectionStatus, Link
from nexus_gql.supervisor import Supervisor

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
    ObjectReference,
    Pod,
    ReplicaSet,
    Service,
    StatefulSet,
)
from .reflector import Reflector
from .resources import (
    AUTOSCALERS,
    CLAIMS,
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    EVENTS,
    INGRESS_CLASSES,
    INGRESSES,
    JOBS,
    PODS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
    Resource,
)
from .store import APPLICATION_LABEL, Changed, Store, Writer

Tell = Callable[[str, Changed[Any]], None]
"""Called with the kind and the change."""


_WATCHED: tuple[Resource[Any], ...] = (
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
    INGRESSES,
    INGRESS_CLASSES,
    AUTOSCALERS,
)
# Credentials that may not list these see everything else as it is, so nothing waits for them.
_BESIDE = frozenset({resource.kind for resource in (CLAIMS, INGRESSES, INGRESS_CLASSES, AUTOSCALERS, EVENTS)})


class ClusterView:
    """One cluster as it is seen. Reads are plain lookups; whoever wants to hear of changes is told through `tell`."""

    def __init__(
        self,
        link: Link,
        supervisor: Supervisor,
        tell: Tell,
        tell_sight: Callable[["ClusterView"], None],
        tell_event: Callable[[str], None],
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
        }
        self._reflectors: dict[str, Reflector[Any]] = {
            resource.kind: self._reflector(resource, self.by_kind[resource.kind]) for resource in _WATCHED
        }
        self._reflectors[EVENTS.kind] = Reflector(link, EVENTS, self._arrivals, self.look_again)
        self._arrived = False

    def _reflector(self, resource: Resource[Any], store: Store[Any]) -> Reflector[Any]:
        def changed(change: Changed[Any]) -> None:
            self._tell(resource.kind, change)
            self._arrivals.look_again()

        writer = Writer(store, self.link.cluster_id, changed)
        return Reflector(self.link, resource, writer, self.look_again)

    def open(self) -> None:
        """Begin to watch."""
        for kind, reflector in self._reflectors.items():
            self._supervisor.start(self._task(kind), reflector.run)

    async def close(self) -> None:
        """Stop watching."""
        for kind in self._reflectors:
            await self._supervisor.stop(self._task(kind))

    def _task(self, kind: str) -> str:
        return f"reflector {self.link.cluster_id} {kind}"

    @property
    def watches(self) -> int:
        """Watches that are open now."""
        return sum(reflector.open for reflector in self._reflectors.values())

    @property
    def synced(self) -> bool:
        """Whether everything that verdicts stand on has been listed once."""
        return all(store.synced for kind, store in self.by_kind.items() if kind not in _BESIDE)

    @property
    def trouble(self) -> str:
        """Why the cluster is not seen as it is, as a sentence; empty where it is."""
        if self.link.state.status is not ConnectionStatus.CONNECTED:
            return self.link.state.message
        return next((reflector.trouble for reflector in self._reflectors.values() if reflector.trouble), "")

    def look_again(self) -> None:
        """The link or a reflector changed: tell, if that changes how well the cluster is seen."""
        self._arrivals.look_again()
        if self.synced and not self._arrived:
            self._arrived = True
            self.lost_at = None
            self._tell_sight(self)
        connected = self.link.state.status is ConnectionStatus.CONNECTED
        current = connected and all(
            reflector.open for kind, reflector in self._reflectors.items() if kind not in _BESIDE
        )
        if current and self.lost_at is not None:
            self.lost_at = None
            self._tell_sight(self)
        elif not connected and self.lost_at is None and self.link.state.status is not ConnectionStatus.CONNECTING:
            self.lost_at = clock.elapsed()
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
