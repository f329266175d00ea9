"""The graph of everything that is known, kept up to date as the hierarchy and the clusters change.

What is declared is read anew when a document changes, what runs when a template, a name or a text does: at most once in a tenth of
a second, however much changes. How a node is doing goes onto the board at once. Each flush that made a difference is one change in
the feed.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from nexus_gql import clock
from nexus_gql.hierarchy import Application, Catalogue, Change, Level, Namespace
from nexus_gql.live import (
    APPLICATION_LABEL,
    ClusterView,
    Feed,
    HierarchyChange,
    Lapsed,
    Live,
    ObjectChange,
    SightChange,
    Sighting,
    StateChange,
)
from nexus_gql.live import Workload as Observed
from nexus_gql.paths import Path
from nexus_gql.supervisor import Supervisor

from . import sight
from .board import Board, Delta
from .edges import Finding, declared, entrances, found, merged, required_by_workflow
from .graph import (
    End,
    Node,
    NodeKind,
    ShownNode,
    application_id,
    undeclared_id,
    workflow_id,
    workload_id,
)
from .picture import Picture
from .resolution import Cluster, Workload
from .workflows import Workflow, Workflows

T = TypeVar("T")

_STRUCTURE_EVERY = 0.1
"""Seconds between two readings of what leads where."""


@dataclass(frozen=True, slots=True)
class TopologyChange:
    """What one flush made different; `before`: the graph until then."""

    delta: Delta
    before: Picture


GraphChange = TopologyChange | HierarchyChange | SightChange


class Topology:
    """The room's face: the graph as it is, and the feed of its changes."""

    def __init__(self, live: Live, workflows: Workflows) -> None:
        # Few, since each change keeps the graph before it: who falls further behind gets a new snapshot.
        self.feed: Feed[GraphChange] = Feed(32)
        self.workflows = workflows
        self._live = live
        self._board = Board()
        self._news = asyncio.Event()
        self._read_at = float("-inf")
        self._stale_clusters: set[str] = set()
        self._stale_hierarchy = True
        self._states: dict[str, None] = {}
        self._told: list[HierarchyChange | SightChange] = []
        self._applications: dict[str, Application] = {}  # by node
        self._workloads: dict[str, tuple[str, str]] = {}  # cluster and UID by node
        self._declared: dict[str, list[Finding]] = {}
        self._found: dict[str, dict[str, list[Finding]]] = {}  # by cluster and node
        self._seen: dict[str, set[str]] = {}  # UIDs that were read, by cluster
        self._on: dict[str, set[str]] = {}  # nodes that are there only for a cluster, by cluster
        self._flows: set[str] = set()

    def start(self, supervisor: Supervisor) -> None:
        """Begin to follow."""
        self.workflows.follow(self._declared_otherwise)
        supervisor.start("topology states", self._follow_states)
        supervisor.start("topology workloads", self._follow_workloads)
        supervisor.start("topology structure", self._follow_structure)
        supervisor.start("topology", self._keep)

    @property
    def picture(self) -> Picture:
        """All of it, as of the last change."""
        return self._board.picture()

    def node(self, node_id: str) -> ShownNode | None:
        """One node as it is shown."""
        return self._board.shown(node_id)

    def application(self, node_id: str) -> Application | None:
        """The application that a node stands for."""
        return self._applications.get(node_id)

    def workload(self, node_id: str) -> Observed | None:
        """The workload that a node stands for."""
        return self._live.workloads.get(self._workloads.get(node_id, ("", "")))

    # ── what is heard ──

    async def _follow_states(self) -> None:
        async for change in _news_of(self._live.health_feed):
            match change:
                case None:
                    self._all_stale()
                case StateChange(id):
                    self._states[application_id(id)] = None
                case HierarchyChange(what):
                    self._told.append(change)
                    self._hierarchy_changed(what)
                case SightChange(cluster_id):
                    self._told.append(change)
                    self._stale_clusters.add(cluster_id)
                case _:
                    pass
            self._news.set()

    async def _follow_workloads(self) -> None:
        async for change in _news_of(self._live.workload_feed):
            match change:
                case None:
                    self._all_stale()
                case ObjectChange(cluster_id=cluster_id, uid=uid):
                    known = uid in self._seen.get(cluster_id, ())
                    if known is not ((cluster_id, uid) in self._live.workloads):
                        self._stale_clusters.add(cluster_id)
                    self._states[workload_id(cluster_id, uid)] = None
                case _:
                    pass
            self._news.set()

    async def _follow_structure(self) -> None:
        async for change in _news_of(self._live.structure_feed):
            if change is None:
                self._all_stale()
            else:
                self._stale_clusters.add(change.cluster_id)
            self._news.set()

    def _hierarchy_changed(self, change: Change) -> None:
        """An operation writes its application's row at every step; that alone changes nothing here."""
        if change.removed or any(_declares_otherwise(change.before, level) for level in change.upserted):
            self._stale_hierarchy = True
        for level in change.upserted:
            if isinstance(level, Application):
                self._states[application_id(level.id)] = None

    def _declared_otherwise(self) -> None:
        self._stale_hierarchy = True
        self._news.set()

    def _all_stale(self) -> None:
        self._stale_hierarchy = True
        self._stale_clusters |= self._live.views.keys() | self._on.keys()

    # ── what is made of it ──

    async def _keep(self) -> None:
        self._all_stale()
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            if self._stale_hierarchy or self._stale_clusters:
                wait = self._read_at + _STRUCTURE_EVERY - clock.elapsed()
                if wait > 0:
                    asyncio.get_running_loop().call_later(wait, self._news.set)
                else:
                    if self._stale_hierarchy:
                        await self.workflows.load()
                    self._read()
                    self._read_at = clock.elapsed()
            self._settle()

    def _settle(self) -> None:
        """Bring the board up to date, and tell what that made of it."""
        states, self._states = self._states, {}
        for node_id in states:
            self._judge(node_id)
        before = self._board.picture()
        if delta := self._board.flush():
            self.feed.publish(TopologyChange(delta, before))
        told, self._told = self._told, []
        for change in told:
            self.feed.publish(change)

    def _judge(self, node_id: str) -> None:
        if (application := self._applications.get(node_id)) is not None:
            self._board.set_state(node_id, self._live.applications.known(application).state)
        elif (workload := self.workload(node_id)) is not None:
            self._board.set_state(node_id, sight.state(workload, stale=self._is_stale(workload.cluster_id)))

    def _is_stale(self, cluster_id: str) -> bool:
        view = self._live.views.get(cluster_id)
        return view is None or view.sighting not in {Sighting.SEEN, Sighting.LOADING}

    # ── what is read ──

    def _read(self) -> None:
        """Read what became stale: what is declared, and what is seen of the clusters."""
        if self._stale_hierarchy:
            self._stale_hierarchy = False
            if self._read_hierarchy(self._live.hierarchy.latest):
                self._stale_clusters |= self._live.views.keys() | self._on.keys()
        clusters, self._stale_clusters = self._stale_clusters, set()
        self._live.keep_structure(self._live.views.keys())
        for cluster_id in sorted(clusters):
            self._read_cluster(cluster_id)

    def _read_hierarchy(self, catalogue: Catalogue) -> bool:
        """Whether there are other applications than before, so that what is seen of a cluster means something else."""
        there = {application_id(one.id): one for one in catalogue.applications(None)}
        before = self._applications
        self._applications = there
        for node_id in before.keys() - there.keys():
            self._declared.pop(node_id, None)
            self._board.remove_node(node_id)
        for node_id, one in there.items():
            self._board.put_node(_node_of(catalogue, one), self._live.applications.known(one).state)
            document = catalogue.effective(one.path).document
            self._declared[node_id] = list(declared(one.path, document, self._end))
            self._connect(node_id)
        self._read_workflows()
        return before.keys() != there.keys()

    def _end(self, path: Path) -> tuple[str, End | None]:
        """The node of a path; where nobody declared it, one that is there as long as something needs it."""
        level = self._live.hierarchy.latest.levels.get(path)
        if isinstance(level, Application):
            return application_id(level.id), None
        key = undeclared_id(path)
        return key, End(Node(key, NodeKind.APPLICATION, path, path.rpartition("/")[0], path))

    def _read_workflows(self) -> None:
        flows = {workflow_id(one.id): one for one in self.workflows.all()}
        for gone in self._flows - flows.keys():
            self._board.remove_node(gone)
        self._flows = set(flows)
        for node_id, one in flows.items():
            self._board.put_node(_workflow_node(node_id, one), None)
            needs = merged(node_id, required_by_workflow(one.requires, self._end))
            self._board.set_edges(node_id, needs.edges, needs.ends)

    def _read_cluster(self, cluster_id: str) -> None:
        view = self._live.views.get(cluster_id)
        if view is not None and view.sighting is Sighting.LOADING:
            return  # half of the names would tell of Services that are missing; it is read once all are there
        seen = [] if view is None else [one for key, one in self._live.workloads.items() if key[0] == cluster_id]
        self._seen[cluster_id] = {one.meta.uid for one in seen}
        findings: dict[str, list[Finding]] = {}
        nodes: set[str] = set()
        if view is not None:
            running = list(sight.workloads(view, seen, self._stands_for))
            names = Cluster(cluster_id, sight.services(view), running, sight.backends(view))
            findings = _findings(view, names, running)
            nodes |= self._put_unmanaged(seen)
            nodes |= self._put_entrances(names)
        self._forget(self._on.get(cluster_id, set()) - nodes)
        self._on[cluster_id] = nodes
        before = self._found.get(cluster_id, {})
        self._found[cluster_id] = findings
        for node_id in before.keys() | findings.keys():
            if before.get(node_id) != findings.get(node_id):
                self._connect(node_id)

    def _stands_for(self, workload: Observed) -> str:
        """The node of a workload: its application's where one is declared, else its own."""
        label = workload.meta.labels.get(APPLICATION_LABEL)
        if label is not None and (node_id := application_id(label)) in self._applications:
            return node_id
        return workload_id(workload.cluster_id, workload.meta.uid)

    def _put_unmanaged(self, seen: Iterable[Observed]) -> set[str]:
        nodes = set()
        for one in seen:
            node_id = workload_id(one.cluster_id, one.meta.uid)
            if self._stands_for(one) == node_id:
                nodes.add(node_id)
                self._workloads[node_id] = one.cluster_id, one.meta.uid
                node = Node(node_id, NodeKind.WORKLOAD, one.meta.name, one.meta.namespace)
                self._board.put_node(node, sight.state(one, stale=self._is_stale(one.cluster_id)))
        return nodes

    def _put_entrances(self, names: Cluster) -> set[str]:
        nodes = set()
        for node, needs in entrances(names):
            nodes.add(node.id)
            self._board.put_node(node, None)
            self._board.set_edges(node.id, needs.edges, needs.ends)
        return nodes

    def _forget(self, nodes: Iterable[str]) -> None:
        for node_id in nodes:
            self._workloads.pop(node_id, None)
            self._board.remove_node(node_id)

    def _connect(self, node_id: str) -> None:
        found = [one for by_node in self._found.values() for one in by_node.get(node_id, ())]
        needs = merged(node_id, [*self._declared.get(node_id, ()), *found])
        self._board.set_edges(node_id, needs.edges, needs.ends)


