"""HorizontalPodAutoscalers and what is measured for them."""

from nexus_gql.sandbox.objects import find_condition, status_of
from nexus_gql.sandbox.store import Object
from tests.unit.sandbox.cluster import Cluster, container, running, workload


def loaded(cpu: str, request: str = "100m") -> Object:
    return container(
        env=[{"name": "SANDBOX_CPU", "value": cpu}], resources={"requests": {"cpu": request, "memory": "64Mi"}}
    )


def scaler(low: int = 1, high: int = 5, percent: int = 50, name: str = "web") -> Object:
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}},
    }
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return {"scaleTargetRef": target, "minReplicas": low, "maxReplicas": high, "metrics": [metric]}


def said(cluster: Cluster) -> dict[str, tuple[str, str]]:
    conditions = status_of(cluster.get("HorizontalPodAutoscaler", "web"))["conditions"]
    return {item["type"]: (item["status"], item["reason"]) for item in conditions}


def replicas(cluster: Cluster) -> int:
    count: int = cluster.get("Deployment", "web")["spec"]["replicas"]
    return count


async def test_a_busy_workload_should_be_scaled_up_to_its_limit() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", loaded("150m")))
        cluster.make("HorizontalPodAutoscaler", "web", scaler())
        await cluster.clock.advance(120)
        assert replicas(cluster) == 5
        assert said(cluster)["ScalingActive"] == ("True", "ValidMetricFound")
        assert said(cluster)["ScalingLimited"] == ("True", "TooManyReplicas")
        (metric,) = status_of(cluster.get("HorizontalPodAutoscaler", "web"))["currentMetrics"]
        assert metric["resource"]["current"] == {"averageUtilization": 150, "averageValue": "150m"}
        assert (
            "SuccessfulRescale",
            "New size: 3; reason: cpu resource utilization (percentage of request) above target",
        ) in cluster.said("web")


async def test_a_dip_should_not_cost_replicas() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", loaded("50m"), replicas=4))
        cluster.make("HorizontalPodAutoscaler", "web", scaler(low=1))
        await cluster.clock.advance(60)
        assert replicas(cluster) == 4
        template: Object = cluster.get("Deployment", "web")["spec"]["template"]
        (first,) = template["spec"]["containers"]
        idle = {**first, "env": [{"name": "SANDBOX_CPU", "value": "1m"}]}
        cluster.change("Deployment", "web", template={**template, "spec": {**template["spec"], "containers": [idle]}})
        await cluster.clock.advance(200)
        assert replicas(cluster) == 4
        assert said(cluster)["AbleToScale"] == ("True", "ScaleDownStabilized")
        await cluster.clock.advance(200)
        assert replicas(cluster) == 1


async def test_too_few_replicas_should_be_mended_without_measuring() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", loaded("50m")))
        cluster.make("HorizontalPodAutoscaler", "web", scaler(low=3))
        await cluster.clock.advance(1)
        assert replicas(cluster) == 3
        words = "New size: 3; reason: Current number of replicas below Spec.MinReplicas"
        assert ("SuccessfulRescale", words) in cluster.said("web")


async def test_a_workload_that_was_not_measured_yet_should_be_told() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", loaded("50m")))
        cluster.make("HorizontalPodAutoscaler", "web", scaler())
        await cluster.clock.advance(1)
        active = find_condition(status_of(cluster.get("HorizontalPodAutoscaler", "web"))["conditions"], "ScalingActive")
        assert active is not None
        assert active["message"] == (
            "the HPA was unable to compute the replica count: failed to get cpu utilization: "
            "unable to get metrics for resource cpu: no metrics returned from resource metrics API"
        )
        reasons = cluster.reasons("web")
        assert {"FailedGetResourceMetric", "FailedComputeMetricsReplicas"} <= set(reasons)


async def test_a_target_that_is_not_there_should_be_told() -> None:
    async with running() as cluster:
        cluster.make("HorizontalPodAutoscaler", "web", scaler(name="gone"))
        await cluster.clock.advance(1)
        assert said(cluster) == {"AbleToScale": ("False", "FailedGetScale")}
        assert ("FailedGetScale", 'deployments.apps "gone" not found') in cluster.said("web")


# ── usage ──


async def test_usage_should_move_within_limits_and_be_the_same_for_who_asks_twice() -> None:
    async with running() as cluster:
        resources = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "120m", "memory": "80Mi"}}
        cluster.make("Deployment", "web", workload("web", container(resources=resources), replicas=3))
        await cluster.clock.advance(10)
        assert cluster.controllers.pod_metrics("home") == []
        seen = set()
        for _ in range(40):
            await cluster.clock.advance(30)
            found = cluster.controllers.pod_metrics("home")
            assert found == cluster.controllers.pod_metrics("home")
            assert len(found) == 3
            for item in found:
                usage = item["containers"][0]["usage"]
                cpu, memory = int(usage["cpu"].removesuffix("n")), int(usage["memory"].removesuffix("Ki"))
                assert 0 < cpu <= 120_000_000
                assert 0 < memory <= 80 * 1024
                seen.add(cpu)
        assert len(seen) > 60


async def test_a_node_should_use_what_its_pods_use_and_a_little_more() -> None:
    async with running() as cluster:
        cluster.make("Deployment", "web", workload("web", loaded("2"), replicas=2))
        await cluster.clock.advance(60)
        found = cluster.controllers.node_metrics()
        assert [item["metadata"]["name"] for item in found] == ["sandbox-control-plane", "sandbox-worker"]
        assert all(2.0 < int(item["usage"]["cpu"].removesuffix("n")) / 1e9 < 2.2 for item in found)
        assert found[0]["timestamp"] == "2026-01-01T00:01:00Z"
