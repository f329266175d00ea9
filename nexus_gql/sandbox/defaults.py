"""What the apiserver fills in where nothing is set, so that an object reads back as a real cluster would show it."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.refusals import Object

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
"""An annotation that every DaemonSet still carries: it counts the changes of its template."""


def fill(kind: Kind, obj: Object) -> None:
    """Set what is not set. The object is given over: nobody else holds a part of it."""
    rule = _RULES.get(kind.name)
    if rule is not None:
        rule(obj)


def _set(target: Object, values: Object) -> None:
    for name, value in values.items():
        target.setdefault(name, value)


# ── pods ──


def containers(spec: Object) -> Iterator[Object]:
    """All containers of a pod."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field, ())


def _pod_spec(spec: Object) -> None:
    _set(
        spec,
        {
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "securityContext": {},
            "schedulerName": "default-scheduler",
        },
    )
    if "serviceAccountName" in spec:
        spec["serviceAccount"] = spec["serviceAccountName"]
    elif "serviceAccount" in spec:
        spec["serviceAccountName"] = spec["serviceAccount"]
    for container in containers(spec):
        _container(container)
    for volume in spec.get("volumes", ()):
        _volume(volume)


def _container(container: Object) -> None:
    _set(
        container,
        {
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "imagePullPolicy": pull_policy(container.get("image", "")),
        },
    )
    for port in container.get("ports", ()):
        port.setdefault("protocol", "TCP")
    for field in ("livenessProbe", "readinessProbe", "startupProbe"):
        if field in container:
            _probe(container[field])
    for hook in container.get("lifecycle", {}).values():
        if isinstance(hook, dict) and "httpGet" in hook:
            _set(hook["httpGet"], {"path": "/", "scheme": "HTTP"})
    for variable in container.get("env", ()):
        reference = variable.get("valueFrom", {}).get("fieldRef")
        if reference is not None:
            reference.setdefault("apiVersion", "v1")


def pull_policy(image: str) -> str:
    """`Always` for what may change under its name: no tag, or `latest`."""
    name, at, _ = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if at:
        return "Always" if tag == "latest" else "IfNotPresent"
    return "Always" if tag in {"", "latest"} else "IfNotPresent"


def _probe(probe: Object) -> None:
    _set(probe, {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3})
    for number in ("timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        if probe[number] == 0:
            probe[number] = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1}.get(number, 3)
    if "httpGet" in probe:
        _set(probe["httpGet"], {"path": "/", "scheme": "HTTP"})
    if "grpc" in probe:
        probe["grpc"].setdefault("service", "")


def _volume(volume: Object) -> None:
    if len(volume) == 1:
        volume["emptyDir"] = {}
    for source in ("secret", "configMap", "projected", "downwardAPI"):
        if source in volume:
            volume[source].setdefault("defaultMode", 420)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")
    for part in volume.get("projected", {}).get("sources", ()):
        if "serviceAccountToken" in part:
            part["serviceAccountToken"].setdefault("expirationSeconds", 3607)


def _template(spec: Object) -> None:
    template = spec.get("template")
    if template is not None:
        _pod_spec(template.setdefault("spec", {}))


def _pod(obj: Object) -> None:
    spec = obj["spec"]
    _pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    for container in containers(spec):
        limits = container["resources"].get("limits", {})
        if limits:
            requests = container["resources"].setdefault("requests", {})
            _set(requests, limits)


# ── workloads ──


def _deployment(obj: Object) -> None:
    spec = obj["spec"]
    _set(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy.setdefault("rollingUpdate", {}), {"maxUnavailable": "25%", "maxSurge": "25%"})
    _template(spec)


def _counted(obj: Object, *fields: str) -> None:
    """Counts that Go writes even when they are zero."""
    _set(obj["status"], dict.fromkeys(fields, 0))


def _replica_set(obj: Object) -> None:
    _counted(obj, "replicas")
    obj["spec"].setdefault("replicas", 1)
    _template(obj["spec"])


