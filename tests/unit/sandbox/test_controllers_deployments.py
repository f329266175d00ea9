"""Deployments, as the real controller rolls them out."""

import pytest

from nexus_gql.sandbox.objects import status_of
from nexus_gql.sandbox.store import Object
from tests.unit.sandbox.cluster import HOME, Cluster, container, running, workload


def replicas_by_image(cluster: Cluster) -> dict[str, int]:
    return {
        item["spec"]["template"]["spec"]["containers"][0]["image"]: item["spec"]["replicas"]
        for item in cluster.all("ReplicaSet")
    }


def template_of(cluster: Cluster, image: str) -> Object:
    """The present template with another image, as the apiserver would have filled it in."""
    template: Object = cluster.get("Deployment", "web")["spec"]["template"]
    (first,) = template["spec"]["containers"]
    return {**template, "spec": {**template["spec"], "containers": [{**first, "image": image}]}}


async def test_a_deployment_should_become_available_within_two_seconds() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", replicas=3))
        await cluster.clock.advance(2)

        status = status_of(cluster.get("Deployment", "web"))
        counts = {name: value for name, value in status.items() if name != "conditions"}
        assert counts == {
            "observedGeneration": 1,
            "replicas": 3,
            "updatedReplicas": 3,
            "readyReplicas": 3,
            "availableReplicas": 3,
        }
        available, progressing = (
            cluster.condition("Deployment", "web", type_) for type_ in ("Available", "Progressing")
        )
        name = cluster.all("ReplicaSet")[0]["metadata"]["name"]
        assert (available["status"], available["reason"], available["message"]) == (
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
        assert progressing["message"] == f'ReplicaSet "{name}" has successfully progressed.'
        assert cluster.said("web") == [("ScalingReplicaSet", f"Scaled up replica set {name} from 0 to 3")]


async def test_a_replica_set_should_carry_what_the_real_controller_writes() -> None:
    async with running() as cluster:
        deployment = cluster.make(
            "Deployment", "web", workload("web", replicas=2), metadata={"annotations": {"team": "or"}}
        )
        await cluster.clock.advance(2)

        (made,) = cluster.all("ReplicaSet")
        hash_ = made["metadata"]["labels"]["pod-template-hash"]
        assert made["metadata"]["name"] == f"web-{hash_}"
        assert made["metadata"]["annotations"] == {
            "team": "or",
            "deployment.kubernetes.io/desired-replicas": "2",
            "deployment.kubernetes.io/max-replicas": "3",
            "deployment.kubernetes.io/revision": "1",
        }
        assert made["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": hash_}
        assert made["metadata"]["ownerReferences"][0]["uid"] == deployment["metadata"]["uid"]
        assert cluster.get("Deployment", "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
        assert cluster.get("Deployment", "web")["metadata"]["generation"] == 1


async def test_a_rolling_update_should_never_have_too_few_available_nor_too_many_pods() -> None:
    async with running() as cluster:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}
        cluster.make("Deployment", "web", workload("web", container("or/model:1.0"), replicas=4, strategy=strategy))
        await cluster.clock.advance(3)
        seen: list[tuple[int, int]] = []
        follow = cluster.store.follow(
            lambda write: (
                seen.append(
                    (write.object["status"].get("availableReplicas", 0), write.object["status"].get("replicas", 0))
                )
                if write.kind.name == "Deployment"
                else None
            )
        )
        cluster.change("Deployment", "web", template=template_of(cluster, "or/model:2.0"))
        await cluster.clock.advance(30)
        follow()

        assert min(available for available, _ in seen) >= 3
        assert max(replicas for _, replicas in seen) == 5
        assert replicas_by_image(cluster) == {"or/model:1.0": 0, "or/model:2.0": 4}
        assert cluster.get("Deployment", "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
        assert len(cluster.pods()) == 4


async def test_a_rollout_without_surge_should_wait_for_room() -> None:
    async with running() as cluster:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "50%"}}
        cluster.make("Deployment", "web", workload("web", container("or/model:1.0"), replicas=2, strategy=strategy))
        await cluster.clock.advance(3)
        cluster.change("Deployment", "web", template=template_of(cluster, "or/model:missing"))
        await cluster.clock.advance(60)

        assert replicas_by_image(cluster) == {"or/model:1.0": 1, "or/model:missing": 1}


