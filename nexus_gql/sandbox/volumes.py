"""Claims on storage: bound to a volume that fits, or to one that the class `standard` makes at once."""

from collections.abc import Iterable, Mapping

from nexus_gql.sandbox.events import Source
from nexus_gql.sandbox.objects import (
    Key,
    annotations_of,
    is_deleting,
    key_of,
    stamp_of,
    status_of,
    uid_of,
    with_metadata,
    with_status,
)
from nexus_gql.sandbox.quantities import parse
from nexus_gql.sandbox.store import Object, Stored
from nexus_gql.sandbox.world import Touched, World

_SOURCE = Source("persistentvolume-controller")
_AGAIN = 15.0
_PROTECTION = "kubernetes.io/pvc-protection"
_VOLUME_PROTECTION = "kubernetes.io/pv-protection"
_BOUND = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}


class Volumes:
    """The controller: keys with a namespace are claims, those without are volumes."""

    name = "persistentvolume-binder"

    def __init__(self, world: World) -> None:
        self._world = world
        self.watches: Mapping[str, Touched] = {
            "PersistentVolumeClaim": _claim,
            "PersistentVolume": self._volume,
            "StorageClass": lambda _write: self._waiting(),
            "Pod": _users,
        }

    def reconcile(self, key: Key) -> float | None:
        """Bind a claim, or let go of it or of a volume."""
        if not key[0]:
            self._release(key[1])
            return None
        claim = self._world.store.get("PersistentVolumeClaim", *key)
        if claim is None:
            return None
        if is_deleting(claim):
            self._let_go(claim)
            return None
        return self._bind(claim) if status_of(claim).get("phase") != "Bound" else None

    def _volume(self, write: Stored) -> Iterable[Key]:
        claim = write.object["spec"].get("claimRef")
        return (
            ("", write.object["metadata"]["name"]),
            *([(claim["namespace"], claim["name"])] if claim else self._waiting()),
        )

    def _waiting(self) -> Iterable[Key]:
        claims = self._world.store.all("PersistentVolumeClaim")
        return [key_of(claim) for claim in claims if status_of(claim).get("phase") != "Bound"]

    # ── binding ──

    def _bind(self, claim: Object) -> float | None:
        volume = self._fitting(claim) or self._provision(claim)
        if volume is None:
            return _AGAIN
        store, metadata = self._world.store, claim["metadata"]
        reference = {**_reference(claim), "resourceVersion": metadata["resourceVersion"]}
        bound = {**volume, "spec": {**volume["spec"], "claimRef": reference}}
        if "pv.kubernetes.io/provisioned-by" not in annotations_of(volume):
            bound = with_metadata(
                bound, annotations={**annotations_of(volume), "pv.kubernetes.io/bound-by-controller": "yes"}
            )
        volume = store.update("PersistentVolume", bound)
        self._phase(volume, "Bound")
        declared = {**claim, "spec": {**claim["spec"], "volumeName": volume["metadata"]["name"]}}
        declared = store.update(
            "PersistentVolumeClaim", with_metadata(declared, annotations={**annotations_of(declared), **_BOUND})
        )
        status = {
            "phase": "Bound",
            "accessModes": volume["spec"]["accessModes"],
            "capacity": volume["spec"]["capacity"],
        }
        store.update("PersistentVolumeClaim", with_status(declared, status), subresource="status")
        return None

    def _fitting(self, claim: Object) -> Object | None:
        """The smallest free volume of the class that is large enough; one that is kept for this claim first."""
        spec, wanted = claim["spec"], claim["spec"].get("volumeName")
        size = parse(str(spec["resources"]["requests"]["storage"]))
        found = []
        for volume in self._world.store.all("PersistentVolume"):
            reference = volume["spec"].get("claimRef")
            if wanted and volume["metadata"]["name"] != wanted:
                continue
            if reference and (reference.get("namespace"), reference.get("name")) != key_of(claim):
                continue
            if reference and reference.get("uid", uid_of(claim)) != uid_of(claim):
                continue
            if _fits(volume["spec"], spec) and not is_deleting(volume):
                found.append((not reference, parse(str(volume["spec"]["capacity"]["storage"])), volume))
        large = [item for item in found if item[1] >= size]
        return min(large, key=lambda item: item[:2])[2] if large else None

    def _provision(self, claim: Object) -> Object | None:
        """A volume made for a claim; says so, or why not."""
        spec, say = claim["spec"], self._world.events
        name = spec.get("storageClassName")
        if not name:
            words = "no persistent volumes available for this claim and no storage class is set"
            say.normal(claim, _SOURCE, "FailedBinding", words)
            return None
        class_ = self._world.store.get("StorageClass", None, name)
        if class_ is None:
            say.warning(claim, _SOURCE, "ProvisioningFailed", f'storageclass.storage.k8s.io "{name}" not found')
            return None
        volume = self._world.store.create("PersistentVolume", None, _made_for(claim, class_))
        message = f"Successfully provisioned volume {volume['metadata']['name']}"
        say.normal(claim, Source(class_["provisioner"]), "ProvisioningSucceeded", message)
        return volume

    # ── letting go ──

    def _let_go(self, claim: Object) -> None:
        """A claim stays while a pod uses it."""
        namespace, name = key_of(claim)
        finalizers = claim["metadata"].get("finalizers") or []
        if _PROTECTION not in finalizers:
            return
        if any(name in _claims(pod) for pod in self._world.store.all("Pod", namespace)):
            return
        kept = [item for item in finalizers if item != _PROTECTION]
        self._world.store.update("PersistentVolumeClaim", with_metadata(claim, finalizers=kept or None))

    def _release(self, name: str) -> None:
        """A volume whose claim is gone is deleted or kept, as it says."""
        store = self._world.store
        volume = store.get("PersistentVolume", None, name)
        if volume is None:
            return
        reference = volume["spec"].get("claimRef")
        used = bool(reference and reference.get("uid") and store.by_uid(reference["uid"]))
        if is_deleting(volume) and not used:
            kept = [item for item in volume["metadata"].get("finalizers") or [] if item != _VOLUME_PROTECTION]
            store.update("PersistentVolume", with_metadata(volume, finalizers=kept or None))
        elif reference and reference.get("uid") and not used:
            self._phase(volume, "Released")
            if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
                store.delete("PersistentVolume", None, name)
        elif not reference and status_of(volume).get("phase") != "Available":
            self._phase(volume, "Available")

    def _phase(self, volume: Object, phase: str) -> None:
        if status_of(volume).get("phase") == phase:
            return
        status = {"phase": phase, "lastPhaseTransitionTime": stamp_of(self._world.now())}
        self._world.store.update("PersistentVolume", with_status(volume, status), subresource="status")


