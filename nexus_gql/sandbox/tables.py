"""The tables that `kubectl get` prints: the columns of each kind, made here as the apiserver makes them."""

from collections.abc import Callable
from datetime import UTC, datetime

from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.refusals import Object

Cells = Callable[[Object], list[object]]


def table(kind: Kind, objects: list[Object], version: str, now: datetime, *, whole: bool) -> Object:
    """The objects as rows. `whole` puts the whole object into each, else its metadata."""
    columns, cells = _KINDS.get(kind.name, _PLAIN)
    if kind.name == "Event":
        cells = _event_at(now)
    rows: list[Object] = [
        {"cells": [obj["metadata"]["name"], *cells(obj), age(obj, now)], "object": obj if whole else _partial(obj)}
        for obj in objects
    ]
    if kind.name == "Event":  # the one kind whose rows do not begin with a name
        rows = [{**row, "cells": row["cells"][1:-1]} for row in rows]
        return _titled(columns, rows, version)
    return _titled(("Name", *columns, "Age"), rows, version)


def _titled(names: tuple[str, ...], rows: list[Object], version: str) -> Object:
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [_column(name) for name in names],
        "rows": rows,
    }


def _column(name: str) -> Object:
    wide = name.startswith("+")
    format_ = "name" if name == "Name" else ""
    return {"name": name.lstrip("+"), "type": "string", "format": format_, "description": "", "priority": int(wide)}


def _partial(obj: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def age(obj: Object, now: datetime) -> str:
    """How old an object is, as people say it."""
    return since(obj["metadata"].get("creationTimestamp"), now)


def since(text: str | None, now: datetime) -> str:
    """The time from an instant to now in two units at most."""
    if not text:
        return "<unknown>"
    then = datetime.fromisoformat(text).astimezone(UTC)
    seconds = max(int((now - then).total_seconds()), 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{hours}h" if hours < 48 else f"{days}d"


def _status(obj: Object, field: str) -> int:
    return int(obj.get("status", {}).get(field, 0))


def _none(text: object) -> object:
    return text or "<none>"


def _pod(obj: Object) -> list[object]:
    status = obj.get("status", {})
    containers = status.get("containerStatuses", [])
    ready = sum(1 for one in containers if one.get("ready"))
    restarts = sum(one.get("restartCount", 0) for one in containers)
    total = len(obj["spec"]["containers"])
    return [
        f"{ready}/{total}",
        _pod_state(obj),
        str(restarts),
        _none(status.get("podIP")),
        _none(obj["spec"].get("nodeName")),
    ]


def _pod_state(obj: Object) -> str:
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    status = obj.get("status", {})
    state = str(status.get("reason") or status.get("phase", "Unknown"))
    for one in status.get("containerStatuses", []):
        for kind in ("waiting", "terminated"):
            found = one.get("state", {}).get(kind, {})
            if found.get("reason"):
                state = str(found["reason"])
    return state


def _deployment(obj: Object) -> list[object]:
    wanted = obj["spec"].get("replicas", 0)
    return [
        f"{_status(obj, 'readyReplicas')}/{wanted}",
        _status(obj, "updatedReplicas"),
        _status(obj, "availableReplicas"),
    ]


def _replica_set(obj: Object) -> list[object]:
    return [obj["spec"].get("replicas", 0), _status(obj, "replicas"), _status(obj, "readyReplicas")]


def _stateful_set(obj: Object) -> list[object]:
    return [f"{_status(obj, 'readyReplicas')}/{obj['spec'].get('replicas', 0)}"]


def _daemon_set(obj: Object) -> list[object]:
    fields = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    return [_status(obj, field) for field in fields]


def _job(obj: Object) -> list[object]:
    conditions = {one["type"] for one in obj.get("status", {}).get("conditions", []) if one.get("status") == "True"}
    state = "Complete" if "Complete" in conditions else "Failed" if "Failed" in conditions else "Running"
    return [state, f"{_status(obj, 'succeeded')}/{obj['spec'].get('completions', 1)}"]


def _cron_job(obj: Object) -> list[object]:
    spec, status = obj["spec"], obj.get("status", {})
    last = status.get("lastScheduleTime", "<none>")
    return [spec["schedule"], str(bool(spec.get("suspend"))), len(status.get("active", [])), last]


def _service(obj: Object) -> list[object]:
    spec = obj["spec"]
    ports = ",".join(
        f"{port['port']}{':' + str(port['nodePort']) if 'nodePort' in port else ''}/{port.get('protocol', 'TCP')}"
        for port in spec.get("ports", [])
    )
    outside = "<pending>" if spec.get("type") == "LoadBalancer" else spec.get("externalName", "<none>")
    return [spec.get("type"), spec.get("clusterIP", "<none>"), outside, _none(ports)]


def _node(obj: Object) -> list[object]:
    status = obj.get("status", {})
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))
    marks = [key.rpartition("/")[2] for key in obj["metadata"].get("labels", {}) if key.startswith("node-role.")]
    state = "Ready" if ready else "NotReady"
    if obj["spec"].get("unschedulable"):
        state += ",SchedulingDisabled"
    return [state, _none(",".join(sorted(marks))), status.get("nodeInfo", {}).get("kubeletVersion", "")]


