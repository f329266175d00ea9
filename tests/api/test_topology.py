"""Questions about the graph, of one that has one of everything in it and something wrong (`topology_graph.py`)."""

from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import pytest_asyncio

from nexus_gql.access import OPERATOR_VIEWER, Role, create_token

from . import sandboxed
from .conftest import configured
from .hierarchy import declare
from .people import person
from .server import Nexus, running
from .topology_graph import (
    BOARD,
    CHURN,
    FEATURES,
    FRAUD,
    IDLE,
    LATER,
    SCORE,
    SECRETS,
    STORE,
    WORKFLOW,
    build,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOPOLOGY = """query ($scope: Path!, $filter: TopologyFilter) { topology(scope: $scope, filter: $filter) {
  scope position deployOrder cycles rootCauses { id path label }
  nodes { id label kind path group impairment serving causes outside state { status reason message since stale }
    application { path } workload { name } workflow { name } replicas { desired ready } usage { at } }
  edges { id from to need healthy sources { kind evidence } } } }"""
HOST, API = "churn.example.org", "api.stripe.com"
EVERYTHING = {STORE, FEATURES, CHURN, FRAUD, SCORE, IDLE, BOARD, LATER, HOST, API, "legacy", "nightly", "weekly"}
IMPAIRED = {FEATURES, CHURN, BOARD, IDLE, HOST, "legacy", "weekly"}
AT_RISK = {FRAUD, SCORE, "nightly"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def graph(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nexus]:
    """A server that wants tokens, with the graph on a sandbox, as it is once its parts are ready."""
    folder = tmp_path_factory.mktemp("graph")
    configuration = configured(Path(copy(migrated_file, folder / "nexus.sqlite3")))
    async with (
        sandboxed.running(folder, seed=711) as sandbox,
        running(configuration.model_copy(update={"authentication": "tokens"})) as nexus,
    ):
        _, nexus.token = await create_token(OPERATOR_VIEWER, name="first", role=Role.ADMIN, path=None, expires_in=None)
        await build(nexus, sandbox)
        while shown(await topology(nexus), "impairment") != {
            **dict.fromkeys(EVERYTHING, "NONE"),
            **dict.fromkeys(IMPAIRED, "IMPAIRED"),
            **dict.fromkeys(AT_RISK, "AT_RISK"),
        } or set(shown(await topology(nexus, health=["PROGRESSING"]), "label")):
            feed = nexus.rooms.topology.feed
            await feed.newer(feed.position)
        yield nexus


async def topology(nexus: Nexus, scope: str = "or", token: str | None = None, **wanted: Any) -> Any:
    answer = await nexus.execute(TOPOLOGY, {"scope": scope, "filter": wanted}, token)
    return answer["topology"]


def name(node: Any) -> str:
    return str((node["path"] if node["kind"] == "APPLICATION" else None) or node["label"])


def names(found: Any) -> set[str]:
    return {name(node) for node in found["nodes"]}


def shown(found: Any, field: str) -> dict[str, Any]:
    return {name(node): node[field] for node in found["nodes"]}


def arrows(found: Any) -> set[str]:
    called = {node["id"]: name(node) for node in found["nodes"]}
    return {f"{called[edge['from']]} > {called[edge['to']]}" for edge in found["edges"]}


async def ids(nexus: Nexus) -> dict[str, str]:
    """The ids of nodes by name."""
    return {name(node): node["id"] for node in (await topology(nexus))["nodes"]}


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
    assert (nodes[LATER]["application"], nodes[LATER]["state"]) == (None, None)


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


async def test_no_user_password_or_query_should_be_in_any_answer(graph: Nexus) -> None:
    document = """{ applications { nodes { dependencies { sources { evidence } node { label } } dependents { sources { evidence } }
      blockedBy { label state { message } } } } project(path: "or") { workflows { blockedBy { message } } } }"""
    answer = await graph.execute(document)
    whole = await graph.execute(TOPOLOGY, {"scope": "or"})
    for text in (answer.text, whole.text, await snapshot(graph, "or")):
        assert "store.or-local-ddk:8080/features" in text
        assert not [one for one in SECRETS if one in text]


SNAPSHOT = """subscription ($scope: Path!) { topology(scope: $scope) { complete rootCauses
  nodes { id label group causes } edges { id sources { evidence } } } }"""


async def snapshot(nexus: Nexus, scope: str, token: str | None = None) -> str:
    """The very bytes of a snapshot."""
    text, complete = "", False
    async with nexus.subscribe(SNAPSHOT, {"scope": scope}, token) as frames:
        while not complete:
            frame = await frames.next()
            assert frame is not None
            text, complete = text + frame.text, frame["topology"]["complete"]
    return text


# ── scopes ──


@pytest.mark.parametrize(
    ("scope", "own", "outside"),
    [
        ("or/local", EVERYTHING - {API}, {API}),
        ("or/local/ddk", {STORE, FEATURES, "legacy"}, {CHURN, FRAUD, IDLE}),
        (
            "or/local/models",
            {CHURN, FRAUD, SCORE, IDLE, LATER, HOST},
            {FEATURES, API, BOARD, "legacy", "nightly", "weekly"},
        ),
        ("or/local/web", {BOARD}, {CHURN}),
        (CHURN, {CHURN, HOST}, {FEATURES, API, BOARD, "legacy", "weekly"}),
        (STORE, {STORE}, {FEATURES}),
    ],
)
async def test_a_scope_should_have_its_neighbours_one_step_outside(
    graph: Nexus, scope: str, own: set[str], outside: set[str]
) -> None:
    found = await topology(graph, scope)
    assert {key for key, one in shown(found, "outside").items() if not one} == own
    assert {key for key, one in shown(found, "outside").items() if one} == outside
    inside = {node["id"] for node in found["nodes"] if not node["outside"]}
    assert all(edge["from"] in inside or edge["to"] in inside for edge in found["edges"])


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
        ({"health": ["SUSPENDED", "MISSING"]}, {STORE, IDLE}),
        ({"unhealthyOnly": True}, IMPAIRED | AT_RISK | {STORE, LATER}),
        ({"unmanaged": False}, EVERYTHING - {"legacy"}),
        ({"unhealthyOnly": True, "kinds": ["WORKLOAD", "INGRESS"]}, {"legacy", HOST}),
    ],
)
async def test_a_filter_should_leave_what_it_asks_for(graph: Nexus, wanted: Any, expected: set[str]) -> None:
    found = await topology(graph, **wanted)
    assert names(found) == expected
    kept = {node["id"] for node in found["nodes"]}
    assert all({edge["from"], edge["to"]} <= kept for edge in found["edges"])
    assert {one["id"] for one in found["rootCauses"]} <= kept


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


