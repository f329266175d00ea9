"""The pods of an application, whatever makes them."""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from nexus_gql import clock
from nexus_gql.hierarchy import Document, WorkloadKind, default_port, entries, is_secret, object_name, workload_kind
from nexus_gql.paths import Path, name

from .rendering import FILES, SECRETS, Rendering, labels


def image(settings: Document) -> str:
    """The image reference that runs."""
    tag, digest = settings.get("image.tag"), settings.get("image.digest")
    reference = str(settings["image.repository"])
    if tag is not None:
        reference += f":{tag}"
    elif digest is None:
        reference += ":latest"
    return reference + (f"@{digest}" if digest is not None else "")


def secret_name(rendering: Rendering) -> str:
    """The Secret that holds the secret variables."""
    return object_name(rendering.path, "-env")


def files_name(rendering: Rendering) -> str:
    """The ConfigMap that holds the files."""
    return object_name(rendering.path, "-files")


def claim_name(path: Path, volume: str) -> str:
    """The claim of a volume that the pods share."""
    return object_name(path, f"-{volume}", limit=253)


def template(rendering: Rendering) -> dict[str, Any]:
    """The pod template."""
    annotations = dict(entries(rendering.settings, "annotations"))
    if rendering.secrets_fingerprint is not None:
        annotations[SECRETS] = rendering.secrets_fingerprint
    if files := entries(rendering.settings, "files"):
        # Files are mounted one by one (subPath), which Kubernetes does not bring up to date in a running pod.
        texts = repr(sorted((file, content["text"]) for file, content in files.items()))
        annotations[FILES] = hashlib.sha256(texts.encode()).hexdigest()[:16]
    about: dict[str, Any] = {"labels": labels(rendering)}
    return {"metadata": about | ({"annotations": annotations} if annotations else {}), "spec": _pod(rendering)}


def _pod(rendering: Rendering) -> dict[str, Any]:
    settings = rendering.settings
    spec: dict[str, Any] = {
        "containers": [_container(rendering)],
        # Variables for every Service of the namespace would change with the neighbours, and shadow what is declared.
        "enableServiceLinks": False,
        # Said always: an account that is merely said no more stays, by its older twin `serviceAccount`, which nobody applies.
        "serviceAccountName": settings.get("serviceAccount", "default"),
    }
    if volumes := _volumes(rendering):
        spec["volumes"] = volumes
    if "image.pullSecret" in settings:
        spec["imagePullSecrets"] = [{"name": settings["image.pullSecret"]}]
    if chosen := entries(settings, "nodeSelector"):
        spec["nodeSelector"] = chosen
    if settings.get("tolerations"):
        spec["tolerations"] = settings["tolerations"]
    if "terminationGrace" in settings:
        spec["terminationGracePeriodSeconds"] = seconds(settings["terminationGrace"])
    context = {field: settings[key] for field in _POD_CONTEXT if (key := f"securityContext.{field}") in settings}
    if context:
        spec["securityContext"] = context
    if workload_kind(settings) in {WorkloadKind.JOB, WorkloadKind.CRON_JOB}:
        spec["restartPolicy"] = "Never"  # a pod that failed stays to be looked at; the job makes another
    return spec


_POD_CONTEXT = ("runAsUser", "runAsGroup", "runAsNonRoot", "fsGroup")


def _volumes(rendering: Rendering) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if entries(rendering.settings, "files"):
        found.append({"name": _FILES, "configMap": {"name": files_name(rendering)}})
    if workload_kind(rendering.settings) is not WorkloadKind.STATEFUL_SET:
        for volume in sorted(entries(rendering.settings, "volumes")):
            claim = {"claimName": claim_name(rendering.path, volume)}
            found.append({"name": volume_name(volume), "persistentVolumeClaim": claim})
    return found


_FILES, _DATA_FILES = "files", "data-files"


def volume_name(volume: str) -> str:
    """A volume's name in the pod, apart from the one for the files."""
    return _DATA_FILES if volume == _FILES else volume


def declared_volume(called: str) -> str:
    """The volume that has a name in the pod."""
    return _FILES if called == _DATA_FILES else called


