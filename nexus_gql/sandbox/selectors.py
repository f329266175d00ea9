"""Which objects a question is about: selectors by label and by field, as they stand in a URL or in an object."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.refusals import Object, bad_request

Test = Callable[[Object], bool]
Labels = Mapping[str, str]

_SET = re.compile(r"\s*(\S+)\s+(in|notin)\s*\(([^()]*)\)\s*\Z")
_EQUAL = re.compile(r"\s*([^\s=!<>]+)\s*(==|=|!=)\s*([^\s=!<>,]*)\s*\Z")
_BOUND = re.compile(r"\s*([^\s=!<>]+)\s*([<>])\s*(-?\d+)\s*\Z")
_NAME = re.compile(r"\s*(!?)\s*([^\s=!<>(),]+)\s*\Z")


def matches(selector: Object, labels: Labels) -> bool:
    """A selector of an object (`matchLabels`, `matchExpressions`) selects these labels."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression(one, labels) for one in selector.get("matchExpressions") or ())


def _expression(one: Object, labels: Labels) -> bool:
    key, values = one["key"], one.get("values") or ()
    operator = one["operator"]
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    return (key in labels) is (operator == "Exists")


def written(selector: Object) -> str:
    """A selector of an object as it would stand in a URL."""
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for one in selector.get("matchExpressions") or ():
        operator = one["operator"]
        if operator in {"In", "NotIn"}:
            parts.append(f"{one['key']} {operator.lower()} ({','.join(sorted(one.get('values') or ()))})")
        else:
            parts.append(one["key"] if operator == "Exists" else f"!{one['key']}")
    return ",".join(parts)


# ── in URLs ──


def by_label(text: str) -> Test | None:
    """The test that a label selector stands for; None where it lets everything through."""
    tests = [_label_test(part) for part in _parts(text) if part.strip()]
    if not tests:
        return None

    def test(obj: Object) -> bool:
        labels = obj["metadata"].get("labels") or {}
        return all(one(labels) for one in tests)

    return test


def _parts(text: str) -> list[str]:
    """Split at commas that stand in no parentheses."""
    return re.split(r",(?![^(]*\))", text)


def _label_test(part: str) -> Callable[[Labels], bool]:
    if match := _SET.match(part):
        key, operator, listed = match.groups()
        values = frozenset(value.strip() for value in listed.split(","))
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: key not in labels or labels[key] not in values
    if match := _EQUAL.match(part):
        key, operator, value = match.groups()
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if match := _BOUND.match(part):
        key, operator, bound = match[1], match[2], int(match[3])
        return lambda labels: _number(labels.get(key), operator, bound)
    if match := _NAME.match(part):
        absent, key = bool(match[1]), match[2]
        return lambda labels: (key in labels) is not absent
    found = "=" if "===" in part else part.strip()[:40]
    raise bad_request(f"unable to parse requirement: found '{found}', expected: identifier")


def _number(text: str | None, operator: str, bound: int) -> bool:
    if text is None or not text.lstrip("-").isdigit():
        return False
    return int(text) > bound if operator == ">" else int(text) < bound


_FIELDS: dict[str, tuple[str, ...]] = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
    "Event": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "Secret": ("type",),
    "Namespace": ("status.phase", "name"),
    "Node": ("spec.unschedulable",),
    "Service": ("spec.clusterIP", "spec.type"),
    "ReplicaSet": ("status.replicas",),
    "Job": ("status.successful",),
}
_ALWAYS = ("metadata.name", "metadata.namespace")


def by_field(kind: Kind, text: str) -> Test | None:
    """The test that a field selector stands for; None where it lets everything through."""
    tests = [_field_test(kind, part) for part in text.split(",") if part.strip()]
    return (lambda obj: all(test(obj) for test in tests)) if tests else None


def _field_test(kind: Kind, part: str) -> Test:
    match = re.match(r"([^=!]+)(==|=|!=)(.*)\Z", part)
    if match is None:
        raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
    path, operator, value = match.groups()
    path = path.strip()
    extra = _FIELDS.get(kind.name, ())
    if path not in (*_ALWAYS, *extra):
        raise bad_request(_unknown_field(kind, path))
    steps = ("source", "component") if path == "source" else tuple(path.split("."))
    wanted = operator != "!="
    return lambda obj: (_at(obj, steps) == value) is wanted


def _unknown_field(kind: Kind, path: str) -> str:
    if kind.name in _FIELDS:
        return f"field label not supported: {path}"
    return f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def _at(obj: Object, steps: tuple[str, ...]) -> str:
    found: Any = obj
    for step in steps:
        found = found.get(step) if isinstance(found, dict) else None
    if isinstance(found, bool):
        return "true" if found else "false"
    if found is None:
        return "false" if steps[-1] in {"unschedulable", "hostNetwork"} else ""
    return str(found)


def both(one: Test | None, other: Test | None) -> Test | None:
    """What lets through only what both do."""
    if one is None or other is None:
        return one or other
    return lambda obj: one(obj) and other(obj)
