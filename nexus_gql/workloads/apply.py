"""Puts objects onto a cluster by server-side apply, fenced against workers that come late.

Every object that Nexus makes says which installation and application it belongs to, and the number of the operation that wrote
it last. An apply to an object that exists carries the uid and resourceVersion just read, and one to an object that does not a
resourceVersion that none has; so the apiserver refuses it when anything happened in between. Then it is read again: whoever finds a
higher number than their own has come too late, and whoever finds a neighbour's object leaves it.
"""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import msgspec

from nexus_gql.backoff import Backoff
from nexus_gql.clusters import APPLY, Conflicting, Connection, Invalid, Missing

from .manifests import HIDDEN
from .rendering import APPLICATION, INSTALLATION, NUMBER, PATH, Manifest
from .replacement import VOLUMES, fixed, immutable
from .taken_names import TakenName, belongs

FIELD_MANAGER = "nexus"
_TRIES = 20

# In the order in which an application's objects are taken away: what runs first.
KINDS: dict[str, str] = {
    "CronJob": "/apis/batch/v1/namespaces/{namespace}/cronjobs",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{namespace}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{namespace}/daemonsets",
    "Job": "/apis/batch/v1/namespaces/{namespace}/jobs",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
    VOLUMES: "/api/v1/namespaces/{namespace}/persistentvolumeclaims",
}
_NOT_THERE = "1"
"""A resourceVersion that no object has, since a cluster's database gives higher ones: what names it can only make an object."""
_MANAGER = re.compile(r'conflict with "([^"]*)"')


class Overtaken(Exception):
    """An object carries a higher number: a later operation was here."""

    def __init__(self, number: int) -> None:
        super().__init__(f"Operation {number} has written since.")
        self.number = number


class ForeignObject(Exception):
    """An object that Nexus did not make, or another installation did, stands in the way."""


class FieldConflict(Exception):
    """Another field manager has set fields that are declared here."""


@dataclass(frozen=True, slots=True)
class Fence:
    """What an operation may do.

    `check` raises where the worker has lost its lease; it is called before every request that changes something. `rewrite`:
    write objects that would not change, too, to stop an operation that may still be at it. `recreate`: make an object anew
    where a field that cannot change would have to.
    """

    number: int
    installation_id: str
    check: Callable[[], None]
    take_over: bool = False
    rewrite: bool = False
    recreate: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of an apply."""

    kind: str
    name: str
    uid: str
    generation: int
    changed: bool


async def read(connection: Connection, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
    """An object as it is, or None."""
    try:
        return decode(await connection.get(f"{KINDS[kind].format(namespace=namespace)}/{name}"))
    except Missing:
        return None


async def rehearse(connection: Connection, manifest: Manifest, fence: Fence) -> bool:
    """Whether an apply would change anything; raises what the apply would raise, and changes nothing."""
    there = await _read(connection, manifest, fence)
    try:
        return await _changes(connection, manifest, fence, there)
    except Invalid as error:
        if _another_now(error):
            return True
        if there is None or not immutable(error):
            raise
        if _made_anew(manifest, fence):
            return True
        raise fixed(manifest, there, error) from error


async def apply(connection: Connection, manifest: Manifest, fence: Fence) -> Applied:
    """Make an object what its manifest says. Nothing is written where nothing would change."""
    backoff = Backoff(first=0.05, ceiling=1.0)
    for _ in range(_TRIES):
        there = await _read(connection, manifest, fence)
        try:
            if there is not None and not fence.rewrite and not await _changes(connection, manifest, fence, there):
                return _applied(manifest, there, changed=False)
            there = await _leave_replicas(connection, manifest, fence, there)
            return _applied(manifest, await _patch(connection, manifest, fence, there, fence.number), changed=True)
        except Invalid as error:
            if _another_now(error):
                await asyncio.sleep(backoff.failed())
                continue
            if there is None or not immutable(error):
                raise
            if not _made_anew(manifest, fence):
                raise fixed(manifest, there, error) from error
            # Its pods end with it; its volumes stay. The next turn finds nothing and makes it.
            await delete(connection, {**there, "kind": manifest["kind"]}, fence)
            await asyncio.sleep(backoff.failed())
        except Conflicting as error:
            if error.status.causes:
                raise _field_conflict(manifest, error) from error
            await asyncio.sleep(backoff.failed())  # it changed between reading and writing: look again
    raise FieldConflict(f"{manifest['kind']} {manifest['metadata']['name']} changes faster than it can be written.")


async def owned(
    connection: Connection, namespace: str, application_id: str, installation_id: str
) -> AsyncIterator[dict[str, Any]]:
    """The objects of an application that this installation made, those that run first."""
    ours = f"{APPLICATION}={application_id}"
    for kind, path in KINDS.items():
        # The claims of a StatefulSet's pods have the labels of its selector only; the application's id is unique anyway.
        selector = ours if kind == VOLUMES else f"{ours},{INSTALLATION}={installation_id}"
        body = await connection.get(path.format(namespace=namespace), {"labelSelector": selector})
        for item in decode(body).get("items") or ():
            yield {**item, "kind": kind}


async def delete(connection: Connection, item: Mapping[str, Any], fence: Fence) -> None:
    """Delete an object as it was read; nothing where it is gone. Raises Overtaken where a later operation wrote it."""
    current: Mapping[str, Any] | None = item
    metadata = item["metadata"]
    for _ in range(_TRIES):
        if current is None or current["metadata"]["uid"] != metadata["uid"]:
            return
        _not_overtaken(current, fence)
        preconditions = {key: current["metadata"][key] for key in ("uid", "resourceVersion")}
        path = f"{KINDS[item['kind']].format(namespace=metadata['namespace'])}/{metadata['name']}"
        options = {"propagationPolicy": "Background", "preconditions": preconditions}
        fence.check()
        try:
            await connection.send("DELETE", path, options)
        except Missing:
            return
        except Conflicting:
            current = await read(connection, item["kind"], metadata["namespace"], metadata["name"])
        else:
            return


async def pods_left(connection: Connection, namespace: str, application_id: str) -> int:
    """How many pods of an application there still are."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    body = await connection.get(path, {"labelSelector": f"{APPLICATION}={application_id}"})
    return len(decode(body).get("items") or ())


