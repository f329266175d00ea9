"""Everything that is running, as far as it is seen: the views of the clusters, and the feeds of what changes in them."""

import asyncio
from collections.abc import Collection
from typing import Any

from nexus_gql import clock
from nexus_gql.clusters import Fleet
from nexus_gql.hierarchy import Application, Catalogue, Change, Environment, Hierarchy, Namespace
from nexus_gql.supervisor import Supervisor

from .applications import Applications
from .changes import ClusterChange, LiveChange, ObjectChange, SightChange, StateChange
from .cluster import ClusterView
from .containers import stage_of
from .demand import Demands, Want
from .feed import Feed
from .health.application import GRACE
from .logs import Source, Stage, Taps
from .objects import Observed, Pod
from .resources import CONFIG_MAPS, INGRESS_CLASSES, INGRESSES, PODS, REPLICA_SETS, SERVICES
from .scopes import hierarchy_change
from .store import APPLICATION_LABEL, Changed
from .usage_meter import Meter
from .workloads import MAKERS, Workload, observe, pods_of, root_uid, workload_uids

# So many verdicts are reached in one turn of the loop; the rest has to wait, and others get a turn.
_VERDICTS_A_TURN = 200
_NAMES = frozenset({SERVICES.kind, INGRESSES.kind, CONFIG_MAPS.kind})
"""Kinds by which one workload finds another."""
_READ = MAKERS - {REPLICA_SETS.kind}
"""Kinds whose templates say what they call: a ReplicaSet's says what its Deployment's does."""


