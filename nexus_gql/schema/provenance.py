"""Effective settings in GraphQL: each value with where it was set and what it overrode."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from nexus_gql.hierarchy import (
    Catalogue,
    Effective,
    Frozen,
    Origin,
    OriginKind,
    Resolved,
    masked,
    masked_overrides,
)
from nexus_gql.paths import Path

from .context import Info
from .settings import Settings, own_settings

if TYPE_CHECKING:
    from .levels import Level

strawberry.enum(
    OriginKind, name="OriginKind", description="Which kind of level set a value; `DEFAULT`: none, it is Nexus's own."
)


@strawberry.type(name="Origin", description="Where a value was set.")
class OriginType:
    kind: OriginKind = strawberry.field(description="The kind of level.")
    path: Path | None = strawberry.field(description="The level that set it; null for Nexus's own defaults.")
    catalogue: strawberry.Private[Catalogue]

    @strawberry.field(description="The level itself; null for defaults, and where you may not open it.")
    def level(self, info: Info) -> Annotated["Level", strawberry.lazy(".levels")] | None:
        from .application import level_type

        level = None if self.path is None else self.catalogue.levels.get(self.path)
        if level is None or not info.context.viewer.scope.sees(level.path):
            return None
        return level_type(self.catalogue, level)


def _origin(catalogue: Catalogue, origin: Origin) -> OriginType:
    return OriginType(kind=origin.kind, path=origin.path, catalogue=catalogue)


@strawberry.type(description="A value that another level had set, and that does not hold here.")
class OverriddenValue:
    origin: OriginType = strawberry.field(description="The level that had set it.")
    value: JSON | None = strawberry.field(description="The value; null where that level had taken it away.")


@strawberry.type(
    description="One leaf of the effective settings. A key is the field's name and, for a named entry, the entry's name to the "
    "end: `image.tag`, `env.LOG_LEVEL`, `labels.app.kubernetes.io/part-of`."
)
class ResolvedValue:
    leaf: strawberry.Private[Resolved]
    catalogue: strawberry.Private[Catalogue]

    @strawberry.field(description="The leaf's key.")
    def key(self) -> str:
        return self.leaf.key

    @strawberry.field(description="The value, placeholders replaced; a secret shows as `{secret: true}`.")
    def value(self) -> JSON | None:
        value: JSON | None = masked(self.leaf.value)
        return value

    @strawberry.field(description="Whether the value is a secret, and so not shown.")
    def masked(self) -> bool:
        return self.leaf.is_secret

    @strawberry.field(description="The level that the value comes from.")
    def origin(self) -> OriginType:
        return _origin(self.catalogue, self.leaf.origin)

    @strawberry.field(description="What it overrode, nearest first.")
    def overrides(self) -> list[OverriddenValue]:
        return [
            OverriddenValue(origin=_origin(self.catalogue, origin), value=value)
            for origin, value in masked_overrides(self.leaf)
        ]


@strawberry.type(description="The settings in force: everything above merged in, each value with where it came from.")
class EffectiveSettings:
    resolved: strawberry.Private[Effective | Frozen]
    catalogue: strawberry.Private[Catalogue]

    @strawberry.field(description="The same as typed fields.")
    def settings(self) -> Settings:
        return own_settings(self.resolved.document, (self.catalogue, self.resolved.path))

    @strawberry.field(
        description="The merged document, placeholders replaced, secrets masked: the cheapest way to read many."
    )
    def document(self) -> JSON:
        return JSON(self.resolved.shape)

    @strawberry.field(description="Every leaf, sorted by key.")
    def values(self) -> list[ResolvedValue]:
        return [ResolvedValue(leaf=leaf, catalogue=self.catalogue) for leaf in self.resolved.values]

    @strawberry.field(description="One leaf; null where it is not set.")
    def value(self, key: str) -> ResolvedValue | None:
        leaf = self.resolved.value(key)
        return None if leaf is None else ResolvedValue(leaf=leaf, catalogue=self.catalogue)
