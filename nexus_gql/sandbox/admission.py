"""What the admission plugins of a plain cluster do to new objects: the service account's token, tolerations, default classes."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from random import Random
from typing import Any, Protocol

from nexus_gql.sandbox import quantities
from nexus_gql.sandbox.defaults import containers
from nexus_gql.sandbox.kinds import KINDS, Kind
from nexus_gql.sandbox.preparation import generated
from nexus_gql.sandbox.refusals import Object, forbidden

_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - where Kubernetes puts it
_DEFAULT_STORAGE = "storageclass.kubernetes.io/is-default-class"
_DEFAULT_INGRESS = "ingressclass.kubernetes.io/is-default-class"


class Objects(Protocol):
    """What admission looks up."""

    def get(self, kind: str, namespace: str | None, name: str) -> Object | None:
        """The object of that name."""

    def all(self, kind: str, namespace: str | None = None) -> Iterable[Object]:
        """All objects of a kind."""


def admit(kind: Kind, obj: Object, objects: Objects, random: Random) -> None:
    """Fill in and refuse as the admission plugins do; the object is given over."""
    rule = _RULES.get(kind.name)
    if rule is not None:
        rule(obj, objects, random)


def _pod(obj: Object, objects: Objects, random: Random) -> None:
    spec = obj["spec"]
    _service_account(obj, objects, random)
    _tolerate_lost_nodes(spec)
    spec.setdefault("priority", 0)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    status = obj.setdefault("status", {})
    status.setdefault("phase", "Pending")
    status.setdefault("qosClass", quality(spec))


def _service_account(obj: Object, objects: Objects, random: Random) -> None:
    spec, metadata = obj["spec"], obj["metadata"]
    name = spec.setdefault("serviceAccountName", "default")
    spec["serviceAccount"] = name
    account = objects.get("ServiceAccount", metadata["namespace"], name)
    if account is None:
        why = f'error looking up service account {metadata["namespace"]}/{name}: serviceaccount "{name}" not found'
        raise forbidden(KINDS["Pod"], metadata.get("generateName") or metadata["name"], why)
    if account.get("imagePullSecrets"):
        spec.setdefault("imagePullSecrets", [dict(secret) for secret in account["imagePullSecrets"]])
    if spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True)):
        _mount_token(spec, random)


def _mount_token(spec: Object, random: Random) -> None:
    name = generated("kube-api-access-", random)
    bare = [one for one in containers(spec) if not _mounted(one)]
    if not bare:
        return
    spec.setdefault("volumes", []).append({"name": name, "projected": _token_sources()})
    for container in bare:
        mount = {"name": name, "readOnly": True, "mountPath": _TOKEN_PATH}
        container.setdefault("volumeMounts", []).append(mount)


def _mounted(container: Object) -> bool:
    return any(mount["mountPath"] == _TOKEN_PATH for mount in container.get("volumeMounts", ()))


def _token_sources() -> Object:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    certificate = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    sources: list[Any] = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": certificate},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"sources": sources, "defaultMode": 420}


def _tolerate_lost_nodes(spec: Object) -> None:
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(_tolerates(toleration, key) for toleration in tolerations):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})


def _tolerates(toleration: Object, key: str) -> bool:
    return toleration.get("key", "") in {"", key} and toleration.get("effect", "") in {"", "NoExecute"}


def quality(spec: Object) -> str:
    """The class of service that a pod gets by what its containers ask for."""
    asked: list[Decimal] = []
    equal = True
    for container in containers(spec):
        resources = container.get("resources", {})
        for what in ("cpu", "memory"):
            request = quantities.parse(resources.get("requests", {}).get(what, "0"))
            limit = quantities.parse(resources.get("limits", {}).get(what, "0"))
            asked += [request, limit]
            equal = equal and limit > 0 and request == limit
    if not any(asked):
        return "BestEffort"
    return "Guaranteed" if equal else "Burstable"


def _job(obj: Object, objects: Objects, random: Random) -> None:  # noqa: ARG001 - one signature for all
    """A job's pods are told apart by its uid, and carry its name, under the old and the new labels."""
    metadata, spec = obj["metadata"], obj["spec"]
    if spec.get("manualSelector") or "template" not in spec:
        return
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    shared = metadata.get("labels", {}) == labels
    for prefix in ("", "batch.kubernetes.io/"):
        labels.setdefault(f"{prefix}controller-uid", metadata["uid"])
        labels.setdefault(f"{prefix}job-name", metadata.get("name", ""))
    spec.setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": metadata["uid"]}})
    if shared:
        metadata["labels"] = dict(labels)


def _event(obj: Object, objects: Objects, random: Random) -> None:  # noqa: ARG001 - one signature for all
    """What Go writes of an event whatever is in it."""
    for field in ("eventTime", "firstTimestamp", "lastTimestamp"):
        obj.setdefault(field, None)
    for field in ("reportingComponent", "reportingInstance"):
        obj.setdefault(field, "")


def _namespace(obj: Object, objects: Objects, random: Random) -> None:  # noqa: ARG001 - one signature for all
    obj["spec"].setdefault("finalizers", ["kubernetes"])


def _claim(obj: Object, objects: Objects, random: Random) -> None:  # noqa: ARG001 - one signature for all
    if "storageClassName" not in obj["spec"]:
        name = _default(objects.all("StorageClass"), _DEFAULT_STORAGE)
        if name is not None:
            obj["spec"]["storageClassName"] = name
    _finalizer(obj, "kubernetes.io/pvc-protection")


def _volume(obj: Object, objects: Objects, random: Random) -> None:  # noqa: ARG001 - one signature for all
    _finalizer(obj, "kubernetes.io/pv-protection")


def _ingress(obj: Object, objects: Objects, random: Random) -> None:  # noqa: ARG001 - one signature for all
    if "ingressClassName" in obj["spec"] or "kubernetes.io/ingress.class" in obj["metadata"].get("annotations", {}):
        return
    name = _default(objects.all("IngressClass"), _DEFAULT_INGRESS)
    if name is not None:
        obj["spec"]["ingressClassName"] = name


def _finalizer(obj: Object, name: str) -> None:
    finalizers = obj["metadata"].setdefault("finalizers", [])
    if name not in finalizers:
        finalizers.append(name)


def _default(classes: Iterable[Object], annotation: str) -> str | None:
    for one in classes:
        if one["metadata"].get("annotations", {}).get(annotation) == "true":
            return str(one["metadata"]["name"])
    return None


_RULES: dict[str, Callable[[Object, Objects, Random], None]] = {
    "Pod": _pod,
    "Job": _job,
    "Event": _event,
    "Namespace": _namespace,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume,
    "Ingress": _ingress,
}
