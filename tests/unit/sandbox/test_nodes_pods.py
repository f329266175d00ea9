"""A pod's life on its node, as the kubelet tells it."""

import pytest

from nexus_gql.sandbox.objects import find_condition, phase_of, status_of
from nexus_gql.sandbox.store import Object
from tests.unit.sandbox.cluster import HOME, Cluster, container, running, state_of


def pod(*containers: Object, **spec: object) -> Object:
    return {"containers": list(containers) or [container()], **spec}


def words(found: Object) -> dict[str, tuple[str, str]]:
    return {item["type"]: (item["status"], item.get("reason", "")) for item in status_of(found)["conditions"]}


def restarts(cluster: Cluster, name: str = "a") -> int:
    count: int = state_of(cluster.get("Pod", name))["restartCount"]
    return count


async def test_a_pod_should_be_created_run_and_be_ready_within_about_a_second() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod())
        await cluster.clock.advance(0.1)
        creating = cluster.get("Pod", "a")
        assert phase_of(creating) == "Pending"
        assert state_of(creating)["state"] == {"waiting": {"reason": "ContainerCreating"}}
        assert words(creating) == {
            "PodReadyToStartContainers": ("False", ""),
            "Initialized": ("True", ""),
            "Ready": ("False", "ContainersNotReady"),
            "ContainersReady": ("False", "ContainersNotReady"),
            "PodScheduled": ("True", ""),
        }
        await cluster.clock.advance(1)
        ready = cluster.get("Pod", "a")
        assert phase_of(ready) == "Running"
        assert set(words(ready).values()) == {("True", "")}
        assert status_of(ready)["podIP"].startswith("10.244.")
        assert ready["metadata"]["generation"] == 1
        assert cluster.reasons("a") == ["Scheduled", "Pulling", "Pulled", "Created", "Started"]


async def test_a_running_container_should_look_like_a_real_one() -> None:
    async with running() as cluster:
        resources = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}}
        cluster.make("Pod", "a", pod(container("or-demo/model:1.0", resources=resources)))
        await cluster.clock.advance(2)
        found = state_of(cluster.get("Pod", "a"))
        assert found["image"] == "docker.io/or-demo/model:1.0"
        assert found["imageID"].startswith("sha256:")
        assert found["containerID"].startswith("containerd://")
        assert (found["ready"], found["started"], found["restartCount"], found["lastState"]) == (True, True, 0, {})
        assert found["resources"] == resources
        assert found["allocatedResources"] == resources["requests"]
        assert status_of(cluster.get("Pod", "a"))["qosClass"] == "Burstable"


async def test_a_container_that_crashes_should_be_restarted_later_each_time() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod(container("or/model:crash")))
        waits: list[str] = []

        def note(write: object) -> None:
            message = (state_of(cluster.get("Pod", "a"))["state"].get("waiting") or {}).get("message", "")
            wait = message.split()[1] if message.startswith("back-off") else ""
            if wait and (not waits or waits[-1] != wait):
                waits.append(wait)

        await cluster.clock.advance(1)
        cluster.store.follow(note)
        await cluster.clock.advance(1500)

        assert waits == ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s"]
        found = cluster.get("Pod", "a")
        state = state_of(found)
        uid = found["metadata"]["uid"]
        assert state["state"]["waiting"] == {
            "reason": "CrashLoopBackOff",
            "message": f"back-off 5m0s restarting failed container=main pod=a_{HOME}({uid})",
        }
        assert (state["lastState"]["terminated"]["exitCode"], state["lastState"]["terminated"]["reason"]) == (
            1,
            "Error",
        )
        assert phase_of(found) == "Running"
        back_off = next(event for event in cluster.all("Event") if event["reason"] == "BackOff")
        assert back_off["count"] > 50
        assert back_off["message"] == f"Back-off restarting failed container main in pod a_{HOME}({uid})"