class Live:
    """Watches the clusters that environments are on, judges what it sees, and numbers what changed."""

    def __init__(self, hierarchy: Hierarchy, fleet: Fleet, supervisor: Supervisor) -> None:
        self.views: dict[str, ClusterView] = {}
        self.workloads: dict[tuple[str, str], Workload] = {}
        self.pod_feed: Feed[LiveChange] = Feed()
        self.workload_feed: Feed[LiveChange] = Feed()
        self.health_feed: Feed[LiveChange] = Feed()
        self.cluster_feed: Feed[LiveChange] = Feed()
        self.event_feed: Feed[LiveChange] = Feed()
        self.usage_feed: Feed[LiveChange] = Feed()
        self.structure_feed: Feed[ClusterChange] = Feed()
        """What may lead from one workload to another became different: names, templates, texts."""
        # Few, since each change keeps the catalogue before it: who falls further behind gets a new snapshot.
        self.hierarchy_feed: Feed[Change] = Feed(64)
        self.hierarchy = hierarchy
        self.fleet = fleet
        self.applications = Applications(
            lambda: hierarchy.latest, self.views, self.workloads, self._state_changed, self._needs_ingresses
        )
        self._supervisor = supervisor
        self._touched_workloads: dict[tuple[str, str], None] = {}
        self._touched_applications: dict[str, None] = {}
        self._settling = False
        self._rechecks: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._adjust = asyncio.Event()
        self.demands = Demands(self._adjust.set)
        self.usage = Meter(self.demands, fleet, self.views, supervisor, self.usage_feed)

        self.taps = Taps(lambda source: fleet.link(source.cluster_id), self._stage, supervisor)

    def start(self) -> None:
        """Begin to follow the hierarchy and the fleet."""
        self.hierarchy.follow(self._hierarchy_changed)
        self.fleet.follow(self._fleet_changed)
        self._supervisor.start("live", self._keep)

    # ── which clusters are watched ──

    async def _keep(self) -> None:
        """Watch exactly what is needed: the registered clusters that environments are on, and what somebody asks for."""
        while True:
            self._adjust.clear()
            inhabited = {
                level.cluster_id for level in self.hierarchy.latest.below(None) if isinstance(level, Environment)
            }
            wanted = {one for one in inhabited | self._demanded() if one is not None and self.fleet.link(one)}
            for cluster_id in [known for known, view in self.views.items() if self._outdated(known, view, wanted)]:
                await self.views.pop(cluster_id).close()
                self.demands.forget(cluster_id)
                self._touch_all(cluster_id)
            for cluster_id in wanted:
                await self._watch(cluster_id, inhabited=cluster_id in inhabited)
            await self.usage.adjust()
            await self._adjust.wait()

    def _stage(self, source: Source) -> Stage:
        view = self.views.get(source.cluster_id)
        return stage_of(None if view is None else view.pods, source)

    def _demanded(self) -> set[str]:
        return set().union(*(self.demands.clusters(want) for want in Want if want is not Want.USAGE))

    async def _watch(self, cluster_id: str, *, inhabited: bool) -> None:
        link = self.fleet.link(cluster_id)
        view = self.views.get(cluster_id)
        if view is None and link is not None:
            view = self.views[cluster_id] = ClusterView(
                link,
                self._supervisor,
                self._object_changed,
                self._sight_changed,
                self._event_came,
                lambda: self._namespaces_on(cluster_id),
            )
        if view is not None:
            wants = [want for want in Want if self.demands.wanted(cluster_id, want)]
            await view.adjust(wants, always=inhabited or Want.CLUSTER in wants)

    def _namespaces_on(self, cluster_id: str) -> set[str]:
        """The Kubernetes namespaces that are known to be on a cluster."""
        latest = self.hierarchy.latest
        return {
            level.kubernetes_name
            for level in latest.below(None)
            if isinstance(level, Namespace) and latest.above(Environment, level.path).cluster_id == cluster_id
        }

    def keep_structure(self, cluster_ids: Collection[str]) -> None:
        """What leads from one workload to another is needed of these clusters, for as long as they are watched."""
        for cluster_id in cluster_ids:
            self.demands.keep(Want.INGRESSES, cluster_id)
            self.demands.keep(Want.CONFIG_MAPS, cluster_id)

    def _needs_ingresses(self, cluster_id: str) -> None:
        self.demands.keep(Want.INGRESSES, cluster_id)

    def _outdated(self, cluster_id: str, view: ClusterView, wanted: set[str]) -> bool:
        return cluster_id not in wanted or self.fleet.link(cluster_id) is not view.link

    # ── what changed ──

    def _hierarchy_changed(self, change: Change) -> None:
        self._adjust.set()
        for level in (*change.upserted, *change.removed):
            if isinstance(level, Application):
                self._touch_application(level.id)
        if any(isinstance(level, Environment | Namespace) for level in (*change.upserted, *change.removed)):
            for level in change.upserted:
                for application in change.after.applications(level.path):
                    self._touch_application(application.id)
        self.hierarchy_feed.publish(change)
        told = hierarchy_change(change)
        for feed in (self.pod_feed, self.workload_feed, self.event_feed, self.usage_feed):
            feed.publish(told)

    def _fleet_changed(self, cluster_id: str) -> None:
        self._adjust.set()
        self.cluster_feed.publish(ClusterChange(cluster_id))
        if (view := self.views.get(cluster_id)) is not None:
            view.look_again()

    def _sight_changed(self, view: ClusterView) -> None:
        lost = view.lost_at is not None
        self._touch_all(view.link.cluster_id)
        if lost:
            asyncio.get_running_loop().call_later(GRACE, self._touch_all, view.link.cluster_id)
        told = SightChange(view.link.cluster_id, lost)
        for feed in (self.pod_feed, self.workload_feed, self.health_feed, self.usage_feed):
            feed.publish(told)

    def _event_came(self, cluster_id: str) -> None:
        self.event_feed.publish(ClusterChange(cluster_id))

    def _object_changed(self, kind: str, change: Changed[Any]) -> None:
        item: Observed = change.either
        told = ObjectChange.of(change.cluster_id, item.metadata)
        if kind == PODS.kind and _differs(change):
            self.pod_feed.publish(told)
        if kind in MAKERS or kind == PODS.kind:
            self._touch_workload_of(change)
        if kind in MAKERS and self.demands.wanted(change.cluster_id, Want.CONFIG_MAPS):
            self._adjust.set()
        if kind in _NAMES or (kind in _READ and _built_otherwise(change)):
            self.structure_feed.publish(ClusterChange(change.cluster_id))
        if kind == INGRESS_CLASSES.kind:
            self._touch_ingresses(change.cluster_id)
        for seen in (change.old, change.new):
            # Both, since an object may change hands.
            if seen is not None and (application := seen.metadata.labels.get(APPLICATION_LABEL)) is not None:
                self._touch_application(application)

    def _touch_ingresses(self, cluster_id: str) -> None:
        """What an ingress without an address means depends on whether the cluster has a controller at all."""
        view = self.views.get(cluster_id)
        for ingress in [] if view is None else view.ingresses.all():
            if (application := ingress.metadata.labels.get(APPLICATION_LABEL)) is not None:
                self._touch_application(application)

    def _touch_workload_of(self, change: Changed[Any]) -> None:
        view = self.views.get(change.cluster_id)
        if view is None:
            return
        for item in (change.old, change.new):
            if item is not None:
                self._touch_workload((change.cluster_id, root_uid(view, item)))
                # Its own UID, too: before its owner was seen it passed for a workload of its own.
                self._touch_workload((change.cluster_id, item.metadata.uid))

    # ── verdicts ──

    @property
    def judging(self) -> bool:
        """Whether verdicts are due on what was seen already."""
        return self._settling

    def _touch_workload(self, key: tuple[str, str]) -> None:
        self._touched_workloads[key] = None
        self._settle_soon()

    def _touch_application(self, application_id: str) -> None:
        self._touched_applications[application_id] = None
        self._settle_soon()

    def _touch_all(self, cluster_id: str) -> None:
        if (view := self.views.get(cluster_id)) is not None:
            for uid in workload_uids(view, None):
                self._touch_workload((cluster_id, uid))
        for key in [key for key in self.workloads if key[0] == cluster_id]:
            self._touch_workload(key)
        for application in _on_cluster(self.hierarchy.latest, cluster_id):
            self._touch_application(application.id)

    def _settle_soon(self) -> None:
        if not self._settling:
            self._settling = True
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        """Reach the verdicts that are due: workloads first, then the applications that they are of."""
        self._settling = False
        try:
            for _ in range(_VERDICTS_A_TURN):
                if self._touched_workloads:
                    self._look_at(*_first(self._touched_workloads))
                elif self._touched_applications:
                    self.applications.judge(_first(self._touched_applications))
        finally:
            # Also where one of them cannot be judged: the others must not wait until something else is touched.
            if self._touched_workloads or self._touched_applications:
                self._settle_soon()

    def _look_at(self, cluster_id: str, uid: str) -> None:
        key = (cluster_id, uid)
        view = self.views.get(cluster_id)
        before = self.workloads.get(key)
        after = None if view is None else observe(view, uid, clock.now())
        if after is None:
            self.workloads.pop(key, None)
        else:
            self.workloads[key] = after
        self._recheck(key, after)
        if _appearance(before) != _appearance(after) and (either := after or before) is not None:
            told = ObjectChange.of(cluster_id, either.meta)
            self.workload_feed.publish(told)
            if told.application_id is not None:
                self._touch_application(told.application_id)

    def _recheck(self, key: tuple[str, str], workload: Workload | None) -> None:
        if (pending := self._rechecks.pop(key, None)) is not None:
            pending.cancel()
        if workload is not None and workload.verdict.recheck is not None:
            loop = asyncio.get_running_loop()
            self._rechecks[key] = loop.call_later(workload.verdict.recheck, self._time_is_up, key)

    def _time_is_up(self, key: tuple[str, str]) -> None:
        """Time alone may have changed the verdict on a workload, and on its pods, of which nothing else tells."""
        self._touch_workload(key)
        view, workload = self.views.get(key[0]), self.workloads.get(key)
        if view is not None and workload is not None:
            for pod in pods_of(view, workload):
                self.pod_feed.publish(ObjectChange.of(key[0], pod.metadata))

    def _state_changed(self, application_id: str) -> None:
        self.health_feed.publish(StateChange(application_id))


