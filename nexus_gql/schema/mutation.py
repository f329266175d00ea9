"""Every change. Each answers with a payload: what became of it, or the problems for which nothing was done."""

import strawberry

from .access_mutations import AccessMutations
from .cluster_mutations import ClusterMutations
from .level_mutations import LevelMutations
from .operation_mutations import OperationMutations
from .workflow_mutations import WorkflowMutations


@strawberry.type(description="Changes. Each answers with `problems` where it did nothing, so look at those.")
class Mutation(LevelMutations, OperationMutations, ClusterMutations, WorkflowMutations, AccessMutations):
    """All of them, subject by subject."""