def _findings(view: ClusterView, names: Cluster, running: Iterable[Workload]) -> dict[str, list[Finding]]:
    findings: dict[str, list[Finding]] = {}
    for one in running:
        if signs := list(found(names, one, sight.files(view, one.namespace))):
            findings.setdefault(one.node, []).extend(signs)
    return findings


def _node_of(catalogue: Catalogue, one: Application) -> Node:
    namespace = catalogue.above(Namespace, one.path)
    return Node(
        application_id(one.id), NodeKind.APPLICATION, one.display_name, namespace.path, one.path, namespace.concern
    )


def _workflow_node(node_id: str, one: Workflow) -> Node:
    return Node(node_id, NodeKind.WORKFLOW, one.display_name, one.environment, one.environment)


def _declares_otherwise(before: Catalogue, level: object) -> bool:
    """Whether a level that was written says anything else than it did."""
    old = before.levels.get(level.path) if isinstance(level, Level) else None
    if old is None or not isinstance(level, Level) or old.id != level.id:
        return True
    same = old.document is level.document and old.display_name == level.display_name
    return not (same and (isinstance(level, Application) or old == replace(level, change=old.change)))


async def _news_of(feed: Feed[T]) -> AsyncIterator[T | None]:
    """Each change as it comes; None where some were missed."""
    position = feed.position
    while True:
        await feed.newer(position)
        changes = feed.since(position)
        position = feed.position
        if isinstance(changes, Lapsed):
            yield None
            continue
        for change in changes:
            yield change
