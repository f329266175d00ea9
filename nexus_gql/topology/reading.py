"""Reads what is declared and what is seen of the clusters into nodes and edges on the board.

In portions, since it takes a second where thousands run. Nobody sees what is on the board before it is flushed.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from nexus_gql.hierarchy import Application, Catalogue, Document, Environment, Namespace
from nexus_gql.live import APPLICATION_LABEL, ClusterView, Live, Replicas, Sighting
from nexus_gql.live import Workload as Observed
from nexus_gql.paths import Path

from . import sight
from .board import Board
from .calls import Calls
from .edges import Files, Finding, declared, entrances, merged, required_by_workflow
from .graph import End, Node, NodeKind, application_id, undeclared_id, workflow_id, workload_id, workload_of
from .promises import Promise, promise
from .resolution import Cluster, Workload
from .state import UNDECLARED
from .turns import Steps, portions
from .workflows import Workflow, Workflows


class Reader:
    """Knows which nodes it put there, and what for, so that a new reading takes away what is not so any more."""

    def __init__(self, live: Live, workflows: Workflows, board: Board) -> None:
        self.inhabited: frozenset[str] = frozenset()
        """The clusters that environments are on."""
        self.applications: dict[str, Application] = {}
        """By node."""
        self.read: dict[str, frozenset[str]] = {}
        """The UIDs of the workloads that were read, by cluster: of those alone that were."""
        self._live = live
        self._workflows = workflows
        self._board = board
        self._declared: dict[str, list[Finding]] = {}
        self._found: dict[str, dict[str, list[Finding]]] = {}  # by cluster and node
        self._on: dict[str, set[str]] = {}  # nodes that are there only for a cluster, by cluster
        self._calls: dict[str, Calls] = {}  # by cluster
        self._flows: set[str] = set()
        self._promises: dict[str, dict[str, Promise]] = {}  # by cluster and application

    def workload(self, node_id: str) -> Observed | None:
        """The workload that a node stands for."""
        return self._live.workloads.get(workload_of(node_id))

    def judge(self, node_id: str) -> None:
        """Put onto the board how a node is doing, and how many pods it has."""
        if (application := self.applications.get(node_id)) is not None:
            if self._is_there(application):
                self._board.set_state(node_id, self._live.applications.known(application).state)
                self._board.set_replicas(node_id, self._replicas(application))
        elif (workload := self.workload(node_id)) is not None:
            self._board.set_state(node_id, sight.state(self._live.views.get(workload.cluster_id), workload))
            self._board.set_replicas(node_id, workload.replicas)

    def _replicas(self, application: Application) -> Replicas | None:
        workload = self._live.applications.workload(application)
        return None if workload is None else workload.replicas

    def _is_there(self, application: Application) -> bool:
        """Whether it is declared at this moment: of one that was deleted meanwhile nobody can say how it is doing."""
        return self._live.hierarchy.latest.by_id(application.id) is not None

    def read_hierarchy(self, catalogue: Catalogue) -> Steps[frozenset[str]]:
        """Read what is declared; the clusters of which what is seen means something else now."""
        end_of = partial(_end, catalogue)
        there = {application_id(one.id): one for one in catalogue.applications(None)}
        promises: dict[str, dict[str, Promise]] = {}
        before = self.applications
        self.applications = there
        for node_id in before.keys() - there.keys():
            self._declared.pop(node_id, None)
            self._board.remove_node(node_id)
        for portion in portions(there.items()):
            for node_id, one in portion:
                if not self._is_there(one):
                    continue
                self._board.put_node(_node_of(catalogue, one), self._live.applications.known(one).state)
                self._board.set_replicas(node_id, self._replicas(one))
                document = catalogue.effective(one.path).document
                self._declared[node_id] = list(declared(one.path, document, end_of))
                self._connect(node_id)
                _note_promise(promises, catalogue, one, document)
            yield
        self._read_workflows(end_of)
        inhabited = _inhabited(catalogue)
        before_that, self.inhabited = self.inhabited, inhabited
        if before.keys() != there.keys():
            self._promises = promises
            return inhabited | before_that
        promised, self._promises = self._promises, promises
        other = {one for one in inhabited & before_that if promised.get(one) != promises.get(one)}
        return (inhabited ^ before_that) | other

    def _read_workflows(self, end_of: Callable[[Path], tuple[str, End | None]]) -> None:
        flows = {workflow_id(one.id): one for one in self._workflows.all()}
        for gone in self._flows - flows.keys():
            self._board.remove_node(gone)
        self._flows = set(flows)
        for node_id, one in flows.items():
            self._board.put_node(_workflow_node(node_id, one), None)
            needs = merged(node_id, required_by_workflow(one.requires, end_of))
            self._board.set_edges(node_id, needs.edges, needs.ends)

    def read_cluster(self, cluster_id: str) -> Steps[None]:
        """Read what is seen of a cluster; nothing where no environment is on it, or where it was never seen.

        What is seen is taken in the first step, as it is at one moment; the others are about that alone.
        """
        view = self._live.views.get(cluster_id) if cluster_id in self.inhabited else None
        if view is not None and view.sighting is Sighting.LOADING:
            return  # half of the names would tell of Services that are missing; it is read once all are there
        findings: dict[str, list[Finding]] = {}
        nodes: set[str] = set()
        self.read.pop(cluster_id, None)
        if view is not None and view.synced:
            seen = [one for key, one in self._live.workloads.items() if key[0] == cluster_id]
            self.read[cluster_id] = frozenset(one.meta.uid for one in seen)
            running = list(sight.workloads(view, seen, self._stands_for))
            files = {namespace: sight.files(view, namespace) for namespace in {one.namespace for one in running}}
            promised = self._promised(cluster_id, seen)
            # What is there comes last, and so takes the place of a Service of its name that is only promised.
            services = [*(service for one in promised for service in one.services), *sight.services(view)]
            workloads = [*running, *(one.workload for one in promised)]
            names = Cluster(cluster_id, services, workloads, sight.backends(view))
            yield
            findings = yield from self._findings(names, running, files)
            nodes = yield from self._put_unmanaged(view, seen)
            nodes |= yield from self._put_entrances(names)
        else:
            self._calls.pop(cluster_id, None)
        self._forget(self._on.pop(cluster_id, set()) - nodes)
        self._on[cluster_id] = nodes
        yield from self._find(cluster_id, findings)

    def _promised(self, cluster_id: str, seen: Iterable[Observed]) -> list[Promise]:
        """What applications promise of which nothing runs: where one runs, its cluster shows what it has, and what is missing."""
        running = {
            (one.meta.namespace, one.meta.labels.get(APPLICATION_LABEL)) for one in seen if one.kind in sight.ANSWERING
        }
        return [
            one
            for application, one in self._promises.get(cluster_id, {}).items()
            if (one.workload.namespace, application) not in running
        ]

    def _findings(
        self, names: Cluster, running: Iterable[Workload], files: Mapping[str, Files]
    ) -> Steps[dict[str, list[Finding]]]:
        findings: dict[str, list[Finding]] = {}
        calls = self._calls.setdefault(names.key, Calls())
        for portion in portions(calls.found(names, running, files.__getitem__)):
            for one, signs in portion:
                if signs:
                    findings.setdefault(one.node, []).extend(signs)
            yield
        return findings

    def _find(self, cluster_id: str, after: dict[str, list[Finding]]) -> Steps[None]:
        before = self._found.pop(cluster_id, {})
        self._found[cluster_id] = after
        for portion in portions(before.keys() | after.keys()):
            for node_id in portion:
                if before.get(node_id) != after.get(node_id):
                    self._connect(node_id)
            yield

    def _stands_for(self, workload: Observed) -> str:
        """The node of a workload: its application's where one is declared, else its own."""
        label = workload.meta.labels.get(APPLICATION_LABEL)
        if label is not None and (node_id := application_id(label)) in self.applications:
            return node_id
        return workload_id(workload.cluster_id, workload.meta.uid)

    def _put_unmanaged(self, view: ClusterView, seen: Iterable[Observed]) -> Steps[set[str]]:
        nodes = set()
        for portion in portions(seen):
            for one in portion:
                node_id = workload_id(one.cluster_id, one.meta.uid)
                if self._stands_for(one) == node_id:
                    nodes.add(node_id)
                    node = Node(node_id, NodeKind.WORKLOAD, one.meta.name, one.meta.namespace)
                    self._board.put_node(node, sight.state(view, one))
                    self._board.set_replicas(node_id, one.replicas)
            yield
        return nodes

    def _put_entrances(self, names: Cluster) -> Steps[set[str]]:
        nodes = set()
        for portion in portions(entrances(names)):
            for node, needs in portion:
                nodes.add(node.id)
                self._board.put_node(node, None)
                self._board.set_edges(node.id, needs.edges, needs.ends)
            yield
        return nodes

    def _forget(self, nodes: Iterable[str]) -> None:
        for node_id in nodes:
            self._board.remove_node(node_id)

    def _connect(self, node_id: str) -> None:
        found = [one for by_node in self._found.values() for one in by_node.get(node_id, ())]
        needs = merged(node_id, [*self._declared.get(node_id, ()), *found])
        self._board.set_edges(node_id, needs.edges, needs.ends)


