"""What the apiserver does to an object between the request and the store: the fields that are its own to write."""

from collections.abc import Callable
from datetime import datetime
from random import Random
from uuid import UUID

from nexus_gql.sandbox.clock import stamp
from nexus_gql.sandbox.defaults import TEMPLATE_GENERATION
from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.refusals import Object

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' own: no vowels, so that no word comes about."""
_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink")


def created(
    kind: Kind, namespace: str | None, obj: Object, now: datetime, random: Random, *, taken: Callable[[str], bool]
) -> Object:
    """A new object, which is given over, with its name, uid and time."""
    metadata = obj.get("metadata") or {}
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = generated(metadata["generateName"], random, taken)
    metadata = {
        field: value for field, value in metadata.items() if field not in (*_KEPT, "resourceVersion", "managedFields")
    }
    if namespace and kind.namespaced:
        metadata["namespace"] = namespace
    metadata["uid"] = str(UUID(int=random.getrandbits(128), version=4))
    metadata["creationTimestamp"] = stamp(now)
    if kind.generation:
        metadata["generation"] = 1
    rest = {field: value for field, value in obj.items() if field not in {"kind", "apiVersion", "metadata"}}
    return {"kind": kind.name, "apiVersion": kind.api_version, "metadata": metadata, **rest}


def updated(kind: Kind, old: Object, obj: Object, subresource: str | None) -> Object:
    """The object that an update makes of the old one: status and rest each only by their own way."""
    if subresource == "status":
        new = {**old, "status": obj.get("status", {})}
        if kind.name == "Deployment":
            # The one kind whose annotations its controller writes this way: the revision, without a new generation.
            new["metadata"] = {**old["metadata"], "annotations": obj["metadata"].get("annotations")}
            if not new["metadata"]["annotations"]:
                del new["metadata"]["annotations"]
        return new
    before = old["metadata"]
    metadata = {field: value for field, value in obj["metadata"].items() if field not in _KEPT}
    for field in (*_KEPT, "resourceVersion", "managedFields"):
        metadata.pop(field, None)
        if field in before:
            metadata[field] = before[field]
    if kind.namespaced:
        metadata["namespace"] = before["namespace"]
    rest = {field: value for field, value in obj.items() if field not in {"kind", "apiVersion", "metadata"}}
    new = {"kind": kind.name, "apiVersion": kind.api_version, "metadata": metadata, **rest}
    if kind.name == "DaemonSet":
        metadata["annotations"] = {**metadata.get("annotations", {}), TEMPLATE_GENERATION: _templates(old, new)}
    # A pod's node is written into its spec by a subresource of its own, which declares nothing.
    if kind.generation and subresource != "binding" and _declares_other(kind, old, new):
        metadata["generation"] = before.get("generation", 0) + 1
    return new


def _templates(old: Object, new: Object) -> str:
    """How often a DaemonSet's template was declared."""
    count = int(old["metadata"].get("annotations", {}).get(TEMPLATE_GENERATION, "1"))
    return str(count + (old["spec"].get("template") != new["spec"].get("template")))


def _declares_other(kind: Kind, old: Object, new: Object) -> bool:
    if kind.name == "EndpointSlice":
        return any(old.get(field) != new.get(field) for field in ("addressType", "endpoints", "ports"))
    if old.get("spec") != new.get("spec"):
        return True
    # Deployments alone count a changed annotation too.
    return kind.name == "Deployment" and old["metadata"].get("annotations") != new["metadata"].get("annotations")


def with_managed_fields(obj: Object, entries: list[Object]) -> Object:
    """The object with who manages what."""
    metadata = {field: value for field, value in obj["metadata"].items() if field != "managedFields"}
    if entries:
        metadata["managedFields"] = entries
    return {**obj, "metadata": metadata}


def generated(prefix: str, random: Random, taken: Callable[[str], bool] = lambda _: False) -> str:
    """A name nobody has yet: the prefix and five letters. Among ten thousand pods some would have been given the same."""
    while True:
        name = prefix[:58] + "".join(random.choices(_LETTERS, k=5))
        if not taken(name):
            return name
