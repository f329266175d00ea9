"""Sets of fields, as managed fields write them: trees whose keys are `f:name`, `k:{…}`, `v:…`, and `.` for the node itself.

A node with nothing below it stands for itself; one with something below it does so only where it holds `.`.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from nexus_gql.sandbox.schema import ANY, ZERO, Field, Type

Tree = dict[str, Any]
SELF = "."


def has_itself(tree: Tree) -> bool:
    """The node itself is in the set, not only something below it."""
    return not tree or SELF in tree


def union(one: Tree, other: Tree) -> Tree:
    """What is in either."""
    if not one and not other:
        return {}
    found: Tree = {SELF: {}} if has_itself(one) or has_itself(other) else {}
    for key, below in one.items():
        if key != SELF:
            found[key] = union(below, other[key]) if key in other else below
    for key, below in other.items():
        if key != SELF and key not in one:
            found[key] = below
    return found


def difference(one: Tree, other: Tree) -> Tree | None:
    """What is in the first only; None where nothing is left."""
    below: Tree = {}
    for key, item in one.items():
        if key == SELF:
            continue
        left = difference(item, other[key]) if key in other else item
        if left is not None:
            below[key] = left
    return _node(below, itself=has_itself(one) and not has_itself(other))


def intersection(one: Tree, other: Tree) -> Tree | None:
    """What is in both; None where nothing is."""
    below: Tree = {}
    for key, item in one.items():
        if key != SELF and key in other:
            both = intersection(item, other[key])
            if both is not None:
                below[key] = both
    return _node(below, itself=has_itself(one) and has_itself(other))


def _node(below: Tree, *, itself: bool) -> Tree | None:
    if not below:
        return {} if itself else None
    return {SELF: {}, **below} if itself else below


def ordered(tree: Tree) -> Tree:
    """The same set with its keys in order, as it is written."""
    return {key: ordered(tree[key]) for key in sorted(tree)}


def paths(tree: Tree, prefix: str = "") -> Iterator[str]:
    """Each member as messages show it: `.spec.containers[name="c"].image`."""
    if prefix and has_itself(tree):
        yield prefix
    for key in sorted(tree):
        if key != SELF:
            yield from paths(tree[key], prefix + shown(key))


def shown(key: str) -> str:
    """One step of a path as messages show it."""
    mark, rest = key[0], key[2:]
    if mark == "f":
        return f".{rest}"
    if mark == "k":
        return "[" + ",".join(f"{name}={json.dumps(value)}" for name, value in json.loads(rest).items()) + "]"
    return f"[={rest}]" if mark == "v" else f"[{rest}]"


def item_key(type_: Type, item: Any) -> str:
    """How an item of a list is known among the others."""
    if type_.unique:
        return "v:" + json.dumps(item)
    fields = type_.item.fields
    key = {}
    for name in sorted(type_.keys):
        key[name] = item.get(name, _absent(fields[name]))
    return "k:" + json.dumps(key, separators=(",", ":"))


def _absent(field: Field) -> Any:
    """What a key that an item does not have stands for."""
    return ZERO.get(field.type.shape) if field.default is None else field.default


def indexed(type_: Type, items: list[Any]) -> dict[str, Any]:
    """The items of a list by what they are known by; of two that share it, the first."""
    if len(type_.keys) == 1 and not type_.unique:
        name = type_.keys[0]
        absent = _absent(type_.item.fields[name])
        quick = {f'k:{{"{name}":{json.dumps(item.get(name, absent))}}}': item for item in reversed(items)}
        return dict(reversed(quick.items()))
    found: dict[str, Any] = {}
    for item in items:
        found.setdefault(item_key(type_, item), item)
    return found


# ── what a value holds ──


def declared(type_: Type, value: Any) -> Tree:
    """The fields that an applied document declares: its leaves, the items of its lists, the entries of its maps."""
    if _is_leaf(type_, value):
        return {}
    if type_.shape == "list":
        return {key: _with_itself(declared(type_.item, item)) for key, item in indexed(type_, value).items()}
    found: Tree = {}
    for name, item in value.items():
        below = _below(type_, name)
        if item is None or (isinstance(item, dict) and not item):
            found[f"f:{name}"] = {}
            continue
        if isinstance(item, list) and not item and not below.atomic:
            continue
        tree = declared(below, item)
        if _is_leaf(below, item) or tree:
            found[f"f:{name}"] = tree if type_.shape == "struct" else _with_itself(tree)
    return found


def whole(type_: Type, value: Any) -> Tree:
    """All fields of a value that is new, itself included."""
    if _is_leaf(type_, value):
        return {}
    found: Tree = {SELF: {}}
    if type_.shape == "list":
        found |= {key: whole(type_.item, item) for key, item in indexed(type_, value).items()}
        if len(found) <= len(value):
            found |= {key: {} for key in _repeated(type_, value)}
    else:
        found |= {f"f:{name}": whole(_below(type_, name), item) for name, item in value.items()}
    return found if len(found) > 1 else {}


def _repeated(type_: Type, items: list[Any]) -> set[str]:
    """What several items share: of such items only that they are there can be owned."""
    keys = Counter(item_key(type_, item) for item in items)
    return {key for key, count in keys.items() if count > 1}


def _with_itself(tree: Tree) -> Tree:
    return {SELF: {}, **tree} if tree else tree


def _is_leaf(type_: Type, value: Any) -> bool:
    return type_.atomic or value is None or not isinstance(value, (dict, list))


def _below(type_: Type, name: str) -> Type:
    if type_.shape == "struct":
        field = type_.fields.get(name)
        return ANY if field is None else field.type
    return type_.item


# ── what differs between two values ──


def compared(type_: Type, old: Any, new: Any) -> tuple[Tree | None, Tree | None]:
    """Which fields were added or changed, and which are no longer there; None for none."""
    if old is new:
        return None, None
    if _is_leaf(type_, old) or _is_leaf(type_, new):
        return (None if old == new else {}), None
    if type_.shape == "list":
        return _children(_Sides(indexed(type_, old), indexed(type_, new)), lambda _: (type_.item, False), "")
    if type_.shape == "map":
        return _children(_Sides(old, new), lambda _: (type_.item, False), "f:")

    def of(name: str) -> tuple[Type, bool]:
        field = type_.fields.get(name)
        return (ANY, False) if field is None else (field.type, field.always or field.required)

    return _children(_Sides(old, new), of, "f:")


class _Sides:
    __slots__ = ("new", "old")

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old = old
        self.new = new


def _children(sides: _Sides, type_of: Any, mark: str) -> tuple[Tree | None, Tree | None]:
    changed: Tree = {}
    removed: Tree = {}
    for name, after in sides.new.items():
        type_, always = type_of(name)
        if name in sides.old:
            set_, gone = compared(type_, sides.old[name], after)
        elif always and not type_.atomic:  # Go's structs and required lists are there before anybody sets them
            set_, gone = compared(type_, [] if type_.shape == "list" else {}, after)
        else:
            set_, gone = whole(type_, after), None
        if set_ is not None:
            changed[mark + name] = set_
        if gone is not None:
            removed[mark + name] = gone
    for name, before in sides.old.items():
        if name in sides.new:
            continue
        type_, always = type_of(name)
        empty: Any = [] if type_.shape == "list" else {}
        gone = compared(type_, before, empty)[1] if always and not type_.atomic else whole(type_, before)
        if gone is not None:
            removed[mark + name] = gone
    return changed or None, removed or None
