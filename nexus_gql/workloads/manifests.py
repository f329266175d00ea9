"""From effective settings to Kubernetes objects: pure functions, so that the same settings always make the same objects.

No secret's text is in here: a Secret's data are named, and filled in when it is applied.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nexus_gql import clock
from nexus_gql.hierarchy import RESERVED, Document, RolloutStrategy, default_port, entries, is_secret
from nexus_gql.paths import Path, name

Manifest = dict[str, Any]

APPLICATION = f"{RESERVED}/application"
INSTALLATION = f"{RESERVED}/installation"
PATH = f"{RESERVED}/path"
NUMBER = f"{RESERVED}/operation"
RESTARTED = f"{RESERVED}/restarted-at"
SECRETS = f"{RESERVED}/secrets"
FILES = f"{RESERVED}/files"

HIDDEN = "(secret)"
"""Stands where a secret's text will be."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """All that decides what an application looks like on its cluster.

    `urls`: for each service-valued variable the address that it holds. `secrets_fingerprint`: changes when a secret does.
    """

    path: Path
    application_id: str
    installation_id: str
    namespace: str
    settings: Document
    urls: Mapping[str, str]
    secrets_fingerprint: str | None = None


def render(rendering: Rendering) -> list[Manifest]:
    """The objects of an application, in the order in which they are applied: what others refer to comes first."""
    found = [_secret(rendering), _config_map(rendering), _service(rendering), _deployment(rendering)]
    return [manifest for manifest in found if manifest is not None]


def secret_name(path: Path) -> str:
    """The Secret that holds an application's secret variables."""
    return f"{name(path)}-env"


def image(settings: Document) -> str:
    """The image reference that runs."""
    tag, digest = settings.get("image.tag"), settings.get("image.digest")
    reference = str(settings["image.repository"])
    if tag is not None:
        reference += f":{tag}"
    elif digest is None:
        reference += ":latest"
    return reference + (f"@{digest}" if digest is not None else "")


def service_host(application: str, namespace: str) -> str:
    """The name under which an application's Service is known in the cluster."""
    return f"{application}.{namespace}"


def service_url(application: str, namespace: str, port_name: str, port: int) -> str:
    """The address of a port: a URL where the port's name says HTTP, else host and port.

    Port names begin with their protocol by Kubernetes' and Istio's convention (`http`, `http-metrics`, `https`, `grpc`).
    """
    address = f"{service_host(application, namespace)}:{port}"
    scheme = port_name.partition("-")[0]
    return f"{scheme}://{address}" if scheme in {"http", "https"} else address


def with_replicas(manifests: list[Manifest], replicas: int) -> list[Manifest]:
    """The same objects with another number of pods."""
    return [
        {**manifest, "spec": {**manifest["spec"], "replicas": replicas}}
        if manifest["kind"] == "Deployment"
        else manifest
        for manifest in manifests
    ]


def with_restart(manifests: list[Manifest], restarted_at: str) -> list[Manifest]:
    """The same objects, their pods made anew."""

    def stamped(manifest: Manifest) -> Manifest:
        template = manifest["spec"]["template"]
        annotations = {**template["metadata"].get("annotations", {}), RESTARTED: restarted_at}
        metadata = {**template["metadata"], "annotations": annotations}
        return {**manifest, "spec": {**manifest["spec"], "template": {**template, "metadata": metadata}}}

    return [stamped(manifest) if manifest["kind"] == "Deployment" else manifest for manifest in manifests]


# ── objects ──


def _metadata(rendering: Rendering, object_name: str) -> dict[str, Any]:
    return {
        "name": object_name,
        "namespace": rendering.namespace,
        "labels": _labels(rendering),
        "annotations": {**_annotations(rendering), PATH: rendering.path},
    }


def _labels(rendering: Rendering) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": name(rendering.path),
        "app.kubernetes.io/managed-by": "nexus",
        **entries(rendering.settings, "labels"),
        APPLICATION: rendering.application_id,
        INSTALLATION: rendering.installation_id,
    }


def _annotations(rendering: Rendering) -> dict[str, str]:
    return entries(rendering.settings, "annotations")


def _secret(rendering: Rendering) -> Manifest | None:
    secret = [variable for variable, value in entries(rendering.settings, "env").items() if is_secret(value)]
    if not secret:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(rendering, secret_name(rendering.path)),
        "type": "Opaque",
        "data": dict.fromkeys(sorted(secret), HIDDEN),
    }


def _config_map(rendering: Rendering) -> Manifest | None:
    files = entries(rendering.settings, "files")
    if not files:
        return None
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(rendering, _files_name(rendering)),
        "data": {file: content["text"] for file, content in sorted(files.items())},
    }


