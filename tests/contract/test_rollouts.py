"""Deployments, StatefulSets and DaemonSets come up, change, and fail."""

import re
from typing import Any

import pytest

from .apiserver import Apiserver, Object
from .conftest import Observe, becomes
from .objects import apps, core, workload

KINDS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "DaemonSet": "daemonsets"}


def condition(found: Object, kind: str) -> Any:
    """One of an object's conditions."""
    return next((one for one in found.get("status", {}).get("conditions") or () if one["type"] == kind), {})


def ready(found: Object) -> bool:
    """Whether a workload is up and says so of its newest generation."""
    status, wanted = found.get("status", {}), found["spec"].get("replicas")
    if status.get("observedGeneration") != found["metadata"]["generation"]:
        return False
    if wanted is None:
        return bool(
            status.get("numberAvailable")
            == status.get("desiredNumberScheduled")
            == status.get("updatedNumberScheduled")
        )
    if found["kind"] == "Deployment" and condition(found, "Progressing").get("reason") != "NewReplicaSetAvailable":
        return False
    return bool(
        status.get("availableReplicas", 0) == status.get("replicas", 0) == status.get("updatedReplicas", 0) == wanted
    )


def waiting(reason: str) -> Any:
    """Whether the only pod waits for that reason."""

    def is_so(found: Object) -> bool:
        states = [pod["status"].get("containerStatuses", [{}])[0].get("state", {}) for pod in found["items"]]
        return [state.get("waiting", {}).get("reason") for state in states] == [reason]

    return is_so


def only(found: Object) -> Object:
    """The one item of a list."""
    (item,) = found["items"]
    return {**item, "kind": found["kind"].removesuffix("List")}


async def made(apiserver: Apiserver, namespace: str, wanted: Object) -> str:
    path = apps(namespace, KINDS[wanted["kind"]], wanted["metadata"]["name"])
    await apiserver.applied(path, wanted)
    return path


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
async def test_a_workload_should_come_up(apiserver: Apiserver, namespace: str, observe: Observe, kind: str) -> None:
    more: Object = {"serviceName": "web"} if kind == "StatefulSet" else {}
    path = await made(apiserver, namespace, workload(kind, "web", replicas=2, **more))

    observe(kind, await becomes(apiserver, path, ready))
    pods = (await apiserver.get(core(namespace, "pods"), labelSelector="app=web"))["items"]
    assert len(pods) == 2
    observe(f"{kind}'s pod", min(pods, key=lambda pod: str(pod["metadata"]["name"])))
    if kind == "Deployment":
        observe("its ReplicaSet", only(await apiserver.get(apps(namespace, "replicasets"))))


async def test_a_new_version_should_take_the_place_of_the_old(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = await made(apiserver, namespace, workload("Deployment", "web", replicas=1))
    await becomes(apiserver, path, ready)
    await made(apiserver, namespace, workload("Deployment", "web", "2", replicas=1))

    observe("Deployment", await becomes(apiserver, path, ready))
    sets = (await apiserver.get(apps(namespace, "replicasets")))["items"]
    by_revision = {one["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: one for one in sets}
    assert {revision: one["spec"]["replicas"] for revision, one in by_revision.items()} == {"1": 0, "2": 1}
    found = await becomes(apiserver, core(namespace, "pods"), lambda pods: len(pods["items"]) == 1)
    assert only(found)["spec"]["containers"][0]["image"] == "nexus-test/echo:2"


async def test_a_daemon_set_should_have_a_pod_on_each_node(apiserver: Apiserver, namespace: str) -> None:
    path = await made(apiserver, namespace, workload("DaemonSet", "agent"))

    found = await becomes(
        apiserver, path, lambda one: one.get("status", {}).get("desiredNumberScheduled") and ready(one)
    )
    nodes = (await apiserver.get("/api/v1/nodes"))["items"]
    assert found["status"]["numberReady"] == len(nodes)
    pods = (await apiserver.get(core(namespace, "pods")))["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {node["metadata"]["name"] for node in nodes}


async def test_an_image_that_is_not_there_should_be_told(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = await made(apiserver, namespace, workload("Deployment", "web", "missing", replicas=1))

    pod = only(await becomes(apiserver, core(namespace, "pods"), waiting("ImagePullBackOff")))
    pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"] = ""  # the registry's own words
    observe("pod", pod)
    observe("Deployment", await becomes(apiserver, path, lambda one: condition(one, "Progressing")))


async def test_a_program_that_crashes_should_be_told(apiserver: Apiserver, namespace: str, observe: Observe) -> None:
    await made(apiserver, namespace, workload("Deployment", "web", "crash", replicas=1, container={"args": []}))

    found = await becomes(apiserver, core(namespace, "pods"), waiting("CrashLoopBackOff"))
    pod = only(found)
    status = pod["status"]["containerStatuses"][0]
    assert status["restartCount"] >= 1
    assert status["lastState"]["terminated"]["exitCode"] == 1
    observe("pod", {**pod, "status": {**pod["status"], "containerStatuses": [{**status, "restartCount": "SOME"}]}})


async def test_a_pod_that_no_node_can_hold_should_be_told(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    huge = {"resources": {"requests": {"cpu": "1000"}}}
    await made(apiserver, namespace, workload("Deployment", "web", replicas=1, container=huge))

    def is_told(found: Object) -> bool:
        return [condition(pod, "PodScheduled").get("reason") for pod in found["items"]] == ["Unschedulable"]

    pod = only(await becomes(apiserver, core(namespace, "pods"), is_told))
    told = condition(pod, "PodScheduled")["message"]
    assert "Insufficient cpu" in told
    condition(pod, "PodScheduled")["message"] = re.sub(r"\d+", "N", told)  # how many nodes there are
    observe("pod", pod)


async def test_a_program_that_is_never_ready_should_be_told(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = await made(
        apiserver, namespace, workload("Deployment", "web", "unready", replicas=1, progressDeadlineSeconds=3)
    )

    found = await becomes(
        apiserver, path, lambda one: condition(one, "Progressing").get("reason") == "ProgressDeadlineExceeded"
    )
    observe("Deployment", found)

    def has_started(pods: Object) -> bool:
        return bool(only(pods)["status"].get("containerStatuses", [{}])[0].get("started"))

    pod = only(await becomes(apiserver, core(namespace, "pods"), has_started))
    assert condition(pod, "Ready")["reason"] == "ContainersNotReady"
