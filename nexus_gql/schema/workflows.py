"""MDK workflows in GraphQL: consumers that Nexus does not deploy."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from nexus_gql.hierarchy import Application, Environment
from nexus_gql.paths import Path, within
from nexus_gql.topology import Impairment, Workflow, application_id, ready

from .context import Context, Info
from .node import Node, node_id

if TYPE_CHECKING:
    from .application import ApplicationType
    from .levels import EnvironmentType


@strawberry.type(description="One application that a workflow needs.")
class WorkflowRequirement:
    path: Path = strawberry.field(description="Where it is, or would be.")
    ready: bool = strawberry.field(description="Whether the workflow may call it now.")
    message: str = strawberry.field(description="Why, or why not, as a sentence.")

    @strawberry.field(description="null while nobody has declared it.")
    def application(self, info: Info) -> Annotated["ApplicationType", strawberry.lazy(".application")] | None:
        from .application import ApplicationType

        catalogue = info.context.rooms.hierarchy.latest
        found = catalogue.get(Application, self.path)
        if found is None or not info.context.viewer.scope.sees(self.path):
            return None
        return ApplicationType.of(catalogue, found)


@strawberry.type(
    name="Workflow",
    description="A consumer that Nexus does not deploy, such as an MDK workflow: what it needs, and whether it can run now.",
)
class WorkflowType(Node):
    workflow: strawberry.Private[Workflow]

    @strawberry.field(description="Unique in its environment; never changes.")
    def name(self) -> str:
        return self.workflow.name

    @strawberry.field(description="How people call it.")
    def display_name(self) -> str:
        return self.workflow.display_name

    @strawberry.field(description="Where it runs.")
    def environment(self, info: Info) -> Annotated["EnvironmentType", strawberry.lazy(".levels")]:
        from .levels import EnvironmentType

        catalogue = info.context.rooms.hierarchy.latest
        return EnvironmentType.of(catalogue, catalogue.levels[self.workflow.environment])

    @strawberry.field(description="The applications that it needs.")
    def requires(self, info: Info) -> list[WorkflowRequirement]:
        return _requirements(info.context, self.workflow)

    @strawberry.field(description="Whether all that it needs may be called now.")
    def ready(self, info: Info) -> bool:
        return all(one.ready for one in _requirements(info.context, self.workflow))

    @strawberry.field(description="What of it keeps it from running.")
    def blocked_by(self, info: Info) -> list[WorkflowRequirement]:
        return [one for one in _requirements(info.context, self.workflow) if not one.ready]

    @strawberry.field(description="Where people look at it.")
    def url(self) -> str | None:
        return self.workflow.url


def workflow_type(workflow: Workflow) -> WorkflowType:
    """A workflow as it is shown."""
    return WorkflowType(id=node_id("Workflow", workflow.id), workflow=workflow)


async def workflows_in(context: Context, scope: Path) -> list[WorkflowType]:
    """The workflows of a project that a viewer may see."""
    await context.rooms.topology.settled()
    found = context.rooms.topology.workflows.all()
    return [workflow_type(one) for one in found if within(scope, one.environment) and is_seen(context, one)]


async def workflow_at(context: Context, environment: Path, name: str) -> WorkflowType | None:
    """One workflow; None where it is not there or not to be seen."""
    await context.rooms.topology.settled()
    found = context.rooms.topology.workflows.named(environment, name)
    return None if found is None or not is_seen(context, found) else workflow_type(found)


def is_seen(context: Context, workflow: Workflow) -> bool:
    """Whether a workflow is a viewer's to see; one whose environment was just deleted is about to go with it."""
    there = context.rooms.hierarchy.latest.get(Environment, workflow.environment) is not None
    return there and context.viewer.scope.sees(workflow.environment)


def is_ready(context: Context, application: Application) -> bool:
    """Whether a workflow may call an application now. Looked up: nothing is computed for one."""
    state = context.rooms.live.applications.known(application).state
    return ready(state, impairment_of(context, application))


def impairment_of(context: Context, application: Application) -> Impairment:
    """What an application suffers from what it needs."""
    found = context.rooms.topology.node(application_id(application.id))
    return Impairment.NONE if found is None else found.impairment


def _requirements(context: Context, workflow: Workflow) -> list[WorkflowRequirement]:
    return [_requirement(context, path) for path in workflow.requires]


def _requirement(context: Context, path: Path) -> WorkflowRequirement:
    application = context.rooms.hierarchy.latest.get(Application, path)
    if application is None or not context.viewer.scope.sees(path):
        return WorkflowRequirement(
            path=path, ready=False, message=f"Nobody has declared `{path}`, or you may not see it."
        )
    if is_ready(context, application):
        return WorkflowRequirement(path=path, ready=True, message="It is ready.")
    state = context.rooms.live.applications.known(application).state
    if not state.serving or state.stale:
        return WorkflowRequirement(path=path, ready=False, message=state.verdict.message)
    from .topology import causes_of

    causes = causes_of(context, application)
    names = [name for one in causes if (name := one.shown.node.path or one.shown.node.label)]
    message = (
        f"It runs, but what it requires does not: {', '.join(names)}." if names else "What it requires does not run."
    )
    return WorkflowRequirement(path=path, ready=False, message=message)
