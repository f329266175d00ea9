"""Every setting on every kind of workload: applied to a real cluster and read back, and applied again without a change.

What has to stand in which object is a table, and the table must name every setting that is declared.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from nexus_gql.hierarchy import (
    SETTINGS,
    ApplicationKind,
    Group,
    Json,
    Kind,
    Named,
    Record,
    Records,
    Single,
    Variant,
    WorkloadKind,
)
from nexus_gql.paths import Path
from nexus_gql.workloads.apply import Fence, apply, read, rehearse
from tests.cluster import real
from tests.cluster.declared import INSTALLATION, Shape, connected, judged, manifests
from tests.cluster.nexus import until

DIGEST = "sha256:" + "0" * 64
URL = "http://features.ddk:8080"

ALL = frozenset(WorkloadKind)
ENDING = frozenset({WorkloadKind.JOB, WorkloadKind.CRON_JOB})
SERVING = ALL - ENDING
CRON = frozenset({WorkloadKind.CRON_JOB})
DEPLOYMENT = frozenset({WorkloadKind.DEPLOYMENT})
SCALED = DEPLOYMENT | {WorkloadKind.STATEFUL_SET}
STATEFUL = SCALED - DEPLOYMENT
EVERYWHERE = frozenset({WorkloadKind.DAEMON_SET})

# Everything that goes together. The service account is not there, so that no pod is made.
SETTING: Shape = {
    "image": {
        "repository": "nexus-test/echo",
        "tag": "2",
        "digest": DIGEST,
        "pullPolicy": "IfNotPresent",
        "pullSecret": "hub",
    },
    "replicas": 2,
    "rollout": {"strategy": "ROLLING", "maxSurge": "50%", "maxUnavailable": "0", "deadline": "2m"},
    "schedule": {"cron": "0 3 1 1 *", "timezone": "Europe/Berlin", "concurrency": "REPLACE", "suspended": True},
    "job": {"completions": 3, "parallelism": 2, "retries": 1, "timeLimit": "5m", "keepFinished": "1h"},
    "command": ["/bin/program", "$(X)"],
    "args": ["first", "$$"],
    "env": [
        {"name": "LEVEL", "value": {"text": "$(X) \N{GRINNING FACE} \u2028 ${application}"}},
        {"name": "TOKEN", "value": {"secret": "hunter2"}},
        {"name": "USER", "value": {"secretKey": {"secret": "database", "key": "user"}}},
        {"name": "FEATURES", "value": {"service": {"ref": "features", "port": "http"}}},
    ],
    "ports": [
        {"name": "http", "port": 80, "targetPort": 8080},
        {"name": "dns", "port": 53, "targetPort": 5353, "protocol": "UDP", "expose": True},
        {"name": "admin", "port": 9000, "expose": False},
    ],
    "ingress": [
        {
            "name": "web",
            "host": "churn.example.org",
            "path": "/v1",
            "port": "http",
            "className": "nginx",
            "tlsSecret": "churn-tls",
            "annotations": [{"name": "example.org/proxy", "value": "10"}],
        }
    ],
    "resources": {
        "cpuRequest": "0.25",
        "cpuLimit": "1500m",
        "memoryRequest": "0.5Gi",
        "memoryLimit": "1073741824",
        "gpus": 1,
    },
    "probes": {
        "readiness": {"httpPath": "/healthz", "port": "http", "period": "7s", "timeout": "2s", "failures": 4},
        "liveness": {"tcp": True, "port": "9000", "initialDelay": "7s"},
        "startup": {"command": ["/bin/ls", "$(X)"]},
    },
    "files": [{"name": "motd", "mountPath": "/etc/or/motd", "text": "hello ${application}\n"}],
    "volumes": [{"name": "data", "mountPath": "/data", "size": "1024Mi", "storageClass": "slow"}],
    "serviceAccount": "nobody-made-it",
    "labels": [{"name": "team", "value": "ml"}],
    "annotations": [{"name": "example.org/why", "value": "because: \N{GRINNING FACE}"}],
    "nodeSelector": [{"name": "kubernetes.io/os", "value": "linux"}],
    "tolerations": [{"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}],
    "securityContext": {
        "runAsUser": 1000,
        "runAsGroup": 1001,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "fsGroup": 2000,
    },
    "terminationGrace": "1m",
    "dependsOn": [{"ref": "features", "need": "OPTIONAL"}],
}
AUTOSCALING = {"min": 2, "max": 5, "cpuPercent": 70}


class Stands(NamedTuple):
    """What stands in an object when a setting is in force. `object`: `workload`, `pod`, `container`, or `Kind name`."""

    setting: str
    kinds: frozenset[WorkloadKind]
    object: str
    path: str
    value: Json


TABLE = [
    Stands("image.repository", ALL, "container", "image", f"nexus-test/echo:2@{DIGEST}"),
    Stands("image.tag", ALL, "container", "image", f"nexus-test/echo:2@{DIGEST}"),
    Stands("image.digest", ALL, "container", "image", f"nexus-test/echo:2@{DIGEST}"),
    Stands("image.pullPolicy", ALL, "container", "imagePullPolicy", "IfNotPresent"),
    Stands("image.pullSecret", ALL, "pod", "spec.imagePullSecrets", [{"name": "hub"}]),
    Stands("replicas", SCALED, "workload", "spec.replicas", 2),
    Stands("rollout.strategy", DEPLOYMENT, "workload", "spec.strategy.type", "RollingUpdate"),
    Stands("rollout.strategy", STATEFUL | EVERYWHERE, "workload", "spec.updateStrategy.type", "RollingUpdate"),
    Stands("rollout.maxSurge", DEPLOYMENT, "workload", "spec.strategy.rollingUpdate.maxSurge", "50%"),
    Stands("rollout.maxSurge", EVERYWHERE, "workload", "spec.updateStrategy.rollingUpdate.maxSurge", "50%"),
    Stands("rollout.maxUnavailable", DEPLOYMENT, "workload", "spec.strategy.rollingUpdate.maxUnavailable", 0),
    Stands("rollout.maxUnavailable", EVERYWHERE, "workload", "spec.updateStrategy.rollingUpdate.maxUnavailable", 0),
    Stands("rollout.deadline", DEPLOYMENT, "workload", "spec.progressDeadlineSeconds", 120),
    Stands("schedule.cron", CRON, "workload", "spec.schedule", "0 3 1 1 *"),
    Stands("schedule.timezone", CRON, "workload", "spec.timeZone", "Europe/Berlin"),
    Stands("schedule.concurrency", CRON, "workload", "spec.concurrencyPolicy", "Replace"),
    Stands("schedule.suspended", CRON, "workload", "spec.suspend", True),
    Stands("job.completions", ENDING, "job", "completions", 3),
    Stands("job.parallelism", ENDING, "job", "parallelism", 2),
    Stands("job.retries", ENDING, "job", "backoffLimit", 1),
    Stands("job.timeLimit", ENDING, "job", "activeDeadlineSeconds", 300),
    Stands("job.keepFinished", ENDING, "job", "ttlSecondsAfterFinished", 3600),
    Stands("command", ALL, "container", "command", ["/bin/program", "$$(X)"]),
    Stands("args", ALL, "container", "args", ["first", "$$$$"]),
    Stands("env", ALL, "container", "env[name=LEVEL].name", "LEVEL"),
    Stands("EnvValue.text", ALL, "container", "env[name=LEVEL].value", "$$(X) \N{GRINNING FACE} \u2028 churn"),
    Stands(
        "EnvValue.secret",
        ALL,
        "container",
        "env[name=TOKEN].valueFrom.secretKeyRef",
        {"name": "churn-env", "key": "TOKEN"},
    ),
    Stands("EnvValue.secret", ALL, "Secret churn-env", "data.TOKEN", "aHVudGVyMg=="),
    Stands("EnvValue.secretKey", ALL, "container", "env[name=USER].valueFrom.secretKeyRef.name", "database"),
    Stands("SecretKeyValue.secret", ALL, "container", "env[name=USER].valueFrom.secretKeyRef.name", "database"),
    Stands("SecretKeyValue.key", ALL, "container", "env[name=USER].valueFrom.secretKeyRef.key", "user"),
    Stands("EnvValue.service", ALL, "container", "env[name=FEATURES].value", URL),
    Stands("ServiceValue.ref", ALL, "container", "env[name=FEATURES].value", URL),
    Stands("ServiceValue.port", ALL, "container", "env[name=FEATURES].value", URL),
    Stands("ports", ALL, "container", "ports[name=admin].containerPort", 9000),
    Stands("Port.port", SERVING, "Service churn", "spec.ports[name=http].port", 80),
    Stands("Port.targetPort", ALL, "container", "ports[name=http].containerPort", 8080),
    Stands("Port.targetPort", SERVING, "Service churn", "spec.ports[name=http].targetPort", 8080),
    Stands("Port.protocol", ALL, "container", "ports[name=dns].protocol", "UDP"),
    Stands("Port.protocol", SERVING, "Service churn", "spec.ports[name=dns].protocol", "UDP"),
    Stands("Port.expose", SERVING, "Service churn", "spec.ports[name=admin]", None),
    Stands("ingress", SERVING, "Ingress churn-web", "spec.rules.0.http.paths.0.backend.service.name", "churn"),
    Stands("IngressRule.host", SERVING, "Ingress churn-web", "spec.rules.0.host", "churn.example.org"),
    Stands("IngressRule.path", SERVING, "Ingress churn-web", "spec.rules.0.http.paths.0.path", "/v1"),
    Stands(
        "IngressRule.port",
        SERVING,
        "Ingress churn-web",
        "spec.rules.0.http.paths.0.backend.service.port",
        {"name": "http"},
    ),
    Stands("IngressRule.className", SERVING, "Ingress churn-web", "spec.ingressClassName", "nginx"),
    Stands("IngressRule.tlsSecret", SERVING, "Ingress churn-web", "spec.tls.0.secretName", "churn-tls"),
    Stands("IngressRule.annotations", SERVING, "Ingress churn-web", "metadata.annotations.example~org/proxy", "10"),
    Stands("resources.cpuRequest", ALL, "container", "resources.requests.cpu", "250m"),
    Stands("resources.cpuLimit", ALL, "container", "resources.limits.cpu", "1500m"),
    Stands("resources.memoryRequest", ALL, "container", "resources.requests.memory", "512Mi"),
    Stands("resources.memoryLimit", ALL, "container", "resources.limits.memory", "1073741824"),
    Stands("resources.gpus", ALL, "container", "resources.limits.nvidia~com/gpu", "1"),
    Stands("probes.readiness", SERVING, "container", "readinessProbe.httpGet.path", "/healthz"),
    Stands("probes.liveness", SERVING, "container", "livenessProbe.tcpSocket.port", 9000),
    Stands("probes.startup", SERVING, "container", "startupProbe.exec.command", ["/bin/ls", "$(X)"]),
    Stands("Probe.httpPath", SERVING, "container", "readinessProbe.httpGet.path", "/healthz"),
    Stands("Probe.port", SERVING, "container", "readinessProbe.httpGet.port", 8080),
    Stands("Probe.command", SERVING, "container", "startupProbe.exec.command", ["/bin/ls", "$(X)"]),
    Stands("Probe.tcp", SERVING, "container", "livenessProbe.tcpSocket.port", 9000),
    Stands("Probe.initialDelay", SERVING, "container", "livenessProbe.initialDelaySeconds", 7),
    Stands("Probe.period", SERVING, "container", "readinessProbe.periodSeconds", 7),
    Stands("Probe.timeout", SERVING, "container", "readinessProbe.timeoutSeconds", 2),
    Stands("Probe.failures", SERVING, "container", "readinessProbe.failureThreshold", 4),
    Stands("files", ALL, "container", "volumeMounts[name=files].subPath", "motd"),
    Stands("FileMount.mountPath", ALL, "container", "volumeMounts[name=files].mountPath", "/etc/or/motd"),
    Stands("FileMount.text", ALL, "ConfigMap churn-files", "data.motd", "hello churn\n"),
    Stands("volumes", ALL - EVERYWHERE, "container", "volumeMounts[name=data].name", "data"),
    Stands("VolumeSettings.mountPath", ALL - EVERYWHERE, "container", "volumeMounts[name=data].mountPath", "/data"),
    Stands("VolumeSettings.size", STATEFUL, "claim", "resources.requests.storage", "1Gi"),
    Stands("VolumeSettings.storageClass", STATEFUL, "claim", "storageClassName", "slow"),
    Stands(
        "VolumeSettings.size",
        DEPLOYMENT | ENDING,
        "PersistentVolumeClaim churn-data",
        "spec.resources.requests.storage",
        "1Gi",
    ),
    Stands(
        "VolumeSettings.storageClass",
        DEPLOYMENT | ENDING,
        "PersistentVolumeClaim churn-data",
        "spec.storageClassName",
        "slow",
    ),
    Stands("serviceAccount", ALL, "pod", "spec.serviceAccountName", "nobody-made-it"),
    Stands("labels", ALL, "workload", "metadata.labels.team", "ml"),
    Stands("labels", ALL, "pod", "metadata.labels.team", "ml"),
    Stands("annotations", ALL, "workload", "metadata.annotations.example~org/why", "because: \N{GRINNING FACE}"),
    Stands("annotations", ALL, "pod", "metadata.annotations.example~org/why", "because: \N{GRINNING FACE}"),
    Stands("nodeSelector", ALL, "pod", "spec.nodeSelector", {"kubernetes.io/os": "linux"}),
    *(
        Stands(setting, ALL, "pod", f"spec.tolerations.0.{setting.rpartition('.')[2]}", value)
        for setting, value in {
            "Toleration.key": "gpu",
            "Toleration.operator": "Equal",
            "Toleration.value": "yes",
            "Toleration.effect": "NoSchedule",
        }.items()
    ),
    Stands("tolerations", ALL, "pod", "spec.tolerations.0.key", "gpu"),
    Stands("securityContext.runAsUser", ALL, "pod", "spec.securityContext.runAsUser", 1000),
    Stands("securityContext.runAsGroup", ALL, "pod", "spec.securityContext.runAsGroup", 1001),
    Stands("securityContext.runAsNonRoot", ALL, "pod", "spec.securityContext.runAsNonRoot", True),
    Stands("securityContext.fsGroup", ALL, "pod", "spec.securityContext.fsGroup", 2000),
    Stands("securityContext.readOnlyRootFilesystem", ALL, "container", "securityContext.readOnlyRootFilesystem", True),
    Stands("terminationGrace", ALL, "pod", "spec.terminationGracePeriodSeconds", 60),
    Stands("autoscaling.min", SCALED, "HorizontalPodAutoscaler churn", "spec.minReplicas", 2),
    Stands("autoscaling.max", SCALED, "HorizontalPodAutoscaler churn", "spec.maxReplicas", 5),
    Stands(
        "autoscaling.cpuPercent",
        SCALED,
        "HorizontalPodAutoscaler churn",
        "spec.metrics.0.resource.target.averageUtilization",
        70,
    ),
]

NOT_ON_THE_CLUSTER = {"workload", "dependsOn", "DependencySetting.need"}
"""The kind of the object itself, and what only Nexus knows."""


def declared() -> set[str]:
    """Every setting, every field of a group, and every field of a value inside, by its type's name."""

    def inside(kind: Kind) -> Iterator[str]:
        match kind:
            case Record(output=name, fields=fields) | Variant(output=name, options=fields):
                for field in fields:
                    yield f"{name}.{field.name}"
                    yield from inside(field.kind)
            case Records(each=each):
                yield from inside(each)

    found: set[str] = set()
    for setting in SETTINGS:
        match setting:
            case Single(name=name, kind=kind):
                found |= {name, *inside(kind)}
            case Group(name=name, fields=fields):
                found |= {f"{name}.{field.name}" for field in fields}
                found |= {one for field in fields for one in inside(field.kind)}
            case Named(name=name, entry=entry):
                found |= {name, *(inside(entry) if isinstance(entry, Record) else inside(entry.kind))}
    return found


