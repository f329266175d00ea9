"""What the server says of itself: its version, its groups and resources, and an OpenAPI document of each group.

The OpenAPI is as much as kubectl wants of it: which types there are and that fields are validated here.
"""

from functools import cache
from typing import Any

from nexus_gql.sandbox.kinds import BY_RESOURCE, Kind
from nexus_gql.sandbox.refusals import Object
from nexus_gql.sandbox.schema import Type, types

VERSION = "v1.34.4-nexus-sandbox"

_PREFERRED = ("apps", "autoscaling", "batch", "networking.k8s.io", "storage.k8s.io", "discovery.k8s.io")


def version() -> Object:
    """What it is."""
    return {
        "major": "1",
        "minor": "34",
        "gitVersion": VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    }


def answer(path: str) -> Object | None:
    """The document at a path of discovery; None where there is none."""
    parts = [part for part in path.split("/") if part]
    match parts:
        case ["version"]:
            return version()
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(*one) for one in _groups()]}
        case ["api", "v1"]:
            return _resources("", "v1")
        case ["apis", group]:
            versions = [one for one in _groups() if one[0] == group]
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(*versions[0])} if versions else None
        case ["apis", group, number]:
            return _resources(group, number) if (group, number) in _groups() else None
        case ["openapi", "v3"]:
            return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in _documents()}}
        case ["openapi", "v3", *rest]:
            return _document(_documents()["/".join(rest)]) if "/".join(rest) in _documents() else None
    return None


@cache
def _groups() -> tuple[tuple[str, str], ...]:
    found = {(kind.group, kind.version) for kind in BY_RESOURCE.values() if kind.group}
    places = {group: place for place, group in enumerate(_PREFERRED)}
    return tuple(sorted(found, key=lambda one: (places.get(one[0], len(places)), one)))


def _group(name: str, number: str) -> Object:
    found = {"groupVersion": f"{name}/{number}", "version": number}
    return {"name": name, "versions": [found], "preferredVersion": found}


def _resources(group: str, number: str) -> Object:
    rows: list[Object] = []
    for kind in BY_RESOURCE.values():
        if (kind.group, kind.version) == (group, number):
            rows += _rows(kind)
    api_version = f"{group}/{number}" if group else number
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": rows}


def _rows(kind: Kind) -> list[Object]:
    row: Object = {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        row["shortNames"] = list(kind.short_names)
    if kind.categories:
        row["categories"] = list(kind.categories)
    rows = [row]
    for part in sorted(kind.subresources):
        below: Object = {"name": f"{kind.plural}/{part}", "singularName": "", "namespaced": kind.namespaced}
        if part == "scale":
            below |= {"group": "autoscaling", "version": "v1", "kind": "Scale"}
        else:
            below["kind"] = kind.name
        rows.append({**below, "verbs": ["get", "patch", "update"]})
    if kind.name == "Pod":
        rows.append({"name": "pods/log", "singularName": "", "namespaced": True, "kind": "Pod", "verbs": ["get"]})
    return rows


# ── OpenAPI ──


@cache
def _documents() -> dict[str, tuple[str, str]]:
    found = {f"apis/{group}/{number}": (group, number) for group, number in _groups() if group != "metrics.k8s.io"}
    return {"api/v1": ("", "v1"), **found}


@cache
def _document(which: tuple[str, str]) -> Object:
    kinds = [kind for kind in BY_RESOURCE.values() if (kind.group, kind.version) == which]
    schemas = {name: _schema(type_) for name, type_ in types().items()}
    paths: dict[str, Any] = {}
    for kind in kinds:
        gvk = {"group": kind.group, "version": kind.version, "kind": kind.name}
        schemas[kind.name] = {**schemas[kind.name], "x-kubernetes-group-version-kind": [gvk]}
        properties = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
        schemas[kind.name]["properties"] = {**properties, **schemas[kind.name]["properties"]}
        paths[_path(kind)] = {"patch": _patch(gvk)}
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes (Nexus sandbox)", "version": VERSION},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _path(kind: Kind) -> str:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    return (
        f"{root}/namespaces/{{namespace}}/{kind.plural}/{{name}}"
        if kind.namespaced
        else f"{root}/{kind.plural}/{{name}}"
    )


def _patch(gvk: Object) -> Object:
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    parameters = [{"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}} for name in names]
    return {
        "parameters": parameters,
        "responses": {},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": gvk,
    }


def _schema(type_: Type) -> Object:
    found: Object = {"type": "object", "properties": {name: _shape(field.type) for name, field in type_.fields.items()}}
    required = [name for name, field in type_.fields.items() if field.required]
    return {**found, "required": required} if required else found


_SHAPES: dict[str, Object] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "number": {"type": "number", "format": "double"},
    "quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    "int-or-string": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    "time": {"type": "string", "format": "date-time"},
    "bytes": {"type": "string", "format": "byte"},
    "any": {"type": "object"},
}


def _shape(type_: Type) -> Object:
    if type_.shape == "struct":
        return {"allOf": [{"$ref": f"#/components/schemas/{type_.name}"}]}
    if type_.shape == "map":
        return {"type": "object", "additionalProperties": _shape(type_.item)}
    if type_.shape == "list":
        return {"type": "array", "items": _shape(type_.item)}
    return _SHAPES[type_.shape]
