"""What goes with its owner: dependents, in the background, before it, or not at all; and all that a namespace holds."""

from collections.abc import Iterable, Mapping

from nexus_gql.sandbox.kinds import KINDS
from nexus_gql.sandbox.objects import Key, is_deleting, key_of, stamp_of, status_of, uid_of, with_metadata, with_status
from nexus_gql.sandbox.store import Object, Refusal, Stored
from nexus_gql.sandbox.world import Touched, World

_FOREGROUND, _ORPHAN = "foregroundDeletion", "orphan"


class Garbage:
    """The controller: keys are a kind and a uid, and the name of the object for what may be an orphan."""

    name = "garbage-collector"

    def __init__(self, world: World) -> None:
        self._world = world
        self.watches: Mapping[str, Touched] = {"*": self._concerned}

    def reconcile(self, key: Key) -> float | None:
        """See to the dependents of an owner."""
        uid = key[1]
        owner = self._world.store.by_uid(uid)
        if owner is None:
            for dependent in self._world.index.dependents(uid):
                self._lost_owner(self._world.store.get(*dependent))
        elif is_deleting(owner):
            finalizers = owner["metadata"].get("finalizers") or ()
            if _FOREGROUND in finalizers:
                self._foreground(owner)
            elif _ORPHAN in finalizers:
                self._orphan(owner)
        return None

    def _concerned(self, write: Stored) -> Iterable[Key]:
        """Owners that end or are gone; owners of what is new or gone, which may not be there any more, or wait for it."""
        metadata = write.object["metadata"]
        found: list[Key] = []
        if write.type == "DELETED" or "deletionTimestamp" in metadata:
            found.append(("", metadata["uid"]))
        if write.type != "MODIFIED":
            store = self._world.store
            for reference in metadata.get("ownerReferences") or ():
                owner = store.by_uid(reference["uid"])
                if owner is None or is_deleting(owner):
                    found.append(("", reference["uid"]))
        return found

    def _lost_owner(self, dependent: Object | None) -> None:
        """An object whose owners are all gone goes too; of several, the lost ones are taken off it."""
        if dependent is None or is_deleting(dependent):
            return
        references = dependent["metadata"].get("ownerReferences") or []
        left = [item for item in references if self._world.store.by_uid(item["uid"]) is not None]
        if left:
            self._world.store.update(dependent["kind"], with_metadata(dependent, ownerReferences=left))
        else:
            self._delete(dependent, "Background")

    def _foreground(self, owner: Object) -> None:
        """The owner goes last: when nothing is left that blocks it."""
        uid = uid_of(owner)
        blocking = False
        for dependent in self._world.index.dependents(uid):
            obj = self._world.store.get(*dependent)
            reference = next(
                (
                    item
                    for item in (obj or {"metadata": {}})["metadata"].get("ownerReferences", ())
                    if item["uid"] == uid
                ),
                None,
            )
            if obj is None or reference is None:
                continue
            if not is_deleting(obj):
                self._delete(obj, "Foreground" if self._world.index.dependents(uid_of(obj)) else "Background")
            still_there = self._world.store.by_uid(uid_of(obj)) is not None
            blocking = blocking or (still_there and bool(reference.get("blockOwnerDeletion")))
        if not blocking:
            self._without(owner, _FOREGROUND)

    def _orphan(self, owner: Object) -> None:
        """The owner goes alone."""
        uid = uid_of(owner)
        for dependent in self._world.index.dependents(uid):
            obj = self._world.store.get(*dependent)
            if obj is not None:
                left = [item for item in obj["metadata"]["ownerReferences"] if item["uid"] != uid]
                self._world.store.update(obj["kind"], with_metadata(obj, ownerReferences=left or None))
        self._without(owner, _ORPHAN)

    def _without(self, owner: Object, finalizer: str) -> None:
        present = self._world.store.by_uid(uid_of(owner))
        if present is not None:
            kept = [item for item in present["metadata"].get("finalizers") or () if item != finalizer]
            self._world.store.update(present["kind"], with_metadata(present, finalizers=kept or None))

    def _delete(self, obj: Object, propagation: str) -> None:
        namespace, name = key_of(obj)
        self._world.store.delete(obj["kind"], namespace or None, name, propagation=propagation, uid=uid_of(obj))


