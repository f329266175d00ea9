"""What pods and nodes use, from metrics.k8s.io."""

from .apiserver import Apiserver
from .conftest import Observe, becomes
from .objects import core, template


async def test_a_pods_usage_should_be_measured(apiserver: Apiserver, namespace: str, observe: Observe) -> None:
    wanted = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": template("p", "1")["spec"]}
    await apiserver.create(core(namespace, "pods"), wanted)

    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
    found = await becomes(apiserver, path, lambda usage: usage["items"])
    observe("pods", found)
    (pod,) = found["items"]
    assert pod["containers"][0]["usage"].keys() == {"cpu", "memory"}
    nodes = (await apiserver.get("/apis/metrics.k8s.io/v1beta1/nodes"))["items"]
    assert all(node["usage"].keys() == {"cpu", "memory"} for node in nodes)
    assert len(nodes) == len((await apiserver.get("/api/v1/nodes"))["items"])
