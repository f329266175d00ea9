"""The graph of everything that is known, kept up to date as the hierarchy and the clusters change.

What is declared is read anew when a document changes, what runs when a template, a name or a text does: at most once in a tenth of
a second, however much changes. How a node is doing goes onto the board at once. Each flush that made a difference is one change in
the feed.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

import structlog

from nexus_gql import clock
from nexus_gql.database import is_unavailable
from nexus_gql.hierarchy import Application, Catalogue, Change, Environment, Level, Namespace
from nexus_gql.live import (
    APPLICATION_LABEL,
    GRACE,
    PATIENCE,
    ClusterView,
    Feed,
    HierarchyChange,
    Lapsed,
    Live,
    ObjectChange,
    SightChange,
    Sighting,
    StateChange,
    Want,
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

log = structlog.get_logger(__name__)

_STRUCTURE_EVERY = 0.1
"""Seconds between two readings of what leads where."""
_WORKFLOWS_AGAIN = 1.0
"""Seconds until a database that was away is asked again."""
_TICK = 0.02


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
        self._heard: dict[Feed[Any], int] = {}
        self._next_reading = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._inhabited: frozenset[str] = frozenset()  # the clusters that environments are on
        self._whole: set[str] = set()  # those that were read with all that names something there
        self._stale_clusters: set[str] = set()
        self._stale_hierarchy = True
        self._stale_workflows = True
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

    async def settled(self, cluster_ids: Collection[str] | None = None, limit: float = PATIENCE) -> bool:
        """Wait until what is declared was read, and some clusters, or all, once; whether that came in time.

        So the first question after a start is not answered with half of the graph. A cluster that cannot be read now is not
        waited for, nor is one that was read before.
        """
        try:
            async with asyncio.timeout(limit):
                # What is listed is told on no feed of its own, and looking costs next to nothing.
                while not self._is_settled(cluster_ids):  # noqa: ASYNC110
                    await asyncio.sleep(_TICK)
        except TimeoutError:
            return False
        return True

    def _is_settled(self, cluster_ids: Collection[str] | None) -> bool:
        heard = all(self._heard.get(feed) == feed.position for feed in self._feeds)
        if not heard or self._stale_hierarchy or self._stale_workflows:
            return False
        wanted = self._inhabited if cluster_ids is None else self._inhabited.intersection(cluster_ids)
        self._whole |= {one for one in wanted - self._whole if self._is_whole(one)}
        return all(one in self._whole or self._is_out_of_sight(one) for one in wanted)

    @property
    def _feeds(self) -> tuple[Feed[Any], ...]:
        return self._live.health_feed, self._live.workload_feed, self._live.structure_feed

    def _is_whole(self, cluster_id: str) -> bool:
        """Whether nothing that names something on a cluster is still to be listed, or to be read here."""
        view = self._live.views.get(cluster_id)
        if view is None or cluster_id in self._stale_clusters or cluster_id not in self._seen or self._live.judging:
            return False
        return view.synced and all(view.has(want) or view.trouble_with(want) for want in _NAMES)

    def _is_out_of_sight(self, cluster_id: str) -> bool:
        view = self._live.views.get(cluster_id)
        return view.sighting is Sighting.UNSEEN if view is not None else self._live.fleet.link(cluster_id) is None

    # ── what is heard ──

    async def _follow_states(self) -> None:
        async for change in self._news_of(self._live.health_feed):
            match change:
                case None:
                    self._all_stale()
                    self.feed.lapse()  # what the hierarchy or a cluster became is not told any more
                case StateChange(id):
                    self._states[application_id(id)] = None
                case HierarchyChange(what):
                    self._told.append(change)
                    self._hierarchy_changed(what)
                case SightChange(cluster_id, lost):
                    self._told.append(change)
                    self._stale_clusters.add(cluster_id)
                    if lost:
                        asyncio.get_running_loop().call_later(GRACE, self._cluster_changed, cluster_id)
                case _:
                    pass
            self._news.set()

    async def _follow_workloads(self) -> None:
        async for change in self._news_of(self._live.workload_feed):
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
        async for change in self._news_of(self._live.structure_feed):
            if change is None:
                self._all_stale()
                self._news.set()
            else:
                self._cluster_changed(change.cluster_id)

    async def _news_of(self, feed: Feed[Any]) -> AsyncIterator[Any]:
        """Each change as it comes; None where some were missed, as before the first."""
        position = feed.position
        yield None
        while True:
            self._heard[feed] = position
            await feed.newer(position)
            changes = feed.since(position)
            position = feed.position
            for change in [None] if isinstance(changes, Lapsed) else changes:
                yield change

    def _cluster_changed(self, cluster_id: str) -> None:
        self._stale_clusters.add(cluster_id)
        self._news.set()

    def _hierarchy_changed(self, change: Change) -> None:
        """An operation writes its application's row at every step; that alone changes nothing here.

        A number that no level has is that of a workflow, or of a level that is gone.
        """
        told = len({level.change for level in change.upserted}) >= change.after.number - change.before.number
        if not told or any(_declares_otherwise(change.before, level) for level in change.upserted):
            self._stale_hierarchy = self._stale_workflows = True
        for level in change.upserted:
            if isinstance(level, Application):
                self._states[application_id(level.id)] = None

    def _declared_otherwise(self) -> None:
        self._stale_hierarchy = True
        self._news.set()

    def _ask_again(self) -> None:
        self._stale_workflows = True
        self._news.set()

    def _all_stale(self) -> None:
        self._stale_hierarchy = self._stale_workflows = True
        self._stale_clusters |= self._inhabited | self._on.keys()

    # ── what is made of it ──

    async def _keep(self) -> None:
        self._all_stale()
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            if self._is_stale and clock.elapsed() >= self._next_reading:
                if self._stale_workflows:
                    await self._load_workflows()
                self._read()
                self._next_reading = clock.elapsed() + _STRUCTURE_EVERY
            self._settle()
            if self._is_stale and self._timer is None:
                self._timer = asyncio.get_running_loop().call_at(self._next_reading, self._is_due)

    @property
    def _is_stale(self) -> bool:
        return self._stale_hierarchy or self._stale_workflows or bool(self._stale_clusters)

    def _is_due(self) -> None:
        self._timer = None
        self._news.set()

    async def _load_workflows(self) -> None:
        """Read them, if the database can be reached: what runs is followed in any case."""
        self._stale_workflows = False  # first: what is declared meanwhile may not be among them
        try:
            await self.workflows.load()
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("The workflows cannot be read now; those known so far stand", error=str(error))
            asyncio.get_running_loop().call_later(_WORKFLOWS_AGAIN, self._ask_again)

    def _settle(self) -> None:
        """Bring the board up to date, and tell what that made of it: before a change of the hierarchy what it made of the graph."""
        states, self._states = self._states, {}
        for node_id in states:
            self._judge(node_id)
        before = self._board.picture()
        if delta := self._board.flush():
            self.feed.publish(TopologyChange(delta, before))
        if self._is_stale:
            return
        told, self._told = self._told, []
        for change in told:
            self.feed.publish(change)

    def _judge(self, node_id: str) -> None:
        if (application := self._applications.get(node_id)) is not None:
            self._board.set_state(node_id, self._live.applications.known(application).state)
        elif (workload := self.workload(node_id)) is not None:
            self._board.set_state(node_id, sight.state(self._live.views.get(workload.cluster_id), workload))

    # ── what is read ──

    def _read(self) -> None:
        """Read what became stale: what is declared, and what is seen of the clusters."""
        if self._stale_hierarchy:
            self._stale_hierarchy = False
            self._read_hierarchy(self._live.hierarchy.latest)
        self._live.keep_structure(self._inhabited & self._live.views.keys())
        for cluster_id in sorted(self._stale_clusters):
            # Before the first verdicts on a cluster, its Services would seem to have nothing behind them.
            if cluster_id in self._on or not self._live.judging:
                self._stale_clusters.discard(cluster_id)
                self._read_cluster(cluster_id)

    def _read_hierarchy(self, catalogue: Catalogue) -> None:
        """What is declared. Where there are other applications than before, what is seen of a cluster means something else."""
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
        inhabited = _inhabited(catalogue)
        self._stale_clusters |= inhabited ^ self._inhabited
        self._inhabited = inhabited
        if before.keys() != there.keys():
            self._stale_clusters |= inhabited

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
        view = self._live.views.get(cluster_id) if cluster_id in self._inhabited else None
        if view is not None and not view.synced:
            if view.sighting is Sighting.LOADING:
                return  # half of the names would tell of Services that are missing; it is read once all are there
            view = None
        if view is None:
            self._whole.discard(cluster_id)
        seen = [] if view is None else [one for key, one in self._live.workloads.items() if key[0] == cluster_id]
        self._seen[cluster_id] = {one.meta.uid for one in seen}
        findings: dict[str, list[Finding]] = {}
        nodes: set[str] = set()
        if view is not None:
            running = list(sight.workloads(view, seen, self._stands_for))
            names = Cluster(cluster_id, sight.services(view), running, sight.backends(view))
            findings = _findings(view, names, running)
            nodes |= self._put_unmanaged(view, seen)
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

    def _put_unmanaged(self, view: ClusterView, seen: Iterable[Observed]) -> set[str]:
        nodes = set()
        for one in seen:
            node_id = workload_id(one.cluster_id, one.meta.uid)
            if self._stands_for(one) == node_id:
                nodes.add(node_id)
                self._workloads[node_id] = one.cluster_id, one.meta.uid
                node = Node(node_id, NodeKind.WORKLOAD, one.meta.name, one.meta.namespace)
                self._board.put_node(node, sight.state(view, one))
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


_NAMES = (Want.INGRESSES, Want.CONFIG_MAPS)
"""What is listed only because it may lead from one workload to another."""


def _inhabited(catalogue: Catalogue) -> frozenset[str]:
    found = (level.cluster_id for level in catalogue.below(None) if isinstance(level, Environment))
    return frozenset(one for one in found if one is not None)


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
