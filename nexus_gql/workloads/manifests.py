"""From effective settings to Kubernetes objects: pure functions, so that the same settings always make the same objects.

No secret's text is in here: a Secret's data are named, and filled in when it is applied.
"""

from nexus_gql.hierarchy import WorkloadKind, entries, is_secret, workload_kind

from .controllers import autoscaler, claim_spec, workload
from .networking import ingresses, services
from .pod_template import claim_name, files_name, image, secret_name
from .rendering import RESTARTED, Manifest, Rendering, metadata

HIDDEN = "(secret)"
"""Stands where a secret's text will be."""

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
"""Kinds of object that make pods."""

__all__ = ["HIDDEN", "WORKLOADS", "Manifest", "Rendering", "image", "render", "with_replicas", "with_restart"]


def render(rendering: Rendering) -> list[Manifest]:
    """The objects of an application, in the order in which they are applied: what others refer to comes first."""
    found = [
        _secret(rendering),
        _config_map(rendering),
        *_claims(rendering),
        *services(rendering),
        workload(rendering),
        autoscaler(rendering),
        *ingresses(rendering),
    ]
    return [manifest for manifest in found if manifest is not None]


def with_replicas(manifests: list[Manifest], replicas: int) -> list[Manifest]:
    """The same objects with another number of pods."""
    return [
        {**manifest, "spec": {**manifest["spec"], "replicas": replicas}}
        if manifest["kind"] in {"Deployment", "StatefulSet"}
        else manifest
        for manifest in manifests
    ]


def with_restart(manifests: list[Manifest], restarted_at: str) -> list[Manifest]:
    """The same objects, their pods made anew. What runs to its end is not restarted."""

    def stamped(manifest: Manifest) -> Manifest:
        template = manifest["spec"]["template"]
        annotations = {**template["metadata"].get("annotations", {}), RESTARTED: restarted_at}
        about = {**template["metadata"], "annotations": annotations}
        return {**manifest, "spec": {**manifest["spec"], "template": {**template, "metadata": about}}}

    running = {"Deployment", "StatefulSet", "DaemonSet"}
    return [stamped(manifest) if manifest["kind"] in running else manifest for manifest in manifests]


def _secret(rendering: Rendering) -> Manifest | None:
    secret = [variable for variable, value in entries(rendering.settings, "env").items() if is_secret(value)]
    if not secret:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(rendering, secret_name(rendering)),
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
        "metadata": metadata(rendering, files_name(rendering)),
        "data": {file: content["text"] for file, content in sorted(files.items())},
    }


def _claims(rendering: Rendering) -> list[Manifest]:
    """Claims of volumes that the pods share; a StatefulSet makes one for each pod itself."""
    if workload_kind(rendering.settings) is WorkloadKind.STATEFUL_SET:
        return []
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata(rendering, claim_name(rendering.path, volume)),
            "spec": claim_spec(spec),
        }
        for volume, spec in sorted(entries(rendering.settings, "volumes").items())
    ]