@pytest.mark.parametrize(
    ("image", "code", "reason"),
    [("or/model:oom", 137, "OOMKilled"), ("or/model:crash", 1, "Error"), ("or/model:done", 0, "Completed")],
)
async def test_a_container_should_end_as_its_image_says(image: str, code: int, reason: str) -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod(container(image)))
        await cluster.clock.advance(60)
        ended = state_of(cluster.get("Pod", "a"))["lastState"]["terminated"]
        assert (ended["exitCode"], ended["reason"]) == (code, reason)
        assert restarts(cluster) >= 2


async def test_a_flaky_container_should_run_for_minutes_between_its_crashes() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod(container("or/model:flaky")))
        await cluster.clock.advance(110)
        assert restarts(cluster) == 0
        await cluster.clock.advance(1200)
        assert 3 <= restarts(cluster) <= 10


async def test_an_image_that_is_missing_should_be_tried_again_and_told_in_full() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod(container("or/model:missing")))
        await cluster.clock.advance(1)
        why = (
            'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/or/model:missing": '
            'failed to resolve reference "docker.io/or/model:missing": docker.io/or/model:missing: not found'
        )
        assert state_of(cluster.get("Pod", "a"))["state"]["waiting"] == {"reason": "ErrImagePull", "message": why}
        await cluster.clock.advance(2)
        assert state_of(cluster.get("Pod", "a"))["state"]["waiting"] == {
            "reason": "ImagePullBackOff",
            "message": f'Back-off pulling image "or/model:missing": ErrImagePull: {why}',
        }
        await cluster.clock.advance(600)
        counts = {(event["reason"], event["message"]): event.get("count") for event in cluster.all("Event")}
        assert counts["Pulling", 'Pulling image "or/model:missing"'] == 6
        assert counts["Failed", f'Failed to pull image "or/model:missing": {why}'] == 6
        assert phase_of(cluster.get("Pod", "a")) == "Pending"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "nope", "key": "k"}}}]},
            'secret "nope" not found',
        ),
        ({"envFrom": [{"configMapRef": {"name": "nope"}}]}, 'configmap "nope" not found'),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "there", "key": "nokey"}}}]},
            f"couldn't find key nokey in ConfigMap {HOME}/there",
        ),
    ],
)
async def test_a_missing_value_should_keep_a_container_from_being_made(source: Object, message: str) -> None:
    async with running() as cluster:
        cluster.make("ConfigMap", "there", data={"a": "b"})
        cluster.make("Pod", "a", pod(container(**source)))
        await cluster.clock.advance(2)
        waiting = state_of(cluster.get("Pod", "a"))["state"]["waiting"]
        assert waiting == {"reason": "CreateContainerConfigError", "message": message}
        assert ("Failed", f"Error: {message}") in cluster.said("a")


async def test_a_value_that_comes_later_should_let_the_container_start() -> None:
    async with running() as cluster:
        source = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "late", "key": "k"}}}
        cluster.make("Pod", "a", pod(container(env=[source])))
        await cluster.clock.advance(2)
        cluster.make("Secret", "late", data={"k": "dg=="})
        await cluster.clock.advance(15)
        assert phase_of(cluster.get("Pod", "a")) == "Running"


async def test_a_value_that_may_be_missing_should_not_matter() -> None:
    async with running() as cluster:
        source = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "nope", "key": "k", "optional": True}}}
        cluster.make("Pod", "a", pod(container(env=[source])))
        await cluster.clock.advance(2)
        assert phase_of(cluster.get("Pod", "a")) == "Running"


async def test_a_missing_volume_should_hold_the_pod_up_and_be_told() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod(volumes=[{"name": "f", "configMap": {"name": "nope"}}]))
        await cluster.clock.advance(30)
        found = cluster.get("Pod", "a")
        assert state_of(found)["state"] == {"waiting": {"reason": "ContainerCreating"}}
        assert "podIP" not in status_of(found)
        assert ("FailedMount", 'MountVolume.SetUp failed for volume "f" : configmap "nope" not found') in cluster.said(
            "a"
        )
        cluster.make("ConfigMap", "nope", data={})
        await cluster.clock.advance(35)
        assert phase_of(cluster.get("Pod", "a")) == "Running"


