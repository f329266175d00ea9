"""Registering, changing and forgetting clusters."""

import strawberry

from nexus_gql.access import require
from nexus_gql.clusters import register, remove, update

from .clusters import ClusterInput, ClusterType, cluster_type, target_of
from .context import Info
from .node import node_id
from .operation_mutations import DeletePayload
from .payloads import ProblemType, answered, not_made, nothing_done, was_done


@strawberry.type(description="What became of a cluster.")
class ClusterPayload:
    cluster: ClusterType | None = not_made()
    problems: list[ProblemType] = nothing_done()
    warnings: list[ProblemType] = was_done()


@strawberry.type
class ClusterMutations:
    """Of clusters."""

    @strawberry.mutation(
        description="Register a cluster under a name; it is connected to first. Needs ADMIN everywhere."
    )
    async def register_cluster(self, info: Info, name: str, input: ClusterInput) -> ClusterPayload:  # noqa: A002
        async def work() -> ClusterPayload:
            require(info.context.viewer, "registerCluster", None, "name")
            return ClusterPayload(
                cluster=cluster_type(await register(info.context.rooms.fleet, name, target_of(input)))
            )

        return await answered(ClusterPayload, work())

    @strawberry.mutation(
        description="New credentials or another address for a cluster; what runs there stays. Needs ADMIN everywhere."
    )
    async def update_cluster(self, info: Info, name: str, input: ClusterInput) -> ClusterPayload:  # noqa: A002
        async def work() -> ClusterPayload:
            require(info.context.viewer, "updateCluster", None, "name")
            return ClusterPayload(cluster=cluster_type(await update(info.context.rooms.fleet, name, target_of(input))))

        return await answered(ClusterPayload, work())

    @strawberry.mutation(
        description="Forget a cluster; refused (IN_USE) while an environment is on it. What runs there goes on. Needs ADMIN "
        "everywhere."
    )
    async def remove_cluster(self, info: Info, name: str) -> DeletePayload:
        async def work() -> DeletePayload:
            require(info.context.viewer, "removeCluster", None, "name")
            gone = await remove(info.context.rooms.fleet, name)
            return DeletePayload(deleted=node_id("Cluster", str(gone)))

        return await answered(DeletePayload, work())
