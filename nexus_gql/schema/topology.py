"""The service dependency graph in GraphQL."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

import strawberry

from nexus_gql.hierarchy import Application, Need
from nexus_gql.live import Health, Selection, Workload, select
from nexus_gql.paths import Path
from nexus_gql.problems import BadRequest
from nexus_gql.topology import (
    Direction,
    Edge,
    Filter,
    Impacted,
    Impairment,
    NodeKind,
    Picture,
    ShownEdge,
    ShownNode,
    Source,
    SourceKind,
    all_lying,
    application_id,
    chain,
    cycles,
    deploy_order,
    filtered,
    impact_of,
    listed,
    lying_in,
    shown,
)
from nexus_gql.topology import Impact as Spread

from .context import Context, Info
from .feeds import text_of
from .graph_sight import graph_node, in_sight, topology_edge_id, topology_node_id
from .health import HealthState, state_of
from .node import Node
from .scalars import FeedPosition
from .usage import UsageType
from .workloads import ReplicasType, WorkloadType, replicas_type, workload_type

if TYPE_CHECKING:
    from .application import ApplicationType
    from .workflows import WorkflowType

strawberry.enum(NodeKind, name="TopologyNodeKind", description="What a node stands for.")
strawberry.enum(SourceKind, name="EdgeSourceKind", description="How it is known that one needs another.")
strawberry.enum(Direction, name="Direction", description="Which way from the focus.")


@strawberry.input(
    description="What to show of a graph. Impairment and causes stay those of the whole, whatever is left out."
)
class TopologyFilter:
    focus: strawberry.ID | None = strawberry.field(
        default=None,
        description="Only what hangs together with this one: the id of a node, an application, a workload or a workflow.",
    )
    depth: int | None = strawberry.field(default=None, description="So many steps from the focus; without it all.")
    direction: Direction | None = strawberry.field(
        default=Direction.BOTH, description="Which way from the focus; BOTH is either way, and no zigzag."
    )
    health: list[Health] | None = strawberry.field(default=None, description="Only nodes in one of these states.")
    kinds: list[NodeKind] | None = strawberry.field(default=None, description="Only nodes of these kinds.")
    unhealthy_only: bool | None = strawberry.field(
        default=False, description="Only nodes with which something is amiss, of their own or through what they need."
    )
    unmanaged: bool | None = strawberry.field(default=True, description="With workloads that nobody declared.")


@strawberry.type(description="How an edge is known.")
class EdgeSource:
    kind: SourceKind = strawberry.field(description="The way in which it is known.")
    evidence: str = strawberry.field(
        description="The setting, variable, file or rule that it was read from: host, port and path of an address, never user, "
        "password or query."
    )


def _sources(found: Iterable[Source]) -> list[EdgeSource]:
    return [EdgeSource(kind=one.kind, evidence=one.evidence) for one in found]


@strawberry.type(
    name="TopologyNode",
    description="One service, or what else something needs. Its own health may be fine while something that it requires is not: "
    "see `impairment`. What you may not see is one HIDDEN node for each need, with an empty label; it stands among the causes for "
    "those that you may not see.",
)
class TopologyNodeType(Node):
    shown: strawberry.Private[ShownNode]

    @strawberry.field(description="What to call it.")
    def label(self) -> str:
        return self.shown.node.label

    @strawberry.field
    def kind(self) -> NodeKind:
        return self.shown.node.kind

    @strawberry.field(
        description="An application's path; of a workflow the environment's; null for what nobody declared."
    )
    def path(self) -> Path | None:
        return self.shown.node.path

    @strawberry.field(
        description="What to draw it together with: the namespace's path, the Kubernetes namespace, `ingress` or `external`."
    )
    def group(self) -> str:
        return self.shown.node.group

    @strawberry.field(
        description="Its own health, MISSING where nobody has declared it; null for INGRESS, EXTERNAL, WORKFLOW and HIDDEN."
    )
    def state(self, info: Info) -> HealthState | None:
        state = self.shown.state
        if state is None:
            return None
        application = info.context.rooms.topology.application(self.shown.node.id)
        since = None if application is None else info.context.rooms.live.applications.known(application).since
        return state_of(state.verdict, stale=state.stale, since=since)

    @strawberry.field(description="What it suffers from what it needs.")
    def impairment(self) -> Impairment:
        return self.shown.impairment

    @strawberry.field(description="Whether it answers; null for INGRESS, EXTERNAL, WORKFLOW and HIDDEN.")
    def serving(self) -> bool | None:
        return None if self.shown.state is None else self.shown.state.serving

    @strawberry.field(
        description="Root causes of its impairment: ids of nodes, which are among those of the graph unless a filter leaves them out."
    )
    def causes(self) -> list[strawberry.ID]:
        return [topology_node_id(one) for one in self.shown.causes]

    @strawberry.field(
        description="Whether it is a neighbour, one step outside the scope; or further away, and a root cause of what is shown."
    )
    def outside(self) -> bool:
        return self.shown.outside

    @strawberry.field(description="The application that it stands for.")
    def application(self, info: Info) -> Annotated["ApplicationType", strawberry.lazy(".application")] | None:
        return _application(info.context, self.shown.node.id)

    @strawberry.field(description="What runs there.")
    def workload(self, info: Info) -> WorkloadType | None:
        found = self._workload(info.context)
        return None if found is None else workload_type(found)

    @strawberry.field(description="The workflow that it stands for.")
    def workflow(self, info: Info) -> Annotated["WorkflowType", strawberry.lazy(".workflows")] | None:
        from .workflows import is_seen, workflow_type

        kind, _, key = self.shown.node.id.partition(":")
        found = info.context.rooms.topology.workflows.get(key) if kind == "workflow" else None
        return None if found is None or not is_seen(info.context, found) else workflow_type(found)

    @strawberry.field(description="What its pods use together.")
    def usage(self, info: Info) -> UsageType | None:
        workload = self.workload(info)
        return None if workload is None else workload.usage(info)

    @strawberry.field(description="How many pods are wanted, and how many are how far.")
    def replicas(self) -> ReplicasType | None:
        found = self.shown.replicas
        return None if found is None else replicas_type(found)

    def _workload(self, context: Context) -> Workload | None:
        topology = context.rooms.topology
        application = topology.application(self.shown.node.id)
        if application is not None:
            return context.rooms.live.applications.workload(application)
        return topology.workload(self.shown.node.id)


@strawberry.type(name="TopologyEdge", description="`from` needs `to`.")
class TopologyEdgeType(Node):
    origin: strawberry.ID = strawberry.field(name="from", description="The node that needs the other.")
    to: strawberry.ID = strawberry.field(description="The node that is needed.")
    need: Need = strawberry.field(description="How much.")
    sources: list[EdgeSource] = strawberry.field(description="How it is known; empty where one end is hidden from you.")
    healthy: bool = strawberry.field(description="Whether nothing bad comes through it.")


@strawberry.type(description="A node that would suffer.")
class ImpactedNode:
    node: TopologyNodeType = strawberry.field(description="What would suffer.")
    distance: int = strawberry.field(description="Steps from what fails.")
    via: list[strawberry.ID] = strawberry.field(
        description="The nodes on the shortest way from what fails to it, both aside."
    )


@strawberry.type(description="Whom something takes with it, nearest first.")
class Impact:
    impaired: list[ImpactedNode] = strawberry.field(description="What would stop working.")
    at_risk: list[ImpactedNode] = strawberry.field(description="What would go on with less.")


@strawberry.type(description="What one application needs, or what needs it.")
class Dependency:
    node: TopologyNodeType = strawberry.field(description="The other end.")
    need: Need = strawberry.field(description="How much.")
    sources: list[EdgeSource] = strawberry.field(
        description="How it is known; empty where the other end is hidden from you."
    )

    @strawberry.field(description="The other application; null where it is something else, or hidden from you.")
    def application(self, info: Info) -> Annotated["ApplicationType", strawberry.lazy(".application")] | None:
        return _application(info.context, self.node.shown.node.id)


@strawberry.type(
    name="Topology",
    description="What needs what, with live health laid over it. Its question: is the model that my workflow depends on running, and "
    "if not, what else is affected?",
)
class TopologyType:
    whole: strawberry.Private[Picture]
    scoped: strawberry.Private[Picture]
    picture: strawberry.Private[Picture]
    scope: Path = strawberry.field(description="The level that was asked for.")
    position: FeedPosition = strawberry.field(description="The position in the `topology` feed that this is as of.")

    @strawberry.field(
        description="The nodes in the scope, their neighbours one step outside, and the root causes of their impairment, wherever "
        "they lie; by path, or label where there is none."
    )
    def nodes(self) -> list[TopologyNodeType]:
        return node_types(sorted(self.picture.nodes.values(), key=listed))

    @strawberry.field(description="The edges that touch the scope.")
    def edges(self) -> list[TopologyEdgeType]:
        ends = attrgetter("edge.origin", "edge.target")
        return edge_types(sorted(self.picture.edges.values(), key=ends))

    @strawberry.field(
        description="Unhealthy nodes that depend on nothing unhealthy: start here. Those that are shown, and those that impair what is "
        "shown, wherever they lie and whatever a filter leaves out. An application that was never deployed, or never declared, is one "
        "only where something else suffers from it: a workflow, or what was deployed."
    )
    def root_causes(self) -> list[TopologyNodeType]:
        return node_types(self.scoped.nodes[one] for one in self.picture.root_causes)

    @strawberry.field(description="The nodes that need each other in a circle, each circle's together.")
    def cycles(self) -> list[list[strawberry.ID]]:
        return [[topology_node_id(one) for one in circle] for circle in cycles(self.picture)]

    @strawberry.field(
        description="Applications in generations: each needs only what is in earlier ones, or, in a circle, in its own."
    )
    def deploy_order(self) -> list[list[Path]]:
        return deploy_order(self.picture)

    @strawberry.field(
        description="How `from` comes to need `to`, by the fewest edges; empty where it does not. To a root cause of its impairment: by "
        "the fewest that bring what it suffers, along REQUIRED ones where it is IMPAIRED."
    )
    def chain(
        self,
        origin: Annotated[
            strawberry.ID, strawberry.argument(name="from", description="The id of what needs the other.")
        ],
        to: Annotated[strawberry.ID, strawberry.argument(description="The id of what is needed.")],
    ) -> list[TopologyEdgeType]:
        ends = graph_node(origin), graph_node(to)
        if not all(end in self.whole.nodes for end in ends):
            return []
        return [edge_type(self.whole.edges[edge.id]) for edge in chain(self.whole, *ends)]

    @strawberry.field(
        description="What would stop working if these were down and all else well: ask before you scale something to zero."
    )
    def impact_of(
        self,
        info: Info,
        nodes: Annotated[
            list[strawberry.ID],
            strawberry.argument(description="Ids of nodes, applications, workloads or workflows."),
        ],
    ) -> Impact:
        return impact_type(info.context, {graph_node(one) for one in nodes})


def node_types(found: Iterable[ShownNode]) -> list[TopologyNodeType]:
    """Nodes as they are shown."""
    return [node_type(one) for one in found]


def node_type(found: ShownNode) -> TopologyNodeType:
    """A node as it is shown."""
    return TopologyNodeType(id=topology_node_id(found.node.id), shown=found)


def edge_types(found: Iterable[ShownEdge]) -> list[TopologyEdgeType]:
    """Edges as they are shown."""
    return [edge_type(one) for one in found]


def edge_type(found: ShownEdge) -> TopologyEdgeType:
    """An edge as it is shown."""
    edge = found.edge
    return TopologyEdgeType(
        id=topology_edge_id(edge.id),
        origin=topology_node_id(edge.origin),
        to=topology_node_id(edge.target),
        need=edge.need,
        sources=_sources(edge.sources),
        healthy=found.healthy,
    )


def impact_type(context: Context, nodes: Iterable[str]) -> Impact:
    """Whom these would take with them, as far as a viewer may see it; reckoned on the whole graph."""
    picture = context.rooms.topology.picture
    sight = in_sight(context, picture)
    spread: Spread = impact_of(picture, [one for one in nodes if one in sight.nodes])

    def seen(found: Sequence[Impacted]) -> list[ImpactedNode]:
        return [
            ImpactedNode(
                node=node_type(sight.nodes[one.node]),
                distance=one.distance,
                via=[topology_node_id(way) for way in one.via if way in sight.nodes],
            )
            for one in found
            if one.node in sight.nodes
        ]

    return Impact(impaired=seen(spread.impaired), at_risk=seen(spread.at_risk))


def dependencies(context: Context, application: Application, *, dependents: bool) -> list[Dependency]:
    """What an application needs, or what needs it."""
    picture = in_sight(context, context.rooms.topology.picture)
    node = application_id(application.id)
    edges = (picture.needed_by if dependents else picture.needs).get(node, ())
    found = [(picture.nodes[_other(one.edge, node)], one.edge) for one in edges]
    found.sort(key=lambda item: listed(item[0]))
    return [Dependency(node=node_type(other), need=edge.need, sources=_sources(edge.sources)) for other, edge in found]


def _other(edge: Edge, node: str) -> str:
    return edge.target if edge.origin == node else edge.origin


def causes_of(context: Context, application: Application) -> list[TopologyNodeType]:
    """The root causes of an application's impairment; what a viewer may not see of them is a node without a name."""
    node = application_id(application.id)
    if (found := context.rooms.topology.node(node)) is None or not found.causes:
        return []
    picture = in_sight(context, context.rooms.topology.picture)
    seen = picture.nodes.get(node)
    causes = () if seen is None else seen.causes
    return node_types(sorted((picture.nodes[one] for one in causes), key=listed))


