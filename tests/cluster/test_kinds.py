"""Every kind of workload on the real cluster: it comes up, is what was declared, and an unchanged deployment writes nothing."""

import asyncio
from typing import Any

import pytest

from tests.cluster.place import Object, Place

KINDS = {
    "STATEFUL_SET": "statefulset",
    "DAEMON_SET": "daemonset",
    "JOB": "job",
    "CRON_JOB": "cronjob",
    "DEPLOYMENT": "deployment",
}
PORTS = [{"name": "http", "port": 8080}]
EVERYTHING: dict[str, Any] = {
    "replicas": 1,
    "command": ["/bin/busybox", "sh", "-c", "exit 0"],
    "env": [{"name": "TOKEN", "value": {"secret": "hunter2"}}, {"name": "LEVEL", "value": {"text": "$(X) debug"}}],
    "files": [{"name": "a.txt", "mountPath": "/etc/echo/a.txt", "text": "a\n"}],
    "labels": [{"name": "team", "value": "ml"}],
    "annotations": [{"name": "example.org/why", "value": "because"}],
    "schedule": {"cron": "0 3 1 1 *", "timezone": "Europe/Berlin", "concurrency": "FORBID"},
    "job": {"completions": 1, "parallelism": 1, "retries": 1, "timeLimit": "5m"},
    "securityContext": {"runAsUser": 0, "readOnlyRootFilesystem": False},
    "tolerations": [{"operator": "Exists"}],
    "nodeSelector": [{"name": "kubernetes.io/os", "value": "linux"}],
}
SERVES = {name: value for name, value in EVERYTHING.items() if name != "command"}


async def versions(place: Place) -> dict[str, str]:
    """The resource version of everything that Nexus made."""
    kinds = ",".join((*KINDS.values(), "service", "secret", "configmap", "ingress", "hpa", "pvc"))
    items = await place.items(kinds, "-l", "nexus.optimal-reality.io/installation", "--show-managed-fields")
    return {f"{one['kind']} {one['metadata']['name']}": _declared(one) for one in items}


def _declared(item: Object) -> str:
    """When the spec was written last: status is written by controllers all the time."""
    ours = [entry for entry in item["metadata"]["managedFields"] if entry["manager"] == "nexus"]
    return f"{item['metadata'].get('generation')} {[entry['time'] for entry in ours]}"


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_should_come_up_and_be_left_alone_when_nothing_changed(place: Place, kind: str) -> None:
    runs_to_its_end = kind in {"JOB", "CRON_JOB"}
    path = await place.declare(**(EVERYTHING if runs_to_its_end else SERVES), workload=kind, ports=PORTS)
    await place.nexus.deployed(path)

    (made,) = await place.items(KINDS[kind])
    assert made["metadata"]["labels"]["team"] == "ml"
    workload = (await place.nexus.application(path, "workload { kind replicas { desired ready } }"))["workload"]
    assert workload["kind"] == kind
    state = await place.nexus.state(path)
    assert state["status"] == "HEALTHY", state
    if kind != "JOB":  # a job is a new object for each revision
        before = await versions(place)
        await asyncio.sleep(1.1)  # managed fields count in seconds
        again = await place.nexus.deployed(path)
        assert [step["message"] for step in again["steps"] if step["name"] == "apply"] == ["Nothing had to change."]
        assert await versions(place) == before

    await place.nexus.succeeded(await place.nexus.remove(path))
    assert await place.items(KINDS[kind]) == []


async def test_a_job_that_fails_should_say_so_with_its_last_words(place: Place) -> None:
    command = ["/bin/busybox", "sh", "-c", "echo the data are gone; exit 7"]
    path = await place.declare(workload="JOB", command=command, job={"retries": 0})

    failure = await place.nexus.failed(await place.nexus.deploy(path))

    assert failure["reason"] == "BackoffLimitExceeded"
    assert "exit code 7" in failure["message"]
    assert [line["text"] for line in failure["logs"]] == ["the data are gone"]


async def test_each_deployment_of_a_job_should_be_a_new_run_and_the_old_one_go(place: Place) -> None:
    path = await place.declare(workload="JOB", command=["/bin/busybox", "true"])
    await place.nexus.deployed(path)
    await place.nexus.deployed(path)

    assert [job["metadata"]["name"] for job in await place.items("jobs")] == ["churn-2"]