# ── chains and impact ──

CHAIN = (
    """query ($from: ID!, $to: ID!) { topology(scope: "or/local/web") { chain(from: $from, to: $to) { from to } } }"""
)
IMPACT = """query ($nodes: [ID!]!) { topology(scope: "or/local/web") { impactOf(nodes: $nodes) {
  impaired { node { path label kind } distance via } atRisk { node { path label kind } distance via } } } }"""


async def test_a_chain_should_lead_through_the_whole_graph(graph: Nexus) -> None:
    node = await ids(graph)
    called = {one: key for key, one in node.items()}

    async def chain(origin: str, to: str) -> list[str]:
        found = (await graph.execute(CHAIN, {"from": origin, "to": to}))["topology"]["chain"]
        return [f"{called[one['from']]} > {called[one['to']]}" for one in found]

    assert await chain(node[BOARD], node[STORE]) == [
        f"{BOARD} > {CHURN}",
        f"{CHURN} > {FEATURES}",
        f"{FEATURES} > {STORE}",
    ]
    assert await chain(node[STORE], node[BOARD]) == []
    assert await chain(node["nightly"], node[FRAUD]) == [f"nightly > {SCORE}", f"{SCORE} > {FRAUD}"]
    assert await chain("nonsense", node[STORE]) == await chain(node[BOARD], "") == []


