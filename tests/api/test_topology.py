"""Questions about the graph, of one that has one of everything in it and something wrong (`topology_graph.py`)."""

from typing import Any

import pytest

from .server import Nexus
from .topology_graph import (
    API,
    APPLICATION,
    AT_RISK,
    BOARD,
    CHURN,
    EVERYTHING,
    FEATURES,
    FRAUD,
    HOST,
    IDLE,
    IMPAIRED,
    LATER,
    SCORE,
    STORE,
    ids,
    name,
    names,
    shown,
    topology,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

# ── the whole ──


async def test_each_node_should_say_what_it_is_and_how_it_is_doing(graph: Nexus) -> None:
    found = await topology(graph)
    nodes = {name(node): node for node in found["nodes"]}
    assert set(nodes) == EVERYTHING
    assert {key: node["kind"] for key, node in nodes.items() if node["kind"] != "APPLICATION"} == {
        HOST: "INGRESS",
        API: "EXTERNAL",
        "legacy": "WORKLOAD",
        "nightly": "WORKFLOW",
        "weekly": "WORKFLOW",
    }
    churn = nodes[CHURN]
    assert (churn["label"], churn["group"], churn["outside"]) == ("churn", "or/local/models", False)
    assert (churn["application"], churn["workload"], churn["workflow"]) == ({"path": CHURN}, {"name": "churn"}, None)
    assert (churn["serving"], churn["state"]["status"]) == (True, "HEALTHY")
    assert churn["replicas"] == {"desired": 1, "ready": 1}
    assert churn["causes"] == [nodes[STORE]["id"]]
    assert nodes[STORE]["state"]["status"] == "SUSPENDED"
    legacy = nodes["legacy"]
    assert (legacy["path"], legacy["group"], legacy["application"]) == (None, "or-local-ddk", None)
    assert (legacy["workload"], legacy["serving"], legacy["replicas"]["ready"]) == ({"name": "legacy"}, True, 1)
    weekly = nodes["weekly"]
    assert (weekly["path"], weekly["workflow"]) == ("or/local", {"name": "weekly"})
    assert weekly["causes"] == sorted([nodes[STORE]["id"], nodes[LATER]["id"]])
    for key in (HOST, API, "nightly", "weekly"):
        assert (nodes[key]["state"], nodes[key]["serving"], nodes[key]["application"]) == (None, None, None)
    assert (nodes[HOST]["group"], nodes[API]["group"]) == ("ingress", "external")
    later = nodes[LATER]
    assert (later["kind"], later["application"], later["serving"]) == ("APPLICATION", None, False)
    assert (later["state"]["status"], later["state"]["reason"]) == ("MISSING", "NotDeclared")


async def test_each_edge_should_tell_how_it_is_known(graph: Nexus) -> None:
    found = await topology(graph)
    called = {node["id"]: name(node) for node in found["nodes"]}
    edges = {(called[edge["from"]], called[edge["to"]]): edge for edge in found["edges"]}

    def told(origin: str, target: str) -> tuple[str, bool, list[tuple[str, str]]]:
        edge = edges[origin, target]
        return edge["need"], edge["healthy"], [(one["kind"], one["evidence"]) for one in edge["sources"]]

    assert len(edges) == 13
    assert told(FEATURES, STORE) == (
        "REQUIRED",
        False,
        [("ENVIRONMENT", "STORE=postgres://store.or-local-ddk:8080/features")],
    )
    assert told(CHURN, FEATURES) == (
        "REQUIRED",
        False,
        [("DECLARED", "dependsOn.ddk/features"), ("REFERENCE", "FEATURES")],
    )
    assert told(CHURN, API) == ("REQUIRED", True, [("ENVIRONMENT", "API=https://api.stripe.com/v1")])
    assert told(FRAUD, FEATURES) == ("OPTIONAL", False, [("DECLARED", "dependsOn.ddk/features")])
    assert told("legacy", CHURN) == ("REQUIRED", False, [("ENVIRONMENT", "CHURN=churn.or-local-models:8080")])
    assert told(HOST, CHURN)[2] == [("INGRESS", "Ingress churn-main: churn.example.org/ to churn:http")]
    assert told("weekly", LATER)[2] == [("WORKFLOW", f"requires {LATER}")]


async def test_what_is_to_be_mended_first_should_be_told(graph: Nexus) -> None:
    found = await topology(graph)
    assert {one["path"] for one in found["rootCauses"]} == {STORE, LATER}
    called = {node["id"]: name(node) for node in found["nodes"]}
    assert [{called[one] for one in circle} for circle in found["cycles"]] == [{FRAUD, SCORE}]
    order = [set(generation) for generation in found["deployOrder"]]
    assert order == [{STORE}, {FEATURES}, {CHURN, FRAUD, IDLE, SCORE}, {BOARD}]


# ── scopes ──


@pytest.mark.parametrize(
    ("level", "own", "outside"),
    [
        ("or/local", EVERYTHING - {API}, {API}),
        ("or/local/ddk", {STORE, FEATURES, "legacy"}, {CHURN, FRAUD, IDLE}),
        (
            "or/local/models",
            {CHURN, FRAUD, SCORE, IDLE, LATER, HOST},
            {FEATURES, API, BOARD, "legacy", "nightly", "weekly", STORE},
        ),
        ("or/local/web", {BOARD}, {CHURN, STORE}),
        (CHURN, {CHURN, HOST}, {FEATURES, API, BOARD, "legacy", "weekly", STORE, LATER}),
        (STORE, {STORE}, {FEATURES}),
    ],
)
async def test_a_scope_should_have_its_neighbours_one_step_outside_and_what_impairs_any_of_them(
    graph: Nexus, level: str, own: set[str], outside: set[str]
) -> None:
    found = await topology(graph, level)
    assert {key for key, one in shown(found, "outside").items() if not one} == own
    assert {key for key, one in shown(found, "outside").items() if one} == outside
    inside = {node["id"] for node in found["nodes"] if not node["outside"]}
    assert all(edge["from"] in inside or edge["to"] in inside for edge in found["edges"])
    roots = [one["path"] for one in found["rootCauses"]]
    assert roots == sorted({STORE, LATER} & (own | outside))
    every = {node["id"] for node in found["nodes"]}
    assert {cause for node in found["nodes"] for cause in node["causes"]} <= every


@pytest.mark.parametrize("level", ["project", "environment", "namespace"])
async def test_a_level_should_have_the_topology_of_its_scope(graph: Nexus, level: str) -> None:
    path = {"project": "or", "environment": "or/local", "namespace": "or/local/ddk"}[level]
    document = f"""query ($path: Path!) {{ {level}(path: $path) {{ topology(filter: {{kinds: [APPLICATION]}}) {{
      scope nodes {{ path }} }} }} topology(scope: $path, filter: {{kinds: [APPLICATION]}}) {{ scope nodes {{ path }} }} }}"""
    answer = await graph.execute(document, {"path": path})
    assert answer[level]["topology"] == answer["topology"]


# ── filters ──


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, EVERYTHING),
        ({"direction": None, "unhealthyOnly": None, "unmanaged": None, "depth": None}, EVERYTHING),
        ({"kinds": ["WORKFLOW", "EXTERNAL"]}, {"nightly", "weekly", API}),
        ({"kinds": []}, set()),
        ({"kinds": ["HIDDEN"]}, set()),
        ({"health": ["SUSPENDED", "MISSING"]}, {STORE, IDLE, LATER}),
        ({"unhealthyOnly": True}, IMPAIRED | AT_RISK | {STORE, LATER}),
        ({"unmanaged": False}, EVERYTHING - {"legacy"}),
        ({"unhealthyOnly": True, "kinds": ["WORKLOAD", "INGRESS"]}, {"legacy", HOST}),
    ],
)
async def test_a_filter_should_leave_what_it_asks_for(graph: Nexus, wanted: Any, expected: set[str]) -> None:
    found, whole = await topology(graph, **wanted), await topology(graph)
    assert names(found) == expected
    kept = {node["id"] for node in found["nodes"]}
    assert all({edge["from"], edge["to"]} <= kept for edge in found["edges"])
    causes = {cause for node in found["nodes"] for cause in node["causes"]}
    roots = [one["id"] for one in found["rootCauses"]]
    assert set(roots) == causes | {one["id"] for one in whole["rootCauses"] if one["id"] in kept}
    assert [one["path"] for one in found["rootCauses"]] == sorted(one["path"] for one in found["rootCauses"])


