"""What is watched when: on demand, where a list of the whole cluster is forbidden, and where a kind cannot be seen."""

import asyncio
from typing import Any

import pytest

from nexus_gql.live import Health, SightChange, Want, arrived, needed
from nexus_gql.live.arrival import loading
from nexus_gql.live.demand import LINGER
from nexus_gql.live.watching import AGAIN
from tests.unit.clusters.apiserver import Apiserver, event, listed, status, watched
from tests.unit.live.test_live import DEPLOYMENT, PLACES, POD, QUIET, World, levels, script, told, world

pytestmark = pytest.mark.looptime

NODES, MAPS = "/api/v1/nodes", "/api/v1/namespaces/or-local-models/configmaps"
NODE = {"metadata": {"name": "n1", "uid": "n1", "resourceVersion": "5"}}
FORBIDDEN = status(403, "Forbidden", "pods is forbidden")
HERE = PLACES["pods"].replace("/pods", "/namespaces/or-local-models/pods")


def watches(server: Apiserver, path: str) -> int:
    return len([asked for asked in server.at(path) if "watch" in asked.query])


async def test_nodes_should_be_watched_when_somebody_asks_and_for_a_while_after() -> None:
    async with world() as there:
        there.server.script(NODES, listed(NODE), watched(*QUIET))
        assert watches(there.server, NODES) == 0

        view = await needed(there.live, "c1", Want.NODES)
        assert view is not None
        assert [node.metadata.name for node in view.nodes.all()] == ["n1"]
        await asyncio.sleep(100)
        await needed(there.live, "c1", Want.NODES)
        assert watches(there.server, NODES) == 1

        await asyncio.sleep(LINGER[Want.NODES] + 1)
        assert view.watches == len(PLACES) - 3
        assert not view.has(Want.NODES)

        there.server.script(NODES, listed(), watched(*QUIET))
        assert await needed(there.live, "c1", Want.NODES) is view
        assert list(view.nodes.all()) == []


async def test_what_cannot_be_had_in_two_seconds_should_be_none() -> None:
    async with world() as there:
        there.server.script(NODES, status(403, "Forbidden", "nodes is forbidden"))
        before = asyncio.get_running_loop().time()
        assert await needed(there.live, "c1", Want.NODES) is None
        assert asyncio.get_running_loop().time() - before == pytest.approx(2, abs=0.1)
        assert there.live.views["c1"].trouble_with(Want.NODES) == "nodes is forbidden"
        assert there.health() == (Health.HEALTHY, None, False)


async def test_a_cluster_without_environments_should_be_watched_while_somebody_asks_for_it() -> None:
    async with world() as there:
        there.hierarchy.becomes(levels(cluster=None))
        await asyncio.sleep(1)
        assert there.live.views == {}

        script(there.server)
        view = await needed(there.live, "c1", Want.CLUSTER)
        assert view is not None
        assert len(view.pods) == 1
        await asyncio.sleep(LINGER[Want.CLUSTER] + 1)
        assert there.live.views == {}


async def test_events_should_stay_when_their_watch_is_closed_and_go_on_with_the_next() -> None:
    about = {"kind": "Pod", "uid": POD["metadata"]["uid"]}
    said = [
        {"metadata": {"name": f"e{n}", "uid": f"e{n}", "resourceVersion": str(n)}, "involvedObject": about}
        for n in (5, 6)
    ]
    async with world() as there:
        there.server.script(PLACES["events"], listed(said[0]), watched(*QUIET))
        view = await needed(there.live, "c1", Want.EVENTS)
        assert view is not None
        await asyncio.sleep(LINGER[Want.EVENTS] + 1)
        assert (view.events.newest, view.has(Want.EVENTS)) == (5, False)

        there.server.script(PLACES["events"], listed(said[1]), watched(*QUIET))
        await needed(there.live, "c1", Want.EVENTS)
        assert [record.version for record in view.events.newest_first()] == [6, 5]


# ── a kind that cannot be seen ──


async def test_a_kind_that_is_refused_while_the_cluster_answers_should_make_it_stale() -> None:
    """Symptom: /version answered, so a store that nobody filled any more was shown as the present state for ever."""
    failing = status(500, "InternalError", "etcd is gone")
    async with world(seconds=0.5) as there:
        there.server.script(PLACES["deployments"], failing)
        position = there.live.workload_feed.position
        await break_watch(there, "deployments")
        await asyncio.sleep(4)
        assert there.health() == (Health.HEALTHY, None, False)
        await asyncio.sleep(3)
        assert there.health() == (Health.HEALTHY, None, True)
        assert SightChange("c1", lost=True) in told(there.live.workload_feed, position)
        assert there.live.views["c1"].trouble == "etcd is gone"

        there.server.script(PLACES["deployments"], watched(*QUIET))
        await asyncio.sleep(40)
        assert there.health() == (Health.HEALTHY, None, False)
        assert SightChange("c1", lost=False) in told(there.live.workload_feed, position)