async def test_what_would_stop_should_be_told_before_anybody_stops_it(graph: Nexus) -> None:
    node = await ids(graph)

    async def impact(*nodes: str) -> tuple[dict[str, int], dict[str, int]]:
        found = (await graph.execute(IMPACT, {"nodes": list(nodes)}))["topology"]["impactOf"]
        impaired, at_risk = (
            {name(one["node"]): one["distance"] for one in found[key]} for key in ("impaired", "atRisk")
        )
        return impaired, at_risk

    whole = {CHURN: 1, IDLE: 1, BOARD: 2, HOST: 2, "legacy": 2, "weekly": 2}
    assert await impact(node[FEATURES]) == (whole, {FRAUD: 1, SCORE: 2, "nightly": 3})
    assert await impact(node[BOARD]) == await impact("nonsense") == await impact() == ({}, {})
    assert await impact(node[SCORE]) == ({FRAUD: 1, "nightly": 1}, {})
    assert await impact(node[SCORE], node[BOARD], node[CHURN]) == (
        {FRAUD: 1, "nightly": 1, HOST: 1, "legacy": 1, "weekly": 1},
        {},
    )


# ── of one application ──

APPLICATION = """query ($path: Path!) { application(path: $path) { ready impairment blockedBy { path }
  dependencies { application { path } node { label kind } need sources { kind } }
  dependents { application { path } node { label kind } need sources { kind } }
  impact { impaired { node { label } distance via } atRisk { node { label } } } } }"""


async def test_an_application_should_know_its_place_in_the_graph(graph: Nexus) -> None:
    churn = (await graph.execute(APPLICATION, {"path": CHURN}))["application"]
    assert (churn["ready"], churn["impairment"], churn["blockedBy"]) == (False, "IMPAIRED", [{"path": STORE}])
    assert churn["dependencies"] == [
        {
            "application": {"path": FEATURES},
            "node": {"label": "features", "kind": "APPLICATION"},
            "need": "REQUIRED",
            "sources": [{"kind": "DECLARED"}, {"kind": "REFERENCE"}],
        },
        {
            "application": None,
            "node": {"label": API, "kind": "EXTERNAL"},
            "need": "REQUIRED",
            "sources": [{"kind": "ENVIRONMENT"}],
        },
    ]
    assert {one["node"]["label"] for one in churn["dependents"]} == {"board", HOST, "legacy", "weekly"}
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


# ── what somebody sees who sees a part ──


async def test_what_is_hidden_should_be_one_node_for_each_need_and_nothing_of_it_told(graph: Nexus) -> None:
    ann = await person(graph, "ann", {"or/local/models": "VIEWER"})
    found = await topology(graph, "or/local/models", ann)
    hidden = [node for node in found["nodes"] if node["kind"] == "HIDDEN"]
    assert [one["id"] for one in hidden] == ["TopologyNode:hidden:OPTIONAL", "TopologyNode:hidden:REQUIRED"]
    called = [node["path"] or node["label"] for node in found["nodes"]]
    assert called == sorted(called)
    for one in hidden:
        nothing = dict.fromkeys(
            ("path", "state", "serving", "application", "workload", "workflow", "usage", "replicas")
        )
        assert one == nothing | {
            "id": one["id"],
            "kind": "HIDDEN",
            "label": "",
            "group": "",
            "impairment": "NONE",
            "causes": [],
            "outside": True,
        }
    assert names(found) == {CHURN, FRAUD, SCORE, IDLE, LATER, HOST, API, ""}
    behind = {one["id"] for one in hidden}
    assert all(edge["sources"] == [] for edge in found["edges"] if {edge["from"], edge["to"]} & behind)
    churn = next(node for node in found["nodes"] if node["path"] == CHURN)
    assert (churn["impairment"], churn["causes"], found["rootCauses"][0]["path"]) == ("IMPAIRED", [], LATER)


async def test_the_cause_should_not_be_named_to_who_may_not_see_it(graph: Nexus) -> None:
    """The workflow requires what may be seen, which is impaired by what may not."""
    document = """{ workflow(environment: "or/local", name: "weekly") { blockedBy { path message } } }"""
    found = (await graph.execute(document))["workflow"]["blockedBy"][0]
    assert found == {"path": CHURN, "message": f"It runs, but what it requires does not: {STORE}."}
    await declare(graph, "or/other")
    given = {"environment": "or/other", "name": "flow", "requires": [CHURN]}
    await graph.mutate(WORKFLOW, given)
    eve = await person(graph, "eve", {"or/other": "VIEWER", "or/local/models": "VIEWER"})
    document = document.replace("or/local", "or/other").replace("weekly", "flow")
    found = (await graph.execute(document, token=eve))["workflow"]["blockedBy"][0]
    assert found == {"path": CHURN, "message": "What it requires does not run."}
    await graph.mutate('mutation { deleteLevel(path: "or/other") { deleted problems { code } } }')