@pytest.mark.parametrize(
    ("focus", "wanted", "expected"),
    [
        (FEATURES, {"depth": 0}, {FEATURES}),
        (FEATURES, {"depth": 1}, {FEATURES, STORE, CHURN, FRAUD, IDLE}),
        (FEATURES, {"depth": 1, "direction": "DEPENDENCIES"}, {FEATURES, STORE}),
        (FEATURES, {"depth": 1, "direction": "DEPENDENTS"}, {FEATURES, CHURN, FRAUD, IDLE}),
        (CHURN, {"direction": "DEPENDENCIES"}, {CHURN, FEATURES, STORE, API}),
        (CHURN, {"direction": "DEPENDENTS"}, {CHURN, BOARD, HOST, "legacy", "weekly"}),
        (STORE, {}, EVERYTHING - {LATER, API}),
        ("legacy", {"depth": 1}, {"legacy", CHURN}),
        (
            "nightly",
            {"direction": "DEPENDENCIES", "kinds": ["APPLICATION"]},
            {"nightly", SCORE, FRAUD, FEATURES, STORE},
        ),
    ],
)
async def test_a_focus_should_show_what_hangs_together_with_it(
    graph: Nexus, focus: str, wanted: Any, expected: set[str]
) -> None:
    node = (await ids(graph))[focus]
    assert names(await topology(graph, focus=node, **wanted)) == expected