async def break_watch(there: World, kind: str) -> None:
    """Start the reflector of a kind again, as after a watch that ended."""
    name = next(task.get_name() for task in asyncio.all_tasks() if task.get_name() == "reflector c1 Deployment")
    assert kind == "deployments"
    view = there.live.views["c1"]
    await view._supervisor.stop(name)
    view._supervisor.start(name, view._watching["Deployment"].run)


async def test_a_cluster_that_cannot_be_read_should_not_pass_for_one_that_is_empty() -> None:
    async with world() as there:
        there.hierarchy.becomes(levels(cluster=None))
        await asyncio.sleep(1)
        there.server.script(PLACES["pods"], status(500, "InternalError"))
        there.hierarchy.becomes(levels())
        await asyncio.sleep(30)
        assert loading(there.live, "c1")
        before = asyncio.get_running_loop().time()
        assert not await arrived(there.live, ["c1"])
        assert asyncio.get_running_loop().time() == before  # it is known already that it cannot be read


# ── where all of the cluster may not be listed ──


async def forbidden_world(there: World, *lines: Any) -> None:
    """Look at the cluster anew, with credentials that may list pods in one namespace only."""
    there.hierarchy.becomes(levels(cluster=None))
    await asyncio.sleep(1)
    for place in PLACES.values():
        there.server.script(place, listed(), watched(*QUIET))
    there.server.script(PLACES["pods"], FORBIDDEN)
    there.server.script(HERE, listed(POD), watched(*lines, *QUIET))
    there.hierarchy.becomes(levels())
    await asyncio.sleep(5)


async def test_where_a_list_of_all_is_forbidden_each_known_namespace_should_be_watched() -> None:
    async with world() as there:
        gone = event("DELETED", POD)
        await forbidden_world(there, 10, gone)
        view = there.live.views["c1"]
        assert [pod.metadata.name for pod in view.pods.all()] == [POD["metadata"]["name"]]
        assert (view.synced, view.lost_at, view.trouble) == (True, None, "")
        assert (watches(there.server, HERE), view.watches) == (1, len(PLACES) - 3)
        await asyncio.sleep(8)
        assert len(view.pods) == 0


async def test_a_namespace_that_is_declared_later_should_be_watched_and_one_that_is_gone_be_forgotten() -> None:
    async with world() as there:
        await forbidden_world(there)
        view = there.live.views["c1"]
        there.hierarchy.becomes(levels()[:2])
        await asyncio.sleep(1)
        assert len(view.pods) == 0
        there.server.script(HERE, listed(POD), watched(*QUIET))
        there.hierarchy.becomes(levels())
        await asyncio.sleep(40)
        assert len(view.pods) == 1


async def test_it_should_be_tried_again_now_and_then_whether_all_may_be_listed_by_now() -> None:
    async with world() as there:
        await forbidden_world(there)
        view = there.live.views["c1"]
        other = {**POD, "metadata": {**POD["metadata"], "uid": "other", "namespace": "kube-system"}}
        there.server.script(PLACES["pods"], listed(POD, other), watched(*QUIET))
        await asyncio.sleep(AGAIN + 5)
        assert {pod.metadata.namespace for pod in view.pods.all()} == {"or-local-models", "kube-system"}
        assert (view.watches, view.lost_at) == (len(PLACES) - 3, None)


# ── ConfigMaps ──


def config_map(name: str, version: str, **data: str) -> dict[str, Any]:
    meta = {"name": name, "uid": name, "namespace": "or-local-models", "resourceVersion": version}
    return {"metadata": meta, "data": data}


async def test_only_configmaps_that_a_workload_refers_to_should_be_kept() -> None:
    container = {
        "name": "churn",
        "image": "x",
        "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "one", "key": "a"}}}],
        "envFrom": [{"configMapRef": {"name": "two"}}, {"secretRef": {"name": "secret"}}],
    }
    volumes = [
        {"name": "v", "configMap": {"name": "three"}},
        {"name": "p", "projected": {"sources": [{"configMap": {"name": "four"}}, {"serviceAccountToken": {}}]}},
    ]
    changed = {
        "metadata": {**DEPLOYMENT["metadata"], "resourceVersion": "1500"},
        "spec": {**DEPLOYMENT["spec"], "template": {"spec": {"containers": [container], "volumes": volumes}}},
        "status": DEPLOYMENT["status"],
    }
    there_are = [config_map(name, "5", a="b") for name in ("one", "two", "three", "four", "unrelated")]
    async with world(deployments=(2, event("MODIFIED", changed))) as there:
        there.server.script(MAPS, listed(*there_are), watched(*QUIET))
        with there.live.demands.held(Want.CONFIG_MAPS, ["c1"]):
            await asyncio.sleep(0.5)
            assert there.server.at(MAPS) == []
            await asyncio.sleep(3)
            view = there.live.views["c1"]
            assert sorted(one.metadata.name for one in view.config_maps.store.all()) == ["four", "one", "three", "two"]
            assert (watches(there.server, MAPS), view.has(Want.CONFIG_MAPS)) == (1, True)
        assert not [asked for asked in there.server.asked if "secrets" in asked.path]
