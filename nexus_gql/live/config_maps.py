"""The ConfigMaps that running workloads refer to, and no others: one watch for each namespace in which there is any."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Protocol

from nexus_gql.clusters import Link
from nexus_gql.supervisor import Supervisor

from .objects import ConfigMap, CronJob, DaemonSet, Deployment, Job, StatefulSet, Template
from .reflector import Reflector
from .resources import CONFIG_MAPS
from .store import Store, Writer

Referred = Mapping[str, frozenset[str]]
"""Names of ConfigMaps by Kubernetes namespace."""


class Seen(Protocol):
    """What `referred` reads of a cluster's view."""

    deployments: Store[Deployment]
    stateful_sets: Store[StatefulSet]
    daemon_sets: Store[DaemonSet]
    jobs: Store[Job]
    cron_jobs: Store[CronJob]


def referred(seen: Seen) -> Referred:
    """The ConfigMaps that the templates of workloads name."""
    found: dict[str, set[str]] = {}
    stores: tuple[Store[Any], ...] = (seen.deployments, seen.stateful_sets, seen.daemon_sets, seen.jobs)
    for item in (item for store in stores for item in store.all()):
        found.setdefault(item.metadata.namespace, set()).update(named(item.spec.template))
    for cron_job in seen.cron_jobs.all():
        names = named(cron_job.spec.job_template.spec.template)
        found.setdefault(cron_job.metadata.namespace, set()).update(names)
    return {namespace: frozenset(names) for namespace, names in found.items() if names}


def named(template: Template) -> Iterator[str]:
    """The names of the ConfigMaps in a template: of variables, and of volumes."""
    spec = template.spec
    for container in (*spec.init_containers, *spec.containers):
        for source in container.env_from:
            if source.config_map_ref is not None:
                yield source.config_map_ref.name
        for variable in container.env:
            if variable.value_from is not None and variable.value_from.config_map_key_ref is not None:
                yield variable.value_from.config_map_key_ref.name
    for volume in spec.volumes:
        if volume.config_map is not None:
            yield volume.config_map.name
        for part in () if volume.projected is None else volume.projected.sources:
            if part.config_map is not None:
                yield part.config_map.name


class ConfigMaps:
    """Those of one cluster. A watch for each would be hundreds of connections; so each namespace has one, and what nobody refers to is let go as it arrives."""

    def __init__(self, link: Link, supervisor: Supervisor, writer: Writer[ConfigMap], tell: Callable[[], None]) -> None:
        self.store = writer.store
        self._link = link
        self._supervisor = supervisor
        self._writer = writer
        self._tell = tell
        self._parts: dict[str, _Part] = {}

    async def adjust(self, wanted: Referred) -> None:
        """See exactly these."""
        for namespace, part in list(self._parts.items()):
            # One that is referred to only now was let go before: list again.
            if not part.names >= wanted.get(namespace, frozenset()) or namespace not in wanted:
                del self._parts[namespace]
                await self._supervisor.stop(self._task(namespace))
                if namespace not in wanted:
                    await self._writer.replace_in(namespace, ())
        for namespace in wanted.keys() - self._parts.keys():
            part = self._parts[namespace] = _Part(self._writer, namespace, wanted[namespace])
            reflector = Reflector(self._link, CONFIG_MAPS, part, self._tell, namespace)
            part.reflector = reflector
            self._supervisor.start(self._task(namespace), reflector.run)

    def synced(self, wanted: Referred) -> bool:
        """Whether all of these were read, as far as they may be."""
        return all(
            (part := self._parts.get(namespace)) is not None and part.names >= names and part.settled
            for namespace, names in wanted.items()
        )

    @property
    def watches(self) -> int:
        """Watches that are open now."""
        return sum(part.reflector.open for part in self._parts.values() if part.reflector is not None)

    def _task(self, namespace: str) -> str:
        return f"reflector {self._link.cluster_id} {CONFIG_MAPS.kind} {namespace}"


class _Part:
    """The sink of one namespace: keeps the ConfigMaps of some names."""

    def __init__(self, writer: Writer[ConfigMap], namespace: str, names: frozenset[str]) -> None:
        self.names = names
        self.listed = False
        self.reflector: Reflector[ConfigMap] | None = None
        self._writer = writer
        self._namespace = namespace

    @property
    def settled(self) -> bool:
        """Whether they were read, or something keeps us from it."""
        return self.listed or (self.reflector is not None and self.reflector.trouble is not None)

    async def replace(self, objects: Collection[ConfigMap]) -> None:
        await self._writer.replace_in(self._namespace, [one for one in objects if one.metadata.name in self.names])
        self.listed = True

    def put(self, item: ConfigMap) -> None:
        if item.metadata.name in self.names:
            self._writer.put(item)

    def remove(self, uid: str) -> None:
        self._writer.remove(uid)