def _event_at(now: datetime) -> Cells:
    def cells(obj: Object) -> list[object]:
        about = obj.get("involvedObject", {})
        whom = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
        seen = since(obj.get("lastTimestamp") or obj.get("eventTime"), now)
        return [seen, obj.get("type"), obj.get("reason"), whom, (obj.get("message") or "").strip()]

    return cells


def _claim(obj: Object) -> list[object]:
    spec, status = obj["spec"], obj.get("status", {})
    size = status.get("capacity", {}).get("storage", "")
    modes = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    short = ",".join(modes.get(mode, mode) for mode in status.get("accessModes", []))
    return [status.get("phase"), spec.get("volumeName", ""), size, short, spec.get("storageClassName", "")]


def _ingress(obj: Object) -> list[object]:
    spec = obj["spec"]
    hosts = ",".join(rule.get("host", "*") for rule in spec.get("rules", [])) or "*"
    places = obj.get("status", {}).get("loadBalancer", {}).get("ingress", [])
    address = ",".join(place.get("hostname") or place.get("ip", "") for place in places)
    return [_none(spec.get("ingressClassName")), hosts, address, "80, 443" if spec.get("tls") else "80"]


def _autoscaler(obj: Object) -> list[object]:
    spec = obj["spec"]
    target = spec["scaleTargetRef"]
    bounds = [spec.get("minReplicas", 1), spec["maxReplicas"], _status(obj, "currentReplicas")]
    return [f"{target['kind']}/{target['name']}", *bounds]


_PLAIN: tuple[tuple[str, ...], Cells] = ((), lambda _: [])
_KINDS: dict[str, tuple[tuple[str, ...], Cells]] = {
    "Pod": (("Ready", "Status", "Restarts", "+IP", "+Node"), _pod),
    "Deployment": (("Ready", "Up-to-date", "Available"), _deployment),
    "ReplicaSet": (("Desired", "Current", "Ready"), _replica_set),
    "StatefulSet": (("Ready",), _stateful_set),
    "DaemonSet": (("Desired", "Current", "Ready", "Up-to-date", "Available"), _daemon_set),
    "Job": (("Status", "Completions"), _job),
    "CronJob": (("Schedule", "Suspend", "Active", "Last Schedule"), _cron_job),
    "Service": (("Type", "Cluster-IP", "External-IP", "Port(s)"), _service),
    "Node": (("Status", "Roles", "Version"), _node),
    "Namespace": (("Status",), lambda obj: [obj.get("status", {}).get("phase", "")]),
    "Event": (("Last Seen", "Type", "Reason", "Object", "Message"), lambda _: []),
    "ConfigMap": (("Data",), lambda obj: [len(obj.get("data", {})) + len(obj.get("binaryData", {}))]),
    "Secret": (("Type", "Data"), lambda obj: [obj.get("type"), len(obj.get("data", {}))]),
    "ServiceAccount": (("Secrets",), lambda obj: [len(obj.get("secrets", []))]),
    "PersistentVolumeClaim": (("Status", "Volume", "Capacity", "Access Modes", "StorageClass"), _claim),
    "Ingress": (("Class", "Hosts", "Address", "Ports"), _ingress),
    "IngressClass": (("Controller",), lambda obj: [obj.get("spec", {}).get("controller", "")]),
    "StorageClass": (("Provisioner",), lambda obj: [obj.get("provisioner", "")]),
    "HorizontalPodAutoscaler": (("Reference", "MinPods", "MaxPods", "Replicas"), _autoscaler),
}
