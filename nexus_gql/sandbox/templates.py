"""Pods made from templates, and the hash that tells one template from another."""

import msgspec

from nexus_gql.sandbox.objects import owner_reference
from nexus_gql.sandbox.store import Object

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_encode = msgspec.json.Encoder(order="deterministic").encode


def hash_of(template: Object, collisions: int = 0) -> str:
    """A short name for a template: FNV-1a over its JSON, in letters that make no words. Not the real one's value, but its look."""
    value = 0x811C9DC5
    for byte in _encode(template) + (str(collisions).encode() if collisions else b""):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return "".join(_LETTERS[ord(digit) % len(_LETTERS)] for digit in str(value))


def pod_from(template: Object, owner: Object, *, labels: Object | None = None, name: str | None = None) -> Object:
    """A pod as a controller asks the apiserver for it."""
    declared = template.get("metadata") or {}
    prefix = f"{owner['metadata']['name'][:57]}-"
    metadata: Object = {"generateName": prefix, "ownerReferences": [owner_reference(owner)]}
    if name is not None:
        metadata["name"] = name
    if found := {**(declared.get("labels") or {}), **(labels or {})}:
        metadata["labels"] = found
    for field in ("annotations", "finalizers"):
        if declared.get(field):
            metadata[field] = declared[field]
    return {"metadata": metadata, "spec": template["spec"]}