def test_every_setting_should_have_its_place_in_the_table() -> None:
    assert {row.setting for row in TABLE} | NOT_ON_THE_CLUSTER == declared()


def at(found: Any, path: str) -> Any:
    """What lies at a path: None where nothing does. `~` is a dot in a name, `list[name=x]` an item by its name."""
    for step in path.split("."):
        match = re.fullmatch(r"(\w+)\[name=(\S+)\]", step)
        if match:
            found = next((one for one in (found or {}).get(match[1]) or () if one["name"] == match[2]), None)
        elif isinstance(found, list):
            found = found[int(step)]
        else:
            found = (found or {}).get(step.replace("~", "."))
    return found


def part(objects: dict[str, Any], workload: str, name: str) -> Any:
    """The object, or the part of the workload, that a row of the table is about."""
    if " " in name:
        return objects[name]
    made = objects[workload]
    job = at(made, "spec.jobTemplate.spec") or made["spec"]
    parts = {
        "workload": made,
        "job": job,
        "pod": job["template"],
        "container": job["template"]["spec"]["containers"][0],
        "claim": at(made, "spec.volumeClaimTemplates.0.spec") if "volumeClaimTemplates" in made["spec"] else None,
    }
    return parts[name]


WORKLOADS = {
    WorkloadKind.DEPLOYMENT: "Deployment churn",
    WorkloadKind.STATEFUL_SET: "StatefulSet churn",
    WorkloadKind.DAEMON_SET: "DaemonSet churn",
    WorkloadKind.JOB: "Job churn-1",
    WorkloadKind.CRON_JOB: "CronJob churn",
}