async def test_a_rollout_that_does_not_come_up_should_exceed_its_deadline() -> None:
    async with running() as cluster:
        spec = workload("web", container("or/model:unready"), progressDeadlineSeconds=15)
        cluster.make("Deployment", "web", spec)
        await cluster.clock.advance(10)
        assert cluster.condition("Deployment", "web", "Progressing")["reason"] == "ReplicaSetUpdated"
        await cluster.clock.advance(8)

        progressing = cluster.condition("Deployment", "web", "Progressing")
        name = cluster.all("ReplicaSet")[0]["metadata"]["name"]
        assert (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")
        assert progressing["message"] == f'ReplicaSet "{name}" has timed out progressing.'


async def test_a_broken_update_should_leave_the_old_pods_at_work() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", container("or/model:1.0"), replicas=2))
        await cluster.clock.advance(3)
        cluster.change("Deployment", "web", template=template_of(cluster, "or/model:crash"))
        await cluster.clock.advance(600)

        assert replicas_by_image(cluster) == {"or/model:1.0": 2, "or/model:crash": 1}
        assert status_of(cluster.get("Deployment", "web"))["unavailableReplicas"] == 1


async def test_recreate_should_stop_all_old_pods_before_it_starts_new_ones() -> None:
    async with running() as cluster:
        spec = workload("web", container("or/model:1.0"), replicas=2, strategy={"type": "Recreate"})
        cluster.make("Deployment", "web", spec)
        await cluster.clock.advance(3)
        images: list[set[str]] = []

        def note(write: object) -> None:
            images.append({pod["spec"]["containers"][0]["image"] for pod in cluster.pods()})

        cluster.store.follow(note)
        cluster.change("Deployment", "web", template=template_of(cluster, "or/model:2.0"))
        await cluster.clock.advance(10)

        assert {"or/model:1.0", "or/model:2.0"} not in images
        assert replicas_by_image(cluster) == {"or/model:1.0": 0, "or/model:2.0": 2}
        assert status_of(cluster.get("Deployment", "web"))["availableReplicas"] == 2


async def test_going_back_should_use_the_old_replica_set_under_a_new_number() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", container("or/model:1.0")))
        for image in ("or/model:2.0", "or/model:1.0"):
            await cluster.clock.advance(5)
            cluster.change("Deployment", "web", template=template_of(cluster, image))
        await cluster.clock.advance(5)

        notes = {
            item["spec"]["template"]["spec"]["containers"][0]["image"]: item["metadata"]["annotations"]
            for item in cluster.all("ReplicaSet")
        }
        assert notes["or/model:1.0"]["deployment.kubernetes.io/revision"] == "3"
        assert notes["or/model:1.0"]["deployment.kubernetes.io/revision-history"] == "1"
        assert notes["or/model:2.0"]["deployment.kubernetes.io/revision"] == "2"


async def test_only_as_many_old_replica_sets_should_be_kept_as_are_declared() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", container("or/model:0"), revisionHistoryLimit=2))
        for number in range(1, 6):
            await cluster.clock.advance(5)
            cluster.change("Deployment", "web", template=template_of(cluster, f"or/model:{number}"))
        await cluster.clock.advance(10)

        assert sorted(replicas_by_image(cluster)) == ["or/model:3", "or/model:4", "or/model:5"]


async def test_a_paused_deployment_should_scale_and_not_roll() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", container("or/model:1.0")))
        await cluster.clock.advance(3)
        cluster.change("Deployment", "web", paused=True, replicas=3, template=template_of(cluster, "or/model:2.0"))
        await cluster.clock.advance(5)
        assert replicas_by_image(cluster) == {"or/model:1.0": 3}
        assert cluster.condition("Deployment", "web", "Progressing")["reason"] == "DeploymentPaused"

        cluster.change("Deployment", "web", paused=False)
        await cluster.clock.advance(20)
        assert replicas_by_image(cluster) == {"or/model:1.0": 0, "or/model:2.0": 3}
        assert cluster.condition("Deployment", "web", "Progressing")["reason"] == "NewReplicaSetAvailable"


async def test_scaling_in_the_middle_of_a_rollout_should_share_out_the_difference() -> None:
    async with running() as cluster:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}
        cluster.make("Deployment", "web", workload("web", container("or/model:1.0"), replicas=10, strategy=strategy))
        await cluster.clock.advance(5)
        cluster.change("Deployment", "web", template=template_of(cluster, "or/model:unready"))
        await cluster.clock.advance(5)
        assert replicas_by_image(cluster) == {"or/model:1.0": 8, "or/model:unready": 5}
        cluster.change("Deployment", "web", replicas=15)
        await cluster.clock.advance(5)

        # The example of Kubernetes' own documentation: 8 and 5 of 10 become 11 and 7 of 15.
        assert replicas_by_image(cluster) == {"or/model:1.0": 11, "or/model:unready": 7}


