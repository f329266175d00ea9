"""Deletion: what goes with an object, what stays, and what waits for a finalizer."""

import re

from .apiserver import Apiserver
from .conftest import Observe, becomes, eventually
from .objects import apps, config_map, core, workload
from .test_rollouts import made, ready


async def test_background_should_take_what_an_object_owns_with_it(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = await made(apiserver, namespace, workload("Deployment", "web", replicas=1))
    await becomes(apiserver, path, ready)

    observe("the answer", await apiserver.delete(path, {"propagationPolicy": "Background"}))
    assert (await apiserver.ask("GET", path)).code == 404
    for owned in (apps(namespace, "replicasets"), core(namespace, "pods")):
        await becomes(apiserver, owned, lambda found: found["items"] == [])


async def test_foreground_should_wait_for_what_an_object_owns(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = await made(apiserver, namespace, workload("Deployment", "web", replicas=1))
    await becomes(apiserver, path, ready)

    answer = await apiserver.delete(path, {"propagationPolicy": "Foreground"})
    assert answer["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert answer["metadata"]["deletionTimestamp"]

    async def gone() -> bool:
        return (await apiserver.ask("GET", path)).code == 404

    await eventually(gone)
    assert (await apiserver.get(core(namespace, "pods")))["items"] == []


async def test_an_orphan_should_stay(apiserver: Apiserver, namespace: str) -> None:
    path = await made(apiserver, namespace, workload("Deployment", "web", replicas=0))
    await becomes(apiserver, path, ready)

    await apiserver.delete(path, {"propagationPolicy": "Orphan"})

    async def gone() -> bool:
        return (await apiserver.ask("GET", path)).code == 404

    await eventually(gone)
    (left,) = (await apiserver.get(apps(namespace, "replicasets")))["items"]
    assert left["metadata"].get("ownerReferences") is None


async def test_a_finalizer_should_hold_an_object_until_it_is_taken_off(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = core(namespace, "configmaps", "held")
    wanted = config_map("held", a="1")
    wanted["metadata"]["finalizers"] = ["or.example/hold"]
    await apiserver.applied(path, wanted)

    observe("held", await apiserver.delete(path))
    assert (await apiserver.get(path))["metadata"]["deletionTimestamp"]
    await apiserver.merge(path, {"metadata": {"finalizers": None}})
    answer = await apiserver.ask("GET", path)
    assert answer.code == 404
    observe("gone", answer.body)


async def test_a_deletion_should_be_refused_where_its_preconditions_do_not_hold(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = core(namespace, "configmaps", "c")
    before = await apiserver.applied(path, config_map("c", a="1"))
    await apiserver.applied(path, config_map("c", a="2"))
    old = {"preconditions": {"resourceVersion": before["metadata"]["resourceVersion"]}}

    refused = await apiserver.ask("DELETE", path, old)
    assert refused.code == 409
    message = refused.body.pop("message")
    assert re.search(
        r"the ResourceVersion in the precondition \(\d+\) does not match the ResourceVersion in record", message
    )
    observe("an old version", refused.body)
    other = await apiserver.ask("DELETE", path, {"preconditions": {"uid": "another"}})
    assert other.code == 409
    observe("another uid", other.body)
