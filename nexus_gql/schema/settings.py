"""Settings in GraphQL: a level's own, and the patch that changes them; both follow from the declaration."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.scalars import JSON

from nexus_gql.hierarchy import (
    SETTINGS,
    Application,
    Catalogue,
    Document,
    Group,
    Named,
    Single,
    entries,
    nested,
    removed,
)
from nexus_gql.paths import MalformedPath, Path, depth, parse, resolve_reference
from nexus_gql.workloads import service_address

from .context import Info
from .scalars import ApplicationRef, Instant
from .setting_values import Values, list_of, shape_of

if TYPE_CHECKING:
    from .application import ApplicationType


@strawberry.type(name="TextValue", description="A plain text.")
class TextValue:
    text: str = strawberry.field(description="The text, placeholders as they were written at the level's own settings.")


@strawberry.type(name="SecretValue", description="A secret that Nexus keeps encrypted and never returns.")
class SecretValue:
    reference: strawberry.Private[str]

    @strawberry.field(name="set", description="Always true: it is set. What it is, nobody is told.")
    def is_set(self) -> bool:
        return True

    @strawberry.field(description="When it was set; null where it was replaced since.")
    async def set_at(self, info: Info) -> Instant | None:
        row = await info.context.secrets.load(self.reference)
        return None if row is None else Instant(row.set_at)

    @strawberry.field(description="Who set it; null where it was replaced since.")
    async def set_by(self, info: Info) -> str | None:
        row = await info.context.secrets.load(self.reference)
        return None if row is None else row.set_by


@strawberry.type(name="SecretKeyValue", description="A key of a Secret that already exists on the cluster.")
class SecretKeyValue:
    secret: str = strawberry.field(description="The Secret's name, in the namespace that the application runs in.")
    key: str = strawberry.field(description="The key in it.")


@strawberry.type(name="ServiceValue", description="The address of another application, found at deployment.")
class ServiceValue:
    ref: ApplicationRef = strawberry.field(description="The other application, as it was written.")
    port: str | None = strawberry.field(description="The port's name; null: `http`, else its first.")
    seen_from: strawberry.Private["tuple[Catalogue, Path] | None"] = None

    def _other(self, info: Info) -> tuple[Catalogue, Application] | None:
        if self.seen_from is None:
            return None
        catalogue, path = self.seen_from
        target = _target(self.ref, path)
        other = catalogue.get(Application, target)
        return None if other is None or not info.context.viewer.scope.sees(other.path) else (catalogue, other)

    @strawberry.field(
        description="What the variable holds once deployed; null where the application is not there, or the level that is "
        "looked at cannot tell which one is meant."
    )
    def url(self, info: Info) -> str | None:
        found = self._other(info)
        return None if found is None else service_address(*found, self.port)

    @strawberry.field(description="The other application; null where it is not there, or not to be seen.")
    def application(self, info: Info) -> Annotated["ApplicationType", strawberry.lazy(".application")] | None:
        from .application import ApplicationType

        found = self._other(info)
        return None if found is None else ApplicationType.of(*found)


def _target(ref: str, path: Path) -> Path | None:
    """The application that a reference means, as far as the level tells: one above applications knows only full ones."""
    try:
        return resolve_reference(ref, path) if depth(path) == 4 else parse(ref)
    except MalformedPath:
        return None


EnvValue = Annotated[
    TextValue | SecretValue | SecretKeyValue | ServiceValue,
    strawberry.union(
        "EnvValue",
        description="What an environment variable holds: a text, a secret, a key of an existing Secret, or another "
        "application's address.",
    ),
]


def _env_value(value: Any) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "text":
            return TextValue(text=content)
        case "secret":
            return SecretValue(reference=content)
        case "secretKey":
            return SecretKeyValue(**content)
        case _:
            return ServiceValue(ref=content["ref"], port=content.get("port"))


_VALUES = Values({"EnvValue": (EnvValue, _env_value)})


def _single(setting: Single) -> Any:
    made, read = _VALUES.output(setting.kind)

    def resolve(root: Any) -> Any:
        value = root.leaves.get(setting.name)
        return None if value is None else read(value)

    return strawberry.field(resolver=resolve, graphql_type=made | None, name=setting.name, description=setting.doc)


def _group(setting: Group) -> Any:
    made, read = _VALUES.group(setting)

    def resolve(root: Any) -> Any:
        inner = entries(root.leaves, setting.name)
        return read(inner) if any(value is not None for value in inner.values()) else None

    return strawberry.field(resolver=resolve, graphql_type=made | None, name=setting.name, description=setting.doc)


def _named(setting: Named) -> Any:
    made, read = _VALUES.entry(setting)

    def resolve(root: Any) -> Any:
        found = sorted(entries(root.leaves, setting.name).items())
        shown = [read(name, value) for name, value in found if value is not None]
        for entry in shown:
            if isinstance(getattr(entry, "value", None), ServiceValue):
                entry.value.seen_from = root.seen_from
        return shown

    return strawberry.field(resolver=resolve, graphql_type=list_of(made), name=setting.name, description=setting.doc)


def _field(setting: Single | Group | Named) -> Any:
    if isinstance(setting, Single):
        return _single(setting)
    return _group(setting) if isinstance(setting, Group) else _named(setting)


def _document(root: Any) -> JSON:
    return JSON(nested(root.leaves, SETTINGS))


def _removed(root: Any) -> list[str]:
    return removed(root.leaves)


_DOCUMENT = "The stored document as it is, secrets masked: groups and lists of named entries as maps, what is taken away as null."
_COLUMNS = {setting.name: _field(setting) for setting in SETTINGS} | {
    "document": strawberry.field(resolver=_document, description=_DOCUMENT),
    "removed": strawberry.field(
        resolver=_removed, description="Keys that this level takes away from what it inherits, sorted."
    ),
}


def _private(made: Any) -> Any:
    """What the type's instances hold and GraphQL does not see."""
    private: Any = strawberry.Private
    return private[made]


