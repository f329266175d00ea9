"""What is seen of one cluster: its stores, the reflectors that fill them, and how well it is seen."""

from collections.abc import Callable, Iterable
from typing import Any

from nexus_gql import clock
from nexus_gql.clusters import ConnectionStatus, Link
from nexus_gql.supervisor import Supervisor

from .events import EventLog
from .health import Sighting
from .health.application import GRACE
from .objects import Deployment, EndpointSlice, ObjectReference, Pod, ReplicaSet, Service
from .reflector import Reflector
from .resources import DEPLOYMENTS, ENDPOINT_SLICES, EVENTS, PODS, REPLICA_SETS, SERVICES, Resource
from .store import APPLICATION_LABEL, Changed, Store, Writer

Tell = Callable[[str, Changed[Any]], None]
"""Called with the kind and the change."""


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
        self.services: Store[Service] = Store()
        self.endpoint_slices: Store[EndpointSlice] = Store()
        self.events = EventLog(self._application_of, lambda: tell_event(link.cluster_id))
        self._supervisor = supervisor
        self._tell_sight = tell_sight
        self._tell = tell
        self._reflectors: dict[str, Reflector[Any]] = {
            resource.kind: self._reflector(resource, store)
            for resource, store in (
                (PODS, self.pods),
                (DEPLOYMENTS, self.deployments),
                (REPLICA_SETS, self.replica_sets),
                (SERVICES, self.services),
                (ENDPOINT_SLICES, self.endpoint_slices),
            )
        }
        self._reflectors[EVENTS.kind] = Reflector(link, EVENTS, self.events, self.look_again)
        self._arrived = False

    def _reflector(self, resource: Resource[Any], store: Store[Any]) -> Reflector[Any]:
        writer = Writer(store, self.link.cluster_id, lambda change: self._tell(resource.kind, change))
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
    def stores(self) -> Iterable[Store[Any]]:
        """The stores from which workloads and applications are judged."""
        return (self.pods, self.deployments, self.replica_sets, self.services, self.endpoint_slices)

    @property
    def synced(self) -> bool:
        """Whether everything has been listed once."""
        return all(store.synced for store in self.stores)

    @property
    def trouble(self) -> str:
        """Why the cluster is not seen as it is, as a sentence; empty where it is."""
        if self.link.state.status is not ConnectionStatus.CONNECTED:
            return self.link.state.message
        return next((reflector.trouble for reflector in self._reflectors.values() if reflector.trouble), "")

    def look_again(self) -> None:
        """The link or a reflector changed: tell, if that changes how well the cluster is seen."""
        if self.synced and not self._arrived:
            self._arrived = True
            self.lost_at = None
            self._tell_sight(self)
        connected = self.link.state.status is ConnectionStatus.CONNECTED
        # Events are left out: credentials that may not list them see everything else as it is.
        current = connected and all(
            reflector.open for kind, reflector in self._reflectors.items() if kind != EVENTS.kind
        )
        if current and self.lost_at is not None:
            self.lost_at = None
            self._tell_sight(self)
        elif not connected and self.lost_at is None and self.link.state.status is not ConnectionStatus.CONNECTING:
            self.lost_at = clock.elapsed()
            self._tell_sight(self)

    def _application_of(self, reference: ObjectReference) -> str | None:
        """The application that an event is about, as long as its object is there."""
        stores: dict[str, Store[Any]] = {
            "Pod": self.pods,
            "ReplicaSet": self.replica_sets,
            "Deployment": self.deployments,
            "Service": self.services,
        }
        found = stores[reference.kind].get(reference.uid) if reference.kind in stores else None
        return None if found is None else found.metadata.labels.get(APPLICATION_LABEL)

    @property
    def sighting(self) -> Sighting:
        """How well it is seen now."""
        if not self.synced:
            return Sighting.LOADING if self.lost_at is None else Sighting.UNSEEN
        if self.lost_at is None:
            return Sighting.SEEN
        return Sighting.STALE if clock.elapsed() - self.lost_at < GRACE else Sighting.LOST