class Namespaces:
    """The controller: what a new namespace has, and that nothing is left of one that goes."""

    name = "namespace-controller"

    def __init__(self, world: World) -> None:
        self._world = world
        self.watches: Mapping[str, Touched] = {
            "Namespace": lambda write: (("", write.object["metadata"]["name"]),),
            "*": self._emptied,
        }

    def reconcile(self, key: Key) -> float | None:
        """Furnish a namespace, or empty it."""
        name = key[1]
        namespace = self._world.store.get("Namespace", None, name)
        if namespace is None:
            return None
        if not is_deleting(namespace):
            self._furnish(name)
            return None
        content = self._world.index.content(name)
        for kind in sorted(content, key=lambda kind: kind in {"Pod", "ReplicaSet"}):
            for obj in self._world.store.all(kind, name):
                if not is_deleting(obj):
                    self._world.store.delete(kind, name, obj["metadata"]["name"])
        self._say(namespace)
        if not self._world.index.content(name):
            self._finalise(name)
        return None

    def _emptied(self, write: Stored) -> Iterable[Key]:
        """The last object of a namespace that goes."""
        space = write.object["metadata"].get("namespace")
        if write.type != "DELETED" or not space:
            return ()
        namespace = self._world.store.get("Namespace", None, space)
        gone = namespace is not None and is_deleting(namespace) and not self._world.index.content(space)
        return (("", space),) if gone else ()

    def _furnish(self, name: str) -> None:
        store = self._world.store
        if store.get("ServiceAccount", name, "default") is None:
            store.create("ServiceAccount", name, {"metadata": {"name": "default"}})
        if store.get("ConfigMap", name, "kube-root-ca.crt") is None:
            words = _BUNDLE
            metadata = {"name": "kube-root-ca.crt", "annotations": {"kubernetes.io/description": words}}
            store.create("ConfigMap", name, {"metadata": metadata, "data": {"ca.crt": ""}})

    def _say(self, namespace: Object) -> None:
        """What is left, as conditions."""
        present = self._world.store.by_uid(uid_of(namespace))
        if present is None:
            return
        content = self._world.index.content(namespace["metadata"]["name"])
        left = ", ".join(
            f"{KINDS[kind].resource} has {count} resource instances" for kind, count in sorted(content.items())
        )
        said = [
            (
                "NamespaceDeletionDiscoveryFailure",
                "False",
                "ResourcesDiscovered",
                "All resources successfully discovered",
            ),
            (
                "NamespaceDeletionGroupVersionParsingFailure",
                "False",
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed",
            ),
            ("NamespaceDeletionContentFailure", "False", "ContentDeleted", _DELETED),
            ("NamespaceContentRemaining", "True", "SomeResourcesRemain", f"Some resources are remaining: {left}")
            if left
            else ("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"),
            (
                "NamespaceFinalizersRemaining",
                "False",
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            ),
        ]
        old = {item["type"]: item for item in status_of(present).get("conditions", ())}
        now = stamp_of(self._world.now())
        conditions = []
        for type_, status, reason, message in said:
            before = old.get(type_)
            since = before["lastTransitionTime"] if before and before["status"] == status else now
            words = {"reason": reason, "message": message}
            conditions.append({"type": type_, "status": status, "lastTransitionTime": since, **words})
        whole = {**status_of(present), "conditions": conditions}
        self._world.store.update("Namespace", with_status(present, whole), subresource="status")

    def _finalise(self, name: str) -> None:
        present = self._world.store.get("Namespace", None, name)
        if present is None:
            return
        kept = [item for item in present["spec"].get("finalizers") or () if item != "kubernetes"]
        spec = {field: value for field, value in present["spec"].items() if field != "finalizers"}
        try:
            self._world.store.update(
                "Namespace", {**present, "spec": {**spec, **({"finalizers": kept} if kept else {})}}
            )
        except Refusal as refusal:
            if refusal.code != 404:
                raise


_DELETED = "All content successfully deleted, may be waiting on finalization"
_BUNDLE = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal "
    "service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
)
