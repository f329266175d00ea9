"""From JSON to an object as the apiserver would keep it: types checked, zeros and nulls left out, quantities in their shortest form.

This is what Go's decoding into structs and encoding back does to a document; what it would refuse is refused in its words.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from nexus_gql.sandbox import quantities
from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.refusals import Object, bad_request
from nexus_gql.sandbox.schema import ZERO, Type, struct

_ABSENT = object()
_INT = {"int32": 31, "int64": 63}


def decoded(kind: Kind, document: Object, *, unknown: list[str] | None = None, type_: Type | None = None) -> Object:
    """The object in canonical form, sharing nothing with the document. Fields that nobody knows are dropped and told in `unknown`."""
    walk = _Walk(kind, [] if unknown is None else unknown)
    try:
        found: Object = walk.struct(type_ or struct(kind.name), document, "", root=True)
    except ValueError as error:
        raise bad_request(
            f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {error}'
        ) from None
    return found


def strict(kind: Kind, unknown: list[str]) -> Exception:
    """What `fieldValidation=Strict` says of fields that nobody knows."""
    words = ", ".join(f'unknown field "{path}"' for path in unknown)
    return bad_request(
        f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: strict decoding error: {words}'
    )


class _Walk:
    def __init__(self, kind: Kind, unknown: list[str]) -> None:
        self._version = kind.version
        self._unknown = unknown

    def struct(self, type_: Type, value: Object, path: str, *, root: bool = False) -> Object:
        found: Object = {}
        fields = type_.fields
        for name, item in value.items():
            field = fields.get(name)
            if field is None:
                if root and name in {"kind", "apiVersion"}:
                    found[name] = item
                else:
                    self._unknown.append(f"{path}.{name}" if path else name)
                continue
            if item is None:
                continue
            kept = self.value(field.type, item, f"{path}.{name}" if path else name, type_.name)
            if kept is _ABSENT or (field.omit and kept == ZERO.get(field.type.shape, _ABSENT)):
                continue
            found[name] = kept
        for name in type_.always:
            if name not in found:
                found[name] = self.struct(fields[name].type, {}, path)
        return found

    def value(self, type_: Type, value: Any, path: str, owner: str) -> Any:
        """The value in canonical form, or `_ABSENT` for an empty list or map, which Go does not write."""
        shape = type_.shape
        if shape == "string":
            return value if isinstance(value, str) else self._wrong(type_, value, path, owner)
        if shape == "struct":
            if not isinstance(value, dict):
                self._wrong(type_, value, path, owner)
            return self.struct(type_, value, path)
        if shape == "list":
            return self._list(type_, value, path, owner)
        if shape == "map":
            return self._map(type_, value, path, owner)
        return _SCALARS[shape](self, type_, value, path, owner)

    def _list(self, type_: Type, value: Any, path: str, owner: str) -> Any:
        if not isinstance(value, list):
            self._wrong(type_, value, path, owner)
        item = type_.item
        found = [
            self.value(item, {} if one is None and item.shape == "struct" else one, f"{path}[{index}]", owner)
            for index, one in enumerate(value)
        ]
        return [({} if one is _ABSENT else one) for one in found] if found else _ABSENT

    def _map(self, type_: Type, value: Any, path: str, owner: str) -> Any:
        if not isinstance(value, dict):
            self._wrong(type_, value, path, owner)
        item = type_.item
        found: Object = {}
        for key, one in value.items():
            inside = f"{path}.{key}" if item.shape == "struct" else path  # as Go tells it
            kept = self.value(item, "" if one is None else one, inside, owner)
            found[key] = {} if kept is _ABSENT else kept
        return found or _ABSENT

    def _wrong(self, type_: Type, value: Any, path: str, owner: str) -> Any:
        shown = ".".join(part.partition("[")[0] for part in path.split("."))
        raise ValueError(
            f"json: cannot unmarshal {_json_name(value)} into Go struct field {owner}.{shown} of type {self._go(type_)}"
        )

    def _go(self, type_: Type) -> str:
        if type_.shape == "list":
            return f"[]{self._go(type_.item)}"
        if type_.shape == "map":
            return f"map[string]{self._go(type_.item)}"
        if type_.shape == "struct":
            return f"{self._version}.{type_.name}"
        return _GO.get(type_.shape, type_.shape)

    def boolean(self, type_: Type, value: Any, path: str, owner: str) -> Any:
        return value if isinstance(value, bool) else self._wrong(type_, value, path, owner)

    def integer(self, type_: Type, value: Any, path: str, owner: str) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return self._wrong(type_, value, path, owner)
        limit = 1 << _INT[type_.shape]
        if not -limit <= value < limit:
            return self._wrong(type_, _Number(value), path, owner)
        return value

    def number(self, type_: Type, value: Any, path: str, owner: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return self._wrong(type_, value, path, owner)
        return value

    def quantity(self, _type: Type, value: Any, _path: str, _owner: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            value = "?"  # told as any other text that is no quantity
        return quantities.canonical(str(value))

    def int_or_string(self, type_: Type, value: Any, path: str, owner: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            return self._wrong(type_, value, path, owner)
        return value

    def text(self, type_: Type, value: Any, path: str, owner: str) -> Any:
        return value if isinstance(value, str) else self._wrong(type_, value, path, owner)

    def bytes(self, type_: Type, value: Any, path: str, owner: str) -> Any:
        if not isinstance(value, str):
            return self._wrong(type_, value, path, owner)
        clean = value.replace("\n", "").replace("\r", "")
        try:
            return base64.b64encode(base64.b64decode(clean, validate=True)).decode()
        except binascii.Error:
            raise ValueError(f"illegal base64 data at input byte {_first_illegal(clean)}") from None

    def any(self, _type: Type, value: Any, _path: str, _owner: str) -> Any:
        return copied(value)


_SCALARS: dict[str, Callable[[_Walk, Type, Any, str, str], Any]] = {
    "bool": _Walk.boolean,
    "int32": _Walk.integer,
    "int64": _Walk.integer,
    "number": _Walk.number,
    "quantity": _Walk.quantity,
    "int-or-string": _Walk.int_or_string,
    "time": _Walk.text,
    "bytes": _Walk.bytes,
    "any": _Walk.any,
}

_GO = {"number": "float64", "int-or-string": "string", "time": "string", "bytes": "[]uint8"}
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


class _Number:
    """A number that does not fit, shown with its digits."""

    def __init__(self, value: int) -> None:
        self.text = f"number {value}"


def _json_name(value: Any) -> str:
    if isinstance(value, _Number):
        return value.text
    names: dict[type, str] = {bool: "bool", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")


def _first_illegal(text: str) -> int:
    return next((index for index, letter in enumerate(text) if letter not in _LETTERS), len(text) - len(text) % 4)


def copied(value: Any) -> Any:
    """A copy that shares nothing: what JSON can hold needs no more than this, and `copy.deepcopy` takes ten times as long."""
    if isinstance(value, dict):
        return {key: copied(item) if isinstance(item, (dict, list)) else item for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) if isinstance(item, (dict, list)) else item for item in value]
    return value