def _stateful_set(obj: Object) -> None:
    _counted(obj, "replicas", "availableReplicas")
    spec = obj["spec"]
    _set(spec, {"podManagementPolicy": "OrderedReady", "replicas": 1, "revisionHistoryLimit": 10})
    strategy = spec.setdefault("updateStrategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    _set(retention, {"whenDeleted": "Retain", "whenScaled": "Retain"})
    for claim in spec.get("volumeClaimTemplates", ()):
        _set(claim, {"kind": "PersistentVolumeClaim", "apiVersion": "v1"})
        claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
        claim.setdefault("status", {}).setdefault("phase", "Pending")
    _template(spec)


def _daemon_set(obj: Object) -> None:
    _counted(obj, "currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady")
    annotations = obj["metadata"].setdefault("annotations", {})
    annotations.setdefault(TEMPLATE_GENERATION, "1")
    spec = obj["spec"]
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy.setdefault("rollingUpdate", {}), {"maxUnavailable": 1, "maxSurge": 0})
    _template(spec)


def _job(obj: Object) -> None:
    spec = obj["spec"]
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    _set(spec, {"parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False})
    if "podFailurePolicy" not in spec:
        spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")
    spec.setdefault("manualSelector", False)
    labels = spec.get("template", {}).get("metadata", {}).get("labels")
    if labels and not obj["metadata"].get("labels"):
        obj["metadata"]["labels"] = dict(labels)
    _template(spec)


def _cron_job(obj: Object) -> None:
    spec = obj["spec"]
    _set(
        spec,
        {
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
        },
    )
    _template(spec.get("jobTemplate", {}).get("spec", {}))


def _autoscaler(obj: Object) -> None:
    spec = obj["spec"]
    _set(obj["status"], {"desiredReplicas": 0, "currentMetrics": None})
    spec.setdefault("minReplicas", 1)
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    spec.setdefault("metrics", [{"type": "Resource", "resource": cpu}])
    if "behavior" in spec:
        up = [{"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}]
        down = [{"type": "Percent", "value": 100, "periodSeconds": 15}]
        behavior = spec["behavior"]
        _scaling(behavior.setdefault("scaleUp", {}), up, window=0)
        _scaling(behavior.setdefault("scaleDown", {}), down, window=None)


def _scaling(rules: Object, policies: list[Any], *, window: int | None) -> None:
    _set(rules, {"selectPolicy": "Max", "policies": policies})
    if window is not None:
        rules.setdefault("stabilizationWindowSeconds", window)


# ── network and storage ──


def _service(obj: Object) -> None:
    spec = obj["spec"]
    _set(spec, {"type": "ClusterIP", "sessionAffinity": "None"})
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port", 0)
    if spec["sessionAffinity"] == "ClientIP":
        spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {}).setdefault("timeoutSeconds", 10800)
    if spec["type"] in {"NodePort", "LoadBalancer"}:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")


def _endpoint_slice(obj: Object) -> None:
    for port in obj.get("ports", ()):
        _set(port, {"name": "", "protocol": "TCP"})
    obj.setdefault("endpoints", [])
    obj.setdefault("ports", [])


def _claim(obj: Object) -> None:
    obj["spec"].setdefault("volumeMode", "Filesystem")
    obj["status"].setdefault("phase", "Pending")


def _volume_object(obj: Object) -> None:
    _set(obj["spec"], {"volumeMode": "Filesystem", "persistentVolumeReclaimPolicy": "Retain"})
    obj["status"].setdefault("phase", "Pending")


def _storage_class(obj: Object) -> None:
    _set(obj, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})


# ── the rest ──


def _secret(obj: Object) -> None:
    for key, text in obj.pop("stringData", {}).items():
        obj.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()
    obj.setdefault("type", "Opaque")


def _namespace(obj: Object) -> None:
    obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"].get("name", "")
    obj["status"].setdefault("phase", "Active")


_RULES: dict[str, Callable[[Object], None]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
    "HorizontalPodAutoscaler": _autoscaler,
    "Service": _service,
    "EndpointSlice": _endpoint_slice,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume_object,
    "StorageClass": _storage_class,
    "Secret": _secret,
    "Namespace": _namespace,
}