async def test_a_node_should_be_named_by_the_id_of_what_it_stands_for(graph: Nexus) -> None:
    document = """{ application(path: "or/local/models/churn") { id }
      workflow(environment: "or/local", name: "weekly") { id }
      environment(path: "or/local") { unmanaged { nodes { id name } } } }"""
    answer = await graph.execute(document)
    (legacy,) = [one["id"] for one in answer["environment"]["unmanaged"]["nodes"]]
    for focus, expected in (
        (answer["application"]["id"], CHURN),
        (answer["workflow"]["id"], "weekly"),
        (legacy, "legacy"),
    ):
        assert names(await topology(graph, focus=focus, depth=0)) == {expected}
    for focus in ("nonsense", "", "Cluster:a", "Application:", "TopologyNode:", "Workload:a"):
        assert names(await topology(graph, focus=focus)) == set()


# ── of one application ──


async def test_an_application_should_know_its_place_in_the_graph(graph: Nexus) -> None:
    churn = (await graph.execute(APPLICATION, {"path": CHURN}))["application"]
    assert (churn["ready"], churn["impairment"], churn["blockedBy"]) == (False, "IMPAIRED", [{"path": STORE}])
    assert churn["dependencies"] == [
        {
            "application": None,
            "node": {"label": API, "kind": "EXTERNAL"},
            "need": "REQUIRED",
            "sources": [{"kind": "ENVIRONMENT"}],
        },
        {
            "application": {"path": FEATURES},
            "node": {"label": "features", "kind": "APPLICATION"},
            "need": "REQUIRED",
            "sources": [{"kind": "DECLARED"}, {"kind": "REFERENCE"}],
        },
    ]
    # By path, or by name where there is none.
    assert [one["node"]["label"] for one in churn["dependents"]] == [HOST, "legacy", "weekly", "board"]
    store = (await graph.execute(APPLICATION, {"path": STORE}))["application"]
    assert (store["ready"], store["impairment"], store["blockedBy"], store["dependencies"]) == (False, "NONE", [], [])
    board = [one for one in store["impact"]["impaired"] if one["node"]["label"] == "board"]
    node = await ids(graph)
    assert board == [{"node": {"label": "board"}, "distance": 3, "via": [node[FEATURES], node[CHURN]]}]
    assert {one["node"]["label"] for one in store["impact"]["atRisk"]} == {"fraud", "score", "nightly"}


async def test_ready_should_be_serving_and_not_impaired(graph: Nexus) -> None:
    document = """{ applications { nodes { path ready serving impairment } }
      yes: applications(filter: {ready: true}) { totalCount nodes { path } }
      no: applications(filter: {ready: false}) { totalCount nodes { path } }
      both: applications(filter: {ready: true, text: "sc"}) { nodes { path } } }"""
    answer = await graph.execute(document)
    for one in answer["applications"]["nodes"]:
        assert one["ready"] is (one["serving"] and one["impairment"] != "IMPAIRED")
    assert [one["path"] for one in answer["yes"]["nodes"]] == [FRAUD, SCORE]
    assert {one["path"] for one in answer["no"]["nodes"]} == {STORE, FEATURES, CHURN, IDLE, BOARD}
    assert answer["both"]["nodes"] == [{"path": SCORE}]


# ── by their ids ──


async def test_nodes_and_edges_should_be_found_by_their_ids(graph: Nexus) -> None:
    found = await topology(graph)
    wanted = [one["id"] for one in (*found["nodes"], *found["edges"])]
    document = """query ($ids: [ID!]!) { nodes(ids: $ids) { kind: __typename id ... on TopologyNode { label outside }
      ... on TopologyEdge { from to } } }"""
    nodes = (await graph.execute(document, {"ids": wanted}))["nodes"]
    assert [one["id"] for one in nodes] == wanted
    assert nodes[0] == {
        "kind": "TopologyNode",
        "id": wanted[0],
        "label": found["nodes"][0]["label"],
        "outside": False,
    }
    edge = found["edges"][0]
    assert nodes[-len(found["edges"])] == {"kind": "TopologyEdge", **{key: edge[key] for key in ("id", "from", "to")}}
    gone = [f"{one}x" for one in wanted]
    assert (await graph.execute(document, {"ids": gone}))["nodes"] == [None] * len(gone)