async def test_scaling_down_should_take_the_pods_that_are_missed_least() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", replicas=2))
        await cluster.clock.advance(60)
        old = {pod["metadata"]["name"] for pod in cluster.pods()}
        cluster.change("Deployment", "web", replicas=4)
        await cluster.clock.advance(5)
        cluster.change("Deployment", "web", replicas=2)
        await cluster.clock.advance(5)

        assert {pod["metadata"]["name"] for pod in cluster.pods()} == old


async def test_a_deployment_scaled_to_nothing_should_be_complete() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", replicas=2))
        await cluster.clock.advance(3)
        cluster.change("Deployment", "web", replicas=0)
        await cluster.clock.advance(5)

        status = status_of(cluster.get("Deployment", "web"))
        assert {name: value for name, value in status.items() if name != "conditions"} == {"observedGeneration": 2}
        assert cluster.condition("Deployment", "web", "Available")["status"] == "True"
        assert cluster.pods() == []


async def test_minimum_ready_seconds_should_hold_availability_back() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", minReadySeconds=20))
        await cluster.clock.advance(10)
        assert status_of(cluster.get("Deployment", "web")).get("availableReplicas", 0) == 0
        await cluster.clock.advance(13)
        assert status_of(cluster.get("Deployment", "web"))["availableReplicas"] == 1


async def test_a_pod_that_is_deleted_should_be_replaced() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web"))
        await cluster.clock.advance(3)
        (before,) = cluster.pods()
        cluster.store.delete("Pod", HOME, before["metadata"]["name"])
        await cluster.clock.advance(3)

        (after,) = cluster.pods()
        assert after["metadata"]["uid"] != before["metadata"]["uid"]


async def test_pods_that_are_refused_should_be_told_and_tried_again() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", pod={"serviceAccountName": "robot"}))
        await cluster.clock.advance(2)
        failure = cluster.condition("Deployment", "web", "ReplicaFailure")
        assert failure["reason"] == "FailedCreate"
        assert "serviceaccount" in failure["message"]
        name = cluster.all("ReplicaSet")[0]["metadata"]["name"]
        assert "FailedCreate" in cluster.reasons(name)

        cluster.make("ServiceAccount", "robot")
        await cluster.clock.advance(60)
        assert status_of(cluster.get("Deployment", "web"))["availableReplicas"] == 1
        with pytest.raises(AssertionError):
            cluster.condition("Deployment", "web", "ReplicaFailure")


async def test_nothing_should_be_written_when_all_is_as_declared() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", replicas=3))
        await cluster.clock.advance(30)
        before = cluster.store.version
        await cluster.clock.advance(1800)
        assert cluster.store.version == before
