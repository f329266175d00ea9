"""What server-side apply refuses before it merges: fields that no type declares, items that cannot be told apart, wrong types."""

import json
from typing import Any

from nexus_gql.sandbox.field_sets import item_key, shown
from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.refusals import Object, Refusal
from nexus_gql.sandbox.schema import Type, struct

_NUMBERS = frozenset({"int32", "int64", "number"})
_TEXTS = frozenset({"string", "time", "bytes"})


def check(kind: Kind, document: Object) -> None:
    """A Refusal with all that makes the document no typed object. The apiserver has no better code for it than 500."""
    fields = {name: value for name, value in document.items() if name not in {"kind", "apiVersion"}}
    found: list[str] = []
    _value(struct(kind.name), fields, "", found)
    if not found:
        return
    where = f"{place(document)}; {kind.group}/{kind.version}, Kind={kind.name}"
    words = found[0] if len(found) == 1 else "errors:\n" + "\n".join(f"  {one}" for one in found)
    raise Refusal(500, "", f"failed to create typed patch object ({where}): {words}")


def place(document: Object) -> str:
    """Where a document says that it belongs."""
    metadata = document["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"


def _value(type_: Type, value: Any, path: str, found: list[str]) -> None:
    if value is None or type_.shape in {"any", "quantity", "int-or-string"}:
        return
    if type_.shape in {"struct", "map"}:
        _map(type_, value, path, found)
    elif type_.shape == "list":
        _list(type_, value, path, found)
    elif type_.shape in _NUMBERS and (isinstance(value, bool) or not isinstance(value, (int, float))):
        found.append(f"{path}: expected numeric (int or float), got {_name(value)}")
    elif type_.shape == "bool" and not isinstance(value, bool):
        found.append(f"{path}: expected boolean, got &{{{_go(value)}}}")
    elif type_.shape in _TEXTS and not isinstance(value, str):
        found.append(f"{path}: expected string, got &value.valueUnstructured{{Value:{_quoted(value)}}}")


def _map(type_: Type, value: Any, path: str, found: list[str]) -> None:
    if not isinstance(value, dict):
        found.append(f"{path}: expected map, got &{{{_go(value)}}}")
        return
    for name, item in value.items():
        below = f"{path}.{name}"
        if type_.shape == "map":
            _value(type_.item, item, below, found)
        elif name in type_.fields:
            _value(type_.fields[name].type, item, below, found)
        else:
            found.append(f"{below}: field not declared in schema")


def _list(type_: Type, value: Any, path: str, found: list[str]) -> None:
    if not isinstance(value, list):
        found.append(f"{path}: expected list, got &{{{_go(value)}}}")
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        step = f"[{index}]"
        if type_.keys and not isinstance(item, dict):
            found.append(f"{path}: element {index}: associative list with keys may not have non-map elements")
            continue
        if type_.keys or type_.unique:
            key = item_key(type_, item)
            step = shown(key)
            if key in seen:
                found.append(f"{path}: duplicate entries for key {step}")
                continue
            seen.add(key)
        _value(type_.item, item, path + step, found)


def _name(value: Any) -> str:
    names: dict[type, str] = {str: "string", bool: "bool", dict: "map[string]interface {}", list: "[]interface {}"}
    return names.get(type(value), "int64")


def _go(value: Any) -> str:
    """A value as Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(_go(item) for item in value)}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_go(item)}' for key, item in sorted(value.items()))}]"
    return str(value)


def _quoted(value: Any) -> str:
    """A value as Go prints it for those who write Go."""
    return json.dumps(value) if isinstance(value, (str, bool, int, float)) else _go(value)