def _end(catalogue: Catalogue, path: Path) -> tuple[str, End | None]:
    """The node of a path; where nobody declared it, one that is there as long as something needs it."""
    level = catalogue.levels.get(path)
    if isinstance(level, Application):
        return application_id(level.id), None
    key = undeclared_id(path)
    return key, End(Node(key, NodeKind.APPLICATION, path, path.rpartition("/")[0], path), UNDECLARED)


def _note_promise(
    promises: dict[str, dict[str, Promise]], catalogue: Catalogue, one: Application, document: Document
) -> None:
    cluster_id = catalogue.above(Environment, one.path).cluster_id
    if cluster_id is None:
        return
    made = promise(one, catalogue.above(Namespace, one.path).kubernetes_name, document)
    if made is not None:
        promises.setdefault(cluster_id, {})[one.id] = made


def _inhabited(catalogue: Catalogue) -> frozenset[str]:
    found = (level.cluster_id for level in catalogue.below(None) if isinstance(level, Environment))
    return frozenset(one for one in found if one is not None)


def _node_of(catalogue: Catalogue, one: Application) -> Node:
    namespace = catalogue.above(Namespace, one.path)
    return Node(
        application_id(one.id), NodeKind.APPLICATION, one.display_name, namespace.path, one.path, namespace.concern
    )


def _workflow_node(node_id: str, one: Workflow) -> Node:
    return Node(node_id, NodeKind.WORKFLOW, one.display_name, one.environment, one.environment)
