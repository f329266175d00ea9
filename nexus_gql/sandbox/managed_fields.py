"""Who manages which field: the entries of `metadata.managedFields`, kept up with each write.

A write takes what it adds or changes from everyone else; what it removes nobody manages any more.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from nexus_gql.sandbox import field_sets
from nexus_gql.sandbox.field_sets import Tree
from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.refusals import Object
from nexus_gql.sandbox.schema import struct

Managers = list[Object]
"""The entries as they stand in an object. Nobody changes one: it is shared with every version of the object."""

APPLY = "Apply"
UPDATE = "Update"
UNMANAGED = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
    }
)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, in which version of the API, through which subresource, and when."""

    manager: str
    api_version: str
    subresource: str | None
    time: str
    operation: str = UPDATE

    def wrote(self, entry: Object) -> bool:
        """The entry is this writer's; an applier's is, whichever version it used."""
        return (
            entry["manager"] == self.manager
            and entry["operation"] == self.operation
            and entry.get("subresource") == self.subresource
            and (self.operation == APPLY or entry["apiVersion"] == self.api_version)
        )

    def entry(self, fields: Tree, time: str | None = None) -> Object:
        """The entry that says so."""
        found: Object = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": time or self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": _shared(fields),
        }
        if self.subresource:
            found["subresource"] = self.subresource
        return found


_encode = msgspec.json.Encoder().encode
_ALIKE = 4096
_known: dict[bytes, Tree] = {}


def _shared(fields: Tree) -> Tree:
    """One set for all objects whose sets are equal: ten thousand pods of one template would else hold a million dicts."""
    key = _encode(fields)
    found = _known.pop(key, fields)
    _known[key] = found
    if len(_known) > _ALIKE:
        del _known[next(iter(_known))]
    return found


def view(obj: Object, subresource: str | None) -> Object:
    """The part of an object that a write through that way can manage."""
    if subresource == "status":
        found = {"status": obj["status"]} if "status" in obj else {}
        annotations = obj.get("metadata", {}).get("annotations")
        return {**found, "metadata": {"annotations": annotations}} if annotations else found
    found = {name: value for name, value in obj.items() if name not in {"kind", "apiVersion", "metadata", "status"}}
    metadata = {name: value for name, value in obj.get("metadata", {}).items() if name not in UNMANAGED}
    return {**found, "metadata": metadata} if metadata else found


def created(kind: Kind, obj: Object, writer: Writer) -> Managers:
    """The entries of a new object: all that is in it is its writer's."""
    return updated(kind, {}, obj, [], writer)


def updated(kind: Kind, old: Object, new: Object, managers: Managers, writer: Writer) -> Managers:
    """The entries after a write that made the old object the new one; the very same list where no field changed hands."""
    part = writer.subresource
    changed, removed = field_sets.compared(struct(kind.name), view(old, part), view(new, part))
    if changed is None and removed is None:
        return managers
    found: Managers = []
    own: Tree = {}
    time = None
    for entry in managers:
        left = taken(entry["fieldsV1"], changed, removed)
        if writer.wrote(entry):
            own, time = left or {}, entry.get("time")
        elif left is not None:
            found.append(entry if left is entry["fieldsV1"] else {**entry, "fieldsV1": left})
    if changed is not None:
        own, time = rooted(field_sets.union(own, changed)), writer.time
    if own:
        found.append(writer.entry(own, time))
    return ordered(found)


def taken(fields: Tree, changed: Tree | None, removed: Tree | None) -> Tree | None:
    """What is left of a set when others took some of it; the same set where they took nothing."""
    left: Tree | None = fields
    for others in (changed, removed):
        if left and others and field_sets.intersection(left, others):
            left = field_sets.difference(left, others)
    return left or None


def rooted(tree: Tree) -> Tree:
    """A set of a whole object, whose root is no field."""
    return {key: below for key, below in tree.items() if key != field_sets.SELF}


def ordered(managers: Managers) -> Managers:
    """The entries as they are written: appliers first, then by time and name."""
    return sorted(managers, key=_order)


def _order(entry: Object) -> tuple[str, str, str, str, str]:
    return (
        entry["operation"],
        entry.get("time", ""),
        entry["manager"],
        entry["apiVersion"],
        entry.get("subresource", ""),
    )


def same(one: Managers, other: Managers) -> bool:
    """The same managers manage the same fields, whenever they last wrote."""
    return one is other or _timeless(one) == _timeless(other)


def _timeless(managers: Managers) -> list[tuple[tuple[Any, ...], Tree]]:
    found = [
        ((entry["operation"], entry["manager"], entry["apiVersion"], entry.get("subresource", "")), entry["fieldsV1"])
        for entry in managers
    ]
    return sorted(found, key=lambda pair: pair[0])


def decoded(entries: list[Object] | None) -> Managers:
    """The entries of an object; those that hold nothing are no entries (that is how a client clears them)."""
    return [entry for entry in entries or [] if entry.get("manager") and entry.get("fieldsV1") is not None]