async def test_another_kind_should_take_the_place_of_the_old_one_only_when_somebody_says_so(place: Place) -> None:
    path = await place.run(ports=PORTS)
    (before,) = await place.pods()
    for dry_run in (True, False):
        (problem,) = await place.nexus.refused(path, {"workload": "STATEFUL_SET"}, dryRun=dry_run)
        assert (problem["code"], problem["path"]) == ("INVALID", ["patch", "workload"])
        assert "recreate" in problem["remedy"]
    assert [pod["metadata"]["uid"] for pod in await place.pods()] == [before["metadata"]["uid"]]

    await place.nexus.deployed(path, {"workload": "STATEFUL_SET"}, recreate=True)
    assert await place.items("deployments") == []
    assert [one["metadata"]["name"] for one in await place.items("statefulsets")] == ["churn"]


async def test_autoscaling_should_take_over_without_a_pod_less(place: Place) -> None:
    path = await place.run(replicas=3, ports=PORTS)
    before = [pod["metadata"]["uid"] for pod in await place.pods()]
    await place.nexus.deployed(path, {"autoscaling": {"min": 3, "max": 4}})

    (deployment,) = await place.items("deployments")
    assert deployment["spec"]["replicas"] == 3
    assert [pod["metadata"]["uid"] for pod in await place.pods()] == before
    (scaler,) = await place.items("hpa")
    assert scaler["spec"]["maxReplicas"] == 4
    payload = await place.nexus.asked("scale", path, replicas=("Int!", 2))
    assert [problem["code"] for problem in payload["problems"]] == ["INVALID"]


async def test_an_ingress_without_a_controller_should_be_healthy_and_pruned_when_it_is_gone(place: Place) -> None:
    rule = {"name": "web", "host": "churn.example.org", "path": "/v1"}
    path = await place.run(ports=PORTS, ingress=[rule])

    (ingress,) = await place.items("ingress")
    assert ingress["spec"]["rules"][0]["host"] == "churn.example.org"
    assert (await place.nexus.state(path))["status"] == "HEALTHY"

    await place.nexus.deployed(path, {"inherit": ["ingress"]})
    assert await place.items("ingress") == []


async def test_a_volume_should_outlive_what_uses_it_unless_somebody_says_otherwise(place: Place) -> None:
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": place.kubernetes},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": place.kubernetes,
            "hostPath": {"path": f"/var/{place.kubernetes}"},
        },
    }
    await asyncio.to_thread(place.cluster.apply, volume)
    try:
        wanted = {"name": "data", "mountPath": "/data", "size": "1Gi", "storageClass": place.kubernetes}
        path = await place.run(ports=PORTS, volumes=[wanted], workload="STATEFUL_SET")
        (claim,) = await place.items("pvc")
        assert claim["status"]["phase"] == "Bound"

        await place.nexus.succeeded(await place.nexus.remove(path))
        assert len(await place.items("pvc")) == 1

        await place.nexus.deployed(path)
        payload = await place.nexus.asked("remove", path, deleteVolumes=("Boolean!", True))
        await place.nexus.succeeded(payload["operation"])
        assert await place.items("pvc") == []
    finally:
        await asyncio.to_thread(place.cluster.kubectl, "delete", "pv", place.kubernetes, "--wait=false")


async def test_what_cannot_change_should_be_made_anew_only_when_somebody_says_so(place: Place) -> None:
    path = await place.run(ports=PORTS, workload="STATEFUL_SET")
    wanted = {"volumes": [{"name": "data", "mountPath": "/data", "size": "1Gi"}]}

    failure = await place.nexus.failed(await place.nexus.deploy(path, wanted))

    assert failure["reason"] == "Immutable"
    assert failure["message"].startswith("`volumes.data` cannot change while the StatefulSet `churn` is there.")
    assert "updates to statefulset spec" in failure["message"]
    assert "recreate" in failure["remedy"]
    (before,) = await place.items("statefulsets")
    await place.nexus.deploy(path, recreate=True)
    (after,) = await place.eventually(
        lambda found: found and found[0]["metadata"]["uid"] != before["metadata"]["uid"], "statefulsets"
    )
    assert after["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] == "data"