def number_of(item: Mapping[str, Any]) -> int:
    """The number of the operation that wrote an object last; 0 where none is told."""
    text = (item["metadata"].get("annotations") or {}).get(NUMBER, "")
    return int(text) if text.isdecimal() else 0


def with_secrets(manifest: Manifest, texts: Mapping[str, str]) -> Manifest:
    """A Secret's manifest with its texts filled in; any other as it is."""
    if manifest["kind"] != "Secret":
        return manifest
    data = {
        key: base64.b64encode(texts[key].encode()).decode()
        for key, value in manifest["data"].items()
        if value == HIDDEN
    }
    return {**manifest, "data": data}


def _another_now(error: Invalid) -> bool:
    """Whether the object was deleted and made again since it was read: another uid is refused as invalid, not as a conflict."""
    return any(cause.field == "metadata.uid" for cause in error.status.causes)


def _made_anew(manifest: Manifest, fence: Fence) -> bool:
    """Whether an object that cannot be changed is made anew; a claim is not, since its data would go with it."""
    return fence.recreate and manifest["kind"] != VOLUMES


async def _leave_replicas(
    connection: Connection, manifest: Manifest, fence: Fence, there: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Keep the number of pods when an autoscaler takes over from us.

    A field that nobody applies any more is taken away, and its default is one pod. So it is first given to another manager, as
    Kubernetes' own guide to autoscaling with server-side apply says.
    """
    if there is None or manifest["kind"] not in {"Deployment", "StatefulSet"} or "replicas" in manifest["spec"]:
        return there
    ours = [entry for entry in there["metadata"].get("managedFields") or () if entry.get("manager") == FIELD_MANAGER]
    if not any("f:replicas" in (entry.get("fieldsV1") or {}).get("f:spec", {}) for entry in ours):
        return there
    metadata = {key: there["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion")}
    body = {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": metadata,
        "spec": {"replicas": there["spec"]["replicas"]},
    }
    fence.check()
    path = f"{KINDS[body['kind']].format(namespace=metadata['namespace'])}/{metadata['name']}"
    query = {"fieldManager": f"{FIELD_MANAGER}-replicas", "force": "true"}
    return decode(await connection.send("PATCH", path, body, query=query, content_type=APPLY))


async def _read(connection: Connection, manifest: Manifest, fence: Fence) -> dict[str, Any] | None:
    """The object as it is, if we may change it."""
    metadata = manifest["metadata"]
    there = await read(connection, manifest["kind"], metadata["namespace"], metadata["name"])
    if there is None:
        return None
    _not_a_neighbours(manifest, there, fence)
    _not_overtaken(there, fence)
    installation = _installation(there)
    if installation != fence.installation_id and not fence.take_over:
        whose = "was made by another installation of Nexus" if installation else "is there and was not made by Nexus"
        raise ForeignObject(f"{manifest['kind']} `{metadata['name']}` in `{metadata['namespace']}` {whose}.")
    return there


def _not_a_neighbours(manifest: Manifest, there: Mapping[str, Any], fence: Fence) -> None:
    """Raise TakenName where an application at another path has made it: two would write it in turn, so not even takeOver may."""
    labels, path = there["metadata"].get("labels") or {}, (there["metadata"].get("annotations") or {}).get(PATH)
    ours = manifest["metadata"]
    if labels.get(INSTALLATION) != fence.installation_id or labels.get(APPLICATION) == ours["labels"][APPLICATION]:
        return
    # At the same path it is what an application left behind that was deleted and made anew.
    if path != ours["annotations"][PATH]:
        raise TakenName(belongs(manifest["kind"], ours["name"], ours["namespace"]), path)


def _not_overtaken(there: Mapping[str, Any], fence: Fence) -> None:
    # What another installation made has that one's number, which says nothing here.
    if _installation(there) == fence.installation_id and (number := number_of(there)) > fence.number:
        raise Overtaken(number)


def _installation(there: Mapping[str, Any]) -> str | None:
    found: str | None = (there["metadata"].get("labels") or {}).get(INSTALLATION)
    return found


async def _changes(connection: Connection, manifest: Manifest, fence: Fence, there: dict[str, Any] | None) -> bool:
    """Whether an apply would change more than the number, found by a server-side dry run with the number that is there."""
    number = fence.number if there is None else number_of(there)
    try:
        after = await _patch(connection, manifest, fence, there, number, dry_run=True)
    except Conflicting as error:
        if error.status.causes:
            raise _field_conflict(manifest, error) from error
        return True  # it changed just now; the apply itself looks again
    return there is None or _essence(after) != _essence(there)


async def _patch(
    connection: Connection,
    manifest: Manifest,
    fence: Fence,
    there: dict[str, Any] | None,
    number: int,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    body = deepcopy(manifest)
    metadata = body["metadata"]
    if number:
        metadata["annotations"] = {**metadata.get("annotations", {}), NUMBER: str(number)}
    if there is None:
        # Without it an apply to what somebody else made meanwhile would be merged into that: we are one field manager.
        metadata["resourceVersion"] = _NOT_THERE
    else:
        metadata["uid"] = there["metadata"]["uid"]
        metadata["resourceVersion"] = there["metadata"]["resourceVersion"]
    query: dict[str, str | int] = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    if fence.take_over:
        query["force"] = "true"
    if dry_run:
        query["dryRun"] = "All"
    else:
        fence.check()
    path = f"{KINDS[body['kind']].format(namespace=metadata['namespace'])}/{metadata['name']}"
    return decode(await connection.send("PATCH", path, body, query=query, content_type=APPLY))


def _essence(item: Mapping[str, Any]) -> dict[str, Any]:
    """What counts of an object: not its bookkeeping, and not its status."""
    metadata = {
        key: value
        for key, value in item["metadata"].items()
        if key not in {"managedFields", "resourceVersion", "generation"}
    }
    return {**{key: value for key, value in item.items() if key not in {"metadata", "status"}}, "metadata": metadata}


def _field_conflict(manifest: Manifest, error: Conflicting) -> FieldConflict:
    causes = error.status.causes
    managers = sorted({match[1] for cause in causes if (match := _MANAGER.search(cause.message))})
    fields = ", ".join(cause.field for cause in causes[:5]) + (
        f" and {len(causes) - 5} more" if len(causes) > 5 else ""
    )
    names = " and ".join(f"`{manager}`" for manager in managers) or "another field manager"
    return FieldConflict(
        f"{manifest['kind']} `{manifest['metadata']['name']}`: {fields} {'is' if len(causes) == 1 else 'are'} set by {names}."
    )


def _applied(manifest: Manifest, item: Mapping[str, Any], *, changed: bool) -> Applied:
    metadata = item["metadata"]
    return Applied(manifest["kind"], metadata["name"], metadata["uid"], metadata.get("generation", 0), changed)


def decode(body: bytes) -> dict[str, Any]:
    """An object from JSON."""
    found: dict[str, Any] = msgspec.json.decode(body)
    return found