Settings: Any = strawberry.type(
    type(
        "Settings",
        (),
        {
            "__annotations__": {
                "leaves": _private(Document),
                "seen_from": _private(tuple[Catalogue, Path] | None),
            },
            **_COLUMNS,
        },
    ),
    name="Settings",
    description="Settings as they are set: null or absent means that nothing is set here. Fields of `image`, `rollout`, "
    "`resources`, `probes` and `securityContext` merge with those above one by one, lists of named entries by name (an entry "
    "is replaced whole), everything else is replaced. `tag` or `repository` without `digest` drops an inherited digest, "
    "`command` without `args` inherited args. `${project}`, `${environment}`, `${namespace}` and `${application}` stand for "
    "names in any text but secrets; `$${project}` writes it out.",
)


def own_settings(document: Document, seen_from: tuple[Catalogue, Path] | None) -> Any:
    """A document as `Settings` shows it."""
    return Settings(leaves=document, seen_from=seen_from)


def _patch_field(setting: Single | Group | Named) -> tuple[Any, str]:
    if isinstance(setting, Single):
        return _VALUES.input(setting.kind) | None, setting.doc
    if isinstance(setting, Group):
        return _VALUES.group_input(setting) | None, setting.doc
    return list_of(_VALUES.entry_input(setting)) | None, setting.doc


_INHERIT = "Keys whose own value this level drops, so that what is above shows again: `env.LOG_LEVEL`, `image`."
_REMOVE = "Keys that this level takes away from what it inherits: `env.LOG_LEVEL`, `ports`."
_PATCH = {setting.name: _patch_field(setting) for setting in SETTINGS}
_PATCH |= {"inherit": (list[str] | None, _INHERIT), "remove": (list[str] | None, _REMOVE)}

SettingsPatch: Any = strawberry.input(
    type(
        "SettingsPatch",
        (),
        {
            "__annotations__": {name: made for name, (made, _) in _PATCH.items()},
            **{name: strawberry.field(description=doc, default=strawberry.UNSET) for name, (_, doc) in _PATCH.items()},
        },
    ),
    name="SettingsPatch",
    description="A change of one level's settings. What is absent stays; null is as naming the key in `inherit`. An empty list "
    "of named entries changes nothing; an empty `command` or `args` is a value. A key that is set and also named in `inherit` or "
    "`remove`, or in both, is INVALID.",
)


def patch_shape(patch: Any) -> dict[str, Any]:
    """A patch as `hierarchy` reads it."""
    shape: dict[str, Any] = {} if patch is None or patch is strawberry.UNSET else shape_of(patch)
    return shape