def _claim(write: Stored) -> Iterable[Key]:
    name = write.object["spec"].get("volumeName")
    return (key_of(write.object), *([("", name)] if name and write.type == "DELETED" else []))


def _users(write: Stored) -> Iterable[Key]:
    """The end of a pod may let its claims go."""
    if write.type != "DELETED":
        return ()
    return [(write.object["metadata"]["namespace"], name) for name in _claims(write.object)]


def _claims(pod: Object) -> list[str]:
    found = [
        (volume.get("persistentVolumeClaim") or {}).get("claimName") for volume in pod["spec"].get("volumes") or ()
    ]
    return [name for name in found if name]


def _fits(volume: Object, claim: Object) -> bool:
    modes = set(claim.get("accessModes") or ())
    same_class = (volume.get("storageClassName") or "") == (claim.get("storageClassName") or "")
    same_mode = volume.get("volumeMode", "Filesystem") == claim.get("volumeMode", "Filesystem")
    return same_class and same_mode and modes <= set(volume.get("accessModes") or ())


def _reference(claim: Object) -> Object:
    metadata = claim["metadata"]
    named = {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **named}


def _made_for(claim: Object, class_: Object) -> Object:
    spec = claim["spec"]
    name = f"pvc-{claim['metadata']['uid']}"
    return {
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": class_["provisioner"]}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "claimRef": _reference(claim),
            "hostPath": {"path": f"/var/sandbox/{name}", "type": "DirectoryOrCreate"},
            "persistentVolumeReclaimPolicy": class_.get("reclaimPolicy", "Delete"),
            "storageClassName": class_["metadata"]["name"],
            "volumeMode": spec.get("volumeMode", "Filesystem"),
        },
    }
