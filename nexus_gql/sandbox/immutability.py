"""Which fields cannot be changed once an object is there."""

from collections.abc import Callable

from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.names import Causes
from nexus_gql.sandbox.refusals import Object
from nexus_gql.sandbox.shown import bad, forbidden

_STAYS = "field is immutable"
_CLAIM = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
_STATEFUL = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_STATEFUL_FREE = frozenset(
    {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    }
)


def changed(kind: Kind, old: Object, new: Object) -> Causes:
    """What the step from the old object to the new one changes and may not."""
    rule = _RULES.get(kind.name)
    if rule is not None:
        yield from rule(old, new)


def _selector(old: Object, new: Object) -> Causes:
    if old["spec"].get("selector") != new["spec"].get("selector"):
        yield bad("spec.selector", new["spec"].get("selector"), _STAYS)


def _stateful_set(old: Object, new: Object) -> Causes:
    def fixed(obj: Object) -> Object:
        return {name: value for name, value in obj["spec"].items() if name not in _STATEFUL_FREE}

    if fixed(old) != fixed(new):
        yield forbidden("spec", _STATEFUL)


def _job(old: Object, new: Object) -> Causes:
    before, after = old["spec"], new["spec"]
    for field in ("completions", "selector", "template", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"):
        if before.get(field) != after.get(field) and not (field == "template" and _suspended(old, before, after)):
            yield bad(f"spec.{field}", after.get(field), _STAYS)


def _suspended(old: Object, before: Object, after: Object) -> bool:
    """The scheduling fields of a job that is suspended and never ran may change; the rest of its template never."""
    if not before.get("suspend") or "startTime" in old.get("status", {}):
        return False
    free = ("nodeSelector", "tolerations", "affinity", "schedulingGates")

    def fixed(spec: Object) -> Object:
        return {name: value for name, value in spec["template"]["spec"].items() if name not in free}

    return fixed(before) == fixed(after)


def _service(old: Object, new: Object) -> Causes:
    before, after = old["spec"], new["spec"]
    if "ExternalName" in {before.get("type"), after.get("type")}:
        return
    had, has = before.get("clusterIPs"), after.get("clusterIPs", [])
    wanted = [after["clusterIP"]] if after.get("clusterIP") != before.get("clusterIP") else has
    if had and wanted != had:
        yield bad("spec.clusterIPs[0]", wanted, "may not change once set")


def _claim(old: Object, new: Object) -> Causes:
    def fixed(obj: Object) -> Object:
        spec = obj["spec"]
        rest = {name: value for name, value in spec.items() if name not in {"resources", "volumeName"}}
        return {**rest, "volumeName": spec.get("volumeName")} if old["spec"].get("volumeName") else rest

    if fixed(old) != fixed(new):
        yield forbidden("spec", _CLAIM)


def _secret(old: Object, new: Object) -> Causes:
    if old.get("type") != new.get("type"):
        yield bad("type", new.get("type"), _STAYS)
    yield from _sealed(old, new)


def _sealed(old: Object, new: Object) -> Causes:
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield forbidden("immutable", "field is immutable when `immutable` is set")
    for field in ("data", "binaryData"):
        if old.get(field) != new.get(field):
            yield forbidden(field, "field is immutable when `immutable` is set")


_POD_FREE = ("activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations", "schedulingGates")
_POD = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def _pod(old: Object, new: Object) -> Causes:
    def fixed(obj: Object) -> Object:
        spec = {name: value for name, value in obj["spec"].items() if name not in _POD_FREE}
        for field in ("containers", "initContainers"):
            if field in spec:
                spec[field] = [{**container, "image": ""} for container in spec[field]]
        return spec

    if fixed(old) != fixed(new):
        yield forbidden("spec", _POD)


_RULES: dict[str, Callable[[Object, Object], Causes]] = {
    "Deployment": _selector,
    "ReplicaSet": _selector,
    "DaemonSet": _selector,
    "StatefulSet": _stateful_set,
    "Job": _job,
    "Service": _service,
    "PersistentVolumeClaim": _claim,
    "Secret": _secret,
    "ConfigMap": _sealed,
    "Pod": _pod,
}
