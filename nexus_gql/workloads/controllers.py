"""What makes an application's pods: a Deployment, StatefulSet, DaemonSet, Job or CronJob, and an autoscaler beside it."""

from collections.abc import Callable
from typing import Any

from nexus_gql.hierarchy import (
    Document,
    RolloutStrategy,
    WorkloadKind,
    autoscaled,
    entries,
    governing_service,
    object_name,
    short_name,
    workload_kind,
)

from .pod_template import seconds, template, volume_name
from .rendering import Manifest, Rendering, metadata, selector


def workload(rendering: Rendering) -> Manifest:
    """The workload's object."""
    return _MADE[workload_kind(rendering.settings)](rendering)


def workload_name(rendering: Rendering) -> str:
    """The name of the workload's object."""
    kind = workload_kind(rendering.settings)
    if kind is WorkloadKind.JOB:
        return object_name(rendering.path, f"-{rendering.revision}")
    if kind in {WorkloadKind.STATEFUL_SET, WorkloadKind.CRON_JOB}:
        return short_name(rendering.path)
    return object_name(rendering.path)


def autoscaler(rendering: Rendering) -> Manifest | None:
    """The HorizontalPodAutoscaler, where autoscaling is effective."""
    settings = rendering.settings
    if not autoscaled(settings):
        return None
    kind = "Deployment" if workload_kind(settings) is WorkloadKind.DEPLOYMENT else "StatefulSet"
    utilization = {"type": "Utilization", "averageUtilization": settings.get("autoscaling.cpuPercent", 80)}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(rendering, object_name(rendering.path)),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": workload_name(rendering)},
            "minReplicas": settings.get("autoscaling.min", 1),
            "maxReplicas": settings["autoscaling.max"],
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": utilization}}],
        },
    }


def _deployment(rendering: Rendering) -> Manifest:
    settings = rendering.settings
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(rendering, workload_name(rendering)),
        "spec": {
            **_replicas(settings),
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": seconds(settings.get("rollout.deadline", "10m")),
            "selector": {"matchLabels": selector(rendering)},
            "strategy": _strategy(settings),
            "template": template(rendering),
        },
    }


def _stateful_set(rendering: Rendering) -> Manifest:
    settings = rendering.settings
    claims = [
        {"metadata": {"name": volume_name(volume)}, "spec": claim_spec(spec)}
        for volume, spec in sorted(entries(settings, "volumes").items())
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(rendering, workload_name(rendering)),
        "spec": {
            **_replicas(settings),
            "revisionHistoryLimit": 3,
            "serviceName": governing_service(rendering.path),
            "selector": {"matchLabels": selector(rendering)},
            "updateStrategy": {"type": "RollingUpdate"},
            "template": template(rendering),
            **({"volumeClaimTemplates": claims} if claims else {}),
        },
    }


def _daemon_set(rendering: Rendering) -> Manifest:
    bounds = _bounds(rendering.settings)
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": metadata(rendering, workload_name(rendering)),
        "spec": {
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": selector(rendering)},
            "updateStrategy": {"type": "RollingUpdate", **({"rollingUpdate": bounds} if bounds else {})},
            "template": template(rendering),
        },
    }


def _job(rendering: Rendering) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(rendering, workload_name(rendering)),
        "spec": _job_spec(rendering),
    }


def _cron_job(rendering: Rendering) -> Manifest:
    settings = rendering.settings
    spec: dict[str, Any] = {
        "schedule": settings["schedule.cron"],
        "concurrencyPolicy": settings.get("schedule.concurrency", "ALLOW").capitalize(),
        "suspend": settings.get("schedule.suspended", False),
        "jobTemplate": {
            "metadata": {"labels": metadata(rendering, "")["labels"]},
            "spec": _job_spec(rendering),
        },
    }
    if "schedule.timezone" in settings:
        spec["timeZone"] = settings["schedule.timezone"]
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata(rendering, workload_name(rendering)),
        "spec": spec,
    }


def _job_spec(rendering: Rendering) -> dict[str, Any]:
    settings = rendering.settings
    counts = {"completions": "completions", "parallelism": "parallelism", "retries": "backoffLimit"}
    spans = {"timeLimit": "activeDeadlineSeconds", "keepFinished": "ttlSecondsAfterFinished"}
    spec: dict[str, Any] = {
        field: settings[key] for name, field in counts.items() if (key := f"job.{name}") in settings
    }
    spec |= {field: seconds(settings[key]) for name, field in spans.items() if (key := f"job.{name}") in settings}
    return spec | {"template": template(rendering)}


_MADE: dict[WorkloadKind, Callable[[Rendering], Manifest]] = {
    WorkloadKind.DEPLOYMENT: _deployment,
    WorkloadKind.STATEFUL_SET: _stateful_set,
    WorkloadKind.DAEMON_SET: _daemon_set,
    WorkloadKind.JOB: _job,
    WorkloadKind.CRON_JOB: _cron_job,
}


def _replicas(settings: Document) -> dict[str, int]:
    """The number of pods; not said where an autoscaler chooses it."""
    return {} if autoscaled(settings) else {"replicas": settings.get("replicas", 1)}


def _strategy(settings: Document) -> dict[str, Any]:
    if settings.get("rollout.strategy") == RolloutStrategy.RECREATE:
        return {"type": "Recreate"}
    # Both bounds, Kubernetes' own where none is declared: a bound that nobody applies would stay, and RECREATE be refused for it.
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"} | _bounds(settings)}


def _bounds(settings: Document) -> dict[str, int | str]:
    return {
        field: _count_or_percent(settings[f"rollout.{field}"])
        for field in ("maxSurge", "maxUnavailable")
        if f"rollout.{field}" in settings
    }


def _count_or_percent(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def claim_spec(volume: dict[str, Any]) -> dict[str, Any]:
    """What a volume asks for."""
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": volume["size"]}},
    }
    if "storageClass" in volume:
        spec["storageClassName"] = volume["storageClass"]
    return spec
