"""The scale subresource, and what follows from it."""

import pytest

from .apiserver import Apiserver, Object
from .conftest import Observe, becomes
from .objects import apps, core, workload
from .test_rollouts import KINDS, made, ready


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
async def test_scale_should_change_the_number_of_pods(
    apiserver: Apiserver, namespace: str, observe: Observe, kind: str
) -> None:
    more: Object = {"serviceName": "web"} if kind == "StatefulSet" else {}
    path = await made(apiserver, namespace, workload(kind, "web", replicas=1, **more))
    await becomes(apiserver, path, ready)

    await apiserver.merge(f"{path}/scale", {"spec": {"replicas": 2}})
    await becomes(apiserver, path, lambda one: one["spec"]["replicas"] == 2 and ready(one))
    observe(f"{KINDS[kind]}/scale", await apiserver.get(f"{path}/scale"))
    await apiserver.merge(f"{path}/scale", {"spec": {"replicas": 0}})

    await becomes(apiserver, core(namespace, "pods"), lambda found: found["items"] == [])
    found = await becomes(apiserver, path, ready)
    assert found["status"]["replicas"] == 0 if kind == "StatefulSet" else "replicas" not in found["status"]
    assert (await apiserver.get(apps(namespace, KINDS[kind], "web")))["metadata"]["generation"] == 3