UNSEEN = ("store", "features", "board", "legacy", "nightly", "weekly", "or-local-ddk", "stranger")


async def test_nothing_of_what_is_hidden_should_be_in_the_bytes_of_any_answer(graph: Nexus) -> None:
    ann = await person(graph, "ann", {"or/local/models": "VIEWER"})
    node = await ids(graph)
    everything = await topology(graph)
    by_id = "query ($ids: [ID!]!) { nodes(ids: $ids) { kind: __typename } }"
    questions: list[tuple[str, dict[str, Any]]] = [
        (TOPOLOGY, {"scope": "or/local/models"}),
        (TOPOLOGY, {"scope": "or/local/models", "filter": {"unhealthyOnly": True}}),
        (TOPOLOGY, {"scope": CHURN}),
        (TOPOLOGY, {"scope": "or/local/models", "filter": {"focus": node[FEATURES]}}),
        (CHAIN.replace("or/local/web", CHURN), {"from": node[CHURN], "to": node[STORE]}),
        (CHAIN.replace("or/local/web", CHURN), {"from": node["weekly"], "to": node[CHURN]}),
        (IMPACT.replace("or/local/web", CHURN), {"nodes": [node[STORE], node[FEATURES]]}),
        (IMPACT.replace("or/local/web", CHURN), {"nodes": [node[CHURN]]}),
        *((APPLICATION, {"path": path}) for path in (CHURN, FRAUD, SCORE, IDLE)),
        ('{ project(path: "or") { workflows { name } } search(text: "ly") { __typename } }', {}),
        ('{ workflow(environment: "or/local", name: "nightly") { name } }', {}),
    ]
    keys = {node[one].rpartition(":")[2] for one in (STORE, FEATURES, BOARD, "nightly", "weekly", "legacy")}
    for document, variables in questions:
        answer = await graph.execute(document, variables, ann)
        assert answer.errors == []
        # What an application of theirs declares to need is a setting of its own, and shown as one elsewhere; here it is not.
        assert not [one for one in (*UNSEEN, *keys, *SECRETS) if one in answer.text], answer.text
    sent = await snapshot(graph, "or/local/models", ann)
    assert not [one for one in (*UNSEEN, *keys, *SECRETS) if one in sent]
    theirs = await topology(graph, "or/local/models", ann)
    unseen = [one["id"] for one in everything["nodes"] if one["id"] not in {each["id"] for each in theirs["nodes"]}]
    unseen += [one["id"] for one in everything["edges"] if one["id"] not in {each["id"] for each in theirs["edges"]}]
    assert len(unseen) > 10
    assert (await graph.execute(by_id, {"ids": unseen}, ann))["nodes"] == [None] * len(unseen)
    ours = [one["id"] for one in (*theirs["nodes"], *theirs["edges"])]
    assert None not in (await graph.execute(by_id, {"ids": ours}, ann))["nodes"]


async def test_a_circle_through_what_is_hidden_should_not_be_one(graph: Nexus) -> None:
    bob = await person(graph, "bob", {SCORE: "VIEWER"})
    found = await topology(graph, SCORE, bob)
    assert found["cycles"] == []
    assert names(found) == {SCORE, ""}
    assert found["deployOrder"] == [[SCORE]]


async def test_a_list_of_ones_own_should_look_at_the_graph_once(graph: Nexus) -> None:
    """Each item asks for its neighbours; what somebody may see of the graph is made out once for all of them."""
    ann = await person(graph, "ann", {"or/local/models": "VIEWER"})
    document = "{ applications { nodes { path dependencies { node { label } } blockedBy { label } impact { impaired { distance } } } } }"
    nodes = (await graph.execute(document, token=ann))["applications"]["nodes"]
    assert [one["path"] for one in nodes] == [CHURN, FRAUD, IDLE, SCORE]
    assert nodes[0]["dependencies"] == [{"node": {"label": API}}, {"node": {"label": ""}}]


# ── what a change would take with it ──

TOLD = "impact { impaired { node { path label kind } } atRisk { node { path label kind } } } problems { code message }"
DRY = "options: {dryRun: true}"
OF_FEATURES = ({CHURN, IDLE, BOARD, HOST, "legacy", "weekly"}, {FRAUD, SCORE, "nightly"})


