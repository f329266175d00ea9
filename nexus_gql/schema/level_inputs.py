"""What levels are made with, and what is changed of them."""

import strawberry

from nexus_gql.hierarchy import ApplicationKind, Concern, Stage
from nexus_gql.paths import Path

from .clusters import ClusterInput
from .settings import SettingsPatch

_NAME = "A DNS label: lower-case letters, digits and hyphens. It never changes."
_DISPLAY_NAME = "How people call it; without it the name."


@strawberry.input(description="A new project.")
class CreateProjectInput:
    name: str = strawberry.field(description=_NAME)
    display_name: str | None = strawberry.field(default=None, description=_DISPLAY_NAME)
    description: str | None = None
    settings: SettingsPatch | None = strawberry.field(default=None, description="Settings to begin with.")


@strawberry.input(
    description="A new environment. cluster: the name of a registered one. connect: registers it, or takes the one that is "
    "registered, in the same step. Neither: a LOCAL environment takes the only KinD cluster of the Docker engine."
)
class CreateEnvironmentInput:
    project: Path
    name: str = strawberry.field(description=_NAME)
    display_name: str | None = strawberry.field(default=None, description=_DISPLAY_NAME)
    description: str | None = None
    stage: Stage | None = strawberry.field(default=Stage.DEVELOPMENT, description="What it is for.")
    cluster: str | None = strawberry.field(default=None, description="The name of a registered cluster.")
    connect: ClusterInput | None = strawberry.field(default=None, description="A cluster to register.")
    settings: SettingsPatch | None = strawberry.field(default=None, description="Settings to begin with.")


@strawberry.input(description="A new namespace.")
class CreateNamespaceInput:
    environment: Path
    name: str = strawberry.field(description=_NAME)
    display_name: str | None = strawberry.field(default=None, description=_DISPLAY_NAME)
    description: str | None = None
    concern: Concern | None = strawberry.field(default=Concern.OTHER, description="What it holds.")
    kubernetes_name: str | None = strawberry.field(
        default=None,
        description="Its name on the cluster; without it `<project>-<environment>-<namespace>`. Another needs ADMIN everywhere.",
    )
    settings: SettingsPatch | None = strawberry.field(default=None, description="Settings to begin with.")


@strawberry.input(description="A new application.")
class CreateApplicationInput:
    namespace: Path
    name: str = strawberry.field(description=_NAME)
    display_name: str | None = strawberry.field(default=None, description=_DISPLAY_NAME)
    description: str | None = None
    kind: ApplicationKind | None = strawberry.field(
        default=ApplicationKind.SERVICE, description="What it is; decides its defaults."
    )
    settings: SettingsPatch | None = strawberry.field(default=None, description="Settings to begin with.")


@strawberry.input(description="What becomes different; what is absent stays. null takes back what can be absent.")
class UpdateLevelInput:
    display_name: str | None = strawberry.field(default=strawberry.UNSET, description="Of any level; null: the name.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="Of any level.")
    stage: Stage | None = strawberry.field(default=strawberry.UNSET, description="Of an environment.")
    cluster: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Of an environment, while nothing runs there: a registered cluster's name.",
    )
    concern: Concern | None = strawberry.field(default=strawberry.UNSET, description="Of a namespace.")
    kind: ApplicationKind | None = strawberry.field(default=strawberry.UNSET, description="Of an application.")