async def test_init_containers_should_run_one_after_the_other_before_the_others() -> None:
    async with running() as cluster:
        inits = [{"name": "first", "image": "or/wait:1"}, {"name": "second", "image": "or/wait:2"}]
        cluster.make("Pod", "a", pod(initContainers=inits))
        await cluster.clock.advance(2)
        found = cluster.get("Pod", "a")
        assert "running" in state_of(found, "first")["state"]
        assert state_of(found, "second")["state"] == {"waiting": {"reason": "PodInitializing"}}
        initialized = find_condition(status_of(found)["conditions"], "Initialized")
        assert initialized is not None
        assert initialized["message"] == "containers with incomplete status: [first second]"
        await cluster.clock.advance(20)
        found = cluster.get("Pod", "a")
        assert phase_of(found) == "Running"
        assert state_of(found, "second")["state"]["terminated"]["reason"] == "Completed"
        assert state_of(found, "second")["ready"] is True


async def test_an_init_container_that_crashes_should_keep_the_pod_pending() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod(initContainers=[{"name": "first", "image": "or/wait:crash"}]))
        await cluster.clock.advance(60)
        found = cluster.get("Pod", "a")
        assert phase_of(found) == "Pending"
        assert state_of(found, "first")["state"]["waiting"]["reason"] == "CrashLoopBackOff"


async def test_a_sidecar_should_stay_beside_the_others() -> None:
    async with running() as cluster:
        cluster.make(
            "Pod", "a", pod(initContainers=[{"name": "proxy", "image": "or/proxy:1", "restartPolicy": "Always"}])
        )
        await cluster.clock.advance(5)
        found = cluster.get("Pod", "a")
        assert phase_of(found) == "Running"
        assert "running" in state_of(found, "proxy")["state"]
        assert set(words(found).values()) == {("True", "")}


@pytest.mark.parametrize(
    ("image", "phase", "reason"), [("or/task:1", "Succeeded", "PodCompleted"), ("or/task:crash", "Failed", "PodFailed")]
)
async def test_a_pod_that_is_never_restarted_should_end(image: str, phase: str, reason: str) -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod(container(image), restartPolicy="Never"))
        await cluster.clock.advance(10)
        found = cluster.get("Pod", "a")
        assert phase_of(found) == phase
        assert words(found)["Ready"] == ("False", reason)


# ── probes ──

READY: Object = {
    "httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"},
    "periodSeconds": 10,
    "failureThreshold": 3,
}
PORTS: list[Object] = [{"name": "http", "containerPort": 8080}]


async def test_a_slow_container_should_be_ready_after_thirty_seconds() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod(container("or/model:slow")))
        await cluster.clock.advance(29)
        assert phase_of(cluster.get("Pod", "a")) == "Running"
        assert words(cluster.get("Pod", "a"))["Ready"] == ("False", "ContainersNotReady")
        await cluster.clock.advance(3)
        assert words(cluster.get("Pod", "a"))["Ready"] == ("True", "")


async def test_a_declared_probe_should_fail_in_its_own_words_until_it_succeeds() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod(container("or/model:slow", readinessProbe=READY, ports=PORTS)))
        await cluster.clock.advance(60)
        found = cluster.get("Pod", "a")
        where = f"{status_of(found)['podIP']}:8080"
        (event,) = [event for event in cluster.all("Event") if event["reason"] == "Unhealthy"]
        refused = f'Get "http://{where}/healthz": dial tcp {where}: connect: connection refused'
        assert (event["message"], event["count"]) == (f"Readiness probe failed: {refused}", 3)
        assert words(found)["Ready"] == ("True", "")


