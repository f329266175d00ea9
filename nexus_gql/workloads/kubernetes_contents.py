"""What is in a Kubernetes namespace, of whatever kind: asked before it is deleted, since all of that would go with it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from nexus_gql.clusters import AccessError, Connection, Missing, RequestError

from .apply import decode

# What Kubernetes itself puts into every namespace.
_ALWAYS = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}
_TRANSIENT = {"Event", "Endpoints", "EndpointSlice"}


@dataclass(frozen=True, slots=True)
class _Resource:
    group_version: str
    name: str
    kind: str

    def path(self, namespace: str) -> str:
        prefix = "/api" if "/" not in self.group_version else "/apis"
        return f"{prefix}/{self.group_version}/namespaces/{namespace}/{self.name}"


async def contents(connection: Connection, namespace: str) -> str | None:
    """The first thing in a namespace that is not Kubernetes' own, in words; also what could not be looked at. None: it is empty."""
    resources = [resource async for resource in _resources(connection)]
    kinds = {(resource.group_version, resource.kind) for resource in resources}
    for resource in resources:
        try:
            items = decode(await connection.get(resource.path(namespace), {"limit": 50})).get("items") or ()
        except Missing:
            continue  # a kind that was taken away meanwhile
        except (AccessError, RequestError) as error:
            return f"what cannot be looked at ({resource.kind}: {error})"
        for item in items:
            if _counts(resource.kind, item["metadata"], kinds):
                return f"{resource.kind} `{item['metadata']['name']}`"
    return None


def _counts(kind: str, metadata: Mapping[str, Any], kinds: set[tuple[str, str]]) -> bool:
    """Whether an object keeps its namespace: not what goes by itself, with its owner or because it was deleted already."""
    if kind in _TRANSIENT or (kind, metadata["name"]) in _ALWAYS or metadata.get("deletionTimestamp"):
        return False
    # An owner in the namespace counts itself, and one that is gone takes it along.
    return not any((one["apiVersion"], one["kind"]) in kinds for one in metadata.get("ownerReferences") or ())


async def _resources(connection: Connection) -> AsyncIterator[_Resource]:
    """Every kind of which a namespace can hold objects, each group in the version that the cluster prefers."""
    groups = decode(await connection.get("/apis")).get("groups") or ()
    versions = [("/api/v1", "v1")]
    for group in groups:
        preferred = group["preferredVersion"]["groupVersion"]
        versions.append((f"/apis/{preferred}", preferred))
    for path, version in versions:
        for one in decode(await connection.get(path)).get("resources") or ():
            made = {"list", "create", "delete"} <= set(one.get("verbs") or ())
            if one["namespaced"] and made and "/" not in one["name"]:
                yield _Resource(version, one["name"], one["kind"])
