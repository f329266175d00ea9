"""A HorizontalPodAutoscaler says what it sees and does."""

from .apiserver import Apiserver
from .conftest import Observe, becomes
from .objects import workload
from .test_rollouts import condition, made, ready


async def test_an_autoscaler_should_keep_to_its_least_and_say_so(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    idle = {"resources": {"requests": {"cpu": "50m"}}}
    path = await made(apiserver, namespace, workload("Deployment", "web", replicas=1, container=idle))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    spec = {
        "scaleTargetRef": target,
        "minReplicas": 2,
        "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": metric}],
    }
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": spec,
    }
    at = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"
    made_scaler = await apiserver.create(at, scaler)
    observe("at first", {**made_scaler, "status": {}})

    await becomes(apiserver, path, lambda one: one["spec"]["replicas"] == 2 and ready(one))
    found = await becomes(apiserver, f"{at}/web", lambda one: condition(one, "AbleToScale").get("status") == "True")
    assert found["status"]["desiredReplicas"] == 2