async def told(nexus: Nexus, mutation: str, token: str | None = None) -> tuple[set[str], set[str]] | None:
    """Whom a mutation says that it would take with it: who would stop, and who would be at risk."""
    impact = (await nexus.mutate(f"mutation {{ {mutation} {{ {TOLD} }} }}", token=token))["impact"]
    if impact is None:
        return None
    impaired, at_risk = ({name(one["node"]) for one in impact[key]} for key in ("impaired", "atRisk"))
    return impaired, at_risk


@pytest.mark.parametrize(
    "mutation",
    [
        f'remove(path: "{FEATURES}", {DRY})',
        f'scale(path: "{FEATURES}", replicas: 0, {DRY})',
        f'deploy(path: "{FEATURES}", patch: {{replicas: 0}}, {DRY})',
        f'configure(path: "{FEATURES}", patch: {{replicas: 0}}, dryRun: true)',
        f'deleteLevel(path: "{FEATURES}", remove: true, {DRY})',
    ],
)
async def test_a_dry_run_that_leaves_an_application_without_pods_should_tell_whom_it_takes_with_it(
    graph: Nexus, mutation: str
) -> None:
    assert await told(graph, mutation) == OF_FEATURES


@pytest.mark.parametrize(
    "mutation",
    [
        f'scale(path: "{FEATURES}", replicas: 2, {DRY})',
        f'deploy(path: "{FEATURES}", {DRY})',
        f'deploy(path: "{FEATURES}", patch: {{image: {{tag: "2.0"}}}}, {DRY})',
        f'deploy(path: "{STORE}", patch: {{replicas: 1}}, {DRY})',
        f'restart(path: "{FEATURES}", {DRY})',
        f'configure(path: "{FEATURES}", patch: {{image: {{tag: "2.0"}}}}, dryRun: true)',
        f'configure(path: "{FEATURES}", patch: {{replicas: 1}}, dryRun: true)',
        f'configure(path: "{STORE}", patch: {{image: {{tag: "2.0"}}}}, dryRun: true)',
    ],
)
async def test_any_other_should_tell_nothing(graph: Nexus, mutation: str) -> None:
    assert await told(graph, mutation) is None


async def test_a_level_should_take_with_it_what_needs_anything_in_it(graph: Nexus) -> None:
    for mutation in (
        f'deleteLevel(path: "or/local/ddk", remove: true, {DRY})',
        'configure(path: "or/local/ddk", patch: {replicas: 0}, dryRun: true)',
    ):
        assert await told(graph, mutation) == OF_FEATURES
    assert await told(graph, f'deploy(path: "{STORE}", {DRY})') == (
        {FEATURES} | OF_FEATURES[0],
        OF_FEATURES[1],
    )  # it is declared to have no pods


async def test_who_deletes_a_part_should_be_told_of_what_they_may_see(graph: Nexus) -> None:
    deployer = await person(graph, "dan", {"or/local/models": "DEPLOYER"})
    answer = await graph.execute(f'mutation {{ remove(path: "{CHURN}", {DRY}) {{ {TOLD} }} }}', token=deployer)
    found = answer["remove"]["impact"]
    assert ([name(one["node"]) for one in found["impaired"]], found["atRisk"]) == ([HOST], [])
    assert not [one for one in UNSEEN if one in answer.text]


async def test_a_deletion_should_tell_it_as_well_and_be_refused_without_a_word_of_it(graph: Nexus) -> None:
    refused = await graph.execute(f'mutation {{ deleteLevel(path: "{FEATURES}") {{ {TOLD} }} }}')
    assert (refused["deleteLevel"]["impact"], refused["deleteLevel"]["problems"][0]["code"]) == (None, "IN_USE")
    await declare(graph, "or/local/models/short")
    await declare(graph, "or/local/models/lived", settings={"dependsOn": [{"ref": "short"}]})
    await graph.rooms.topology.settled()
    assert await told(graph, 'deleteLevel(path: "or/local/models/short")') == ({"or/local/models/lived"}, set())
    assert await told(graph, 'deleteLevel(path: "or/local/models/lived")') == (set(), set())
    await declare(graph, "or/empty")
    assert await told(graph, 'deleteLevel(path: "or/empty")') is None
