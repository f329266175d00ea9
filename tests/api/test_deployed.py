"""What is deployed, on a sandbox: whether it is outdated, where it answers, and what runs beside it that nobody declared."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from . import sandboxed
from .hierarchy import configure, declare
from .people import person
from .sandboxed import Sandbox
from .server import Nexus

CHURN = "or/local/models/churn"
STATE = """query ($path: Path!) { application(path: $path) { outdated endpoints { url scope }
  stale: namespace { applications(filter: {outdated: true}) { totalCount nodes { path } } }
  current: namespace { applications(filter: {outdated: false}) { nodes { path } } } } }"""
UNMANAGED = """query ($first: Int, $after: String) { environment(path: "or/local") { unmanaged(first: $first, after: $after) {
  totalCount pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor }
  nodes { id name kind kubernetesNamespace application { path } } } } }"""
OPERATION = "{ operation { id } problems { code message path } }"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with sandboxed.running(tmp_path, seed=511) as one:
        yield one


async def on(nexus: Nexus, sandbox: Sandbox) -> None:
    """`or/local/models` on the sandbox, with the application churn."""
    await declare(nexus, "or", settings={"image": {"repository": "or/model", "tag": "1.0"}})
    await declare(nexus, "or/local", connect={"kubeconfig": {"content": sandbox.kubeconfig}})
    await declare(nexus, "or/local/models")
    await declare(nexus, CHURN)


async def done(nexus: Nexus, mutation: str) -> None:
    """Ask for an operation, and wait for its good end."""
    payload = await nexus.mutate(f"mutation {{ {mutation} {OPERATION} }}")
    document = "subscription ($id: ID!) { operation(id: $id) { status message } }"
    async with nexus.subscribe(document, {"id": payload["operation"]["id"]}) as frames:
        last: Any = None
        while (answer := await frames.next(60)) is not None:
            last = answer["operation"]
    assert last["status"] == "SUCCEEDED", last


async def state(nexus: Nexus) -> Any:
    found = (await nexus.execute(STATE, {"path": CHURN}))["application"]
    return found | {name: found[name]["applications"] for name in ("stale", "current")}


async def test_what_is_deployed_should_be_outdated_once_other_settings_are_in_force(
    nexus: Nexus, sandbox: Sandbox
) -> None:
    await on(nexus, sandbox)
    assert ((await state(nexus))["outdated"], (await state(nexus))["endpoints"]) == (False, [])
    ingress = [
        {"name": "a", "host": "churn.example.org", "tlsSecret": "cert"},
        {"name": "b", "host": "models.example.org", "path": "/churn/"},
        {"name": "c", "path": "/everywhere"},
    ]
    ports = [{"name": "metrics", "port": 9090}, {"name": "hidden", "port": 1, "expose": False}]
    await configure(nexus, CHURN, {"ingress": ingress, "ports": ports})
    assert (await state(nexus))["endpoints"] == []  # it is declared, and nowhere yet
    await done(nexus, f'deploy(path: "{CHURN}")')
    fresh = await state(nexus)
    assert fresh["outdated"] is False
    assert fresh["endpoints"] == [
        {"url": "http://churn.or-local-models.svc:8080", "scope": "CLUSTER"},
        {"url": "churn.or-local-models.svc:9090", "scope": "CLUSTER"},
        {"url": "https://churn.example.org", "scope": "INGRESS"},
        {"url": "http://models.example.org/churn", "scope": "INGRESS"},
    ]
    assert (fresh["stale"]["totalCount"], fresh["current"]["nodes"]) == (0, [{"path": CHURN}])

    # Whatever of its settings changes, at whatever level; what is deployed answers as before.
    await configure(nexus, "or", {"ports": [{"name": "http", "port": 80}]})
    stale = await state(nexus)
    assert (stale["outdated"], stale["endpoints"]) == (True, fresh["endpoints"])
    assert (stale["stale"]["nodes"], stale["current"]["nodes"]) == ([{"path": CHURN}], [])

    # A new number of pods is deployed with it, and nothing else.
    await done(nexus, f'scale(path: "{CHURN}", replicas: 2)')
    assert (await state(nexus))["outdated"] is True
    await done(nexus, f'deploy(path: "{CHURN}")')
    again = await state(nexus)
    assert (again["outdated"], again["endpoints"][0]["url"]) == (False, "http://churn.or-local-models.svc:80")

    await done(nexus, f'remove(path: "{CHURN}")')
    gone = await state(nexus)
    assert (gone["outdated"], gone["endpoints"], gone["stale"]["totalCount"]) == (False, [], 0)


async def test_a_secret_that_was_set_again_should_make_it_outdated(nexus: Nexus, sandbox: Sandbox) -> None:
    await on(nexus, sandbox)
    key = {"env": [{"name": "KEY", "value": {"secret": "hunter2"}}]}
    await configure(nexus, CHURN, key)
    await done(nexus, f'deploy(path: "{CHURN}")')
    assert (await state(nexus))["outdated"] is False
    await configure(nexus, CHURN, key)
    assert (await state(nexus))["outdated"] is True


def deployment(name: str, **labels: str) -> dict[str, Any]:
    container = {"name": "main", "image": "or/other:1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


async def test_pods_should_be_found_by_a_part_of_their_name_in_any_case(nexus: Nexus, sandbox: Sandbox) -> None:
    await on(nexus, sandbox)
    await done(nexus, f'deploy(path: "{CHURN}")')
    document = 'query ($text: String!) { pods(scope: "or/local", filter: {text: $text}) { totalCount } }'
    found = {text: (await nexus.execute(document, {"text": text}))["pods"] for text in ("churn-", "CHUR", "", "other")}
    assert found == {
        "churn-": {"totalCount": 1},
        "CHUR": {"totalCount": 1},
        "": {"totalCount": 1},
        "other": {"totalCount": 0},
    }


async def test_workloads_that_no_application_declares_should_be_listed_in_pages(
    guarded: Nexus, sandbox: Sandbox
) -> None:
    await on(guarded, sandbox)
    await done(guarded, f'deploy(path: "{CHURN}")')
    churn = guarded.rooms.hierarchy.latest.levels[CHURN].id  # type: ignore[index]
    await declare(guarded, "or/local/other")
    for namespace in ("or-local-other", "elsewhere"):
        await sandbox.make_namespace(namespace)
    label = "nexus.optimal-reality.io/application"
    for namespace, one in (
        ("or-local-models", deployment("b")),
        ("or-local-models", deployment("c", **{label: "00000000-0000-0000-0000-000000000000"})),
        ("or-local-other", deployment("a", **{label: churn})),
        ("elsewhere", deployment("d")),
    ):
        await sandbox.make(f"/apis/apps/v1/namespaces/{namespace}/deployments", one)
    document = 'subscription { workloads(scope: "or/local") { upserted { name } } }'
    async with guarded.subscribe(document) as frames:
        seen: set[str] = set()
        while not seen >= {"a", "b", "c", "churn"}:
            answer = await frames.next()
            assert answer is not None
            seen |= {one["name"] for one in answer["workloads"]["upserted"]}

    found = (await guarded.execute(UNMANAGED))["environment"]["unmanaged"]
    assert [(one["name"], one["kubernetesNamespace"]) for one in found["nodes"]] == [
        ("a", "or-local-other"),
        ("b", "or-local-models"),
        ("c", "or-local-models"),
    ]
    assert found["totalCount"] == 3
    first = (await guarded.execute(UNMANAGED, {"first": 2}))["environment"]["unmanaged"]
    assert [one["name"] for one in first["nodes"]] == ["a", "b"]
    assert first["pageInfo"]["hasNextPage"]
    rest = (await guarded.execute(UNMANAGED, {"after": first["pageInfo"]["endCursor"]}))["environment"]["unmanaged"]
    assert [one["name"] for one in rest["nodes"]] == ["c"]
    assert rest["pageInfo"]["hasPreviousPage"]

    ann = await person(guarded, "ann", {CHURN: "VIEWER"})
    assert (await guarded.execute(UNMANAGED, token=ann)).codes == ["FORBIDDEN"]

    await nodes_of_the_cluster(guarded, found["nodes"][1]["id"], ann)


async def nodes_of_the_cluster(guarded: Nexus, unmanaged: str, ann: str) -> None:
    """What is on the cluster, by its id: in the sight of whoever may see everything, and of somebody who may see churn alone."""
    document = """query ($path: Path!) { application(path: $path) { workload { id } pods { id } events { nodes { id } }
      revision { id } operations { nodes { id } } namespace { environment { cluster { id } } } } }"""
    churn = (await guarded.execute(document, {"path": CHURN}))["application"]
    ids = [
        churn["workload"]["id"],
        churn["pods"][0]["id"],
        churn["events"]["nodes"][0]["id"],
        churn["revision"]["id"],
        churn["operations"]["nodes"][0]["id"],
        churn["namespace"]["environment"]["cluster"]["id"],
    ]
    kinds = ["Workload", "Pod", "Event", "DeployedRevision", "Operation", "Cluster"]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { kind: __typename id } }"
    wanted = [*ids, unmanaged]
    found = (await guarded.execute(query, {"ids": wanted}))["nodes"]
    assert found == [{"kind": kind, "id": one} for kind, one in zip([*kinds, "Workload"], wanted, strict=True)]
    theirs = (await guarded.execute(query, {"ids": wanted}, ann))["nodes"]
    assert theirs == [*found[:6], None]
    bob = await person(guarded, "bob", {"or/local/other": "VIEWER"})
    assert [one and one["kind"] for one in (await guarded.execute(query, {"ids": wanted}, bob))["nodes"]] == [
        *[None] * 5,
        "Cluster",
        None,
    ]
    await done(guarded, f'remove(path: "{CHURN}")')
    (gone,) = (await guarded.execute(query, {"ids": ids[:1]}))["nodes"]
    assert gone is None
