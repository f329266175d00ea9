"""Declaring and forgetting workflows."""

import strawberry

from nexus_gql.paths import Path
from nexus_gql.topology import NewWorkflow

from .context import Info
from .node import node_id
from .operation_mutations import DeletePayload
from .payloads import ProblemType, answered, nothing_done, was_done
from .requirement import require_level
from .workflows import WorkflowType, workflow_type


@strawberry.type(description="What became of a workflow.")
class WorkflowPayload:
    workflow: WorkflowType | None = strawberry.field(default=None, description="The workflow as it is now.")
    problems: list[ProblemType] = nothing_done()
    warnings: list[ProblemType] = was_done()


@strawberry.type
class WorkflowMutations:
    """Of workflows."""

    @strawberry.mutation(
        description="Declare what a workflow of an environment needs, or declare it anew: a consumer that Nexus does not deploy. "
        "Applications that nobody has declared yet may be among them. Needs DEPLOYER there."
    )
    async def declare_workflow(
        self,
        info: Info,
        environment: Path,
        name: str,
        requires: list[Path],
        display_name: str | None = None,
        url: str | None = None,
    ) -> WorkflowPayload:
        async def work() -> WorkflowPayload:
            await require_level(info.context, "declareWorkflow", environment, "environment")
            new = NewWorkflow(environment=environment, name=name, display_name=display_name, requires=requires, url=url)
            declared = await info.context.rooms.topology.workflows.declare(new)
            return WorkflowPayload(workflow=workflow_type(declared))

        return await answered(WorkflowPayload, work())

    @strawberry.mutation(description="Forget a workflow. Needs DEPLOYER at its environment.")
    async def remove_workflow(self, info: Info, environment: Path, name: str) -> DeletePayload:
        async def work() -> DeletePayload:
            await require_level(info.context, "removeWorkflow", environment, "environment")
            gone = await info.context.rooms.topology.workflows.remove(environment, name)
            return DeletePayload(deleted=node_id("Workflow", gone))

        return await answered(DeletePayload, work())
