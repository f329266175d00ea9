"""One more run of a job: the object of it, named by its operation, so that asking for it twice makes one."""

from copy import deepcopy
from typing import Any

from .rendering import Manifest

INSTANTIATE = "cronjob.kubernetes.io/instantiate"
_NAME_LIMIT = 63


def run_name(manifest: Manifest, operation_id: str) -> str:
    """The name of a run's Job: that of what it is a run of, and the operation's own part."""
    mark = operation_id[:8]
    kept = manifest["metadata"]["name"][: _NAME_LIMIT - len(mark) - 1].rstrip("-.")
    return f"{kept}-{mark}"


def job_of(manifest: Manifest, operation_id: str) -> Manifest:
    """The same Job again."""
    again = deepcopy(manifest)
    again["metadata"]["name"] = run_name(manifest, operation_id)
    return again


def job_from(manifest: Manifest, operation_id: str, uid: str) -> Manifest:
    """A Job from a CronJob's template, as `kubectl create job --from` makes it. `uid`: the CronJob's on the cluster."""
    template = manifest["spec"]["jobTemplate"]
    about: dict[str, Any] = deepcopy(template.get("metadata") or {})
    own = manifest["metadata"]
    # Without blockOwnerDeletion, which needs a right of its own.
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": own["name"], "uid": uid, "controller": True}
    about |= {
        "name": run_name(manifest, operation_id),
        "namespace": own["namespace"],
        "annotations": {**own.get("annotations", {}), **about.get("annotations", {}), INSTANTIATE: "manual"},
        "ownerReferences": [owner],
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": about, "spec": deepcopy(template["spec"])}
