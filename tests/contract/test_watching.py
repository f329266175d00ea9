"""Watches: what they tell, where they resume, and when they say that it is too late."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from nexus_gql.sandbox.sandbox import Sandbox

from .apiserver import Apiserver, connected
from .conftest import Observe, eventually, there
from .objects import config_map, core


async def told(apiserver: Apiserver, path: str, count: int, **query: str) -> list[Any]:
    """So many events of a watch."""
    found: list[Any] = []
    async with apiserver.lines(path, watch="true", **query) as lines:
        async for line in lines:
            found.append(json.loads(line))
            if len(found) == count:
                break
    return found


async def test_a_watch_should_tell_every_change_after_the_version_that_it_names(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = core(namespace, "configmaps")
    start = (await apiserver.get(path))["metadata"]["resourceVersion"]
    await apiserver.applied(f"{path}/c", config_map("c", a="1"))
    await apiserver.applied(f"{path}/c", config_map("c", a="2"))
    await apiserver.delete(f"{path}/c")

    events = await told(apiserver, path, 3, resourceVersion=start, fieldSelector="metadata.name=c")
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))
    observe("the last", events[-1])

    resumed = await told(apiserver, path, 2, resourceVersion=str(versions[0]), fieldSelector="metadata.name=c")
    assert resumed == events[1:]


async def test_a_watch_without_a_version_should_begin_with_what_is_there(apiserver: Apiserver, namespace: str) -> None:
    path = core(namespace, "configmaps")
    await apiserver.applied(f"{path}/c", config_map("c", a="1"))

    (event,) = await told(apiserver, path, 1, fieldSelector="metadata.name=c")
    assert (event["type"], event["object"]["data"]) == ("ADDED", {"a": "1"})


async def test_an_object_that_leaves_a_selection_should_be_told_as_deleted(
    apiserver: Apiserver, namespace: str
) -> None:
    path = core(namespace, "configmaps")
    wanted = config_map("c", a="1")
    wanted["metadata"]["labels"] = {"team": "ml"}
    made = await apiserver.applied(f"{path}/c", wanted)
    await apiserver.merge(f"{path}/c", {"metadata": {"labels": {"team": "web"}}})

    (event,) = await told(
        apiserver, path, 1, resourceVersion=made["metadata"]["resourceVersion"], labelSelector="team=ml"
    )
    assert event["type"] == "DELETED"


async def test_initial_events_should_end_with_a_bookmark(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    path = core(namespace, "configmaps")
    await apiserver.applied(f"{path}/c", config_map("c", a="1"))
    query = {"allowWatchBookmarks": "true", "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}

    events = await told(apiserver, path, 2, fieldSelector="metadata.name=c", **query)
    assert [event["type"] for event in events] == ["ADDED", "BOOKMARK"]
    observe("the bookmark", events[1])


async def test_a_watch_should_end_when_its_time_is_over(apiserver: Apiserver, namespace: str) -> None:
    start = (await apiserver.get(core(namespace, "configmaps")))["metadata"]["resourceVersion"]
    events = await told(apiserver, core(namespace, "secrets"), 1, resourceVersion=start, timeoutSeconds="1")
    assert events == []


@asynccontextmanager
async def kind_of_ones_own(apiserver: Apiserver, group: str) -> AsyncIterator[str]:
    """Where objects are whose apiserver began to keep versions just now: of its own kinds a new cluster still has all from the first."""
    group = f"{group}.example.org"
    names = {"plural": "things", "kind": "Thing"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    spec = {"group": group, "names": names, "scope": "Namespaced", "versions": [version]}
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await apiserver.create(definitions, {"metadata": {"name": f"things.{group}"}, "spec": spec})
    try:
        path = f"/apis/{group}/v1/namespaces/default/things"
        await eventually(lambda: there(apiserver, path))
        yield path
    finally:
        await apiserver.delete(f"{definitions}/things.{group}")


async def test_a_version_that_is_no_longer_kept_should_be_expired(
    apiserver: Apiserver, namespace: str, observe: Observe
) -> None:
    if not apiserver.simulated:
        async with kind_of_ones_own(apiserver, namespace) as path:
            (event,) = await told(apiserver, path, 1, resourceVersion="1")
    else:  # a memory of twenty thousand writes is not for a test to fill
        sandbox = Sandbox(history=5, seed=7)
        address = await sandbox.start()
        try:
            async with connected(sandbox.kubeconfig(address)) as forgetful:
                for number in range(10):
                    await forgetful.create(core("default", "configmaps"), config_map(f"c{number}"))
                (event,) = await told(forgetful, core("default", "configmaps"), 1, resourceVersion="1")
        finally:
            await sandbox.stop()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    event["object"]["message"] = event["object"]["message"].partition(":")[0]
    observe("the error", event)