def _container(rendering: Rendering) -> dict[str, Any]:
    settings = rendering.settings
    container: dict[str, Any] = {"name": name(rendering.path), "image": image(settings)}
    if "image.pullPolicy" in settings:
        container["imagePullPolicy"] = settings["image.pullPolicy"]
    for field in ("command", "args"):
        if settings.get(field):
            container[field] = [escaped(text) for text in settings[field]]
    optional: dict[str, Any] = {
        "env": _environment(rendering),
        "ports": _ports(settings),
        "resources": _resources(settings),
        "volumeMounts": _mounts(settings),
    }
    container |= {field: value for field, value in optional.items() if value}
    container |= _probes(settings)
    if "securityContext.readOnlyRootFilesystem" in settings:
        read_only = settings["securityContext.readOnlyRootFilesystem"]
        container["securityContext"] = {"readOnlyRootFilesystem": read_only}
    return container


def _probes(settings: Document) -> dict[str, Any]:
    if workload_kind(settings) in {WorkloadKind.JOB, WorkloadKind.CRON_JOB}:
        return {}  # they run to their end; nobody asks them anything meanwhile
    return {
        f"{field}Probe": _probe(probe, settings)
        for field in ("liveness", "readiness", "startup")
        if (probe := settings.get(f"probes.{field}")) is not None
    }


def _environment(rendering: Rendering) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for variable, value in sorted(entries(rendering.settings, "env").items()):
        if "text" in value:
            found.append({"name": variable, "value": escaped(value["text"])})
        elif "service" in value:
            found.append({"name": variable, "value": escaped(rendering.urls[variable])})
        else:
            reference = (
                {"name": secret_name(rendering), "key": variable}
                if is_secret(value)
                else {"name": value["secretKey"]["secret"], "key": value["secretKey"]["key"]}
            )
            found.append({"name": variable, "valueFrom": {"secretKeyRef": reference}})
    return found


def escaped(text: str) -> str:
    """The text as it must be written so that the container sees it as it is: Kubernetes replaces `$(NAME)` and halves `$$`."""
    return text.replace("$", "$$") if "$(" in text or "$$" in text else text


def target(port: Mapping[str, Any]) -> int:
    """The number that the container listens on."""
    return int(port.get("targetPort") or port["port"])


def _ports(settings: Document) -> list[dict[str, Any]]:
    """One entry for each number and protocol: server-side apply knows a container's ports by these, not by their names."""
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for port, spec in sorted(entries(settings, "ports").items()):
        protocol = spec.get("protocol", "TCP")
        found.setdefault((target(spec), protocol), {"name": port, "containerPort": target(spec), "protocol": protocol})
    return list(found.values())


def _resources(settings: Document) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for side in ("Request", "Limit"):
        amounts = {what: settings[key] for what in ("cpu", "memory") if (key := f"resources.{what}{side}") in settings}
        if settings.get("resources.gpus"):
            amounts["nvidia.com/gpu"] = str(settings["resources.gpus"])
        if amounts:
            found[f"{side.lower()}s"] = amounts
    return found


def _mounts(settings: Document) -> list[dict[str, Any]]:
    files = [
        {"name": _FILES, "mountPath": file["mountPath"], "subPath": key, "readOnly": True}
        for key, file in sorted(entries(settings, "files").items())
    ]
    volumes = [
        {"name": volume_name(volume), "mountPath": spec["mountPath"]}
        for volume, spec in sorted(entries(settings, "volumes").items())
    ]
    return [*files, *volumes]


def _probe(probe: Mapping[str, Any], settings: Document) -> dict[str, Any]:
    if probe.get("command"):
        asked: dict[str, Any] = {"exec": {"command": probe["command"]}}
    elif probe.get("httpPath"):
        asked = {"httpGet": {"path": probe["httpPath"], "port": _probed(probe, settings)}}
    else:
        asked = {"tcpSocket": {"port": _probed(probe, settings)}}
    spans = {"initialDelay": "initialDelaySeconds", "period": "periodSeconds", "timeout": "timeoutSeconds"}
    asked |= {field: seconds(probe[span]) for span, field in spans.items() if span in probe}
    if "failures" in probe:
        asked["failureThreshold"] = probe["failures"]
    return asked


def _probed(probe: Mapping[str, Any], settings: Document) -> int:
    port = str(probe.get("port") or default_port(settings))
    return int(port) if port.isdigit() else target(settings[f"ports.{port}"])


def seconds(span: str) -> int:
    """A span as whole seconds."""
    return math.ceil(clock.parse_duration(span))
