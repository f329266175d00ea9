"""Server-side apply: a document that declares some fields is merged into an object, and its manager owns them from then on.

As structured-merge-diff does it: what the manager declared before and no longer declares goes, where nobody else owns it;
what another manager owns and the document would change is a conflict.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nexus_gql.sandbox import field_sets
from nexus_gql.sandbox.field_sets import Tree, has_itself
from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.managed_fields import UNMANAGED, Managers, Writer, ordered, rooted, taken, view
from nexus_gql.sandbox.refusals import Object, Refusal
from nexus_gql.sandbox.schema import ANY, Type, struct

_FIRST = "before-first-apply"


@dataclass(frozen=True, slots=True)
class Applied:
    """What an object becomes, before defaults, and who manages it then."""

    object: Object
    managers: Managers


def apply(kind: Kind, live: Object, document: Object, managers: Managers, writer: Writer, *, force: bool) -> Applied:
    """Merge the document into the live object (`{}` for a new one); a Refusal names the conflicts."""
    type_ = struct(kind.name)
    before, wanted = view(live, writer.subresource), view(document, writer.subresource)
    managers = _adopted(type_, before, managers, writer)
    last: Tree = next((entry["fieldsV1"] for entry in managers if writer.wrote(entry)), {})
    others = [entry for entry in managers if not writer.wrote(entry)]
    declared = field_sets.declared(type_, wanted)

    after = merged(type_, before, wanted)
    if last:
        after = pruned(type_, after, last, _all([declared, *(entry["fieldsV1"] for entry in others)]))
    changed, removed = field_sets.compared(type_, before, after)
    if changed and not force:
        _refuse_conflicts(others, changed)
    left = [(entry, taken(entry["fieldsV1"], changed, removed)) for entry in others]
    found = [
        entry if fields is entry["fieldsV1"] else {**entry, "fieldsV1": fields} for entry, fields in left if fields
    ]
    if declared:
        found.append(writer.entry(declared))
    return Applied(_whole(live, after, writer.subresource), ordered(found))


def _whole(live: Object, after: Object, subresource: str | None) -> Object:
    """The merged part in its object: the fields that nobody manages stay as they are."""
    if subresource == "status":
        return {**live, "status": after.get("status", {})}
    kept: Object = {name: live[name] for name in ("kind", "apiVersion", "status") if name in live}
    own = {name: value for name, value in live.get("metadata", {}).items() if name in UNMANAGED}
    return {**kept, **after, "metadata": {**own, **after.get("metadata", {})}}


def _adopted(type_: Type, before: Object, managers: Managers, writer: Writer) -> Managers:
    """An object from before anybody managed anything belongs to one manager who stands for its past."""
    if managers or not {name for name, value in before.items() if value}:
        return managers
    past = Writer(_FIRST, writer.api_version, writer.subresource, writer.time)
    return [past.entry(rooted(field_sets.whole(type_, before)))]


def _all(trees: Iterable[Tree]) -> Tree:
    found: Tree = {}
    for tree in trees:
        found = rooted(field_sets.union(found, tree))
    return found


# ── conflicts ──


def _refuse_conflicts(others: Managers, changed: Tree) -> None:
    found = [
        (_named(entry), path)
        for entry in others
        if (both := field_sets.intersection(entry["fieldsV1"], changed))
        for path in field_sets.paths(rooted(both))
    ]
    if not found:
        return
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": path}
        for manager, path in found
    ]
    raise Refusal(409, "Conflict", _conflict_message(found), {"causes": causes})


def _conflict_message(found: list[tuple[str, str]]) -> str:
    if len(found) == 1:
        return f"Apply failed with 1 conflict: conflict with {found[0][0]}: {found[0][1]}"
    lines: list[str] = []
    for manager in sorted({manager for manager, _ in found}):
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {path}" for one, path in found if one == manager]
    return f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)


def _named(entry: Object) -> str:
    name = f'"{entry["manager"]}"'
    if entry["operation"] != "Update":
        return name
    through = f' with subresource "{entry["subresource"]}"' if entry.get("subresource") else ""
    return f"{name}{through} using {entry['apiVersion']}"


# ── merging ──


def merged(type_: Type, live: Any, wanted: Any) -> Any:
    """The live value with what is wanted laid over it."""
    if type_.atomic:
        return wanted
    if isinstance(live, list) and isinstance(wanted, list):
        return _merged_list(type_, live, wanted)
    if not isinstance(live, dict) or not isinstance(wanted, dict):
        return wanted
    found = dict(live)
    for name, value in wanted.items():
        below = _below(type_, name)
        found[name] = merged(below, live[name], value) if name in live else value
    return found


def _below(type_: Type, name: str) -> Type:
    if type_.shape == "struct":
        field = type_.fields.get(name)
        return ANY if field is None else field.type
    return type_.item


def _merged_list(type_: Type, live: list[Any], wanted: list[Any]) -> list[Any]:
    """Wanted items in their order; live ones that nobody wants stay where they stand between those that both have."""
    old, new = field_sets.indexed(type_, live), field_sets.indexed(type_, wanted)
    shared = [key for key in new if key in old]
    left, right = list(old), list(new)
    found: list[Any] = []
    while left or right:
        if left and right and left[0] == right[0]:
            key = left.pop(0)
            right.pop(0)
            shared = [one for one in shared if one != key]
            found.append(merged(type_.item, old[key], new[key]))
        elif left and left[0] in new and (not right or not shared or left[0] != shared[0]):
            left.pop(0)  # both have it, and it comes when the wanted order says so
        elif left and left[0] not in new:
            found.append(old[left.pop(0)])
        else:
            key = right.pop(0)
            shared = [one for one in shared if one != key]
            found.append(merged(type_.item, old[key], new[key]) if key in old else new[key])
    return found


# ── giving up ──


def pruned(type_: Type, value: Any, last: Tree, kept: Tree) -> Any:
    """The value without what its manager declared last and nobody declares any more."""
    if type_.atomic or not isinstance(value, (dict, list)):
        return value
    if isinstance(value, list):
        items = field_sets.indexed(type_, value)
        found_items = (
            (key, _pruned_one(type_.item, key, item, last, kept, named=False)) for key, item in items.items()
        )
        return [item for _, item in found_items if item is not _GONE]
    found: Object = {}
    for name, item in value.items():
        left = _pruned_one(_below(type_, name), f"f:{name}", item, last, kept, named=type_.shape == "struct")
        if left is not _GONE:
            found[name] = left
    return found


_GONE = object()


def _pruned_one(type_: Type, key: str, item: Any, last: Tree, kept: Tree, *, named: bool) -> Any:
    """`named`: a struct's field is in a set also when only something below it is; an item or an entry is not."""
    mine, theirs = last.get(key), kept.get(key)
    if mine is None:
        return item
    in_mine = named or has_itself(mine)
    in_theirs = theirs is not None and (named or has_itself(theirs))
    if in_mine and not in_theirs:
        return _GONE
    return pruned(type_, item, mine, theirs or {})