async def test_an_unready_container_should_run_and_never_be_ready() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod(container("or/model:unready", readinessProbe=READY, ports=PORTS)))
        await cluster.clock.advance(600)
        found = cluster.get("Pod", "a")
        assert phase_of(found) == "Running"
        assert words(found)["Ready"] == ("False", "ContainersNotReady")
        assert ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503") in cluster.said("a")
        assert restarts(cluster) == 0


async def test_a_startup_probe_should_give_a_slow_container_its_time() -> None:
    async with running() as cluster:
        startup = {"tcpSocket": {"port": 8080}, "periodSeconds": 5, "failureThreshold": 12}
        live = {"tcpSocket": {"port": 8080}, "periodSeconds": 5, "failureThreshold": 2}
        cluster.make("Pod", "a", pod(container("or/model:slow", startupProbe=startup, livenessProbe=live)))
        await cluster.clock.advance(20)
        assert state_of(cluster.get("Pod", "a"))["started"] is False
        await cluster.clock.advance(20)
        assert state_of(cluster.get("Pod", "a"))["started"] is True
        assert restarts(cluster) == 0


async def test_a_slow_container_should_be_killed_by_an_impatient_liveness_probe() -> None:
    async with running() as cluster:
        live = {"tcpSocket": {"port": 8080}, "periodSeconds": 5, "failureThreshold": 2}
        cluster.make("Pod", "a", pod(container("or/model:slow", livenessProbe=live)))
        await cluster.clock.advance(20)
        assert restarts(cluster) == 1
        assert ("Killing", "Container main failed liveness probe, will be restarted") in cluster.said("a")
        assert state_of(cluster.get("Pod", "a"))["lastState"]["terminated"]["exitCode"] == 137


# ── the end ──


async def test_a_pod_that_is_deleted_should_be_given_time_and_then_be_gone() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod())
        await cluster.clock.advance(2)
        cluster.store.delete("Pod", HOME, "a")
        await cluster.clock.advance(0.2)
        ending = cluster.get("Pod", "a")
        assert words(ending)["Ready"] == ("True", "")
        assert status_of(ending)["observedGeneration"] == 2
        assert ("Killing", "Stopping container main") in cluster.said("a")
        await cluster.clock.advance(1.5)
        assert cluster.pods() == []


async def test_what_was_seen_last_of_a_pod_should_be_its_end() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod())
        await cluster.clock.advance(2)
        last: list[Object] = []
        cluster.store.follow(
            lambda write: last.append(write.object) if write.type == "DELETED" and write.kind.name == "Pod" else None
        )
        cluster.store.delete("Pod", HOME, "a")
        await cluster.clock.advance(3)
        (gone,) = last
        assert phase_of(gone) == "Succeeded"
        assert state_of(gone)["state"]["terminated"]["exitCode"] == 0


async def test_a_pod_without_time_should_be_killed() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod())
        await cluster.clock.advance(2)
        cluster.store.delete("Pod", HOME, "a", grace=0)
        await cluster.clock.advance(0.1)
        assert cluster.pods() == []


async def test_a_finalizer_should_keep_a_stopped_pod() -> None:
    async with running() as cluster:
        cluster.make("Pod", "a", pod(), metadata={"finalizers": ["or/keep"]})
        await cluster.clock.advance(2)
        cluster.store.delete("Pod", HOME, "a")
        await cluster.clock.advance(40)
        kept = cluster.get("Pod", "a")
        assert phase_of(kept) == "Succeeded"
        metadata = {name: value for name, value in kept["metadata"].items() if name != "finalizers"}
        cluster.store.update("Pod", {**kept, "metadata": metadata})
        await cluster.clock.advance(1)
        assert cluster.pods() == []


async def test_two_pods_should_never_have_the_same_address() -> None:
    async with running() as cluster:
        for number in range(30):
            cluster.make("Pod", f"a{number}", pod())
        await cluster.clock.advance(3)
        addresses = [status_of(found)["podIP"] for found in cluster.pods()]
        assert len(set(addresses)) == 30