def _files_name(rendering: Rendering) -> str:
    return f"{name(rendering.path)}-files"


def _service(rendering: Rendering) -> Manifest | None:
    ports = {
        port: spec for port, spec in entries(rendering.settings, "ports").items() if spec.get("expose") is not False
    }
    if not ports:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(rendering, name(rendering.path)),
        "spec": {
            "selector": {APPLICATION: rendering.application_id},
            "ports": [
                {
                    "name": port,
                    "port": spec["port"],
                    "targetPort": target(spec),
                    "protocol": spec.get("protocol", "TCP"),
                }
                for port, spec in sorted(ports.items())
            ],
        },
    }


def _deployment(rendering: Rendering) -> Manifest:
    settings = rendering.settings
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(rendering, name(rendering.path)),
        "spec": {
            "replicas": settings.get("replicas", 1),
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": seconds(settings.get("rollout.deadline", "10m")),
            "selector": {"matchLabels": {APPLICATION: rendering.application_id}},
            "strategy": _strategy(settings),
            "template": {"metadata": _template_metadata(rendering), "spec": _pod(rendering)},
        },
    }


def _strategy(settings: Document) -> dict[str, Any]:
    if settings.get("rollout.strategy") == RolloutStrategy.RECREATE:
        return {"type": "Recreate"}
    bounds = {
        field: _count_or_percent(settings[f"rollout.{field}"])
        for field in ("maxSurge", "maxUnavailable")
        if f"rollout.{field}" in settings
    }
    return {"type": "RollingUpdate", **({"rollingUpdate": bounds} if bounds else {})}


def _template_metadata(rendering: Rendering) -> dict[str, Any]:
    annotations = _annotations(rendering)
    if rendering.secrets_fingerprint is not None:
        annotations[SECRETS] = rendering.secrets_fingerprint
    if files := entries(rendering.settings, "files"):
        # Files are mounted one by one (subPath), which Kubernetes does not bring up to date in a running pod.
        annotations[FILES] = hashlib.sha256(
            repr(sorted((n, f["text"]) for n, f in files.items())).encode()
        ).hexdigest()[:16]
    return {"labels": _labels(rendering), **({"annotations": annotations} if annotations else {})}


def _pod(rendering: Rendering) -> dict[str, Any]:
    settings = rendering.settings
    spec: dict[str, Any] = {
        "containers": [_container(rendering)],
        # Variables for every Service of the namespace would change with the neighbours, and shadow what is declared.
        "enableServiceLinks": False,
    }
    if entries(settings, "files"):
        spec["volumes"] = [{"name": "files", "configMap": {"name": _files_name(rendering)}}]
    if "serviceAccount" in settings:
        spec["serviceAccountName"] = settings["serviceAccount"]
    if selector := entries(settings, "nodeSelector"):
        spec["nodeSelector"] = selector
    if settings.get("tolerations"):
        spec["tolerations"] = settings["tolerations"]
    if "terminationGrace" in settings:
        spec["terminationGracePeriodSeconds"] = seconds(settings["terminationGrace"])
    context = {field: settings[key] for field in _POD_CONTEXT if (key := f"securityContext.{field}") in settings}
    if context:
        spec["securityContext"] = context
    return spec


_POD_CONTEXT = ("runAsUser", "runAsGroup", "runAsNonRoot", "fsGroup")


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
    for field in ("liveness", "readiness", "startup"):
        if (probe := settings.get(f"probes.{field}")) is not None:
            container[f"{field}Probe"] = _probe(probe, settings)
    if "securityContext.readOnlyRootFilesystem" in settings:
        read_only = settings["securityContext.readOnlyRootFilesystem"]
        container["securityContext"] = {"readOnlyRootFilesystem": read_only}
    return container


def _environment(rendering: Rendering) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for variable, value in sorted(entries(rendering.settings, "env").items()):
        if "text" in value:
            found.append({"name": variable, "value": escaped(value["text"])})
        elif "service" in value:
            found.append({"name": variable, "value": escaped(rendering.urls[variable])})
        else:
            reference = (
                {"name": value["secretKey"]["secret"], "key": value["secretKey"]["key"]}
                if "secretKey" in value
                else {"name": secret_name(rendering.path), "key": variable}
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
    return [
        {"name": "files", "mountPath": file["mountPath"], "subPath": key, "readOnly": True}
        for key, file in sorted(entries(settings, "files").items())
    ]


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


def _count_or_percent(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def seconds(span: str) -> int:
    """A span as whole seconds."""
    return math.ceil(clock.parse_duration(span))
