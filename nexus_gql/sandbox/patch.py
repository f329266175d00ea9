"""The three patches that are no apply: JSON patch, merge patch, strategic merge patch. Each makes a new document of an old one."""

from typing import Any

from nexus_gql.sandbox.decoding import copied
from nexus_gql.sandbox.refusals import Object, Refusal, bad_request
from nexus_gql.sandbox.schema import ANY, Field, Type

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"


class CannotPatch(Refusal):
    """The patch does not fit the document."""

    def __init__(self) -> None:
        super().__init__(422, "Invalid", "the server rejected our request due to an error in our request", {})


# ── JSON patch (RFC 6902) ──


def json_patch(document: Any, operations: Any) -> Any:
    """The document after the operations; a Refusal where one of them finds nothing, or a test fails."""
    if not isinstance(operations, list):
        raise bad_request("json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp")
    document = copied(document)
    for operation in operations:
        try:
            document = _step(document, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError):
            raise CannotPatch from None
    return document


def _step(document: Any, operation: Object) -> Any:
    path = _pointer(operation["path"])
    match operation["op"]:
        case "add":
            return _added(document, path, copied(operation["value"]))
        case "remove":
            _taken(document, path)
        case "replace":
            if path:
                _taken(document, path)
            return _added(document, path, copied(operation["value"]))
        case "move":
            return _added(document, path, _taken(document, _pointer(operation["from"])))
        case "copy":
            return _added(document, path, copied(_at(document, _pointer(operation["from"]))))
        case "test":
            if _at(document, path) != operation["value"]:
                raise CannotPatch
        case _:
            raise CannotPatch
    return document


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise CannotPatch
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _at(document: Any, path: list[str]) -> Any:
    for step in path:
        document = document[_index(step, len(document) - 1)] if isinstance(document, list) else document[step]
    return document


def _added(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, last = _at(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(last, len(parent)), value)
    else:
        parent[last] = value
    return document


def _taken(document: Any, path: list[str]) -> Any:
    parent, last = _at(document, path[:-1]), path[-1]
    return parent.pop(_index(last, len(parent) - 1)) if isinstance(parent, list) else parent.pop(last)


def _index(text: str, limit: int) -> int:
    if not text.isdigit() or int(text) > limit:
        raise CannotPatch
    return int(text)


# ── merge patch (RFC 7386) ──


def merge_patch(document: Any, patch: Any) -> Any:
    """The document with the patch laid over it: null takes away, a list replaces."""
    if not isinstance(patch, dict):
        return copied(patch)
    found = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merge_patch(found.get(name), value)
    return found


# ── strategic merge patch ──

_DIRECTIVES = ("$patch", "$retainKeys")


def strategic(type_: Type, document: Any, patch: Any) -> Any:
    """The document with the patch laid over it, lists that have keys joined by them; `$patch`, `$retainKeys`, `$deleteFromPrimitiveList` are heard."""
    found = dict(document) if isinstance(document, dict) else {}
    if patch.get("$patch") == "replace":
        return {name: copied(value) for name, value in patch.items() if name != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    if "$retainKeys" in patch:
        found = {name: value for name, value in found.items() if name in patch["$retainKeys"]}
    for name, value in patch.items():
        if name.startswith("$deleteFromPrimitiveList/"):
            listed = name.partition("/")[2]
            found[listed] = [item for item in found.get(listed, []) if item not in value]
        elif name in _DIRECTIVES or name.startswith("$setElementOrder/"):
            continue
        elif value is None:
            found.pop(name, None)
        else:
            found[name] = _one(_field(type_, name), found.get(name), value)
    for name, order in patch.items():
        if name.startswith("$setElementOrder/") and isinstance(found.get(name.partition("/")[2]), list):
            _reorder(type_, found, name.partition("/")[2], order)
    return found


def _field(type_: Type, name: str) -> Field:
    if type_.shape == "struct" and name in type_.fields:
        return type_.fields[name]
    return Field(name, type_.item if type_.shape == "map" else ANY)


def _one(field: Field, old: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return strategic(field.type, old, value)
    if isinstance(value, list) and field.merge is not None and isinstance(old, list):
        return _joined(field, old, value)
    if isinstance(value, list) and field.merge:
        return [strategic(field.type.item, {}, item) for item in value if not _directive(item)]
    return copied(value)


def _directive(item: Any) -> bool:
    return isinstance(item, dict) and item.get("$patch") in {"delete", "replace"}


def _joined(field: Field, old: list[Any], patch: list[Any]) -> list[Any]:
    key = field.merge
    if not key:
        return [*old, *(item for item in patch if item not in old)]
    if any(item.get("$patch") == "replace" for item in patch):
        return [copied(item) for item in patch if not _directive(item)]
    found = list(old)
    for item in patch:
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        place = next((index for index, one in enumerate(found) if one.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            if place is not None:
                found.pop(place)
        elif place is None:
            found.append(strategic(field.type.item, {}, item))
        else:
            found[place] = strategic(field.type.item, found[place], item)
    return found


def _reorder(type_: Type, found: Object, name: str, order: list[Any]) -> None:
    field = _field(type_, name)
    if not field.merge:
        return
    places = {item.get(field.merge): index for index, item in enumerate(order)}
    found[name] = sorted(found[name], key=lambda item: places.get(item.get(field.merge), len(places)))