def shapes(kind: WorkloadKind) -> dict[str, Shape]:
    """What is declared: once with a number of pods, and where an autoscaler may choose it, once with that."""
    plain = {**SETTING, "workload": kind.value}
    if kind is WorkloadKind.DAEMON_SET:
        del plain["volumes"]
    scaled = {**plain, "autoscaling": AUTOSCALING}
    return {"replicas": plain} | ({"autoscaling": scaled} if kind in SCALED else {})


@pytest.mark.parametrize(("kind", "sizing"), [(kind, sizing) for kind in WorkloadKind for sizing in shapes(kind)])
async def test_every_setting_should_stand_where_it_belongs_and_stay_when_it_is_applied_again(
    cluster: real.Cluster, namespace: str, kind: WorkloadKind, sizing: str
) -> None:
    shape = shapes(kind)[sizing]
    problems, settled = judged(Path("or/local/models/churn"), ApplicationKind.MODEL, shape)
    assert problems == []
    made = manifests(settled, namespace, shape, urls={"FEATURES": URL})
    fence = Fence(1, INSTALLATION, check=lambda: None)

    async with connected(cluster.kubeconfig.read_text()) as connection:
        assert [await rehearse(connection, one, fence) for one in made] == [True] * len(made)
        for one in made:
            assert (await apply(connection, one, fence)).changed

        async def objects() -> dict[str, Any]:
            read_back = [await read(connection, one["kind"], namespace, one["metadata"]["name"]) for one in made]
            return {
                f"{one['kind']} {one['metadata']['name']}": found for one, found in zip(made, read_back, strict=True)
            }

        found = await objects()
        unused = {"replicas": "autoscaling", "autoscaling": "replicas"}[sizing]
        wrong = [
            (row.setting, row.path, value)
            for row in TABLE
            if kind in row.kinds
            and row.setting.partition(".")[0] != unused
            and (value := at(part(found, WORKLOADS[kind], row.object), row.path)) != row.value
        ]
        assert wrong == []

        again = [await apply(connection, one, fence) for one in made]
        assert [one.kind for one in again if one.changed] == []

        async def nothing_to_change() -> bool:
            return not any([await rehearse(connection, one, fence) for one in made])

        # What a controller writes between reading and asking is told as a change, which the apply itself looks at again.
        await until(nothing_to_change)
        assert written(await objects()) == written(found)


def written(objects: dict[str, Any]) -> dict[str, Any]:
    """When and how often each object was written by us; what controllers write of its status goes on meanwhile."""

    def of(metadata: dict[str, Any]) -> Any:
        ours = [entry["time"] for entry in metadata["managedFields"] if entry["manager"] == "nexus"]
        return metadata["uid"], metadata.get("generation"), ours

    return {name: of(one["metadata"]) for name, one in objects.items()}