def _first(touched: dict[Any, None]) -> Any:
    key = next(iter(touched))
    del touched[key]
    return key


def _on_cluster(catalogue: Catalogue, cluster_id: str) -> list[Application]:
    return [
        application
        for level in catalogue.below(None)
        if isinstance(level, Environment) and level.cluster_id == cluster_id
        for application in catalogue.applications(level.path)
    ]


def _differs(change: Changed[Pod]) -> bool:
    """Whether anything became different that we keep, other than the version."""
    old, new = change.old, change.new
    if old is None or new is None:
        return True
    return (
        old.status != new.status
        or old.spec != new.spec
        or old.metadata.deletion_timestamp != new.metadata.deletion_timestamp
        or old.metadata.labels != new.metadata.labels
        or old.metadata.owner_references != new.metadata.owner_references
    )


def _built_otherwise(change: Changed[Any]) -> bool:
    """Whether what a workload's pods are made from, or who made it, is another than before."""
    old, new = change.old, change.new
    return old is None or new is None or old.spec != new.spec or old.metadata.labels != new.metadata.labels


def _appearance(workload: Workload | None) -> object:
    """What somebody who looks at a workload sees of it."""
    if workload is None:
        return None
    meta = workload.meta
    return (workload.replicas, workload.images, workload.verdict, meta.labels, meta.deletion_timestamp)
