"""The shape of an object: its fields and their values, with what differs from run to run replaced by a word for it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Shape = dict[str, Any]

_HASH = "[bcdfghjklmnpqrstvwxz2456789]"
_RANDOM = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"\b\d+\.\d+\.\d+\.\d+\b"), "IP"),
    (re.compile(r"(sha256:|containerd://)[0-9a-f]{64}"), "DIGEST"),
    # Before the hashes: one minute in ten is written with a hash's digits alone. Minutes since 1970, from February 2025 to 2046.
    (re.compile(r"-(?:29|3\d)\d{6}(?![a-z0-9])"), "-MINUTE"),
    (re.compile(rf"-{_HASH}{{5,10}}-{_HASH}{{5}}(?![a-z0-9])"), "-HASH"),
    (re.compile(rf"-{_HASH}{{5,10}}(?![a-z0-9])"), "-HASH"),
    (re.compile(r"\.[0-9a-f]{16}$"), ".STAMP"),
    (re.compile(r"\b(\d+h)?(\d+m)?\d+(\.\d+)?[mnµ]?s\b"), "SPAN"),
    (re.compile(r"Image size: \d+ bytes"), "Image size: BYTES"),
]
_BY_FIELD = {
    "resourceVersion": "VERSION",
    "uid": "UID",
    "continue": "TOKEN",
    "usage": "USAGE",
    "window": "SPAN",
    "pod-template-hash": "HASH",
    "controller-revision-hash": "HASH",
    "remainingItemCount": "NUMBER",
    "count": "NUMBER",
    "clusterIPs": "IPS",
    "podIPs": "IPS",
    "hostIPs": "IPS",
}


def shape(value: Any, names: Mapping[str, str]) -> Shape:
    """Paths of fields and what they hold. `names`: words of this run (a namespace, a node) and what they stand for."""
    return dict(sorted(_fields("", value, names)))


def _fields(path: str, value: Any, names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    field = path.rpartition(".")[2]
    if field in _BY_FIELD:
        yield path, _BY_FIELD[field]
    elif field == "managedFields":  # what each wrote is compared where the rules of server-side apply are tested
        yield path, sorted({f"{one['manager']} {one['operation']} {one.get('subresource', '')}" for one in value})
    elif isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _fields(f"{path}.{scrubbed(name, names)}", inner, names)
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        for position, one in enumerate(value):
            yield from _fields(f"{path}[{_called(one, position, names)}]", one, names)
    else:
        yield path, scrubbed(value, names)


def _called(item: Mapping[str, Any], position: int, names: Mapping[str, str]) -> str:
    """Conditions and containers come in any order; they have names."""
    name = item.get("type") or item.get("name")
    return scrubbed(name, names) if isinstance(name, str) else str(position)


def scrubbed(value: Any, names: Mapping[str, str]) -> Any:
    """A value without what is this run's own."""
    if isinstance(value, list):
        return [scrubbed(one, names) for one in value]
    if not isinstance(value, str):
        return value
    for own, word in names.items():
        value = value.replace(own, word)
    for pattern, word in _RANDOM:
        value = pattern.sub(word, value)
    return value
