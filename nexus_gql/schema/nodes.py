"""Anything by its id: looked up in what is in memory, and with at most one statement for each type that is not."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from uuid import UUID

from nexus_gql.access import Role, grants, tokens
from nexus_gql.hierarchy import Application, Environment, Namespace
from nexus_gql.live import APPLICATION_LABEL, ClusterView, Want, known_workload, needed
from nexus_gql.live.objects import Meta
from nexus_gql.paths import Path
from nexus_gql.problems import BadRequest, Unreachable
from nexus_gql.workloads import find_many, revisions_by_id

from .access import grant_type, token_type
from .application import level_type
from .clusters import cluster_type, sees_cluster
from .context import Context
from .events import event_node
from .graph_sight import EDGE, NODE, in_sight
from .node import Node
from .operations import operation_type
from .pods import pod_type
from .revisions import revision_type
from .topology import edge_type, node_type
from .workflows import is_seen, workflow_type
from .workloads import workload_type

MOST = 1000

Answer = Node | Exception | None
"""A node; None for what is gone or not to be seen; the error of one that alone could not be answered."""

Found = dict[str, Answer]
"""By key. A key that is not in it is gone, or not to be seen."""


async def nodes_of(context: Context, ids: Sequence[str]) -> list[Answer]:
    """What has these ids, in their order."""
    if len(ids) > MOST:
        raise BadRequest(f"At most {MOST} ids are asked for at once; these are {len(ids)}.")
    await context.rooms.hierarchy.current()
    keys: dict[str, set[str]] = {}
    for one in ids:
        if malformed(one) is None:
            kind, _, key = one.partition(":")
            keys.setdefault(kind, set()).add(key)
    found = {kind: await _FINDERS[kind](context, wanted) for kind, wanted in keys.items()}
    return [malformed(one) or _in(found, one) for one in ids]


def malformed(node: str) -> BadRequest | None:
    """The error of what no type has for an id."""
    kind, _, key = node.partition(":")
    if kind in _GRAPH and key:
        return None
    cluster_id, colon, uid = key.partition(":")
    keyed = kind in _ON_CLUSTERS
    if kind not in _FINDERS or not _is_uuid(cluster_id) or bool(colon and uid) is not keyed:
        return BadRequest(f"{node[:100]!r} is not an id.")
    return None


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _in(found: dict[str, Found], node: str) -> Answer:
    kind, _, key = node.partition(":")
    answer = found[kind].get(key)
    # A level's key under another kind of level's name.
    return None if isinstance(answer, Node) and answer.id != node else answer


# ── what is declared, done and granted ──


async def _levels(context: Context, keys: Iterable[str]) -> Found:
    catalogue, scope = context.rooms.hierarchy.latest, context.viewer.scope
    levels = (catalogue.by_id(key) for key in keys)
    seen = [level for level in levels if level is not None and scope.glimpses(level.path)]
    return {level.id: level_type(catalogue, level) for level in seen}


async def _clusters(context: Context, keys: Iterable[str]) -> Found:
    rows = {key: context.rooms.fleet.row(key) for key in keys if sees_cluster(context, key)}
    return {key: cluster_type(row) for key, row in rows.items() if row is not None}


async def _operations(context: Context, keys: Iterable[str]) -> Found:
    scope = context.viewer.scope
    return {one.id: operation_type(one) for one in await find_many(UUID(key) for key in keys) if scope.sees(one.path)}


async def _revisions(context: Context, keys: Iterable[str]) -> Found:
    catalogue, scope = context.rooms.hierarchy.latest, context.viewer.scope
    found = await revisions_by_id((UUID(key) for key in keys), catalogue.paths.get)
    return {one.id: revision_type(one) for one in found if scope.sees(one.settings.path)}


async def _grants(context: Context, keys: Iterable[str]) -> Found:
    return {str(row.id): grant_type(row) for row in await grants(context.viewer, None) if str(row.id) in keys}


async def _tokens(context: Context, keys: Iterable[str]) -> Found:
    return {str(row.id): token_type(row) for row in await tokens(context.viewer) if str(row.id) in keys}


# ── what is on clusters ──


class _Sight:
    """Whether a viewer may see objects on a cluster: those in the Kubernetes namespaces, or of the applications, that are theirs."""

    def __init__(self, context: Context, cluster_id: str) -> None:
        self._scope = context.viewer.scope
        self._all = self._scope.role(None) >= Role.VIEWER
        self._cluster_id = cluster_id
        self._catalogue = context.rooms.hierarchy.latest
        self._namespaces = set() if self._all else self._theirs()

    def has(self, namespace: str, application_id: str | None) -> bool:
        """Whether an object in a Kubernetes namespace is to be seen, which is of this application."""
        if self._all or namespace in self._namespaces:
            return True
        level = None if application_id is None else self._catalogue.by_id(application_id)
        if not isinstance(level, Application) or not self._scope.sees(level.path):
            return False
        place = self._catalogue.above(Namespace, level.path).kubernetes_name
        return place == namespace and self._on_it(level.path)

    def shows(self, meta: Meta) -> bool:
        """The same of an object."""
        return self.has(meta.namespace, meta.labels.get(APPLICATION_LABEL))

    def _theirs(self) -> set[str]:
        return {
            level.kubernetes_name
            for level in self._catalogue.below(None)
            if isinstance(level, Namespace) and self._scope.sees(level.path) and self._on_it(level.path)
        }

    def _on_it(self, path: Path) -> bool:
        return self._catalogue.above(Environment, path).cluster_id == self._cluster_id


Look = Callable[[Context, ClusterView, _Sight, str], Node | None]


def _on_clusters(want: Want, look: Look) -> Callable[[Context, Iterable[str]], Awaitable[Found]]:
    """A finder of objects on clusters, whose keys are a cluster's and the object's own UID."""

    async def find(context: Context, keys: Iterable[str]) -> Found:
        found: Found = {}
        by_cluster: dict[str, list[str]] = {}
        for key in keys:
            by_cluster.setdefault(key.partition(":")[0], []).append(key)
        for cluster_id, on_it in by_cluster.items():
            if context.rooms.fleet.row(cluster_id) is None or not sees_cluster(context, cluster_id):
                continue
            view = await needed(context.rooms.live, cluster_id, want)
            if view is None:
                # Whether it is gone cannot be told.
                error = Unreachable("Its cluster has not been read yet; try again in a moment.")
                found |= dict.fromkeys(on_it, error)
                continue
            sight = _Sight(context, cluster_id)
            found |= {key: look(context, view, sight, key.partition(":")[2]) for key in on_it}
        return found

    return find


def _workload(context: Context, view: ClusterView, sight: _Sight, uid: str) -> Node | None:
    found = known_workload(context.rooms.live, view, uid)
    return workload_type(found) if found is not None and sight.shows(found.meta) else None


def _pod(_: Context, view: ClusterView, sight: _Sight, uid: str) -> Node | None:
    found = view.pods.get(uid)
    return pod_type(view, found) if found is not None and sight.shows(found.metadata) else None


def _event(_: Context, view: ClusterView, sight: _Sight, uid: str) -> Node | None:
    found = view.events.get(uid)
    if found is None or not sight.has(found.event.involved_object.namespace, found.application_id):
        return None
    return event_node(view, found)


_ON_CLUSTERS = {
    "Workload": _on_clusters(Want.CLUSTER, _workload),
    "Pod": _on_clusters(Want.CLUSTER, _pod),
    "Event": _on_clusters(Want.EVENTS, _event),
}


async def _graph_nodes(context: Context, keys: Iterable[str]) -> Found:
    await context.rooms.topology.settled()
    picture = in_sight(context, context.rooms.topology.picture)
    return {key: node_type(picture.nodes[key]) for key in keys if key in picture.nodes}


async def _graph_edges(context: Context, keys: Iterable[str]) -> Found:
    await context.rooms.topology.settled()
    picture = in_sight(context, context.rooms.topology.picture)
    return {key: edge_type(picture.edges[key]) for key in keys if key in picture.edges}


async def _workflows(context: Context, keys: Iterable[str]) -> Found:
    await context.rooms.topology.settled()
    rows = (context.rooms.topology.workflows.get(key) for key in keys)
    return {row.id: workflow_type(row) for row in rows if row is not None and is_seen(context, row)}


_GRAPH = {NODE: _graph_nodes, EDGE: _graph_edges}

_FINDERS: dict[str, Callable[[Context, Iterable[str]], Awaitable[Found]]] = {
    "Project": _levels,
    "Environment": _levels,
    "Namespace": _levels,
    "Application": _levels,
    "Cluster": _clusters,
    "Operation": _operations,
    "DeployedRevision": _revisions,
    "Grant": _grants,
    "ApiToken": _tokens,
    "Workflow": _workflows,
    **_GRAPH,
    **_ON_CLUSTERS,
}
