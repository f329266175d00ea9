"""EndpointSlices: which pods a Service leads to, and which of them are ready."""

from .apiserver import Apiserver, Object
from .conftest import Observe, becomes
from .objects import core, service, workload
from .test_rollouts import made


def states(found: Object) -> list[bool]:
    """Whether each endpoint is ready."""
    ends = [end for one in found["items"] for end in one.get("endpoints") or ()]
    return sorted(end["conditions"]["ready"] for end in ends)


async def test_a_service_should_lead_to_the_pods_that_are_ready(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    await apiserver.create(core(namespace, "services"), service("web"))
    path = await made(apiserver, namespace, workload("Deployment", "web", replicas=1))

    found = await becomes(apiserver, slices, lambda all_: states(all_) == [True])
    for one in found["items"]:
        del one["metadata"]["generation"]  # counts what it went through meanwhile
    observe("a ready pod", {**found, "metadata": {}})
    await apiserver.delete(path)
    await becomes(apiserver, slices, lambda all_: states(all_) == [])

    await made(apiserver, namespace, workload("Deployment", "web", "unready", replicas=1))
    await becomes(apiserver, slices, lambda all_: states(all_) == [False])
    await apiserver.delete(core(namespace, "services", "web"))
    await becomes(apiserver, slices, lambda all_: all_["items"] == [])