async def topology_of(context: Context, scope: Path, wanted: TopologyFilter | None) -> TopologyType | None:
    """The graph of a scope, as far as it is in sight; None where the scope is not there, or not even its name is to be seen."""
    selection = select(await context.rooms.hierarchy.current(), scope)
    if selection is None or not context.viewer.scope.glimpses(scope):
        return None
    topology = context.rooms.topology
    await topology.settled(selection.clusters)
    selection = select(context.rooms.hierarchy.latest, scope)
    whole, position = in_sight(context, topology.picture), text_of(topology.feed, topology.feed.position)
    scoped = view_of(context, topology.picture, scope, selection, None)
    picture = filtered(scoped, filter_of(wanted))
    return TopologyType(whole=whole, scoped=scoped, picture=picture, scope=scope, position=position)


def view_of(
    context: Context, picture: Picture, scope: Path, selection: Selection | None, wanted: Filter | None
) -> Picture:
    """What of the graph is shown of a scope, which stands for a selection."""
    sight = in_sight(context, picture)
    return shown(sight, all_lying(sight, lying_in(scope, selection)), wanted=wanted)


def filter_of(wanted: TopologyFilter | None) -> Filter | None:
    """A filter in the graph's terms; None where it leaves everything."""
    if wanted is None:
        return None
    if wanted.depth is not None and wanted.depth < 0:
        raise BadRequest("`depth` is 0 or more.")
    found = Filter(
        focus=None if wanted.focus is None else graph_node(wanted.focus),
        depth=wanted.depth,
        direction=wanted.direction or Direction.BOTH,
        health=None if wanted.health is None else frozenset(wanted.health),
        kinds=None if wanted.kinds is None else frozenset(wanted.kinds),
        unhealthy_only=bool(wanted.unhealthy_only),
        unmanaged=wanted.unmanaged is not False,
    )
    return None if found == Filter() else found


def _application(context: Context, node: str) -> "ApplicationType | None":
    from .application import ApplicationType

    found = context.rooms.topology.application(node)
    if found is None or not context.viewer.scope.sees(found.path):
        return None
    catalogue = context.rooms.hierarchy.latest
    level = catalogue.by_id(found.id)
    return ApplicationType.of(catalogue, level) if isinstance(level, Application) else None
