"""Deployed revisions in GraphQL."""

from typing import TYPE_CHECKING, Annotated

import strawberry
import yaml

from nexus_gql.hierarchy import Application
from nexus_gql.problems import NotFound
from nexus_gql.workloads import Manifest, OperationStatus, Revision

from .context import Info
from .node import Node, node_id
from .provenance import EffectiveSettings
from .scalars import Instant

if TYPE_CHECKING:
    from .application import ApplicationType

strawberry.enum(
    OperationStatus,
    name="OperationStatus",
    description="How far an operation is. `SUPERSEDED`: a newer one took its place; what it had applied stays.",
)


@strawberry.type(name="Manifest", description="One Kubernetes object as it is applied.")
class ManifestType:
    api_version: str
    kind: str
    name: str
    namespace: str | None
    yaml: str = strawberry.field(description="The whole object; secrets show as `(secret)`.")


def manifest_type(manifest: Manifest) -> ManifestType:
    """A manifest as it is shown."""
    return ManifestType(
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        name=manifest["metadata"]["name"],
        namespace=manifest["metadata"]["namespace"],
        yaml=yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True),
    )


@strawberry.type(
    description="What was deployed, frozen: the settings as they were resolved and the manifests as they were applied."
)
class DeployedRevision(Node):
    frozen: strawberry.Private[Revision]

    @strawberry.field(description="Counts up for each application.")
    def number(self) -> int:
        return self.frozen.number

    @strawberry.field
    def application(self, info: Info) -> Annotated["ApplicationType", strawberry.lazy(".application")]:
        from .application import ApplicationType

        catalogue = info.context.rooms.hierarchy.latest
        level = catalogue.by_id(self.frozen.application_id)
        if not isinstance(level, Application):
            raise NotFound("Its application was deleted just now.")
        return ApplicationType.of(catalogue, level)

    @strawberry.field(description="The image as it was declared.")
    def image(self) -> str:
        return self.frozen.image

    @strawberry.field(description="Which image that turned out to be; null until a pod of it was ready.")
    def image_digest(self) -> str | None:
        return self.frozen.image_digest

    @strawberry.field(description="The settings as they were resolved then.")
    def settings(self, info: Info) -> EffectiveSettings:
        return EffectiveSettings(resolved=self.frozen.settings, catalogue=info.context.rooms.hierarchy.latest)

    @strawberry.field(description="The Kubernetes objects that it is made of, in the order in which they are applied.")
    def manifests(self) -> list[ManifestType]:
        return [manifest_type(manifest) for manifest in self.frozen.manifests]

    @strawberry.field
    def deployed_by(self) -> str:
        return self.frozen.deployed_by

    @strawberry.field
    def deployed_at(self) -> Instant:
        return Instant(self.frozen.deployed_at)

    @strawberry.field
    def reason(self) -> str | None:
        return self.frozen.reason

    @strawberry.field(description="Whether this is what is on the cluster now.")
    def current(self, info: Info) -> bool:
        level = info.context.rooms.hierarchy.latest.by_id(self.frozen.application_id)
        return isinstance(level, Application) and level.revision == self.frozen.number

    @strawberry.field(description="How the operation that deployed it ended, or how far it is.")
    def outcome(self) -> OperationStatus:
        return OperationStatus(self.frozen.outcome)


def revision_type(frozen: Revision) -> DeployedRevision:
    """A revision as it is shown."""
    return DeployedRevision(id=node_id("DeployedRevision", frozen.id), frozen=frozen)
