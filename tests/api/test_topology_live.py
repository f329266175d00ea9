"""The graph of a whole server and a sandbox: what leads where, and how it follows what happens."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from nexus_gql.live import Lapsed, SightChange, StateChange
from nexus_gql.paths import Path as HierarchyPath
from nexus_gql.supervisor import Supervisor
from nexus_gql.topology import NewWorkflow, NodeKind, Picture, Topology, Workflows, application_id

from . import sandboxed
from .hierarchy import configure, declare
from .sandboxed import Sandbox
from .server import Nexus
from .topology_world import (
    BESIDE,
    DDK,
    arrows,
    deltas,
    deployed,
    deployment,
    described,
    done,
    healthy,
    impairments,
    named,
    on,
    run,
    service,
    until,
    workload,
)

FEATURES, CHURN = "or/local/ddk/features", "or/local/models/churn"
DEPLOYMENTS, SERVICES = f"/apis/apps/v1/namespaces/{BESIDE}/deployments", f"/api/v1/namespaces/{BESIDE}/services"
AT_FEATURES = {"env": [{"name": "FEATURES_URL", "value": {"text": f"http://features.{DDK}:8080/v1"}}]}


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with sandboxed.running(tmp_path, seed=707) as one:
        yield one


@pytest.fixture
async def world(sandbox: Sandbox, nexus: Nexus) -> Nexus:
    await on(nexus, sandbox)
    return nexus


async def fresh(nexus: Nexus) -> Picture:
    """The graph as another one makes it from what is seen now, having followed nothing."""
    async with Supervisor() as supervisor:
        another = Topology(nexus.rooms.live, Workflows(nexus.rooms.hierarchy))
        another.start(supervisor)
        assert await another.settled(limit=20)
        return another.picture


def plain(picture: Picture) -> dict[str, Any]:
    """What two graphs are compared by."""
    return {"nodes": dict(picture.nodes), "edges": dict(picture.edges), "roots": picture.root_causes}


async def same_as_fresh(nexus: Nexus) -> None:
    """The graph that followed comes to be what one would be that begins now."""
    topology = nexus.rooms.topology
    async with asyncio.timeout(20):
        while plain(await fresh(nexus)) != plain(topology.picture):  # noqa: ASYNC110  # what it waits for does not tell
            await asyncio.sleep(0.1)


# ── what leads where ──


async def test_every_kind_of_sign_should_make_its_edge_and_nothing_else_any(world: Nexus, sandbox: Sandbox) -> None:
    topology = world.rooms.topology
    await deployed(world, FEATURES)
    await deployed(world, "or/local/ddk/store")
    await deployed(
        world,
        CHURN,
        env=[
            {"name": "FEATURES_URL", "value": {"text": f"http://features.{DDK}:8080/v1?key=hunter2"}},
            {"name": "STORE", "value": {"service": {"ref": "ddk/store"}}},
            {"name": "BROKER", "value": {"text": f"amqp://me:hunter2@broker.{BESIDE}:8080/x"}},
            {"name": "QUIET_URL", "value": {"text": f"http://quiet.{BESIDE}:8080"}},
            {"name": "TITLE", "value": {"text": "broker and features"}},
        ],
        dependsOn=[{"ref": "demand", "need": "OPTIONAL"}],
        ingress=[{"name": "web", "host": "churn.or.internal"}],
    )
    await run(sandbox, "broker")
    await sandbox.make(f"/apis/apps/v1/namespaces/{BESIDE}/statefulsets", stateful_set("db"))
    await sandbox.make(SERVICES, service("db", clusterIP="None"))
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    settings["data"] = {"app.properties": "db.url=postgresql://db-0.db:5432/x\n# http://broker:8080"}
    await sandbox.make(f"/api/v1/namespaces/{BESIDE}/configmaps", settings)
    await run(
        sandbox,
        "web",
        {"PAYMENTS": "https://api.stripe.com/v1"},
        volumes=[{"name": "x", "configMap": {"name": "settings"}}],
    )

    expected = {
        f"{CHURN} > {FEATURES}": {f"ENVIRONMENT FEATURES_URL=http://features.{DDK}:8080/v1"},
        f"{CHURN} > or/local/ddk/store": {"REFERENCE STORE"},
        f"{CHURN} > broker": {f"ENVIRONMENT BROKER=amqp://broker.{BESIDE}:8080/x"},
        f"{CHURN} > quiet": {f"ENVIRONMENT QUIET_URL=http://quiet.{BESIDE}:8080"},
        f"{CHURN} > or/local/models/demand": {"DECLARED dependsOn.demand"},
        f"churn.or.internal > {CHURN}": {"INGRESS Ingress churn-web: churn.or.internal/ to churn:http"},
        "web > db": {"ENVIRONMENT ConfigMap settings, app.properties: db.url=postgresql://db-0.db:5432/x"},
        "web > api.stripe.com": {"ENVIRONMENT PAYMENTS=https://api.stripe.com/v1"},
    }
    picture = await until(topology, lambda picture: arrows(picture).keys() == expected.keys())
    assert arrows(picture) == expected
    kinds = {label: one.node.kind for label in ("broker", "db", "web", "quiet") if (one := named(picture, label))}
    assert kinds == dict.fromkeys(("broker", "db", "web", "quiet"), NodeKind.WORKLOAD)
    assert "hunter2" not in described(picture)
    await same_as_fresh(world)


def stateful_set(name: str) -> dict[str, Any]:
    spec = workload(name) | {"serviceName": name}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": spec}


async def test_an_edge_should_go_and_come_as_its_need_is_declared(world: Nexus) -> None:
    topology = world.rooms.topology
    await deployed(world, FEATURES)
    await deployed(world, CHURN, **AT_FEATURES)
    edge = f"{CHURN} > {FEATURES}"
    await until(topology, lambda picture: arrows(picture).keys() == {edge})
    await configure(world, CHURN, {"dependsOn": [{"ref": "ddk/features", "need": "IGNORED"}]})
    await until(topology, lambda picture: not picture.edges)
    await configure(world, CHURN, {"dependsOn": [{"ref": "ddk/features", "need": "OPTIONAL"}]})
    picture = await until(topology, lambda picture: picture.edges)
    assert [(one.edge.need.value, len(one.edge.sources)) for one in picture.edges.values()] == [("OPTIONAL", 2)]
    await same_as_fresh(world)


# ── what follows from what happens ──


async def test_a_deleted_service_should_impair_who_calls_it_and_nobody_else(world: Nexus, sandbox: Sandbox) -> None:
    topology = world.rooms.topology
    await run(sandbox, "broker")
    await run(sandbox, "web", {"BROKER_URL": "amqp://broker:8080"})
    await run(sandbox, "front", {"WEB_URL": "http://web:8080"})
    await run(sandbox, "aside")
    await until(topology, lambda picture: healthy(picture) and len(picture.edges) == 2 and len(picture.nodes) == 4)
    position = topology.feed.position
    await sandbox.delete(f"{SERVICES}/broker")
    picture = await until(topology, impairments)
    assert impairments(picture) == {"web": "IMPAIRED", "front": "IMPAIRED"}
    missing = named(picture, "broker")
    told = deltas(topology, position)  # one, or more where its EndpointSlice is seen to go by itself
    changed = [one.node for change in told for one in change.nodes]
    assert {node.label for node in changed} == {"broker", "web", "front"}, missing
    assert {node.id.partition(":")[0] for node in changed if node.label == "broker"} == {"service"}
    assert [node for change in told for node in change.removed_nodes] == []
    assert len([edge for change in told for edge in change.removed_edges]) == 1
    assert any(change.roots_changed for change in told)

    await sandbox.make(SERVICES, service("broker"))
    await until(topology, lambda picture: healthy(picture) and not impairments(picture))
    await same_as_fresh(world)


async def test_who_calls_an_application_that_was_removed_should_need_it_still(world: Nexus) -> None:
    topology = world.rooms.topology
    await deployed(world, FEATURES)
    await deployed(world, CHURN, **AT_FEATURES)
    edge = {f"{CHURN} > {FEATURES}": {f"ENVIRONMENT FEATURES_URL=http://features.{DDK}:8080/v1"}}
    await until(topology, lambda picture: healthy(picture) and arrows(picture) == edge)
    await done(world, f'remove(path: "{FEATURES}")')

    picture = await until(topology, lambda picture: impairments(picture) and len(picture.nodes) == 2)
    assert arrows(picture) == edge
    assert [picture.nodes[root].node.path for root in picture.root_causes] == [FEATURES]
    answer = await world.execute(f'''{{
      features: application(path: "{FEATURES}") {{
        dependents {{ application {{ path }} }} impact {{ impaired {{ node {{ path }} }} }} }}
      churn: application(path: "{CHURN}") {{ blockedBy {{ application {{ path }} }} }}
      topology(scope: "or") {{ deployOrder }} }}''')
    assert answer.data == {
        "features": {
            "dependents": [{"application": {"path": CHURN}}],
            "impact": {"impaired": [{"node": {"path": CHURN}}]},
        },
        "churn": {"blockedBy": [{"application": {"path": FEATURES}}]},
        "topology": {"deployOrder": [[FEATURES], [CHURN]]},
    }
    await same_as_fresh(world)

    await done(world, f'deploy(path: "{FEATURES}")')
    await until(topology, lambda picture: healthy(picture) and not impairments(picture) and arrows(picture) == edge)
    await same_as_fresh(world)


async def test_a_reference_to_what_is_not_deployed_yet_should_be_told_once(world: Nexus) -> None:
    topology = world.rooms.topology
    await declare(world, FEATURES)
    env = [{"name": "FEATURES_URL", "value": {"service": {"ref": "ddk/features"}}}]
    await declare(world, CHURN, settings={"env": env})
    picture = await until(topology, lambda picture: picture.edges)
    assert picture.root_causes == ()  # nobody who was deployed suffers

    await done(world, f'deploy(path: "{CHURN}")')
    picture = await until(topology, lambda picture: picture.root_causes)
    assert arrows(picture) == {f"{CHURN} > {FEATURES}": {"REFERENCE FEATURES_URL"}}
    assert [picture.nodes[root].node.path for root in picture.root_causes] == [FEATURES]
    await same_as_fresh(world)


async def test_a_workload_scaled_to_zero_should_move_impairment_and_touch_nothing_else(
    world: Nexus, sandbox: Sandbox
) -> None:
    topology = world.rooms.topology
    await run(sandbox, "broker")
    await run(sandbox, "web", {"BROKER_URL": "amqp://broker:8080"})
    await run(sandbox, "aside")
    await until(topology, lambda picture: healthy(picture) and len(picture.edges) == 1 and len(picture.nodes) == 3)
    position = topology.feed.position
    await sandbox.change(f"{DEPLOYMENTS}/broker", {"spec": {"replicas": 0}})
    picture = await until(topology, impairments)
    assert impairments(picture) == {"web": "IMPAIRED"}
    assert [picture.nodes[root].node.label for root in picture.root_causes] == ["broker"]
    told = deltas(topology, position)
    assert {one.node.label for change in told for one in change.nodes} == {"broker", "web"}
    # Of `web` once, when its impairment moved, however many steps the other one's end takes.
    assert sum(one.node.label == "web" for change in told for one in change.nodes) == 1
    assert all(not change.removed_nodes and not change.removed_edges for change in told)

    await sandbox.change(f"{DEPLOYMENTS}/broker", {"spec": {"replicas": 1}})
    await until(topology, lambda picture: healthy(picture) and not impairments(picture))
    await same_as_fresh(world)


async def test_a_rolling_update_should_impair_nobody(world: Nexus) -> None:
    topology = world.rooms.topology
    await deployed(world, FEATURES, replicas=2)
    await deployed(world, CHURN, **AT_FEATURES)
    await until(topology, lambda picture: healthy(picture) and picture.edges)
    seen: list[dict[str, str]] = []
    statuses: set[str] = set()

    async def look() -> None:
        while True:
            await topology.feed.newer(topology.feed.position)
            seen.append(impairments(topology.picture))
            features = named(topology.picture, FEATURES)
            assert features is not None
            assert features.state is not None
            statuses.add(features.state.verdict.status.value)

    looking = asyncio.create_task(look())
    await configure(world, FEATURES, {"image": {"tag": "2.0"}})
    await done(world, f'deploy(path: "{FEATURES}")')
    await until(topology, healthy)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    assert "PROGRESSING" in statuses  # otherwise nobody would have been told anything
    assert seen == [{}] * len(seen)


async def test_what_becomes_ready_again_should_send_the_nodes_that_are_shown_otherwise(
    world: Nexus, sandbox: Sandbox
) -> None:
    topology = world.rooms.topology
    await run(sandbox, "broker")
    await run(sandbox, "aside")
    await until(topology, lambda picture: healthy(picture) and len(picture.nodes) == 2)
    await same_as_fresh(world)
    position = topology.feed.position
    await sandbox.change(f"{DEPLOYMENTS}/broker", {"spec": {"replicas": 2}})
    await until(topology, lambda picture: "2" in message(picture, "broker") and healthy(picture))
    told = deltas(topology, position)
    assert {one.node.label for change in told for one in change.nodes} == {"broker"}
    assert all(not change.edges and not change.removed_edges for change in told)


def message(picture: Picture, label: str) -> str:
    found = named(picture, label)
    return "" if found is None or found.state is None else found.state.verdict.message


async def test_what_is_declared_and_then_deleted_should_come_and_go(world: Nexus, sandbox: Sandbox) -> None:
    topology = world.rooms.topology
    await deployed(world, FEATURES)
    node = application_id((await deployed(world, CHURN, **AT_FEATURES)).removeprefix("Application:"))
    await until(topology, lambda picture: picture.edges)
    await world.mutate(
        f'mutation {{ updateLevel(path: "{CHURN}", input: {{displayName: "Churn 2"}}) {{ problems {{ code message }} }} }}'
    )
    picture = await until(topology, lambda picture: picture.nodes[node].node.label == "Churn 2")
    assert len(picture.edges) == 1

    await done(world, f'remove(path: "{CHURN}")')
    await until(topology, lambda picture: not picture.edges)
    await delete(world, CHURN)
    picture = await until(topology, lambda picture: len(picture.nodes) == 1)
    assert named(picture, FEATURES) is not None
    await same_as_fresh(world)


async def delete(nexus: Nexus, path: str) -> None:
    await nexus.mutate(f'mutation {{ deleteLevel(path: "{path}") {{ deleted problems {{ code message }} }} }}')


async def test_with_an_environment_all_that_is_on_its_cluster_should_go(world: Nexus, sandbox: Sandbox) -> None:
    topology, live = world.rooms.topology, world.rooms.live
    await run(sandbox, "web")
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}}
    backend = {"service": {"name": "web", "port": {"number": 8080}}}
    rule = {"host": "web.or.internal", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    path = f"/apis/networking.k8s.io/v1/namespaces/{BESIDE}/ingresses"
    await sandbox.make(path, ingress | {"spec": {"rules": [rule]}})
    await until(topology, lambda picture: healthy(picture) and arrows(picture).keys() == {"web.or.internal > web"})
    await delete(world, "or/local")
    await until(topology, lambda picture: not picture.nodes)
    # Nothing stands there any more: what the graph needed of the cluster must not keep its watches.
    async with asyncio.timeout(20):
        while live.views:  # noqa: ASYNC110  # what it waits for does not tell
            await asyncio.sleep(0.05)

    await declare(world, "or/again", cluster="local")
    await until(topology, lambda picture: arrows(picture).keys() == {"web.or.internal > web"})


async def test_a_lost_cluster_should_leave_the_graph_standing_and_stale(world: Nexus, tmp_path: Path) -> None:
    topology = world.rooms.topology
    async with sandboxed.running(tmp_path, seed=708) as other:
        await other.make_namespace(BESIDE)
        await run(other, "broker")
        await declare(world, "or/lost", connect={"kubeconfig": {"content": other.kubeconfig}})
        await until(topology, lambda picture: healthy(picture) and picture.nodes)
        position = topology.feed.position
    await until(
        topology, lambda picture: all(one.state is not None and one.state.stale for one in picture.nodes.values())
    )
    told = topology.feed.since(position)
    assert isinstance(told, list)
    assert [one.lost for one in told if isinstance(one, SightChange)] == [True]
    broker = named(topology.picture, "broker")
    assert broker is not None
    assert broker.state is not None
    assert (broker.state.verdict.status.value, broker.state.serving) == ("HEALTHY", True)
    await same_as_fresh(world)


# ── how it follows ──


async def test_structure_should_be_read_ten_times_a_second_at_most(world: Nexus, sandbox: Sandbox) -> None:
    topology = world.rooms.topology
    await run(sandbox, "broker")
    await until(topology, lambda picture: healthy(picture) and len(picture.nodes) == 1)
    started, position = asyncio.get_running_loop().time(), topology.feed.position
    await asyncio.gather(*(sandbox.make(SERVICES, service(f"s{number}")) for number in range(60)))
    await sandbox.make(
        DEPLOYMENTS, deployment("caller", {f"S{number}_URL": f"http://s{number}:8080" for number in range(60)})
    )
    await until(topology, lambda picture: len(picture.edges) == 60)
    passed = asyncio.get_running_loop().time() - started
    # A reading may add edges; each that did is a change of its own. One reading at the beginning, then one in 0.1 s.
    readings = [change for change in deltas(topology, position) if change.edges or change.removed_edges]
    assert len(readings) <= 1 + passed / 0.1


async def test_who_missed_changes_should_begin_anew_and_so_should_its_readers(world: Nexus, sandbox: Sandbox) -> None:
    topology, live = world.rooms.topology, world.rooms.live
    await run(sandbox, "broker")
    await until(topology, lambda picture: healthy(picture) and picture.nodes)
    position = topology.feed.position
    for _ in range(9_000):  # more than the feed keeps, in one turn of the loop
        live.health_feed.publish(StateChange("nobody"))
    async with asyncio.timeout(10):
        while not isinstance(topology.feed.since(position), Lapsed):  # noqa: ASYNC110  # what it waits for does not tell
            await asyncio.sleep(0.01)
    await same_as_fresh(world)


def all_ready(nexus: Nexus, name: str, pods: int) -> bool:
    found = [one for one in nexus.rooms.live.workloads.values() if one.meta.name == name]
    return [one.replicas.ready for one in found] == [pods]


async def test_a_sequence_of_changes_should_end_where_a_fresh_graph_begins(world: Nexus, sandbox: Sandbox) -> None:
    topology = world.rooms.topology
    await deployed(world, FEATURES)
    await deployed(world, CHURN, **AT_FEATURES)
    for name in ("broker", "web", "front"):
        await run(sandbox, name, {"NEXT_URL": f"http://features.{DDK}:8080", "BROKER_URL": "amqp://broker:8080"})
    await sandbox.change(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 3}})
    await sandbox.delete(f"{SERVICES}/broker")
    await sandbox.change(f"{SERVICES}/front", {"spec": {"selector": {"runs": "web"}}})
    await sandbox.delete(f"{DEPLOYMENTS}/front")
    await configure(world, CHURN, {"env": [{"name": "WEB_URL", "value": {"text": f"http://front.{BESIDE}:8080"}}]})
    await done(world, f'deploy(path: "{CHURN}")')
    await done(world, f'scale(path: "{FEATURES}", replicas: 0)')
    await until(topology, lambda picture: f"{CHURN} > web" in arrows(picture))
    # Whatever is still on its way would be told after the position.
    await until(topology, lambda _: all_ready(world, "web", 3))
    await same_as_fresh(world)
    position = topology.feed.position
    await sandbox.change(f"{DEPLOYMENTS}/web", {"metadata": {"annotations": {"note": "nothing that is shown"}}})
    await sandbox.make(SERVICES, service("unused"))
    await asyncio.sleep(0.3)
    assert deltas(topology, position) == []


async def test_a_workflow_that_another_server_declares_should_be_heard_of(world: Nexus) -> None:
    """Two servers on one database: each hears of the other's changes by the number of the hierarchy alone."""
    topology = world.rooms.topology
    await deployed(world, FEATURES)
    elsewhere = Workflows(world.rooms.hierarchy)
    await until(topology, healthy)
    await declare_workflow(elsewhere, FEATURES)
    await world.rooms.hierarchy.current()
    await until(topology, lambda picture: f"Nightly (or/local) > {FEATURES}" in arrows(picture))
    assert await elsewhere.remove(HierarchyPath("or/local"), "nightly")
    await world.rooms.hierarchy.current()
    await until(topology, lambda picture: not picture.edges)


async def declare_workflow(workflows: Workflows, requires: str) -> None:
    new = NewWorkflow(
        environment=HierarchyPath("or/local"),
        name="nightly",
        display_name="Nightly",
        requires=[HierarchyPath(requires)],
        url=None,
    )
    await workflows.declare(new)
