"""How two sets of settings differ, field by field and as text."""

from collections.abc import Iterator
from difflib import unified_diff
from enum import Enum

import strawberry
import yaml
from strawberry.scalars import JSON

from nexus_gql.hierarchy import Effective, LeafChange, compare


@strawberry.enum(description="What became of a field.")
class ChangeAction(Enum):
    ADD = "ADD"
    CHANGE = "CHANGE"
    REMOVE = "REMOVE"
    REPLACE = "REPLACE"


@strawberry.type(description="One field that is not the same.")
class FieldChange:
    object: str = strawberry.field(description="What has the field: an application's path, or a Kubernetes object.")
    field: str = strawberry.field(
        description="The field: a setting's key such as `image.tag`, or its place in the object."
    )
    action: ChangeAction = strawberry.field(description="What became of it.")
    before: JSON | None = strawberry.field(description="What it was; null where it was not there.")
    after: JSON | None = strawberry.field(description="What it is; null where it is not there.")


@strawberry.type(description="Changes by field, and as a text. Secrets are masked: two of them never differ here.")
class Diff:
    changes: list[FieldChange] = strawberry.field(description="Every field that is not the same, in order.")
    text: str = strawberry.field(description="A unified diff of the YAML; empty where nothing differs.")

    @strawberry.field(description="Whether nothing differs.")
    def empty(self) -> bool:
        return not self.changes


def settings_diff(before: Effective, after: Effective) -> Diff:
    """From the effective settings of one application to those of another, or of the same one later."""
    changes = [_change(after.path, change) for change in compare(before.document, after.document)]
    return Diff(changes=changes, text="".join(_text(before, after)))


def _change(path: str, change: LeafChange) -> FieldChange:
    if change.before is None:
        action = ChangeAction.ADD
    else:
        action = ChangeAction.REMOVE if change.after is None else ChangeAction.CHANGE
    return FieldChange(object=path, field=change.key, action=action, before=change.before, after=change.after)


class _Dumper(yaml.SafeDumper):
    """Writes out what stands in two places: all secrets are masked alike, and the second is no `*id001` of the first."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML calls it so
        return True


def _text(before: Effective, after: Effective) -> Iterator[str]:
    """Built from the masked shapes, which hold no secret's reference either."""
    old, new = (
        yaml.dump(settings.shape, Dumper=_Dumper, sort_keys=False, allow_unicode=True).splitlines(keepends=True)
        for settings in (before, after)
    )
    yield from unified_diff(old, new, fromfile=before.path, tofile=after.path)
